"""Which points a surface encloses: held to trimesh's rays, and to shapes whose insides are known."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.bodies import FAMILIES, Surface, difference, enclosed, enclosed_grid, procedural_shape

BALL = trimesh.creation.icosphere(subdivisions=4, radius=0.05)


def bowl() -> trimesh.Trimesh:
    """Half a hollow ball with walls of 4 mm, open above."""
    inner = trimesh.creation.icosphere(subdivisions=4, radius=0.046)
    half = trimesh.creation.box(bounds=[[-1, -1, 0], [1, 1, 1]])
    shell = difference(BALL, inner.union(half, engine="manifold"))
    assert shell is not None
    return shell


def in_bowl(points: np.ndarray) -> np.ndarray:
    radius = np.linalg.norm(points, axis=1)
    return (points[:, 2] < 0) & (radius < 0.05) & (radius > 0.046)


def test_the_air_over_a_bowl_is_outside() -> None:
    points = np.random.default_rng(0).uniform(-0.055, 0.055, (20_000, 3))
    radius = np.linalg.norm(points, axis=1)
    clear = np.minimum(np.abs(radius - 0.046), np.abs(radius - 0.05)) > 3e-4  # the balls are polyhedra
    np.testing.assert_array_equal(enclosed(bowl(), points)[clear], in_bowl(points)[clear])


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(FAMILIES), st.integers(0, 1000))
def test_all_shapes_agree_with_rays(family: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mesh = procedural_shape(family, rng).mesh
    points = rng.uniform(mesh.bounds[0] - 0.01, mesh.bounds[1] + 0.01, (3000, 3))
    far = Surface(mesh).distances(points) > 1e-6
    np.testing.assert_array_equal(enclosed(mesh, points)[far], mesh.contains(points)[far])


def test_a_grid_is_the_same_for_all_its_points_even_where_they_lie_on_edges() -> None:
    for mesh in (bowl(), trimesh.creation.box((0.06, 0.06, 0.06)), trimesh.creation.torus(0.04, 0.012)):
        cell, corner = 0.004, np.array([-0.06, -0.06, -0.06])
        shape = 31, 31, 31
        points = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1).reshape(-1, 3) * cell + corner
        found = enclosed_grid(mesh, corner, cell, shape)
        clear = Surface(mesh).distances(points) > 1e-6
        np.testing.assert_array_equal(found.ravel()[clear], enclosed(mesh, points)[clear])
        volume = float(found.sum()) * cell**3
        assert volume == pytest.approx(mesh.volume, rel=0.25)


def test_a_hole_in_the_surface_puts_nothing_inside() -> None:
    """The lines through a hole above cross the surface below only: they are outside on both sides of it."""
    open_ball = trimesh.Trimesh(BALL.vertices, BALL.faces[BALL.triangles_center[:, 2] < 0.045], process=False)
    under = np.array([[0.0, 0.0, z] for z in (-0.06, -0.03, 0.0, 0.048, 0.06)])
    assert not enclosed(open_ball, under).any()
    assert enclosed(open_ball, [[0.03, 0, 0]]).all()
    assert enclosed(BALL, np.zeros((0, 3))).shape == (0,)
