"""Surfaces taken from a signed distance: which side of them a point lies on."""

import numpy as np
import trimesh

from scan2sim.objects.surface import behind


def test_points_behind_a_surface_are_inside() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.05)
    directions = np.random.default_rng(0).normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert behind(ball, 0.045 * directions).all()
    assert not behind(ball, 0.055 * directions).any()
    assert behind(ball, np.zeros((0, 3))).shape == (0,)
