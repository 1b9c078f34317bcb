"""One scene in three engines: what they read, where things rest, what slides, and whether a ball stays in a bowl.

usage: python benchmarks/parity.py SCENE… [--cousins 5] [--seed 0] [--only rest,tilt,ball] [--engines PhysX,Newton]
       [-o DIR] [--json]

SCENE is a scene or build folder.  ``--cousins N`` adds N random cousins of the last one.  Each scene is written as an
OpenUSD stage, and MuJoCo (from the MJCF export and from the scene), PhysX and Newton (each from the stage) step it at
480 Hz: two seconds at rest; half a second with gravity turned by 20°, after which what moved more than a centimetre has
slid; and, where a thing is hollow from above, a second with a rubber ball of 1 cm across dropped 3 cm over its rim.

PhysX takes part where ``ovphysx`` is installed (``make physx``), Newton where ``.venv-isaaclab`` is (``make
test-isaaclab``); who is absent is named.  What is done is kept in DIR/<scene>.json: a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import trimesh
from measuring import print_figures

from scan2sim.cousins import sample
from scan2sim.export import check_mjcf, write_mjcf
from scan2sim.export.newton import newton_python
from scan2sim.export.readings import SAME_DEG, SAME_MM, engines_apart, reading, settling
from scan2sim.export.record import read_record
from scan2sim.export.usd import step_newton, step_physx, write_usd
from scan2sim.export.usd.names import identifiers
from scan2sim.library import Library
from scan2sim.scene import Label, ObjectConfig, Scene, SceneObject, load_scene, object_from_mesh
from scan2sim.sim import compile_scene
from scan2sim.splats import Gaussians

TILT = float(np.radians(20))
SLOPE = (9.81 * np.sin(TILT), 0.0, -9.81 * np.cos(TILT))
DOWN = (0.0, 0.0, -9.81)
SLID = 0.01  # [m] in half a second
BALL = 0.005  # [m] radius
OVER_RIM = 0.03  # [m]
PATIENCE = 7200.0  # [s] with Newton
DEPTH = 0.4  # of its height that a hollow thing is deep at least
Run = dict[str, dict[str, Any]]  # by object: position, wxyz, mass, …, and after


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="+", type=Path, metavar="SCENE")
    parser.add_argument("--cousins", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="rest,tilt,ball")
    parser.add_argument("--engines", default="PhysX,Newton", help="beside MuJoCo")
    parser.add_argument("-o", "--output", type=Path, default=Path("outputs/parity"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    results = {}
    for name, scene in _scenes(arguments):
        kept = arguments.output / f"{name}.json"
        results[name] = json.loads(kept.read_text()) if kept.is_file() else {}
        for what in arguments.only.split(","):
            if what not in results[name]:
                results[name][what] = MEASURES[what](scene, set(arguments.engines.split(",")))
                kept.write_text(json.dumps(results[name], indent=1))
    print_figures(_summary(results), as_json=arguments.json)


def _scenes(arguments: argparse.Namespace) -> list[tuple[str, Scene]]:
    scenes = []
    for path in arguments.scenes:
        scenes.append((path.name, load_scene(Library().scene_of(str(path)))))
    name, last = scenes[-1]
    for i in range(arguments.cousins):
        rng = np.random.default_rng([arguments.seed, i])
        scenes.append((f"{name}-cousin-{i}", sample(last, float(rng.uniform(0.2, 1)), rng).scene))
    return scenes


def _engines(
    scene: Scene, wanted: set[str], folder: Path, seconds: float, gravity: tuple[float, float, float]
) -> dict[str, Run]:
    """What MuJoCo and each wanted engine that is here make of a scene."""
    runs = {"MuJoCo": _mujoco(scene, seconds, gravity)}
    stage = write_usd(scene, folder / "usd", "scene")
    names = {f"/scene/{prim}": name for name, prim in identifiers(o.name for o in scene.objects).items()}
    scene_path, python = "/scene/PhysicsScene", newton_python()
    if "PhysX" in wanted and find_spec("ovphysx") is not None:
        runs["PhysX"] = _by_name(step_physx(stage, scene_path, seconds, gravity), names)
    if "Newton" in wanted and python is not None:
        runs["Newton"] = _by_name(
            step_newton(stage, scene_path, seconds, gravity, python=python, patience=PATIENCE), names
        )
    return runs


def _by_name(stepped: dict[str, Any], names: Mapping[str, str]) -> Run:
    return {
        names[path]: {
            "position": body["position"],
            "wxyz": body["orientation"],
            "mass": body["mass"][0],
            "inertia": np.reshape(body["inertia"], (3, 3)).tolist(),
            "after": {"position": body["after"]["position"], "wxyz": body["after"]["orientation"]},
        }
        for path, body in stepped["bodies"].items()
    }


def _mujoco(scene: Scene, seconds: float, gravity: tuple[float, float, float]) -> Run:
    model = compile_scene(scene)
    model.opt.gravity[:] = gravity
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    before = {o.name: _pose(data, o) for o in scene.objects}
    mujoco.mj_step(model, data, round(seconds / model.opt.timestep))
    return {o.name: {**before[o.name], "after": _pose(data, o)} for o in scene.objects}


def _pose(data: mujoco.MjData, obj: SceneObject) -> dict[str, Any]:
    body = data.body(obj.name)
    return {"position": body.xpos.tolist(), "wxyz": body.xquat.tolist()}


def rest(scene: Scene, wanted: set[str]) -> dict[str, Any]:
    """Masses, inertias and poses at load against the scene, and where things are after two seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        runs = _engines(scene, wanted, Path(scratch), 2.0, DOWN)
        write_mjcf(scene, Path(scratch) / "mjcf")
        mjcf = check_mjcf(Path(scratch) / "mjcf")
        record = read_record(Path(scratch) / "mjcf")
    settled = {
        engine: settling(record, run, {name: body["after"] for name, body in run.items()})
        for engine, run in runs.items()
    }
    apart, differ = engines_apart(settled)
    readings = {engine: reading(record, run) for engine, run in runs.items() if engine != "MuJoCo"}
    return {
        "readings": {"MJCF": mjcf["engines"]["MuJoCo"]["reading"], **readings},
        "drift_mm": {engine: figures["drift_mm"] for engine, figures in settled.items()},
        "apart": apart,
        "differ": differ,
    }


