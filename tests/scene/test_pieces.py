"""Collision pieces in one file: nothing is lost, other programs read them, and damaged files are refused."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scan2sim.bodies import is_convex
from scan2sim.errors import SceneError
from scan2sim.scene import encode_pieces, read_pieces, write_obj


def hulls(seed: int, counts: list[int]) -> list[trimesh.Trimesh]:
    rng = np.random.default_rng(seed)
    return [trimesh.convex.convex_hull(rng.normal(size=(count, 3)) * 0.1 + rng.normal(size=3)) for count in counts]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), counts=st.lists(st.integers(4, 60), min_size=1, max_size=6))
def test_pieces_come_back_in_their_order(seed: int, counts: list[int], tmp_path: Path) -> None:
    pieces = hulls(seed, counts)
    (tmp_path / "all.glb").write_bytes(encode_pieces(pieces))
    found = read_pieces(tmp_path / "all.glb")
    assert len(found) == len(pieces)
    for a, b in zip(found, pieces, strict=True):
        assert np.array_equal(a.faces, b.faces)
        assert np.array_equal(a.vertices, np.asarray(b.vertices, np.float32))
        assert is_convex(a)


@pytest.mark.parametrize("subdivisions", [2, 3, 5])
def test_other_programs_read_each_piece_by_itself(subdivisions: int, tmp_path: Path) -> None:
    """With indices of one, two and two bytes; trimesh stands for all."""
    pieces = [trimesh.creation.icosphere(subdivisions, radius) for radius in (0.1, 0.2)]
    (tmp_path / "all.glb").write_bytes(encode_pieces(pieces))
    scene = trimesh.load_scene(tmp_path / "all.glb")
    assert [mesh.is_convex and mesh.is_watertight for mesh in scene.geometry.values()] == [True, True]
    np.testing.assert_allclose(scene.extents, 0.4, rtol=0.01)


def test_a_file_of_one_piece_is_read_as_ever(tmp_path: Path) -> None:
    (piece,) = hulls(1, [20])
    write_obj(piece, tmp_path / "0.obj")
    (found,) = read_pieces(tmp_path / "0.obj")
    np.testing.assert_allclose(found.vertices, piece.vertices, rtol=1e-8)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    data = encode_pieces(hulls(0, [12, 30]))
    path, rng = tmp_path / "all.glb", random.Random(0)
    whole = len(data)
    for cut in (0, 3, 11, 40, whole // 2, whole - 5):
        path.write_bytes(data[:cut])
        with pytest.raises(SceneError):
            read_pieces(path)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(3):
            damaged[rng.randrange(whole)] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            found = read_pieces(path)
        except SceneError:
            continue
        assert all(np.isfinite(piece.vertices).all() and piece.faces.max() < len(piece.vertices) for piece in found)
    with pytest.raises(SceneError, match="lacks this file"):
        read_pieces(tmp_path / "none.glb")
