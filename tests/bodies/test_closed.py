# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.bodies import close_mesh, enclosed_volume, is_closed
from scan2sim.errors import SceneError


def with_holes(mesh: trimesh.Trimesh, seed: int, share: float) -> trimesh.Trimesh:
    keep = np.random.default_rng(seed).random(len(mesh.faces)) > share
    return trimesh.Trimesh(mesh.vertices, mesh.faces[keep], process=False)


def test_knows_closed_from_open() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2)
    assert is_closed(ball)
    assert not is_closed(trimesh.Trimesh(ball.vertices, ball.faces[1:], process=False))
    inverted = ball.copy()
    inverted.invert()
    assert not is_closed(inverted)
    broken = ball.copy()
    broken.vertices[0] = np.nan
    assert not is_closed(broken)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), share=st.floats(0.01, 0.15))
def test_fills_holes_of_a_ball(seed: int, share: float) -> None:
    ball = trimesh.creation.icosphere(subdivisions=3)
    closed = close_mesh(with_holes(ball, seed, share))
    assert is_closed(closed)
    assert closed.volume == pytest.approx(ball.volume, rel=0.08)


def test_merges_seams_and_keeps_colors() -> None:
    box = trimesh.creation.box((1, 2, 3))
    soup = trimesh.Trimesh(box.vertices[box.faces].reshape(-1, 3), np.arange(36).reshape(-1, 3), process=False)
    soup.visual.vertex_colors = np.tile([10, 200, 30, 255], (36, 1))
    assert not is_closed(soup)
    closed = close_mesh(soup)
    assert is_closed(closed)
    assert len(closed.vertices) == 8
    assert closed.volume == pytest.approx(6)
    assert (closed.visual.vertex_colors == [10, 200, 30, 255]).all()


def test_removes_a_flap_and_turns_faces_outwards() -> None:
    box = trimesh.creation.box((1, 1, 1))
    faces = np.vstack([box.faces[:, ::-1], [[0, 1, 7]]])  # inside out, and a face across the inside
    closed = close_mesh(trimesh.Trimesh(box.vertices, faces, process=False))
    assert is_closed(closed)
    assert closed.volume == pytest.approx(1)


def test_two_shells_stay_two() -> None:
    a, b = trimesh.creation.icosphere(subdivisions=2), trimesh.creation.icosphere(subdivisions=2)
    b.apply_translation([3, 0, 0])
    b.invert()
    both = trimesh.util.concatenate([a, b])
    assert isinstance(both, trimesh.Trimesh)
    closed = close_mesh(with_holes(both, 3, 0.05))
    assert closed.body_count == 2
    assert closed.volume == pytest.approx(2 * a.volume, rel=0.05)


def test_a_flat_sheet_cannot_be_closed() -> None:
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], process=False)
    with pytest.raises(SceneError, match="cannot be closed"):
        close_mesh(sheet)


def test_vertices_that_are_not_finite_are_refused() -> None:
    ball = trimesh.creation.icosphere(subdivisions=1)
    ball.vertices[3] = np.inf
    with pytest.raises(SceneError, match="not finite"):
        close_mesh(ball)


def test_the_enclosed_volume_is_that_of_the_solid_wherever_it_lies() -> None:
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    box.apply_translation([5, -7, 3])
    assert enclosed_volume(box) == pytest.approx(0.006)
    box.invert()
    assert enclosed_volume(box) == pytest.approx(-0.006)
    assert not is_closed(box)


def test_a_face_that_is_a_line_closes_nothing() -> None:
    box = trimesh.creation.box()
    with_line = trimesh.Trimesh(box.vertices, [*box.faces.tolist(), [0, 0, 1]], process=False)
    assert not is_closed(with_line)
    assert not is_closed(trimesh.Trimesh(box.vertices, np.vstack([box.faces, box.faces]), process=False))
