"""The viewer's nodes against the scene, and its page in a real browser."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scan2sim_apps.viewer import SceneViewer, serve_scene

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import SceneError
from scan2sim.geometry import matrix_from_quaternion, transform
from scan2sim.scene import Scene, save_scene
from tests.apps.chromium import Page, find_chromium, open_page, wait_until
from tests.scene.factory import COLORS, make_scene

WIDTH, HEIGHT = 800, 600


@pytest.fixture(scope="module")
def scene_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("viewer")
    scene = make_scene(folder / "photos")
    tiny = scene.objects[0].gaussians
    tiny = replace(tiny, log_scales=torch.log(torch.tensor([4e-4, 3e-4, 1e-4])).repeat(len(tiny), 1))
    label = replace(scene.objects[1].label, text="<img src=x onerror=alert(1)>")
    objects = (replace(scene.objects[0], gaussians=tiny), replace(scene.objects[1], label=label), scene.objects[2])
    save_scene(replace(scene, objects=objects), folder / "build" / "scene")
    return folder / "build" / "scene"


@pytest.fixture
def viewer(scene_folder: Path) -> Iterator[SceneViewer]:
    running = serve_scene(scene_folder, port=0, block=False)
    yield running
    running.stop()


def test_objects_stand_where_the_scene_has_them_and_move(viewer: SceneViewer) -> None:
    for thing in viewer.scene.objects:
        np.testing.assert_allclose(viewer.poses()[thing.name], thing.world_from_object, atol=1e-9)
    target = transform([0.2, -0.1, 0.3], [0.8, 0.0, 0.6, 0.0])
    viewer.move("ball", target)
    np.testing.assert_allclose(viewer.poses()["ball"], target, atol=1e-9)
    gizmo = viewer.nodes.objects["ball"].gizmo
    np.testing.assert_allclose(transform(gizmo.position, gizmo.wxyz), target, atol=1e-9)
    np.testing.assert_allclose(viewer.poses()["box"], viewer.scene.objects[0].world_from_object, atol=1e-9)
    viewer.reset_poses()
    np.testing.assert_allclose(viewer.poses()["ball"], viewer.scene.objects[1].world_from_object, atol=1e-9)
    with pytest.raises(SceneError, match="choose from: box, ball, bowl"):
        viewer.move("cat", target)


def test_splats_keep_their_shape_in_half_precision(viewer: SceneViewer) -> None:
    """Splats of 0.1 to 0.4 mm would be lost in 16-bit metres squared."""
    gaussians = viewer.scene.objects[0].gaussians
    node = viewer.nodes.objects["box"].splats
    assert node is not None
    axes = matrix_from_quaternion(gaussians.quats.numpy())
    truth = np.einsum("nij,nj,nkj->nik", axes, gaussians.scales.numpy() ** 2, axes)
    shown = node.covariances * node.scale**2
    assert np.abs(shown - truth).max() < 0.01 * np.linalg.norm(truth, axis=(1, 2)).max()
    np.testing.assert_allclose(node.centers * node.scale, gaussians.means.numpy(), atol=1e-6)


def test_switches_act_on_the_nodes(viewer: SceneViewer) -> None:
    panel, nodes = viewer.panel, viewer.nodes
    bowl = nodes.objects["bowl"]
    assert nodes.background is not None
    assert bowl.splats is not None
    assert not any(piece.visible for piece in bowl.collision)
    panel.collision.value = panel.visual.value = panel.cameras.value = True
    panel.background.value = False
    wait_until(lambda: not nodes.background.visible and all(camera.visible for camera in nodes.cameras), 5)
    assert all(piece.visible for piece in (*bowl.collision, *nodes.background_collision))
    assert bowl.visual.visible
    assert bowl.splats.visible
    plain = bowl.splats.rgbs.copy()
    panel.id_colors.value = True
    wait_until(lambda: np.abs(bowl.splats.rgbs.astype(int) - plain).max() > 50, 5)
    panel.id_colors.value = False
    wait_until(lambda: np.array_equal(bowl.splats.rgbs, plain), 5)


def test_only_the_chosen_object_has_handles_and_its_text_is_harmless(viewer: SceneViewer) -> None:
    viewer.panel.chosen.value = "ball"
    wait_until(lambda: viewer.nodes.objects["ball"].gizmo.visible and bool(viewer.panel.properties.content), 5)
    assert viewer.panel.properties.visible
    assert not viewer.nodes.objects["bowl"].gizmo.visible
    assert "&lt;img" in viewer.panel.properties.content
    assert "<img" not in viewer.panel.properties.content
    viewer.panel.visible.value = False
    wait_until(lambda: not viewer.nodes.objects["ball"].frame.visible, 5)


def test_cameras_carry_their_photos(viewer: SceneViewer) -> None:
    assert len(viewer.nodes.cameras) == len(viewer.scene.cameras)
    for node, frame in zip(viewer.nodes.cameras, viewer.scene.cameras, strict=True):
        np.testing.assert_allclose(transform(node.position, node.wxyz), frame.camera.world_from_camera, atol=1e-9)
        assert node.image is not None


def test_page_is_served_on_this_machine_only(viewer: SceneViewer) -> None:
    assert viewer.url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(viewer.url, timeout=10) as answer:
        assert answer.status == 200
        assert b'<div id="root">' in answer.read()


def test_build_folder_works_and_no_scene_is_said(scene_folder: Path, tmp_path: Path) -> None:
    viewer = serve_scene(scene_folder.parent, port=0, block=False)
    viewer.stop()
    assert len(viewer.poses()) == 3
    with pytest.raises(SceneError):
        serve_scene(tmp_path, port=0, block=False)


@pytest.mark.skipif(find_chromium() is None, reason="no chromium on this machine: apt-get install chromium")
def test_browser_draws_the_splats_and_drags_an_object(viewer: SceneViewer, tmp_path: Path) -> None:
    with open_page(viewer.url, tmp_path, WIDTH, HEIGHT) as page:
        wait_until(lambda: len(viewer.server.get_clients()) == 1, 60)
        camera = _browser_camera(viewer)
        ball = viewer.nodes.objects["ball"]
        x, y = _pixel(camera, ball.thing.position)
        wait_until(lambda: _looks_like(page, x, y, "ball"), 60)
        assert _looks_like(page, *_pixel(camera, [0.15, -0.05, 0.0]), "table")

        viewer.move("ball", transform(_above(ball.thing.position, 0.15)))
        up = _pixel(camera, _above(ball.thing.position, 0.15))
        wait_until(lambda: _looks_like(page, *up, "ball") and not _looks_like(page, x, y, "ball"), 30)

        viewer.reset_poses()
        viewer.panel.chosen.value = "ball"
        wait_until(lambda: ball.gizmo.visible and _looks_like(page, x, y, "ball"), 30)
        arrow = _above(ball.thing.position, 0.8 * ball.gizmo.scale)
        page.drag(_pixel(camera, arrow), _pixel(camera, _above(arrow, 0.1)))
        wait_until(lambda: ball.frame.position[2] > ball.thing.position[2] + 0.05, 10)
        moved = ball.frame.position - ball.thing.position
        np.testing.assert_allclose(moved, [0, 0, 0.1], atol=0.012)  # only along the arrow, as far as the mouse went
        wait_until(lambda: _looks_like(page, *_pixel(camera, _above(ball.frame.position, 0.015)), "ball"), 30)


def _browser_camera(viewer: SceneViewer) -> Camera:
    """The camera that the page says it looks through, held against the initial one that it was told."""
    (client,) = viewer.server.get_clients().values()
    initial = viewer.server.initial_camera
    wait_until(lambda: np.allclose(client.camera.position, initial.position, atol=1e-3), 30)
    focal = HEIGHT / (2 * np.tan(client.camera.fov / 2))
    pose = transform(client.camera.position, client.camera.wxyz)
    return Camera(Intrinsics(WIDTH, HEIGHT, focal, focal, WIDTH / 2, HEIGHT / 2), pose)


def _above(point: np.ndarray, height: float) -> np.ndarray:
    return point + np.array([0.0, 0.0, height])


def _pixel(camera: Camera, point: object) -> tuple[float, float]:
    pixels, depth = camera.project(np.array([point], dtype=np.float64))
    assert depth[0] > 0
    return float(pixels[0, 0]), float(pixels[0, 1])


def _looks_like(page: Page, x: float, y: float, name: str) -> bool:
    """Whether the 15×15 pixels there have the object's colour on the median; a few splats leave gaps."""
    patch = page.screenshot()[round(y) - 7 : round(y) + 8, round(x) - 7 : round(x) + 8].reshape(-1, 3)
    return bool(np.abs(np.median(patch, axis=0) - COLORS[name]).max() < 30)


def test_a_scene_without_photos_or_objects_is_shown(tmp_path: Path) -> None:
    scene: Scene = replace(make_scene(), objects=(), cameras=(), images=())
    save_scene(scene, tmp_path / "scene")
    viewer = serve_scene(tmp_path / "scene", port=0, block=False)
    viewer.stop()
    assert viewer.nodes.background is not None
    assert viewer.poses() == {}
