"""Cameras and pictures of the report, against the known shapes of the synthetic scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scan2sim.bodies import mark_seen
from scan2sim.cameras import Camera
from scan2sim.geometry import transform_points
from scan2sim.report.render import (
    colored_by_id,
    id_color,
    marked_unseen,
    nearest_view_angle,
    object_camera,
    orbit_cameras,
    outlines,
    portrait_camera,
    render,
    scene_focus,
)
from scan2sim.scene import Scene, scene_gaussians
from tests.scene.factory import BALL_RADIUS, COLORS, make_scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene()


@pytest.fixture(scope="module")
def camera(scene: Scene) -> Camera:
    return scene.cameras[1].camera.resized(192, 144)


def test_render_is_transparent_where_nothing_is(scene: Scene, camera: Camera) -> None:
    picture = render(scene_gaussians(scene), camera)
    assert picture.shape == (144, 192, 4)
    assert picture[:5, :, 3].max() < 20  # above the table
    (x, y), (x_table, y_table) = camera.project(np.array([scene.objects[1].position, [0.2, -0.15, 0.0]]))[0]
    assert np.abs(picture[round(y), round(x), :3].astype(int) - COLORS["ball"]).max() < 25
    assert np.abs(picture[round(y_table), round(x_table), :3].astype(int) - COLORS["table"]).max() < 25


def test_color_is_not_darkened_by_transparency(scene: Scene, camera: Camera) -> None:
    """Half transparent pixels keep their colour, so the page's background shows through them and not black."""
    picture = render(scene.objects[1].gaussians, object_camera(scene.objects[1], camera.position, 96))
    half = (picture[..., 3] > 60) & (picture[..., 3] < 200)
    assert half.sum() > 20
    assert np.abs(np.median(picture[half][:, :3], axis=0) - COLORS["ball"]).max() < 12


def test_outline_of_the_ball_is_its_disc(scene: Scene, camera: Camera) -> None:
    found = {outline.id: outline for outline in outlines(scene_gaussians(scene), [1, 2, 3], camera)}
    assert set(found) == {1, 2, 3}
    ball = scene.objects[1]
    (centre,), (depth,) = camera.project(ball.position[None])
    radius = camera.intrinsics.fx * BALL_RADIUS / depth
    largest = max(found[2].rings, key=len)
    distance = np.linalg.norm(largest - centre, axis=1)
    assert np.abs(distance - radius).max() < 0.25 * radius + 1.5
    np.testing.assert_allclose(largest[0], largest[-1])
    assert found[2].top[1] == pytest.approx(centre[1] - radius, abs=0.2 * radius + 1.5)


def test_hidden_object_has_no_outline(scene: Scene, camera: Camera) -> None:
    behind = replace(scene.objects[1], position=camera.position - camera.world_from_camera[:3, 2])
    moved = replace(scene, objects=(scene.objects[0], behind, scene.objects[2]))
    assert {o.id for o in outlines(scene_gaussians(moved), [1, 2, 3], camera)} == {1, 3}


def test_id_colors_are_apart_and_painted(scene: Scene) -> None:
    colors = np.array([id_color(i) for i in range(10)])
    apart = np.linalg.norm(colors[:, None] - colors[None], axis=-1)[~np.eye(10, dtype=bool)]
    assert apart.min() > 60
    painted = colored_by_id(scene_gaussians(scene), [1, 2, 3])
    assert painted.object_ids is not None
    grey = painted.base_colors[painted.object_ids == 0]
    assert float((grey.max(1).values - grey.min(1).values).abs().max()) < 1e-5
    box = painted.base_colors[painted.object_ids == 1].mean(0).numpy()
    own = np.array(id_color(0), dtype=np.float64)
    assert box @ own / np.linalg.norm(box) / np.linalg.norm(own) > 0.999
    with pytest.raises(ValueError, match="no object ids"):
        colored_by_id(scene.background, [1])


def test_orbit_sees_every_object_from_all_sides(scene: Scene) -> None:
    cameras = orbit_cameras(scene, 8, 200, 150)
    centre, _ = scene_focus(scene)
    corners = np.concatenate([transform_points(o.world_from_object, o.visual.bounds) for o in scene.objects])
    for view in cameras:
        pixels, depth = view.project(corners)
        assert (depth > 0).all()
        assert ((pixels > 0) & (pixels < [200, 150])).all()
        np.testing.assert_allclose(view.project(centre[None])[0], [[100, 75]], atol=1e-6)
        assert view.world_from_camera[2, 1] < 0  # the camera's y points down
    angles = np.unwrap([np.arctan2(*(c.position - centre)[1::-1]) for c in cameras])
    np.testing.assert_allclose(np.diff(angles), np.pi / 4, atol=1e-9)
    first = portrait_camera(scene, 200).position - centre
    assert np.arctan2(first[1], first[0]) == pytest.approx(angles[0])


def test_views_far_from_all_photos_are_known(scene: Scene) -> None:
    one = replace(scene, cameras=scene.cameras[:1])
    angles = [nearest_view_angle(one, view) for view in orbit_cameras(one, 8, 40, 30)]
    assert angles[0] == pytest.approx(0, abs=1e-3)
    assert max(angle for angle in angles if angle is not None) == angles[4]
    assert nearest_view_angle(replace(scene, cameras=()), scene.cameras[0].camera) is None


def test_object_fills_its_portrait(scene: Scene) -> None:
    for thing in scene.objects:
        view = object_camera(thing, scene.cameras[0].camera.position, 128)
        pixels, depth = view.project(thing.visual.vertices)
        assert (depth > 0).all()
        assert pixels.min() > 0
        assert pixels.max() < 128
        assert np.ptp(pixels, axis=0).max() > 60


def test_surface_that_no_photo_saw_is_marked(scene: Scene) -> None:
    ball = scene.objects[0]
    below = ball.visual.vertices[:, 2] < -1e-9
    mark_seen(ball.visual, ~below)
    marked = marked_unseen(ball)
    low = ball.gaussians.means[:, 2].numpy() < -0.2 * BALL_RADIUS
    high = ball.gaussians.means[:, 2].numpy() > 0.2 * BALL_RADIUS
    red, green, blue = marked.base_colors[low].numpy().T
    assert (red > green + 0.2).all()
    assert (blue > green + 0.2).all()
    assert marked.base_colors[high].numpy() == pytest.approx(ball.gaussians.base_colors[high].numpy(), abs=1e-5)


def test_scenes_without_cameras_or_objects_have_views_too(scene: Scene) -> None:
    for bare in (
        replace(scene, cameras=(), images=()),
        replace(scene, cameras=(), images=(), objects=()),
        replace(scene, cameras=(), images=(), objects=(), supports=()),
    ):
        picture = render(scene_gaussians(bare), portrait_camera(bare, 64))
        assert picture[..., 3].max() > 200
