from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from scan2sim.bodies import ConvexConfig, bounded_hull, close_mesh, convex_pieces, crossings, is_convex
from scan2sim.errors import SceneError

MESHES = Path(__file__).parents[2] / "assets" / "captures" / "tabletop" / "meshes"


def bowl() -> trimesh.Trimesh:
    outline = [[0, 0], [0.03, 0], [0.06, 0.05], [0.055, 0.05], [0.028, 0.005], [0, 0.005]]
    return trimesh.creation.revolve(np.array(outline), sections=16)


def inside(pieces: tuple[trimesh.Trimesh, ...], points: np.ndarray) -> np.ndarray:
    hulls = [ConvexHull(piece.vertices).equations for piece in pieces]
    return np.any([(points @ e[:, :3].T + e[:, 3] <= 1e-9).all(1) for e in hulls], axis=0)


def test_a_bowl_stays_hollow() -> None:
    pieces = convex_pieces(bowl(), seed=0)
    assert 4 <= len(pieces) <= ConvexConfig().max_pieces
    assert all(is_convex(piece) and len(piece.vertices) <= ConvexConfig().max_vertices for piece in pieces)
    heights = np.linspace(0.012, 0.045, 20)
    axis = np.column_stack([0 * heights, 0 * heights, heights])
    assert not inside(pieces, axis).any()  # something can be put in
    bottom = np.array([[0.0, 0.0, 0.0025], [0.015, 0.0, 0.0025]])
    assert inside(pieces, bottom).all()
    assert sum(piece.volume for piece in pieces) < 1.5 * bowl().volume


def test_the_same_seed_gives_the_same_pieces() -> None:
    first, second = convex_pieces(bowl(), seed=7), convex_pieces(bowl(), seed=7)
    assert len(first) == len(second)
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("name", ["lemon", "kiwi", "mouse"])
def test_what_is_nearly_convex_stays_one_piece(name: str) -> None:
    scan = close_mesh(trimesh.load_mesh(MESHES / f"{name}.ply", process=False))
    (piece,) = convex_pieces(scan)
    assert is_convex(piece)
    assert len(piece.vertices) <= ConvexConfig().whole_vertices
    assert piece.volume == pytest.approx(scan.volume, rel=0.03)
    assert np.abs(piece.bounds - scan.bounds).max() < 0.001


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), count=st.integers(8, 300), limit=st.integers(8, 40))
def test_bounded_hull_lies_inside_and_near(seed: int, count: int, limit: int) -> None:
    points = np.random.default_rng(seed).normal(size=(count, 3)) * [0.3, 0.1, 0.05] + [5, -2, 1]
    hull = bounded_hull(points, limit)
    exact = ConvexHull(points)
    assert is_convex(hull)
    assert len(hull.vertices) <= limit
    assert (hull.vertices @ exact.equations[:, :3].T + exact.equations[:, 3]).max() < 1e-9
    assert hull.volume > 0.5 * exact.volume
    if len(exact.vertices) <= limit:
        assert hull.volume == pytest.approx(exact.volume, rel=1e-3)


def test_flat_points_have_no_hull() -> None:
    with pytest.raises(SceneError, match="no volume"):
        bounded_hull(np.random.default_rng(0).random((20, 3)) * [1, 1, 0], 16)


def test_convexity_is_recognised() -> None:
    assert is_convex(trimesh.creation.icosphere(subdivisions=2))
    assert not is_convex(bowl())
    box = trimesh.creation.box()
    assert not is_convex(trimesh.Trimesh(box.vertices, box.faces[1:], process=False))


def test_open_meshes_are_refused() -> None:
    box = trimesh.creation.box()
    with pytest.raises(SceneError, match="closed"):
        convex_pieces(trimesh.Trimesh(box.vertices, box.faces[2:], process=False))


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_edges_cross_a_plane_where_trimesh_cuts_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hull = trimesh.convex.convex_hull(rng.normal(size=(40, 3)))
    normal = rng.normal(size=3)
    height = hull.vertices @ normal - rng.uniform(-0.5, 0.5) * np.linalg.norm(normal)
    ours = crossings(hull, height)
    section = trimesh.intersections.mesh_plane(hull, normal, hull.vertices[0] - height[0] * normal / (normal @ normal))
    theirs = np.unique(section.reshape(-1, 3).round(9), axis=0)
    assert len(ours) == len(theirs) > 0
    np.testing.assert_allclose(ours[np.lexsort(ours.round(9).T)], theirs[np.lexsort(theirs.T)], atol=1e-8)