def tilt(scene: Scene, wanted: set[str]) -> dict[str, Any]:
    """How far [m] each thing moves on a slope of 20°; those that slide in one engine and hold in another."""
    with tempfile.TemporaryDirectory() as scratch:
        runs = _engines(scene, wanted, Path(scratch), 0.5, SLOPE)
    moved = {
        engine: {
            name: float(np.linalg.norm(np.subtract(body["after"]["position"], body["position"])))
            for name, body in run.items()
        }
        for engine, run in runs.items()
    }
    verdicts = {name: {way[name] > SLID for way in moved.values()} for name in next(iter(moved.values()))}
    return {"moved_m": moved, "differ": [name for name, verdict in verdicts.items() if len(verdict) > 1]}


def ball(scene: Scene, wanted: set[str]) -> dict[str, Any]:
    """In which engines a ball dropped into what is hollow is inside it after a second."""
    found = max((each for each in map(_hollow, scene.objects) if each), key=lambda each: each[0], default=None)
    if found is None:
        return {"bowl": None}
    _, bowl, over, size = found
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=BALL)
    mesh.apply_translation(over)
    config, label = ObjectConfig(texture=0), Label("ball", 1, "person")
    number = max(o.id for o in scene.objects) + 1
    dropped = object_from_mesh(
        number, "dropped-ball", label, mesh, Gaussians.empty(), config, material="rubber", rests_on=None
    )
    with tempfile.TemporaryDirectory() as scratch:
        runs = _engines(replace(scene, objects=(*scene.objects, dropped)), wanted, Path(scratch), 1.0, DOWN)
    inside = {}
    for engine, run in runs.items():
        place, now = run["dropped-ball"]["after"]["position"], run[bowl.name]["after"]["position"]
        lowest, highest = over[2] - OVER_RIM - size[2], over[2] - OVER_RIM
        apart = float(np.linalg.norm(np.subtract(place, now)[:2]))
        inside[engine] = bool(apart < np.linalg.norm(size[:2]) / 2 and lowest < place[2] < highest)
    return {"bowl": bowl.name, "inside": inside}


def _hollow(obj: SceneObject) -> tuple[float, SceneObject, np.ndarray, np.ndarray] | None:
    """How deep [m] a thing is open from above at its middle, the place [m] over its rim, and its size."""
    pieces = [piece.copy().apply_transform(obj.world_from_object) for piece in obj.collision]
    corners = np.vstack([piece.vertices for piece in pieces])
    low, high = corners.min(0), corners.max(0)
    middle = (low + high) / 2
    above = np.array([[middle[0], middle[1], high[2] + 1.0]])
    hits = [piece.ray.intersects_location(above, [[0, 0, -1.0]])[0] for piece in pieces]
    tops = np.vstack(hits)[:, 2] if any(map(len, hits)) else np.array([])
    if obj.mobility != "free" or not len(tops):
        return None
    depth = float(high[2] - tops.max())
    if depth < max(DEPTH * (high[2] - low[2]), 2 * BALL):
        return None
    return depth, obj, np.array([middle[0], middle[1], high[2] + OVER_RIM]), high - low


def _summary(results: Mapping[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, result in results.items():
        if "rest" in result:
            apart = result["rest"]["apart"].values()
            figures[f"{name}_engines"] = ", ".join(result["rest"]["drift_mm"])
            for key in ("mass", "inertia", "position_m"):
                figures[f"{name}_worst_{key}"] = max(each[key] for each in result["rest"]["readings"].values())
            figures[f"{name}_objects"] = len(apart)
            figures[f"{name}_alike"] = sum(each["mm"] <= SAME_MM and each["deg"] <= SAME_DEG for each in apart)
            figures[f"{name}_farthest_mm"] = max((each["mm"] for each in apart), default=None)
            figures[f"{name}_farthest_deg"] = max((each["deg"] for each in apart), default=None)
            figures[f"{name}_differ"] = "; ".join(result["rest"]["differ"])
        if "tilt" in result:
            figures[f"{name}_tilt_differs"] = ", ".join(result["tilt"]["differ"])
        if "ball" in result and result["ball"]["bowl"]:
            figures[f"{name}_ball_inside"] = ", ".join(e for e, there in result["ball"]["inside"].items() if there)
    return figures


MEASURES = {"rest": rest, "tilt": tilt, "ball": ball}

if __name__ == "__main__":
    main()
