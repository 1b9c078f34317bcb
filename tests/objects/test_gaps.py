"""Gaps in thin things: closed where no view looks through them, left where one does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import trimesh

from scan2sim.objects.surface import object_surface
from tests.objects.sphere import PLANE
from tests.objects.test_symmetry import cameras, photograph

HEIGHT = 0.004
CELL = 0.16 / 96


def fused(truth: trimesh.Trimesh, sunk: float) -> trimesh.Trimesh:
    """The surface where the depth of what shows the thing's middle lies so far within the table [m]."""
    views, masks = photograph(truth, cameras(0, 360))
    spoilt = []
    for view, mask in zip(views, masks, strict=True):
        points, _ = view.points()
        middle = mask & (points[..., :2].norm(dim=-1) < 0.02)
        spoilt.append(replace(view, depth=torch.where(middle, view.depth + sunk, view.depth)))
    low, high = torch.tensor([-0.08, -0.08, -0.01]), torch.tensor([0.08, 0.08, 0.07])
    mesh = object_surface(spoilt, masks, low, high, PLANE, 96)
    assert mesh is not None
    return mesh


def tops(mesh: trimesh.Trimesh, places: np.ndarray) -> np.ndarray:
    """How high the surface is over places (N, 2) of the table; 0 where it is not."""
    start = np.column_stack([places, np.full(len(places), 0.1)])
    hits, rays, _ = mesh.ray.intersects_location(start, np.tile([0.0, 0, -1], (len(places), 1)), multiple_hits=False)
    found = np.zeros(len(places))
    found[rays] = hits[:, 2]
    return found


def test_a_plate_whose_middle_seems_to_lie_within_the_table_has_no_hole() -> None:
    plate = trimesh.creation.cylinder(0.06, HEIGHT).apply_translation([0, 0, HEIGHT / 2])
    places = np.random.default_rng(0).uniform(-0.03, 0.03, (200, 2))
    for sunk in (0.0, 0.01, 0.02):
        mesh = fused(plate, sunk)
        assert mesh.euler_number == 2
        assert np.abs(tops(mesh, places) - HEIGHT).max() < CELL


def test_a_ring_through_which_the_table_shows_keeps_its_hole() -> None:
    ring = trimesh.creation.annulus(0.03, 0.06, HEIGHT).apply_translation([0, 0, HEIGHT / 2])
    mesh = fused(ring, 0.0)
    assert mesh.euler_number == 0
    assert tops(mesh, np.random.default_rng(0).uniform(-0.015, 0.015, (100, 2))).max() == 0


def test_beside_a_thing_that_leans_out_the_table_stays_free() -> None:
    """A cone on its tip: views from all around see it over the ground beside its foot."""
    cone = trimesh.creation.cone(0.05, 0.06).apply_transform(np.diag([1.0, 1, -1, 1])).apply_translation([0, 0, 0.06])
    mesh = fused(cone, 0.0)
    around = np.abs(mesh.vertices[:, 2] - 0.005) < 0.002
    assert np.linalg.norm(mesh.vertices[around][:, :2], axis=1).max() < 0.02
