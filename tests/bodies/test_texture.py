# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from pathlib import Path

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import (
    Surface,
    Texture,
    close_mesh,
    colors_of,
    decimate,
    is_closed,
    shade_texture,
    split_at_seams,
    texture_mesh,
    vertex_colors,
)

MESHES = Path(__file__).parents[2] / "assets" / "captures" / "tabletop" / "meshes"


def waves(points: np.ndarray) -> np.ndarray:
    """Colours that change within a few millimetres, faster than the triangles are large."""
    return 0.5 + 0.5 * np.sin(400 * points)


def bowl() -> trimesh.Trimesh:
    return decimate(close_mesh(trimesh.load_mesh(MESHES / "bowl.ply", process=False)), 2000)


def test_a_texture_shows_what_the_vertices_cannot() -> None:
    mesh = bowl()
    texture = texture_mesh(mesh, waves, 512)
    assert texture.uv.shape == (len(mesh.faces), 3, 2)
    assert 0 <= texture.uv.min() <= texture.uv.max() <= 1
    assert max(texture.image.shape) < 1024
    mesh.visual.vertex_colors = (255 * waves(mesh.vertices)).astype(np.uint8)
    points = Surface(mesh).points(5000)
    by_texture = np.abs(colors_of(mesh, texture)(points) - waves(points)).mean()
    by_vertices = np.abs(colors_of(mesh)(points) - waves(points)).mean()
    assert by_texture < 0.06
    assert by_texture < by_vertices / 3


def test_every_place_of_the_surface_has_a_place_of_its_own() -> None:
    """No two triangles share a pixel: a colour that tells the place comes back from everywhere."""
    mesh = bowl()
    low, size = mesh.bounds[0], mesh.extents
    texture = texture_mesh(mesh, lambda points: (points - low) / size, 512)
    points = Surface(mesh).points(5000)
    back = low + size * colors_of(mesh, texture)(points)
    assert np.abs(back - points).max() < 0.003


def test_the_same_mesh_gives_the_same_texture() -> None:
    mesh = bowl()
    first, second = texture_mesh(mesh, waves, 128), texture_mesh(mesh, waves, 128)
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.uv, second.uv)


def test_viewers_get_a_mesh_that_is_split_at_its_seams() -> None:
    mesh = bowl()
    texture = texture_mesh(mesh, waves, 256)
    split, origin = split_at_seams(mesh, texture)
    assert is_closed(mesh)
    assert len(mesh.vertices) < len(split.vertices) < 2 * len(mesh.vertices)
    assert np.array_equal(origin[split.faces], mesh.faces)
    assert np.array_equal(split.vertices, mesh.vertices[origin])
    seen = vertex_colors(split)[:, :3] / 255  # as trimesh looks them up in the picture
    assert np.abs(seen - waves(split.vertices)).mean() < 0.08


def test_without_a_picture_colors_are_mixed_from_the_vertices() -> None:
    box = trimesh.creation.box()
    box.visual.vertex_colors = np.where(box.vertices[:, :1] > 0, [[255, 255, 255, 255]], [[0, 0, 0, 255]])
    white, black, middle = colors_of(box)(np.array([[0.5, 0.5, 0.5], [-0.5, 0.5, 0.5], [0, 0.0, 0.5]]))
    assert white == pytest.approx([1, 1, 1], abs=1e-6)
    assert black == pytest.approx([0, 0, 0], abs=1e-6)
    assert middle == pytest.approx([0.5, 0.5, 0.5])


def test_other_light_multiplies_the_picture_by_what_the_vertices_say() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.05)
    texture = texture_mesh(ball, lambda points: np.full((len(points), 3), 0.8), 128)
    factors = 0.5 + 0.3 * ball.vertex_normals[:, [2, 0, 1]]  # linear in the place, so it is mixed without error
    points = Surface(ball).points(2000)
    shaded = colors_of(ball, shade_texture(ball, texture, factors))(points)
    assert shaded == pytest.approx(0.8 * (0.5 + 0.3 * points[:, [2, 0, 1]] / 0.05), abs=0.03)


@pytest.mark.parametrize("step", [1 / 65536, 0.1, -1 / 65536])
def test_seams_split_in_the_order_of_vertices_and_places(step: float) -> None:
    """Whether places are on the grid that texture_mesh uses or, as in files of others, anywhere."""
    rng = np.random.default_rng(0)
    mesh = trimesh.creation.icosphere(subdivisions=1)
    uv = (rng.integers(0, 4, (len(mesh.faces), 3, 2)) * step).astype(np.float64)
    split, origin = split_at_seams(mesh, Texture(np.zeros((2, 2, 3), np.uint8), uv))
    keys = np.column_stack([mesh.faces.reshape(-1), uv.reshape(-1, 2)])
    rows, inverse = np.unique(keys, axis=0, return_inverse=True)
    assert np.array_equal(origin, rows[:, 0])
    assert np.array_equal(split.visual.uv, np.column_stack([rows[:, 1], 1 - rows[:, 2]]))
    assert np.array_equal(split.faces, inverse.reshape(-1, 3))
