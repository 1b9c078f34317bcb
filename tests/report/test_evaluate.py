"""Scenes that differ from their truth by a known amount."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import PosesError, UsageError
from scan2sim.geometry import look_at, matrix_from_quaternion
from scan2sim.report import evaluate, read_truth
from scan2sim.report.surfaces import Surface, f_score, seen_points
from scan2sim.scene import Scene, draw, scene_gaussians
from tests.scene.factory import make_scene

SCALE = 1.25
ROTATION = matrix_from_quaternion([0.9, 0.1, -0.3, 0.2])
TRANSLATION = np.array([0.3, -1.0, 0.5])


def write_truth(folder: Path) -> Path:
    """The factory's scene as truth, in a world that is turned, moved and 1.25 times as large."""
    scene = make_scene()
    gaussians, ids = scene_gaussians(scene), [thing.id for thing in scene.objects]
    bare = scene_gaussians(scene, without=[thing.name for thing in scene.objects])
    for name in ("meshes", "masks", "empty"):
        (folder / name).mkdir(parents=True)
    objects = []
    for thing in scene.objects:
        vertices = SCALE * (thing.visual.vertices + thing.position) @ ROTATION.T + TRANSLATION
        trimesh.Trimesh(vertices, thing.visual.faces, process=False).export(folder / "meshes" / f"{thing.name}.ply")
        objects.append({"id": thing.id, "name": thing.name, "mesh": f"meshes/{thing.name}.ply"})
    frames = []
    for frame in scene.cameras:
        pose = np.eye(4)
        pose[:3, :3] = ROTATION @ frame.camera.world_from_camera[:3, :3]
        pose[:3, 3] = SCALE * ROTATION @ frame.camera.position + TRANSLATION
        frames.append({"file": frame.file, "world_from_camera": pose.tolist()})
        stem = Path(frame.file).stem
        Image.fromarray(draw(gaussians, frame.camera, ids).ids.astype(np.uint8)).save(folder / "masks" / f"{stem}.png")
        Image.fromarray(draw(bare, frame.camera, ()).rgb).save(folder / "empty" / f"{stem}.png")
    k = scene.cameras[0].camera.intrinsics
    intrinsics = {key: getattr(k, key) for key in ("width", "height", "fx", "fy", "cx", "cy")}
    path = folder / "truth.json"
    path.write_text(json.dumps({"intrinsics": intrinsics, "objects": objects, "frames": frames}))
    return path


@pytest.fixture(scope="module")
def truth_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_truth(tmp_path_factory.mktemp("truth"))


def moved(scene: Scene, name: str, by: list[float]) -> Scene:
    objects = [replace(t, position=t.position + by) if t.name == name else t for t in scene.objects]
    return replace(scene, objects=tuple(objects))


def test_a_scene_like_the_truth_is_right_in_every_figure(truth_file: Path) -> None:
    figures = evaluate(make_scene(), read_truth(truth_file))
    assert figures["scale_factor"] == pytest.approx(SCALE)
    assert figures["camera_residual_mm"] < 1e-6
    assert (figures["true_objects"], figures["found_objects"], figures["spurious_objects"]) == (3, 3, 0)
    assert figures["worst_f_2mm"] == 1
    assert figures["worst_seen_f_2mm"] == 1
    assert figures["worst_mean_distance_mm"] < 1e-3
    assert figures["worst_box_error_mm"] < 1e-3
    assert figures["instance_miou"] == 1
    assert figures["background_views"] == 4
    assert figures["background_hidden_psnr"] > 50
    assert figures["background_ring_psnr"] > 50
    assert [row["truth"] for row in figures["objects"]] == ["box", "ball", "bowl"]
    for row in figures["objects"]:
        assert 0.1 < row["seen_share"] < 0.95  # bottoms are not seen
        assert row["volume_low_ml"] < row["volume_true_ml"] < row["volume_high_ml"]
        assert row["volume_true_ml"] == pytest.approx(row["volume_value_ml"], rel=1e-3)
        assert row["collision_mm"] < 1.5


