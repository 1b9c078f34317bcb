"""Surfaces of known things that touch are cut into as many parts as there are things, at the right places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from trimesh.util import unitize

from scan2sim.objects.creases import cut_at_creases
from scan2sim.objects.joining import join_pieces
from tests.objects.fields import Field, ball, box, daylight, mesh_of, ring, tube, union, welded, without

UNIT = 0.5


def parts(field: Field, size: float = 0.09, noise: float = 0.0, color=None) -> tuple[trimesh.Trimesh, np.ndarray, int]:
    """In daylight: photos show a crease by its shade."""
    mesh = mesh_of(field, size, color)
    light = daylight(field, mesh.vertices, np.array(mesh.vertex_normals))
    mesh.visual.vertex_colors[:, :3] = mesh.visual.vertex_colors[:, :3] * light[:, None]
    mesh.vertices += np.random.default_rng(0).normal(0, noise, mesh.vertices.shape)
    floor = mesh.vertices[:, 2] < 0.0025
    pieces = cut_at_creases(mesh, floor, UNIT)
    labels, count = join_pieces(mesh, pieces, floor, np.ones(len(floor), bool), UNIT, 0.015)
    return mesh, labels, count


cup = union(
    without(tube((0, 0, 0.03), 0.035, 0.06), tube((0, 0, 0.04), 0.031, 0.06)),
    without(ring((0.035, 0, 0.032), 0.018, 0.004), tube((0, 0, 0.04), 0.033, 0.06)),
)


@pytest.mark.parametrize("noise", [0.0, 0.0001])
def test_two_balls_that_touch_are_two(noise: float) -> None:
    mesh, labels, count = parts(union(ball((-0.025, 0, 0.025), 0.026), ball((0.025, 0, 0.025), 0.026)), noise=noise)
    assert count == 2
    left = mesh.vertices[:, 0] < 0
    assert max((labels == 0)[left].mean(), (labels == 1)[left].mean()) > 0.98


def test_a_ball_on_a_plate_is_a_thing_of_its_own() -> None:
    plate = without(tube((0, 0, 0.006), 0.06, 0.012), tube((0, 0, 0.012), 0.054, 0.014))
    mesh, labels, count = parts(union(plate, ball((0.01, 0, 0.028), 0.024)))
    assert count == 2
    upper = labels[int(mesh.vertices[:, 2].argmax())]
    assert np.abs(mesh.vertices[labels == upper].mean(0)[:2] - [0.01, 0]).max() < 0.003


def test_a_dent_around_a_place_that_no_photo_shows_makes_it_no_thing() -> None:
    """A lamp's mirror image sinks the surface around what patterns hold; the photos show nothing there."""
    sunk = union(ball((0, 0, 0.02), 0.03), ball((0, 0, 0.054), 0.011))
    mesh = mesh_of(sunk, 0.06)
    floor = mesh.vertices[:, 2] < 0.0025
    light = daylight(ball((0, 0, 0.02), 0.03), mesh.vertices, unitize(mesh.vertices - [0, 0, 0.02]))

    def things(light: np.ndarray) -> int:
        mesh.visual.vertex_colors[:, :3] = 150 * light[:, None]
        pieces = cut_at_creases(mesh, floor, UNIT)
        return join_pieces(mesh, pieces, floor, np.ones(len(floor), bool), UNIT, 0.015)[1]

    assert things(light) == 1
    assert things(daylight(sunk, mesh.vertices, np.array(mesh.vertex_normals))) == 2


def test_a_cup_keeps_its_handle_and_its_floor() -> None:
    assert parts(cup)[2] == 1


def test_a_ball_beside_a_cup_is_a_thing_of_its_own_and_the_handle_is_none() -> None:
    assert parts(union(cup, ball((-0.058, 0, 0.024), 0.024)), size=0.09)[2] == 2


