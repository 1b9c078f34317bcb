"""Isaac Lab packages: the task that MuJoCo has, data that say what the scene says, and a run where it is installed."""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from pxr import Usd, UsdGeom, UsdPhysics

from scan2sim.errors import ExportError
from scan2sim.export.isaaclab import check_isaaclab, step_isaaclab, write_isaaclab
from scan2sim.export.isaaclab.template.gripper_task import GripperState, gripper_task_of
from scan2sim.export.isaaclab.template.pictures import decoded, paint_goals, shrunk
from scan2sim.export.isaaclab.template.push_task import PushState
from scan2sim.export.isaaclab.template.push_task import PushTask as TorchPush
from scan2sim.export.isaaclab.template.task_batch import TaskBatch
from scan2sim.export.usd.hulls import simple_parts
from scan2sim.export.usd.names import identifiers
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene import Scene
from scan2sim.sim import (
    LiftTask,
    PushTask,
    RearrangeTask,
    TaskState,
    lift_task,
    push_task,
    rearrange_task,
    task_as_json,
    task_model,
)
from tests.export.panda_asset import write_panda
from tests.scene.factory import make_scene

ISAACLAB = Path(__file__).parents[2] / ".venv-isaaclab" / "bin" / "python"


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene()


@pytest.fixture(scope="module")
def exported(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_isaaclab(scene, tmp_path_factory.mktemp("isaaclab") / "table", "my table")


def torch_task(exported: Path, heading: bool) -> TorchPush:
    name = f"Scan2Sim-MyTable-Push{'Heading' if heading else ''}-v0"
    return TorchPush.of(json.loads(next(exported.glob("*/data/tasks.json")).read_text())[name])


def random_states(task: PushTask, count: int, seed: int) -> TaskState:
    rng = np.random.default_rng(seed)
    near, turns = np.array(task.home), rng.normal(size=(count, 1, 4))
    return TaskState(
        tool=near[:2] + rng.normal(0, 0.1, (count, 2)),
        tool_velocity=rng.normal(0, 0.1, (count, 2)),
        position=near + rng.normal(0, 0.05, (count, 1, 3)),
        wxyz=turns / np.linalg.norm(turns, axis=-1, keepdims=True),
        velocity=rng.normal(size=(count, 1, 3)),
        spin=rng.normal(size=(count, 1, 3)),
        touch=np.zeros((count, 0)),
        goal=np.concatenate([near[:2] + rng.normal(0, 0.03, (count, 1, 2)), rng.uniform(-3, 3, (count, 1, 1))], -1),
    )


def as_torch(state: TaskState) -> PushState:
    parts = (state.tool, state.tool_velocity, state.position[:, 0], state.wxyz[:, 0], state.velocity[:, 0])
    return PushState(*(torch.from_numpy(each) for each in (*parts, state.spin[:, 0], state.goal[:, 0])))


@pytest.mark.parametrize("heading", [False, True])
def test_it_is_the_task_that_mujoco_has(scene: Scene, exported: Path, heading: bool) -> None:
    ours, theirs = push_task(scene, heading=heading), torch_task(exported, heading)
    before, after = random_states(ours, 4000, seed=0), random_states(ours, 4000, seed=1)
    states = as_torch(before), as_torch(after)
    assert theirs.observation_size == ours.observation_size
    assert np.allclose(theirs.observation(states[0]).numpy(), ours.observation(before), atol=1e-9)
    reward = theirs.potential(states[1]) - theirs.potential(states[0]) + theirs.success(states[1])
    assert np.allclose(reward.numpy(), ours.reward(before, after), atol=1e-9)
    assert (theirs.success(states[0]).numpy() == ours.success(before)).all()
    assert (theirs.failed(states[0]).numpy() == ours.failed(before)).all()
    assert ours.success(before).any()
    actions = np.random.default_rng(1).normal(0, 1, (50, 2))
    assert np.allclose(theirs.control(torch.from_numpy(actions)).numpy(), ours.control(actions))


@pytest.mark.parametrize("heading", [False, True])
def test_episodes_start_alike(scene: Scene, exported: Path, heading: bool) -> None:
    ours, theirs = push_task(scene, heading=heading), torch_task(exported, heading)
    rng = np.random.default_rng(0)
    drawn = [ours.sample_start(rng) for _ in range(1500)]
    torch.manual_seed(0)
    starts = theirs.sample_start(1500, "cpu")
    home = np.array(ours.home[:2])
    places, centre = starts.goal[:, :2] - starts.shift, torch.tensor(home)
    pairs = [
        ([np.linalg.norm(s.goal[0, :2] - home - s.shift[0]) for s in drawn], (places - centre).norm(dim=1)),
        ([np.linalg.norm(s.tool - home) for s in drawn], (starts.tool - centre).norm(dim=1)),
        ([s.yaw[0] for s in drawn], starts.yaw),
        ([s.goal[0, 2] for s in drawn], starts.goal[:, 2]),
    ]
    for mine, yours in pairs:
        quantiles = np.linspace(0.1, 0.9, 5)
        apart = np.abs(np.quantile(mine, quantiles) - np.quantile(yours.numpy(), quantiles))
        assert apart.max() < 0.06 * np.ptp(mine)


def gripper_states(task: LiftTask | RearrangeTask, count: int, seed: int) -> TaskState:
    rng = np.random.default_rng(seed)
    homes = np.array([task.home] if isinstance(task, LiftTask) else task.homes)
    shape, turns = (count, len(homes), 3), rng.normal(size=(count, len(homes), 4))
    goal = homes + rng.normal(0, 0.03, shape)
    tool = np.concatenate([goal[:, 0] + rng.normal(0, 0.02, (count, 3)), rng.normal(0, 1, (count, 3))], -1)
    return TaskState(
        tool=tool,
        tool_velocity=rng.normal(0, 0.1, (count, 6)),
        position=goal + rng.normal(0, 0.01, shape) * rng.integers(0, 4, (count, 1, 1)),
        wxyz=turns / np.linalg.norm(turns, axis=-1, keepdims=True),
        velocity=rng.normal(size=shape),
        spin=rng.normal(size=shape),
        touch=rng.uniform(0, 0.1, (count, 2)) * rng.integers(0, 2, (count, 1)),
        goal=goal,
    )


@pytest.mark.parametrize("kind", ["Lift", "Rearrange"])
def test_the_gripper_has_the_tasks_that_mujoco_has(scene: Scene, exported: Path, kind: str) -> None:
    ours = lift_task(scene) if kind == "Lift" else rearrange_task(scene)
    tasks = json.loads(next(exported.glob("*/data/tasks.json")).read_text())
    theirs = gripper_task_of(tasks[f"Scan2Sim-MyTable-{kind}-v0"])
    before, after = gripper_states(ours, 3000, seed=0), gripper_states(ours, 3000, seed=1)
    states = [GripperState(*(torch.from_numpy(each) for each in vars(state).values())) for state in (before, after)]
    assert (theirs.objects, theirs.observation_size, theirs.horizon) == (
        ours.objects,
        ours.observation_size,
        ours.horizon,
    )
    assert np.allclose(theirs.observation(states[0]).numpy(), ours.observation(before), atol=1e-9)
    reward = theirs.potential(states[1]) - theirs.potential(states[0]) + theirs.success(states[1])
    assert np.allclose(reward.numpy(), ours.reward(before, after), atol=1e-9)
    assert (theirs.success(states[0]).numpy() == ours.success(before)).all()
    assert (theirs.failed(states[0]).numpy() == ours.failed(before)).all()
    assert 0 < ours.success(before).mean() < 1
    actions = np.random.default_rng(1).normal(0, 1, (50, 5))
    assert np.allclose(theirs.control(torch.from_numpy(actions)).numpy(), ours.control(actions))
    batch = TaskBatch([theirs, theirs], torch.arange(3000) % 2)
    assert batch.observation(states[0]).equal(theirs.observation(states[0]))
    assert batch.marks(states[0].goal).shape == (3000, 0 if kind == "Lift" else len(ours.objects), 4)
    rng = np.random.default_rng(0)
    drawn = [ours.sample_start(rng) for _ in range(400)]
    torch.manual_seed(0)
    starts = theirs.sample_start(400, "cpu")
    for name in ("tool", "shift", "yaw", "goal"):
        mine, yours = np.array([getattr(start, name) for start in drawn]), getattr(starts, name).numpy()
        assert mine.shape == yours.shape
        spread = mine.std(0) + 1e-6
        assert (np.abs(mine.mean(0) - yours.mean(0)) < 0.4 * spread).all(), name
        assert np.allclose(mine.std(0), yours.std(0), rtol=0.35, atol=1e-6), name


def test_the_package_says_what_the_scene_says(scene: Scene, exported: Path) -> None:
    figures = check_isaaclab(exported)
    assert figures["passed"] is None
    assert "Python 3.12" in figures["problems"][0]
    assert figures["objects"] == len(scene.objects)
    data = json.loads(next(exported.glob("*/data/scene.json")).read_text())
    for obj, told in zip(scene.objects, data["objects"], strict=True):
        assert told["mass"] == [obj.physical.mass.value, obj.physical.mass.low, obj.physical.mass.high]
        assert told["position"] == obj.position.tolist()


def test_there_is_room_for_the_contacts_of_all_parts(scene: Scene, tmp_path: Path) -> None:
    """A round thing becomes several parts for PhysX, each of which touches: the same room as if it came in parts."""
    rooms = []
    for split in (False, True):
        objects = []
        for obj in scene.objects:
            bottom = min(piece.bounds[0, 2] for piece in obj.collision)
            can = trimesh.creation.cylinder(radius=0.03, height=0.05, sections=90)
            can.apply_translation([0, 0, bottom - can.bounds[0, 2]])
            objects.append(dataclasses.replace(obj, collision=tuple(simple_parts(can)) if split else (can,)))
        cans = dataclasses.replace(scene, objects=tuple(objects))
        folder = write_isaaclab(cans, tmp_path / f"cans-{split}", "cans")
        rooms.append(json.loads(next(folder.glob("*/data/scene.json")).read_text())["contact"])
    assert rooms[0] == rooms[1]
    assert rooms[0]["contacts"] > 64


def test_a_changed_program_is_refused(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / "copy")
    program = next(copy.glob("*/push_env.py"))
    program.write_text(program.read_text() + "\nimport os\n")
    with pytest.raises(ExportError, match=r"push_env\.py"):
        check_isaaclab(copy)


def test_a_changed_mass_is_told(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / "copy")
    path = next(copy.glob("*/data/scene.json"))
    data = json.loads(path.read_text())
    data["objects"][0]["mass"][0] *= 2
    path.write_text(json.dumps(data))
    assert check_isaaclab(copy)["passed"] is False


def test_a_scene_in_which_nothing_can_be_pushed_is_refused(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="pushed"):
        write_isaaclab(dataclasses.replace(scene, objects=()), tmp_path / "empty", "empty")


def test_cameras_see_what_their_tasks_move(scene: Scene, exported: Path) -> None:
    """Homes lie well inside the pictures, and the cameras are turned as the data's quaternions say."""
    cameras = json.loads(next(exported.glob("*/data/scene.json")).read_text())["cameras"]
    tasks = json.loads(next(exported.glob("*/data/tasks.json")).read_text())
    assert list(cameras) == list(tasks)
    for id, view in cameras.items():
        homes = np.array(tasks[id].get("homes") or [tasks[id]["home"]])
        x, y, z, w = view["xyzw"]
        seen = (homes - view["position"]) @ matrix_from_quaternion(np.array([w, x, y, z]))
        assert (seen[:, 2] > 0.1).all()
        pixels = view["focal"] * seen[:, :2] / seen[:, 2:] + view["side"] / 2
        assert ((pixels > 0.1 * view["side"]) & (pixels < 0.9 * view["side"])).all()
        assert view["position"][2] > homes[:, 2].max()


def test_a_goal_is_painted_where_rays_meet_its_disc() -> None:
    """Against a camera straight above: the disc is as large as it is far, and what stands on it hides it."""
    side, height, radius = 64, 0.5, 0.1
    intrinsics = torch.tensor([[[64.0, 0, 32], [0, 64, 32], [0, 0, 1]]])
    down = torch.tensor([[1.0, 0, 0, 0]])  # half a turn about x: z ahead is down
    eye, discs = torch.tensor([[0.0, 0, height]]), torch.tensor([[[0.05, 0.0, 0.0, radius]]])
    depth = torch.full((1, side, side), height)
    depth[:, :, 40:] = height - 0.05  # a thing stands there
    seen = paint_goals(torch.zeros(1, side, side, 3), depth, intrinsics, eye, down, discs)
    x = (torch.arange(side) + 0.5 - 32) / 64 * height
    inside = (x[None] - 0.05) ** 2 + x[:, None] ** 2 < radius**2
    inside[:, 40:] = False
    assert 0 < inside.sum() < side * side
    assert (seen[0].sum(-1) > 0).equal(inside)
    none = paint_goals(torch.zeros(1, side, side, 3), depth, intrinsics, eye, down, discs[:, :0])
    assert not none.any()


def test_pictures_are_decoded_and_shrunk() -> None:
    linear = torch.linspace(0, 1, 64).reshape(1, 8, 8, 1)
    encoded = torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert torch.allclose(decoded(encoded), linear, atol=1e-4)
    assert torch.allclose(shrunk(linear, 2)[0, 1, 2, 0], linear[0, 2:4, 4:6, 0].mean())


def test_environments_follow_the_numbers_of_their_cousins(scene: Scene) -> None:
    """A batch gives each row what its own task gives, in any order of environments."""
    moved = [
        dataclasses.replace(obj, position=obj.position + np.array([0.03, -0.02, 0.0]))
        if obj.mobility == "free"
        else obj
        for obj in scene.objects
    ]
    ours = [push_task(scene), push_task(dataclasses.replace(scene, objects=tuple(moved)), push_task(scene).target)]
    tasks = [TorchPush.of(json.loads(json.dumps(task_as_json(each), default=list))) for each in ours]
    tasks[1] = dataclasses.replace(tasks[1], radius=tasks[0].radius + 0.01)
    which = torch.tensor([1, 0, 0, 1, 1, 0])
    batch, state = TaskBatch(tasks, which), as_torch(random_states(ours[0], 6, seed=3))
    alone = [PushState(*(each[i : i + 1] for each in state)) for i in range(6)]
    for name in ("observation", "potential", "success", "failed"):
        expected = torch.cat([getattr(tasks[which[i]], name)(alone[i]) for i in range(6)])
        assert getattr(batch, name)(state).equal(expected), name
    assert (batch.potential(state) == tasks[0].potential(state)).equal(which == 0)
    some = torch.tensor([4, 1, 3])
    part = PushState(*(each[some] for each in state))
    assert batch.potential(part, some).equal(batch.potential(state)[some])
    torch.manual_seed(0)
    starts = [batch.sample_start(torch.arange(6)) for _ in range(200)]
    centre = torch.stack([start.goal[:, :2] for start in starts]).mean(0)
    apart = centre[which == 1].mean(0) - centre[which == 0].mean(0)
    assert torch.allclose(apart, torch.tensor([0.03, -0.02], dtype=apart.dtype), atol=0.02)
    assert batch.marks(torch.zeros(6, 1, 3)).shape == (6, 1, 4)
    with pytest.raises(ValueError, match="other objects"):
        TaskBatch([tasks[0], dataclasses.replace(tasks[0], target="other")], which)


@pytest.fixture(scope="module")
def cousins(scene: Scene) -> list[tuple[str, Scene]]:
    """One of other places and weights, one of another shape."""
    moved, first = [], scene.objects[0]
    for obj in scene.objects:
        mass = dataclasses.replace(obj.physical.mass, value=1.01 * obj.physical.mass.value)
        physical = dataclasses.replace(obj.physical, mass=mass)
        moved.append(dataclasses.replace(obj, position=obj.position + np.array([0.01, 0, 0]), physical=physical))
    half = first.collision[0].slice_plane(first.collision[0].centroid, [1, 0, 0], cap=True)
    other = first.collision[0].slice_plane(first.collision[0].centroid, [-1, 0, 0], cap=True)
    cut = dataclasses.replace(first, collision=(half.convex_hull, other.convex_hull, *first.collision[1:]))
    return [
        ("0000", dataclasses.replace(scene, objects=tuple(moved))),
        ("0001", dataclasses.replace(scene, objects=(cut, *scene.objects[1:]))),
    ]


def test_cousins_become_variants_of_as_many_shapes(
    scene: Scene, cousins: list[tuple[str, Scene]], tmp_path: Path
) -> None:
    folder = write_isaaclab(scene, tmp_path / "table", "my table", cousins=iter(cousins))
    data = next(folder.glob("*/data"))
    variants = json.loads((data / "variants.json").read_text())
    assert list(variants) == ["twin", "0000", "0001"]
    shapes = {}
    for name, of in zip(variants, (scene, cousins[0][1], cousins[1][1]), strict=True):
        stage = Usd.Stage.Open(str(data / "assets" / variants[name]["stages"]["Scan2Sim-MyTable-Push-v0"]))
        assert not stage.GetCompositionErrors()
        bodies = {prim.GetName(): prim for prim in stage.GetDefaultPrim().GetChildren()}
        shapes[name] = [
            sum(prim.HasAPI(UsdPhysics.CollisionAPI) for prim in Usd.PrimRange(body)) for body in bodies.values()
        ]
        for obj, told in zip(of.objects, variants[name]["poses"].items(), strict=True):
            assert np.allclose(told[1][:3], obj.position)
            body = bodies[told[0]]
            assert UsdPhysics.MassAPI(body).GetMassAttr().Get() == pytest.approx(obj.physical.mass.value)
            place = UsdGeom.XformCache().GetLocalToWorldTransform(body).ExtractTranslation()
            assert np.allclose(place, obj.position)
            splats = body.GetChild("Splats")
            assert not splats or UsdGeom.Imageable(splats).ComputePurpose() == "default"
    assert shapes["twin"] == shapes["0000"] == shapes["0001"]
    assert max(shapes["twin"]) > 1
    tasks = [variants[name]["tasks"]["Scan2Sim-MyTable-Push-v0"] for name in variants]
    assert tasks[1]["home"][0] == pytest.approx(tasks[0]["home"][0] + 0.01)
    assert len({task["target"] for task in tasks}) == 1
    assert check_isaaclab(folder)["variants"] == 3


@pytest.mark.parametrize(("kind", "tool"), [("Push", "pusher"), ("Lift", "gripper")])
def test_friction_is_whose_it_is_in_mujoco(scene: Scene, exported: Path, kind: str, tool: str) -> None:
    data = next(exported.glob("*/data"))
    stages = json.loads((data / "variants.json").read_text())["twin"]["stages"]
    stage = Usd.Stage.Open(str(data / "assets" / stages[f"Scan2Sim-MyTable-{kind}-v0"]))
    model = task_model(scene, push_task(scene) if kind == "Push" else lift_task(scene))
    bodies = {name: obj for obj, name in identifiers(o.name for o in scene.objects).items()}
    bodies |= {"Background": "world", "tool": tool}
    for part in stage.GetDefaultPrim().GetChildren():
        body = model.body(bodies[part.GetName()])
        solid = [i for i in range(model.ngeom) if model.geom_bodyid[i] == body.id and model.geom_contype[i]]
        pieces = [prim for prim in Usd.PrimRange(part) if prim.HasAPI(UsdPhysics.CollisionAPI)]
        assert {prim.GetAttribute("mjc:priority").Get() for prim in pieces} == set(model.geom_priority[solid].tolist())
        for prim in Usd.PrimRange(part):
            if prim.HasAPI(UsdPhysics.MaterialAPI):
                names = "mjc:torsionalfriction", "mjc:rollingfriction"
                assert [prim.GetAttribute(n).Get() for n in names] == pytest.approx(model.geom_friction[solid[0], 1:])


def test_nothing_pulls_the_gripper_down(exported: Path) -> None:
    stage = Usd.Stage.Open(str(next(exported.glob("*/data/assets/twin-lift.usda"))))
    links = [prim for prim in Usd.PrimRange(stage.GetPrimAtPath("/Scan/tool")) if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
    assert len(links) == 7
    for link in links:
        assert link.GetAttribute("physxRigidBody:disableGravity").Get()
        assert link.GetAttribute("mjc:gravcomp").Get() == 1  # what Newton reads instead


def test_a_cousin_with_other_things_is_refused(scene: Scene, tmp_path: Path) -> None:
    fewer = dataclasses.replace(scene, objects=scene.objects[:-1])
    with pytest.raises(ExportError, match="other things"):
        write_isaaclab(scene, tmp_path / "table", "my table", cousins=[("0000", fewer)])
    assert not (tmp_path / "table").exists()


def test_names_that_isaac_lab_needs_are_refused(scene: Scene, tmp_path: Path) -> None:
    renamed = dataclasses.replace(scene.objects[-1], name="camera")
    with pytest.raises(ExportError, match="camera"):
        write_isaaclab(dataclasses.replace(scene, objects=(*scene.objects[:-1], renamed)), tmp_path / "table", "t")


@pytest.mark.skipif(not ISAACLAB.is_file(), reason="needs Isaac Lab in .venv-isaaclab: make test-isaaclab")
def test_isaac_lab_steps_it_and_everything_stays(exported: Path) -> None:
    figures = step_isaaclab(exported, ISAACLAB, envs=16, steps=100)
    assert figures["passed"], figures["problems"]
    assert figures["observation_shape"] == [16, 23]


@pytest.mark.skipif(not ISAACLAB.is_file(), reason="needs Isaac Lab in .venv-isaaclab: make test-isaaclab")
@pytest.mark.parametrize(("kind", "size"), [("Lift", 32), ("Rearrange", 51)])
def test_isaac_lab_steps_the_gripper_and_everything_stays(exported: Path, kind: str, size: int) -> None:
    figures = step_isaaclab(exported, ISAACLAB, envs=16, steps=100, kind=kind)
    assert figures["passed"], figures["problems"]
    assert figures["observation_shape"] == [16, size]
    assert figures["tool_drift_mm"] < 0.1


@pytest.mark.skipif(not ISAACLAB.is_file(), reason="needs Isaac Lab in .venv-isaaclab: make test-isaaclab")
def test_isaac_lab_makes_pictures_without_a_gpu(exported: Path) -> None:
    figures = step_isaaclab(exported, ISAACLAB, envs=2, steps=1, kind="PushCamera")
    assert figures["passed"], figures["problems"]
    assert figures["camera_shape"] == [2, 3, 64, 64]


@pytest.mark.skipif(not ISAACLAB.is_file(), reason="needs Isaac Lab in .venv-isaaclab: make test-isaaclab")
def test_isaac_lab_takes_cousins_in_turns(scene: Scene, cousins: list[tuple[str, Scene]], tmp_path: Path) -> None:
    folder = write_isaaclab(scene, tmp_path / "table", "my table", cousins=cousins)
    figures = step_isaaclab(folder, ISAACLAB, envs=6, steps=60)
    assert figures["variants"] == ["twin", "twin", "0000", "0000", "0001", "0001"]
    assert figures["passed"], figures["problems"]


@pytest.mark.skipif(not ISAACLAB.is_file(), reason="needs Isaac Lab in .venv-isaaclab: make test-isaaclab")
def test_isaac_lab_lifts_with_a_franka(exported: Path, tmp_path: Path) -> None:
    write_panda(tmp_path / "panda.usda")
    figures = step_isaaclab(exported, ISAACLAB, envs=2, steps=10, kind="LiftFranka", franka=tmp_path / "panda.usda")
    assert figures["franka"]
    assert figures["passed"], figures["problems"]
    assert figures["observation_shape"] == [2, 32]
    assert figures["tool_drift_mm"] < 5


@pytest.mark.skipif(not ISAACLAB.is_file(), reason="needs Isaac Lab in .venv-isaaclab: make test-isaaclab")
def test_without_its_file_the_free_gripper_takes_the_frankas_place(exported: Path, tmp_path: Path) -> None:
    figures = step_isaaclab(exported, ISAACLAB, envs=2, steps=1, kind="LiftFranka", franka=tmp_path / "none.usda")
    assert not figures["franka"]
    assert figures["passed"], figures["problems"]
