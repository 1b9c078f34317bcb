# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals

from scan2sim.bodies import (
    close_mesh,
    decimate,
    mark_seen,
    nearest_parts,
    union,
    unseen_share,
    vertex_colors,
    vertices_seen,
)


def test_vertex_and_missing_colors() -> None:
    box = trimesh.creation.box()
    assert vertex_colors(box).shape == (8, 4)
    box.visual.vertex_colors = np.arange(32).reshape(8, 4)
    assert (vertex_colors(box) == np.arange(32).reshape(8, 4)).all()


def test_textures_are_looked_up() -> None:
    box = trimesh.creation.box()
    picture = Image.new("RGB", (2, 1), (255, 0, 0))
    picture.putpixel((1, 0), (0, 0, 255))
    u = (box.vertices[:, 0] > 0).astype(float)
    box.visual = TextureVisuals(uv=np.column_stack([u, 0 * u]), image=picture)
    colors = vertex_colors(box)
    assert (colors[u == 0, :3] == [255, 0, 0]).all()
    assert (colors[u == 1, :3] == [0, 0, 255]).all()


def half_seen_ball() -> trimesh.Trimesh:
    """A ball whose lower half nobody saw."""
    ball = trimesh.creation.icosphere(subdivisions=4)
    ball.visual.vertex_colors = np.where(ball.vertices[:, 2:] > 0, [[255, 0, 0, 255]], [[0, 0, 255, 255]])
    mark_seen(ball, ball.vertices[:, 2] > 0)
    return ball


def test_what_was_never_marked_was_seen() -> None:
    box = trimesh.creation.box()
    assert vertices_seen(box).all()
    assert unseen_share(box) == 0
    with pytest.raises(ValueError, match="8 vertices"):
        mark_seen(box, [True])


def test_marks_are_kept_by_what_is_done_to_a_mesh() -> None:
    ball = half_seen_ball()
    share = unseen_share(ball)
    assert share == pytest.approx(0.5, abs=0.03)
    moved = ball.copy()
    moved.apply_translation([1, 2, 3])
    moved.apply_scale(2)
    half, _ = nearest_parts(ball, [[-1, 0, 0], [1, 0, 0]])
    assert half is not None
    for mesh in (moved, decimate(ball, 600), close_mesh(ball), union([ball])):
        assert unseen_share(mesh) == pytest.approx(share, abs=0.02)
    for mesh in (decimate(ball, 600), union([ball]), half):
        away = np.abs(mesh.vertices[:, 2]) > 0.1
        assert (vertices_seen(mesh) == (mesh.vertices[:, 2] > 0))[away].all()


def test_a_filled_hole_was_not_seen() -> None:
    box = trimesh.creation.box()
    assert np.isclose(box.face_normals[:, 2], 1).sum() == 2
    closed = close_mesh(trimesh.Trimesh(box.vertices, box.faces[~np.isclose(box.face_normals[:, 2], 1)], process=False))
    assert vertices_seen(closed).sum() == 8
    assert len(closed.vertices) == 9
    assert unseen_share(closed) == pytest.approx(1 / 18)