def test_a_low_bump_of_one_colour_belongs_to_what_it_is_on_and_a_coloured_one_does_not() -> None:
    slab = box((0, 0, 0.01), (0.12, 0.12, 0.02))
    bump = without(ball((0, 0, -0.032), 0.06), lambda x: 0.02 - x[..., 2])
    assert parts(union(slab, bump))[2] == 1

    def painted(x: np.ndarray) -> np.ndarray:
        return np.where((x[:, 2] > 0.0203)[:, None], [200.0, 40, 40], [150.0, 150, 150])

    coin = tube((0, 0, 0.021), 0.02, 0.01)
    assert parts(union(slab, coin), color=painted)[2] == 2


def test_a_bunch_that_hangs_together_at_one_end_is_one_thing() -> None:
    crown = np.array([0.06, 0, 0.011])

    def fruit(y: float) -> Field:  # a capsule from the crown outwards
        along = np.array([-0.05, y, 0.011]) - crown

        def field(x: np.ndarray) -> np.ndarray:
            part = ((x - crown) @ along / (along @ along)).clip(0, 1)
            return np.linalg.norm(x - crown - part[..., None] * along, axis=-1) - 0.0105

        return field

    assert parts(union(*(fruit(y) for y in (-0.024, 0.0, 0.024))))[2] == 1


def test_a_crease_that_is_hardly_one_tells_two_colours_apart_and_not_one() -> None:
    filled = welded(ball((-0.022, 0, 0.024), 0.024), ball((0.022, 0, 0.024), 0.024), 0.007)

    def painted(x: np.ndarray) -> np.ndarray:
        return np.where((x[:, 0] > 0)[:, None], [170.0, 120, 40], [150.0, 150, 150])

    assert parts(filled)[2] == 1
    mesh, labels, count = parts(filled, color=painted)
    assert count == 2
    left = mesh.vertices[:, 0] < 0
    assert max((labels == 0)[left].mean(), (labels == 1)[left].mean()) > 0.97


def test_what_stands_on_another_thing_needs_a_less_complete_crease_if_its_colour_differs() -> None:
    pot = union(tube((0, 0, 0.037), 0.035, 0.05), without(ball((0, 0, 0.05), 0.045), lambda x: 0.012 - x[..., 2]))

    def things(color: list[float]) -> int:
        """On a board, where a sixth of the crease cannot be seen."""

        def painted(x: np.ndarray) -> np.ndarray:
            return np.where((x[:, 2] > 0.0125)[:, None], color, [150.0, 150, 150])

        mesh = mesh_of(union(box((0, 0, 0.006), (0.15, 0.13, 0.012)), pot), 0.09, painted)
        floor = mesh.vertices[:, 2] < 0.0025
        pieces = cut_at_creases(mesh, floor, UNIT)
        hidden = np.abs(np.arctan2(mesh.vertices[:, 1], mesh.vertices[:, 0])) < np.radians(30)
        shade = np.full(len(hidden), 10.0)
        pieces = replace(pieces, evidence=np.where(hidden, 0.0, pieces.evidence), contrast=shade)
        return join_pieces(mesh, pieces, floor, np.ones(len(floor), bool), UNIT, 0.015)[1]

    assert things([158.0, 145, 142]) == 2
    assert things([150.0, 150, 150]) == 1


@pytest.mark.parametrize(
    "field", [cup, ball((0, 0, 0.03), 0.03), box((0, 0, 0.01), (0.12, 0.12, 0.02))], ids=["cup", "ball", "slab"]
)
@pytest.mark.parametrize("axis", [0, 2])
def test_colours_alone_tell_nothing_apart(field: Field, axis: int) -> None:
    def striped(x: np.ndarray) -> np.ndarray:
        return np.where((np.floor(x[:, axis] * 60) % 2 == 0)[:, None], [200.0, 40, 40], [150.0, 150, 150])

    assert parts(field, color=striped, noise=0.0001)[2] == 1
