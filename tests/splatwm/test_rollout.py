"""Imagined futures: what is pushed moves as MuJoCo says, is seen where it is, and the model says how sure it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import SceneError, UsageError
from scan2sim.geometry import look_at
from scan2sim.scene import Scene, SceneObject
from splatwm.actions import RobotMotion, pusher_motion
from splatwm.config import PhysicsConfig
from splatwm.model import ContactNetwork, NetworkConfig
from splatwm.observe import Observer, write_video
from splatwm.rollout import Rollout, rollout, write_rollout
from splatwm.trained import Calibration, EnsembleConfig, Model, ModelError, calibrate, load_model, save_model
from tests.scene.factory import make_scene

DT = 1 / 30
STEPS = 30
MODEL = Model(calibration=Calibration(np.array([0.1, 2.0]), np.array([2.0, 3.0]), np.array([0.001, 0.002])))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene()


def push(scene: Scene, name: str, way: float = 0.06) -> RobotMotion:
    """From 6 cm left of a thing to the right."""
    thing = next(obj for obj in scene.objects if obj.name == name)
    start = thing.position - np.array([0.06, 0, 0])
    return pusher_motion(np.linspace(start, start + np.array([way + 0.02, 0, 0]), STEPS), 0.01, DT)


@pytest.fixture(scope="module")
def future(scene: Scene) -> Rollout:
    return rollout(MODEL, [scene], [push(scene, "box")])[0]


def test_what_is_pushed_moves_and_nothing_else(scene: Scene, future: Rollout) -> None:
    assert future.objects == tuple(obj.name for obj in scene.objects)
    moved = dict(zip(future.objects, np.linalg.norm(future.position[-1] - future.position[0], axis=1), strict=True))
    box = next(obj for obj in scene.objects if obj.name == "box")
    reach = push(scene, "box").position[-1, 0, 0] + 0.01 + 0.03 - box.position[0]  # pusher's radius, half a box
    assert moved["box"] == pytest.approx(reach, abs=0.004)
    assert max(far for name, far in moved.items() if name != "box") < 0.001
    assert future.position[0] == pytest.approx(np.array([obj.position for obj in scene.objects]), abs=1e-6)
    assert np.linalg.norm(future.wxyz, axis=-1) == pytest.approx(1, abs=1e-5)


def test_a_link_feels_the_friction_of_what_it_pushes(scene: Scene, future: Rollout) -> None:
    box = next(obj for obj in scene.objects if obj.name == "box").physical
    assert future.touch.shape == (STEPS, 1, 3)
    touched = np.linalg.norm(future.touch[:, 0], axis=1) > 0
    assert int(np.argmax(touched)) == 8, "2 cm away, at 8 cm in 29 steps"
    steady = box.friction.value * box.mass.value * 9.81 * DT
    assert future.touch[-10:, 0] == pytest.approx(np.tile([-steady, 0, 0], (10, 1)), abs=0.06 * steady), (
        "torsion and rolling share the cone"
    )


def test_doubt_grows_with_time_and_where_things_move(future: Rollout) -> None:
    box = future.objects.index("box")
    assert (future.uncertainty[0] == 0).all()
    assert future.uncertainty[-1, box] > future.uncertainty[5, box] > 0
    others = [i for i in range(len(future.objects)) if i != box]
    assert future.uncertainty[-1, box] > future.uncertainty[-1, others].max()
    assert np.isnan(rollout(Model(), [make_scene()], [push(make_scene(), "box")])[0].uncertainty).all()


def test_batches_are_single_futures_side_by_side(scene: Scene, future: Rollout) -> None:
    both = rollout(MODEL, [scene, scene], [push(scene, "box"), push(scene, "ball")])
    assert both[0].position == pytest.approx(future.position, abs=1e-6)
    assert both[1].position[-1] == pytest.approx(
        rollout(MODEL, [scene], [push(scene, "ball")])[0].position[-1], abs=1e-6
    )


def test_futures_that_cannot_be_are_refused(scene: Scene) -> None:
    jump = push(scene, "box")
    jump.position[12] += 5
    with pytest.raises(UsageError, match="jumps"):
        rollout(MODEL, [scene], [jump])
    with pytest.raises(SceneError, match="no objects"):
        rollout(MODEL, [replace(scene, objects=())], [push(scene, "box")])
    with pytest.raises(UsageError, match="one of each"):
        rollout(MODEL, [scene], [])
    twice = push(scene, "box")
    with pytest.raises(UsageError, match="same name"):
        rollout(MODEL, [scene], [replace(twice, links=("ball",))])
    inside = push(scene, "box")
    with pytest.raises(UsageError, match="mm inside “box”"):
        rollout(MODEL, [scene], [replace(inside, position=inside.position + np.array([0.03, 0, 0]))])
    spinning = push(scene, "box")
    spinning.wxyz[1::2] = [0, 0, 0, 1]
    with pytest.raises(UsageError, match="rad/s"):
        rollout(MODEL, [scene], [spinning])


def test_links_have_the_shapes_that_actions_may_name(scene: Scene, future: Rollout) -> None:
    box = future.objects.index("box")
    for shape in ("cylinder:0.01x0.02", "box:0.02x0.02x0.02"):
        other = rollout(MODEL, [scene], [replace(push(scene, "box"), shapes=(shape,))])[0]
        assert other.position[-1, box] == pytest.approx(future.position[-1, box], abs=0.002)


def test_doubt_is_wider_where_the_scan_leaves_more_open(scene: Scene, future: Rollout) -> None:
    box = future.objects.index("box")

    def with_friction(obj: SceneObject, low: float, high: float) -> SceneObject:
        friction = replace(obj.physical.friction, low=low, high=high)
        return replace(obj, physical=replace(obj.physical, friction=friction))

    rolling = push(scene, "ball", way=0.03)
    ball, doubts = future.objects.index("ball"), []
    for factor in (1.02, 2.0):
        frictions = {obj.id: obj.physical.friction.value for obj in scene.objects}
        objects = tuple(
            with_friction(obj, frictions[obj.id] / factor, frictions[obj.id] * factor) for obj in scene.objects
        )
        doubts.append(rollout(MODEL, [replace(scene, objects=objects)], [rolling])[0].uncertainty[-1])
    assert doubts[1][ball] > doubts[0][ball] > doubts[0][box]


def test_a_moved_thing_is_seen_where_it_is(scene: Scene, future: Rollout) -> None:
    camera = Camera(Intrinsics(96, 72, 90, 90, 48, 36), look_at(np.array([0.0, -0.4, 0.5]), np.zeros(3)))
    motion = push(scene, "box")
    observer = Observer(scene, camera, motion.shapes)
    seen = list(observer.pictures(future.position, future.wxyz, motion.position, motion.wxyz))
    ids, depth = np.concatenate([s.ids for s in seen]), np.concatenate([s.depth for s in seen])
    box = next(obj for obj in scene.objects if obj.name == "box")
    for frame in (0, STEPS - 1):
        rows, columns = np.nonzero(ids[frame] == box.id)
        assert len(rows) > 20
        place = future.position[frame, future.objects.index("box")]
        point = np.linalg.inv(camera.world_from_camera) @ np.append(place, 1)
        middle = 90 * point[:2] / point[2] + [48, 36]
        assert np.array([columns.mean(), rows.mean()]) == pytest.approx(middle, abs=4)
        assert np.median(depth[frame][ids[frame] == box.id]) == pytest.approx(point[2], abs=0.04)
    rgb = np.concatenate([s.rgb for s in seen]).astype(int)
    orange = (rgb[..., 0] > 120) & (rgb[..., 2] < 60) & (rgb[..., 1] > 40) & (rgb[..., 1] < 140) & (ids == 0)
    assert orange.reshape(STEPS, -1).sum(1).min() > 3, "the pusher is seen too"
    with pytest.raises(UsageError, match="objects"):
        next(observer.pictures(future.position[:, :1], future.wxyz[:, :1]))


def test_what_is_written_is_read_again(future: Rollout, tmp_path: Path) -> None:
    write_rollout(future, tmp_path / "rollout.npz")
    with np.load(tmp_path / "rollout.npz", allow_pickle=False) as data:
        assert data["objects"].tolist() == list(future.objects)
        assert data["dt"] == future.dt
        for name in ("position", "wxyz", "contact_impulse", "touch", "uncertainty"):
            assert np.array_equal(data[name], getattr(future, name), equal_nan=True)
    pictures = [np.full((41, 61, 3), value, np.uint8) for value in (0, 120, 240)]
    write_video(tmp_path / "video.mp4", pictures, DT)
    with av.open(str(tmp_path / "video.mp4")) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert video.streams.video[0].average_rate == 30
    assert [frame.shape for frame in frames] == [(40, 60, 3)] * 3
    assert [frame.mean() for frame in frames] == pytest.approx([0, 120, 240], abs=5)


def test_a_model_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    strided = Calibration(*np.array([[0.1, 2.0, 0.001], [2.0, 3.0, 0.002]]).T)
    save_model(replace(MODEL, calibration=strided, ensemble=EnsembleConfig(members=3), card={"what": "a test"}), path)
    again = load_model(path)
    assert again.ensemble.members == 3
    assert again.card == {"what": "a test"}
    assert again.calibration is not None
    assert again.calibration.factor.tolist() == [2.0, 3.0]
    network = ContactNetwork(NetworkConfig(width=16, latents=2), seed=5)
    save_model(replace(MODEL, network=network), path)
    again = load_model(path).network
    assert again is not None
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in network.state_dict().items())
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"network.keep.weight", b"network.kept.weight"))
    with pytest.raises(ModelError, match="weights are not all there"):
        load_model(path)
    with torch.no_grad():
        network.out.bias[0] = float("nan")
    save_model(replace(MODEL, network=network), path)
    with pytest.raises(ModelError, match="not finite"):
        load_model(path)
    save_model(MODEL, path)
    whole = path.read_bytes()
    for damaged, says in (
        (whole[: len(whole) // 2], "no whole safetensors"),
        (whole.replace(b'"version":"1"', b'"version":"9"'), "version 9"),
        (whole.replace(b"splatwm.model", b"another.model"), "no model of splatwm"),
        (b"hello", "no whole safetensors"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=says):
            load_model(path)
    for physics, says in (
        (PhysicsConfig(gravity=(float("nan"), 0, 0)), "cannot work"),
        (PhysicsConfig(substeps=0), "cannot work"),
    ):
        save_model(replace(MODEL, physics=physics), path)
        with pytest.raises(ModelError, match=says):
            load_model(path)
    save_model(replace(MODEL, ensemble=EnsembleConfig(members=1)), path)
    with pytest.raises(ModelError, match="an ensemble of 1"):
        load_model(path)
    path.write_bytes(whole.replace(b'\\"substeps\\"', b'\\"subsets!\\"'))
    with pytest.raises(ModelError, match="not those that this program knows"):
        load_model(path)
    with pytest.raises(ModelError, match="no such model"):
        load_model(tmp_path / "none.safetensors")


def test_calibrated_intervals_hold_nine_of_ten_of_what_moves_and_of_what_rests() -> None:
    rng = np.random.default_rng(0)
    moves = np.arange(10) < 3

    def drawn(count: int) -> tuple[list[np.ndarray], ...]:
        spreads = [np.where(moves, rng.lognormal(-6, 1, (61, 10)), 0.0) for _ in range(count)]
        errors = [np.abs(rng.normal(0, 1, s.shape)) * np.where(moves, 1.7 * s, 0.0002) for s in spreads]
        return spreads, errors, [np.tile(moves, (61, 1))] * count

    calibration = calibrate(*drawn(400), DT)
    spreads, errors, _ = drawn(400)
    time = np.arange(61) * DT
    held = np.array([e <= calibration.half_width(s, time) for s, e in zip(spreads, errors, strict=True)])
    for frame in (15, 30, 45, 60):
        assert held[:, frame, moves].mean() == pytest.approx(0.9, abs=0.04)
        assert held[:, frame, ~moves].mean() == pytest.approx(0.9, abs=0.04)
    resting = calibration.half_width(np.zeros((len(calibration.horizon), 1)), calibration.horizon)
    np.testing.assert_allclose(resting, resting.max(), rtol=1e-6)  # what rests is as far off at any time
    with pytest.raises(ValueError, match="nothing has moved"):
        calibrate(spreads, errors, [np.zeros((61, 10))] * 400, DT)
