"""Particles and distance grids against solids whose distances are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.errors import UsageError
from splatwm.particles import distance_grid, signed_distances, surface_particles
from splatwm.shapes import box, capsule, shape_from_pieces, sphere


def box_distance(points: np.ndarray, half: np.ndarray) -> np.ndarray:
    beyond = np.abs(points) - half
    return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(1), 0)


def test_distances_to_boxes_balls_and_capsules_are_exact() -> None:
    points = np.random.default_rng(0).uniform(-0.08, 0.08, (500, 3))
    half = np.array([0.03, 0.02, 0.05])
    assert signed_distances(box(half), points) == pytest.approx(box_distance(points, half), abs=2e-6)
    assert signed_distances(sphere(0.04), points) == pytest.approx(np.linalg.norm(points, axis=1) - 0.04, abs=2e-6)
    along = points - np.clip(points[:, 2:], -0.03, 0.03) * [0, 0, 1]
    assert signed_distances(capsule(0.02, 0.03), points) == pytest.approx(
        np.linalg.norm(along, axis=1) - 0.02, abs=2e-6
    )


def test_a_grid_gives_distances_between_its_corners_and_beyond() -> None:
    half = np.array([0.03, 0.02, 0.05])
    grid = distance_grid(box(half), resolution=49)
    points = np.random.default_rng(1).uniform(-0.055, 0.055, (400, 3))
    found = grid.sample(torch.tensor(points, dtype=torch.float32)).numpy()
    error = np.abs(found - box_distance(points, half))
    assert np.median(error) < 2e-4
    assert error.max() < 0.01, "far beyond the grid it is a bound"
    with pytest.raises(UsageError, match="grid"):
        distance_grid(box(half), resolution=1)


def test_particles_lie_on_the_outside_of_all_pieces_and_are_spread() -> None:
    parts = [trimesh.creation.box((0.06, 0.02, 0.02)), trimesh.creation.box((0.02, 0.06, 0.02))]
    cross = shape_from_pieces(parts)
    points = surface_particles(cross, 200)
    assert points.shape == (200, 3)
    assert np.abs(signed_distances(cross, points)).max() < 2e-5
    nearest = np.linalg.norm(points[:, None] - points, axis=-1) + np.eye(200)
    assert nearest.min() > 0.3 * np.sqrt(0.0112 / 200)
    assert np.array_equal(points, surface_particles(cross, 200)), "the same for the same seed"
    ball = surface_particles(sphere(0.03), 64)
    assert np.linalg.norm(ball, axis=1) == pytest.approx(0.03, rel=0.03)