def test_an_object_that_is_off_by_four_millimetres_is_found_so(truth_file: Path) -> None:
    figures = evaluate(moved(make_scene(), "box", [0.004 / SCALE, 0, 0]), read_truth(truth_file))
    box, ball, _ = figures["objects"]
    assert 1 < box["box_error_mm"] <= 4.001
    assert 1 < box["mean_distance_mm"] < 4
    assert box["f_5mm"] == 1
    assert box["f_2mm"] < 0.9
    assert box["iou"] < 0.95
    assert ball["f_2mm"] == 1
    assert figures["worst_f_2mm"] == box["f_2mm"]


def test_what_is_missing_and_what_is_too_much_is_named(truth_file: Path) -> None:
    scene = make_scene()
    ghost = replace(scene.objects[0], id=9, name="ghost", position=scene.objects[0].position + np.array([0.2, 0.2, 0]))
    figures = evaluate(replace(scene, objects=(*scene.objects[:2], ghost)), read_truth(truth_file))
    assert figures["missing"] == ["bowl"]
    assert figures["spurious"] == ["ghost"]
    assert figures["instance_miou"] < 0.67
    nothing = evaluate(replace(scene, objects=()), read_truth(truth_file))
    assert nothing["found_objects"] == 0
    assert nothing["instance_miou"] == 0
    assert nothing["worst_f_2mm"] is None


def test_a_stain_under_an_object_costs_where_it_was_hidden_and_not_around(truth_file: Path) -> None:
    scene = make_scene()
    near = (scene.background.means[:, :2] - scene.background.means.new_tensor([-0.12, 0.05])).abs().amax(1) < 0.015
    sh = scene.background.sh.clone()
    sh[near] += 1.5
    figures = evaluate(replace(scene, background=replace(scene.background, sh=sh)), read_truth(truth_file))
    assert figures["background_hidden_psnr"] < 35
    assert figures["background_ring_psnr"] > figures["background_hidden_psnr"] + 3


def test_other_captures_and_damaged_truths_are_refused(truth_file: Path, tmp_path: Path) -> None:
    scene = make_scene()
    strange = tuple(replace(frame, file=f"images/x{i}.jpg") for i, frame in enumerate(scene.cameras))
    with pytest.raises(UsageError, match="share 0 views"):
        evaluate(replace(scene, cameras=strange), read_truth(truth_file))
    with pytest.raises(PosesError):
        read_truth(tmp_path / "absent.json")
    data = json.loads(truth_file.read_text())
    for objects, problem in (
        (None, "no list"),
        ([{"id": 1}], "not complete"),
        ([{"id": 1, "name": "a", "mesh": "../../etc/passwd"}], "not there"),
        ([{"id": 300, "name": "a", "mesh": "meshes/box.ply"}], "1 to 255"),
    ):
        path = tmp_path / "truth.json"
        path.write_text(json.dumps(data | {"objects": objects}))
        with pytest.raises(UsageError, match=problem):
            read_truth(path)


def test_distances_are_those_from_the_triangles() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=0.05)
    random = np.random.default_rng(0)
    directions = random.normal(size=(300, 3))
    points = directions / np.linalg.norm(directions, axis=1, keepdims=True) * random.uniform(0.03, 0.07, (300, 1))
    exact = np.abs(trimesh.proximity.signed_distance(mesh, points))
    np.testing.assert_allclose(Surface(mesh).distances(points), exact, atol=2e-6)


def test_f_score_by_hand() -> None:
    assert f_score(np.array([0.0, 0.003]), np.array([0.0, 0.0, 0.003, 0.003]), 0.002) == pytest.approx(0.5)
    assert f_score(np.array([0.0]), np.array([1.0]), 0.002) == 0
    assert f_score(np.zeros(0), np.array([1.0]), 0.002) == 0


def test_one_view_sees_the_near_side() -> None:
    ball = Surface(trimesh.creation.icosphere(subdivisions=4, radius=0.05))
    camera = Camera(Intrinsics(200, 200, 400.0, 400.0, 100.0, 100.0), look_at([1.0, 0, 0], [0, 0, 0]))
    seen = seen_points(ball, [(camera, np.ones((200, 200), dtype=bool))])
    x = ball.samples[0][:, 0]
    assert seen[x > 0.035].all()  # further down a pixel is deeper than the tolerance
    assert not seen[x < -0.01].any()
    assert not seen_points(ball, [(camera, np.zeros((200, 200), dtype=bool))]).any()
