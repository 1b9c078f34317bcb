"""Surfaces that overlap are parted: what is trusted less gives way, and what only touches stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import difference, is_closed
from scan2sim.objects.fusing import Refined
from scan2sim.objects.overlaps import parted


def surface(centre: tuple[float, float, float], radius: float, trust: float) -> Refined:
    mesh = trimesh.creation.icosphere(4, radius)
    mesh.apply_translation(centre)
    return Refined(mesh, np.full(len(mesh.vertices), trust))


@pytest.mark.parametrize(("first", "second", "yields"), [(0.2, 0.9, 1), (0.9, 0.2, 2)])
def test_what_is_trusted_less_gives_way(first: float, second: float, yields: int) -> None:
    before = {1: surface((0, 0, 0), 0.03, first), 2: surface((0.05, 0, 0), 0.03, second)}
    after = parted(before)
    stays = 3 - yields
    assert after[stays] is before[stays]
    lens = np.pi * (4 * 0.03 + 0.05) * (2 * 0.03 - 0.05) ** 2 / 12  # of two equal balls, 5 cm apart
    assert before[yields].mesh.volume - after[yields].mesh.volume == pytest.approx(lens, rel=0.05)
    assert is_closed(after[yields].mesh)
    assert len(after[yields].trust) == len(after[yields].mesh.vertices)
    assert is_closed(after[yields].mesh.subdivide())  # as the completion of what is unseen does
    again = trimesh.boolean.intersection([after[1].mesh, after[2].mesh], engine="manifold")
    assert again.volume < 1e-3 * lens


def overlap(surfaces: dict[int, Refined]) -> float:
    common = trimesh.boolean.intersection([surfaces[1].mesh, surfaces[2].mesh], engine="manifold")
    with np.errstate(divide="ignore", invalid="ignore"):  # of the centre of a common face
        return 0.0 if common.is_empty else float(common.volume)


def test_of_things_side_by_side_that_nothing_tells_of_each_gives_way_by_half() -> None:
    before = {1: surface((0, 0, 0.001), 0.03, 0.1), 2: surface((0.05, 0.01, 0), 0.03, 0.1)}
    after, lens = parted(before), overlap(before)
    for number in before:
        assert before[number].mesh.volume - after[number].mesh.volume == pytest.approx(lens / 2, rel=0.05)
        assert is_closed(after[number].mesh)
    assert overlap(after) < 1e-3 * lens


@pytest.mark.parametrize("upper", [1, 2])
def test_of_things_on_each_other_that_nothing_tells_of_the_upper_gives_way(upper: int) -> None:
    before = {upper: surface((0.005, 0, 0.05), 0.03, 0.1), 3 - upper: surface((0, 0, 0), 0.03, 0.15)}
    after, lens = parted(dict(sorted(before.items()))), overlap(before)
    assert after[3 - upper] is before[3 - upper]
    assert before[upper].mesh.volume - after[upper].mesh.volume == pytest.approx(lens, rel=0.05)


def test_what_is_not_closed_stays_as_it_is() -> None:
    whole = surface((0.05, 0, 0), 0.03, 0.9)
    torn = surface((0, 0, 0), 0.03, 0.2)
    torn.mesh.update_faces(np.arange(len(torn.mesh.faces)) > 0)
    before = {1: torn, 2: whole}
    assert parted(before) == before


def test_what_only_touches_stays_as_it_is() -> None:
    before = {1: surface((0, 0, 0), 0.03, 0.2), 2: surface((0.0599, 0, 0), 0.03, 0.9), 7: surface((1, 0, 0), 0.1, 0.5)}
    assert parted(before) == before


@pytest.mark.parametrize("trusts", [(0.1, 0.1), (0.1, 0.9)])
def test_what_reaches_deep_is_cut_though_hardly_any_vertices_do(trusts: tuple[float, float]) -> None:
    """As a fruit and the narrow bump of a plate that nobody sees beneath it: it would be lifted by the depth."""
    bump = trimesh.creation.box((0.006, 0.006, 0.004), trimesh.transformations.translation_matrix([0, 0, 0.003]))
    flat = trimesh.creation.box((0.13, 0.13, 0.006))
    plate = trimesh.boolean.union([flat, bump], engine="manifold").subdivide().subdivide().subdivide()
    fruit = surface((0, 0, 0.0331), 0.03, trusts[0])
    before = {1: fruit, 2: Refined(plate, np.full(len(plate.vertices), trusts[1]))}
    assert (np.abs(fruit.mesh.vertices - [0, 0, 0.003]).max(1) < 0.003).mean() < 0.005
    after = parted(before)
    assert after[2] is before[2]
    assert overlap(before) > 1e-8
    assert overlap(after) < 1e-10
    assert is_closed(after[1].mesh)


def test_what_lies_in_another_thing_is_not_cut_away() -> None:
    before = {1: surface((0, 0, 0), 0.03, 0.2), 2: surface((0, 0, 0), 0.04, 0.9)}
    assert parted(before) == before


def test_of_what_falls_apart_the_largest_piece_is_left() -> None:
    bar, wall = trimesh.creation.box((0.2, 0.02, 0.02)), trimesh.creation.box((0.02, 0.1, 0.1))
    wall.apply_translation((0.03, 0, 0))
    rest = difference(bar, wall)
    assert rest is not None
    assert rest.bounds == pytest.approx(np.array([[-0.1, -0.01, -0.01], [0.02, 0.01, 0.01]]))
    assert difference(bar, trimesh.creation.box((1, 1, 1))) is None
