# pyright: reportAttributeAccessIssue=false
"""The check, and the engines beside each other."""

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest
import trimesh
from pxr import Sdf

from scan2sim.export.usd import check, check_usd, step_physx, write_usd
from scan2sim.scene import Label, ObjectConfig, Scene, object_from_mesh
from scan2sim.sim import compile_scene
from scan2sim.splats import Gaussians
from tests.export.usd.scenes import needs_physx, needs_simready, settled

SLOPE = (9.81 * np.sin(np.radians(20)), 0.0, -9.81 * np.cos(np.radians(20)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usd") / "out"
    write_usd(settled(), folder, "table")
    return folder


@needs_physx
@needs_simready
def test_what_is_written_passes_in_every_program(folder: Path) -> None:
    figures = check_usd(folder)
    assert figures["passed"], figures["problems"]
    assert figures["bodies"] == 3
    assert figures["psnr_db"] >= 50
    assert figures["engines_differ"] == []
    assert {"MuJoCo", "PhysX"} <= set(figures["engines"])
    for engine in figures["engines"].values():
        assert engine["reading"]["mass"] < 1e-4
        assert engine["reading"]["inertia"] < 1e-4
        assert engine["reading"]["position_m"] < 1e-5
    assert max(a["mm"] for a in figures["apart"].values()) < 2
    assert max(a["deg"] for a in figures["apart"].values()) < 2
    simready = figures["simready"]
    assert {"FET_000_PHYSX", "FET_001_STANDARD", "FET_003_STANDARD", "FET_033_STANDARD"} <= set(simready["passed"])
    assert {line.split(": ")[0] for line in simready["excused"]} == {"com.nvidia.simready.VM.MAT.001"}


def test_what_is_absent_is_said_and_the_rest_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(check, "find_spec", lambda name: None)
    monkeypatch.setattr(check, "newton_python", lambda: None)
    figures = check_usd(folder)
    assert figures["passed"]
    assert figures["gaussians"] == 2700
    assert set(figures["not_checked"]) == {"PhysX", "Newton"}
    assert figures["not_checked"]["PhysX"].startswith("not checked")
    assert figures["simready"].startswith("not validated")
    layer = Sdf.Layer.OpenAsAnonymous(str(folder / "table/usd/objects/box.usdc"))
    layer.GetAttributeAtPath("/box.physics:mass").default = 0.1
    (tmp_path / "changed").mkdir()
    changed = write_usd(settled(), tmp_path / "usd", "table").parents[2]
    layer.Export(str(changed / "table/usd/objects/box.usdc"))
    figures = check_usd(changed)
    assert not figures["passed"]
    assert figures["problems"][0].startswith("box: mass 0.1 kg instead of")


def mujoco_travel(scene: Scene, seconds: float, gravity: tuple[float, float, float]) -> dict[str, float]:
    model = compile_scene(scene)
    model.opt.gravity[:] = gravity
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    start = {obj.name: data.body(obj.name).xpos.copy() for obj in scene.objects}
    for _ in range(round(seconds / model.opt.timestep)):
        mujoco.mj_step(model, data)
    return {name: float(np.linalg.norm(data.body(name).xpos - before)) for name, before in start.items()}


def physx_travel(stage: Path, seconds: float, gravity: tuple[float, float, float]) -> dict[str, float]:
    found = step_physx(stage, f"/{stage.stem}/PhysicsScene", seconds, gravity)["bodies"]
    return {
        path.rpartition("/")[2]: float(np.linalg.norm(np.subtract(body["after"]["position"], body["position"])))
        for path, body in found.items()
    }


@needs_physx
@pytest.mark.parametrize(("friction", "slides"), [(0.25, True), (0.6, False)])
def test_a_slope_of_20_degrees_slides_or_holds_the_same_in_both_engines(
    tmp_path: Path, friction: float, slides: bool
) -> None:
    things = [
        replace(o, physical=replace(o.physical, friction=replace(o.physical.friction, value=friction, low=0.1, high=1)))
        for o in settled().objects
        if o.name != "ball"  # it rolls
    ]
    scene = replace(settled(), objects=tuple(things))
    stage = write_usd(scene, tmp_path / "usd")
    for travel in (mujoco_travel(scene, 0.5, SLOPE), physx_travel(stage, 0.5, SLOPE)):
        for name, distance in travel.items():
            if slides:  # g (sin 20° − μ cos 20°) t² / 2
                expected = 9.81 * (np.sin(np.radians(20)) - friction * np.cos(np.radians(20))) / 8
                assert distance == pytest.approx(expected, rel=0.25), name
            else:
                assert distance < 0.006, name


@needs_physx
def test_a_ball_dropped_into_the_bowl_stays_in_physx(tmp_path: Path) -> None:
    bowl = settled().objects[2]
    ball = trimesh.creation.icosphere(subdivisions=2, radius=0.005)
    ball.apply_translation(bowl.position + np.array([0.005, 0, 0.08]))
    config = ObjectConfig(texture=0)
    dropped = object_from_mesh(
        9, "drop", Label("ball", 1, "person"), ball, Gaussians.empty(), config, material="rubber", rests_on=None
    )
    stage = write_usd(replace(settled(), objects=(*settled().objects, dropped)), tmp_path / "usd")
    found = step_physx(stage, "/scene/PhysicsScene")["bodies"]
    apart = np.subtract(found["/scene/drop"]["after"]["position"], found["/scene/bowl"]["after"]["position"])
    assert np.linalg.norm(apart[:2]) < 0.05
    assert -0.03 < apart[2] < 0.03
    assert found["/scene/drop"]["after"]["position"][2] > 0.004
