"""The planes that divide what touches: held to where known things meet."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scan2sim.objects.rims import find_rims
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.touching import Territories
from tests.objects.fields import ball, box, mesh_of, union, welded, without

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
PLANE = SupportPlane(np.array([0.0, 0.0, 1.0]), 0.0, 0.0002, SQUARE)


@pytest.mark.parametrize("leaning", [-0.8, -0.3, 0.0, 0.3, 0.8])
def test_what_stands_side_by_side_is_divided_upright_though_its_seen_rim_leans(leaning: float) -> None:
    """Two loaves, only whose upper rims are seen: what lies lower than 2 cm is in shade and filled."""
    loaves = union(*(box((x, 0, 0.015), (0.04, 0.08, 0.03)) for x in (-0.02, 0.02)))
    bridged = union(loaves, box((0, 0, 0.01), (0.01, 0.09, 0.02)))
    mesh = mesh_of(bridged, 0.06)
    across = mesh.vertices[:, 0] - leaning * (mesh.vertices[:, 2] - 0.03)
    part = np.where(mesh.vertices[:, 2] < 0.022, -1, (across > 0).astype(np.int64))
    (rim,) = find_rims(mesh, part, mesh.vertices[:, 2] < 0.0025, PLANE)
    assert not rim.level
    assert abs(rim.normal[2]) < 0.25 * max(abs(leaning), 0.2)
    foot = np.linspace([0, -0.03, 0.002], [0, 0.03, 0.002], 5)
    assert np.abs(foot @ rim.normal - rim.offset).max() < 0.004
    assert np.linalg.norm(foot - rim.centre, axis=1).max() < rim.radius


def test_what_lies_on_another_thing_is_divided_level() -> None:
    slab, fruit = box((0, 0, 0.005), (0.1, 0.1, 0.01)), ball((0, 0, 0.029), 0.02)
    mesh = mesh_of(union(slab, fruit), 0.06)
    part = (mesh.vertices[:, 2] > 0.0115 + 0.002 * (mesh.vertices[:, 0] > 0)).astype(np.int64)
    (rim,) = find_rims(mesh, part, mesh.vertices[:, 2] < 0.0025, PLANE)
    assert (rim.level, rim.above, rim.below) == (True, 1, 0)
    np.testing.assert_allclose(rim.normal, PLANE.normal)
    assert 0.009 < rim.offset < 0.013


def test_the_lower_thing_reaches_not_up_into_what_lies_on_it_though_its_surface_was_cut_too_high() -> None:
    slab, fruit = box((0, 0, 0.005), (0.1, 0.1, 0.01)), ball((0, 0, 0.029), 0.02)
    mesh = mesh_of(union(slab, fruit), 0.06)
    spur = (mesh.vertices[:, 0] < -0.008) & (mesh.vertices[:, 2] < 0.024)  # a quarter of the fruit's flank
    part = ((mesh.vertices[:, 2] > 0.0115) & ~spur).astype(np.int64)
    rims = tuple(find_rims(mesh, part, mesh.vertices[:, 2] < 0.0025, PLANE))
    space = Territories(mesh.vertices, part, rims, 0.002)
    inside = np.random.default_rng(0).uniform([-0.05, -0.05, 0], [0.05, 0.05, 0.05], (20_000, 3))
    deep = union(slab, fruit)(inside) < -0.0025
    owner = space.owner(torch.tensor(inside)).numpy()
    assert (owner[deep & (inside[:, 2] > 0.0125)] == 1).all()
    assert (owner[deep & (inside[:, 2] < 0.0095)] == 0).all()


@pytest.mark.parametrize(("bowl", "fruit"), [(0.05, 0.03), (0.055, 0.035), (0.045, 0.025), (0.055, 0.045)])
def test_what_lies_in_a_bowl_reaches_lower_than_the_ring_where_both_are_seen_to_meet(bowl: float, fruit: float) -> None:
    """Balls in hollow balls whose floor is 5 mm thick; the gap between both is filled where it is narrow."""
    thing, inside = ball((0, 0, 0.005 + fruit), fruit), ball((0, 0, 0.005 + bowl), bowl)
    hull = without(ball((0, 0, 0.005 + bowl), bowl + 0.005), inside)
    filled = welded(hull, thing, 0.003)
    mesh = mesh_of(union(lambda x: np.maximum(filled(x), x[..., 2] - 0.9 * bowl), thing), bowl + 0.015)
    part = (np.abs(thing(mesh.vertices)) < np.abs(hull(mesh.vertices))).astype(np.int64)
    (rim,) = find_rims(mesh, part, mesh.vertices[:, 2] < 0.0025, PLANE)
    assert (rim.level, rim.above, rim.below) == (True, 1, 0)
    assert 0.55 < rim.dip / (rim.offset - 0.005) < 1.05
    space = Territories(mesh.vertices, part, (rim,), 0.002)
    where = np.random.default_rng(0).uniform([-bowl, -bowl, 0], [bowl, bowl, rim.offset], (80_000, 3))
    owner = space.owner(torch.tensor(where)).numpy()
    assert (owner[thing(where) < -0.003] == 1).mean() > 0.95
    beneath = np.linalg.norm(where[:, :2], axis=1) < rim.radius
    assert (owner[beneath & (hull(where) < -0.001)] == 0).mean() > 0.99


@pytest.mark.parametrize("rising", [0.0, 0.4])
def test_what_lies_on_a_plate_does_not(rising: float) -> None:
    def plate(x: np.ndarray) -> np.ndarray:
        out = np.hypot(x[..., 0], x[..., 1])
        return np.maximum(x[..., 2] - 0.01 - rising * np.maximum(out - 0.015, 0), out - 0.05)

    fruit = ball((0, 0, 0.029), 0.02)
    mesh = mesh_of(welded(plate, fruit, 0.002), 0.07)
    part = (fruit(mesh.vertices) < plate(mesh.vertices)).astype(np.int64)
    (rim,) = find_rims(mesh, part, mesh.vertices[:, 2] < 0.0025, PLANE)
    assert (rim.level, rim.dip) == (True, 0.0)
