"""Open an exported USD folder again: in OpenUSD, in MuJoCo, PhysX and Newton, and in SimReady's validator."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from scan2sim.errors import ExportError
from scan2sim.export.child import inspect
from scan2sim.export.newton import ENVIRONMENT, newton_python
from scan2sim.export.readings import engines_apart, reading, restless, settling
from scan2sim.export.record import read_record
from scan2sim.export.usd.parity import compare_bodies, compare_cousins, compare_engine
from scan2sim.export.usd.safety import refuse_large_usd

__all__ = ["check_usd", "step_newton", "step_physx"]

LEAST_DB = 50.0  # the splats read back, drawn beside the preview, which has 8 bits
STAGE = re.compile(r"([a-z][a-z0-9_]{0,80})/usd/\1\.usda")
PHYSICS_SCENE = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]*){2,6}")
RATE = 480  # [Hz] as MuJoCo here
PHYSX_MEMORY = 64 << 30  # address space, most of which is never touched
GRAVITY = (0.0, 0.0, -9.81)  # [m/s²]
SECONDS = 2.0
PROFILE = "Robotics-Prop"  # of SimReady 2026.08


def check_usd(folder: Path) -> dict[str, Any]:
    """Open an exported stage, hold it against ``export.json``, draw its splats, and let it settle in three engines.

    Everything that OpenUSD, the engines or the validator parse, they parse in a child process with limits, after sizes
    and paths were looked at.  PhysX and the validator are extras and Newton needs an environment of its own; where they
    are absent that is said and the rest checked.

    Args:
        folder: the exported folder, or a file in it.

    Returns:
        ``passed``, ``problems``, ``bodies`` (count), ``gaussians``, ``psnr_db``, ``drift_mm`` by object in MuJoCo,
        ``engines`` by name (``reading``, ``drift_mm``, ``after``, ``version``), ``not_checked`` (by engine, why),
        ``apart`` and ``engines_differ`` (`scan2sim.export.readings`), ``simready`` (features and failed rules; or why
        not), ``cousins`` (count) and ``cousins_checked``: how many of these were held against the record, too, and let
        settle in MuJoCo.

    Raises:
        ExportError: it does not open, or is not safe to open.
    """
    folder = folder if folder.is_dir() else folder.parent
    record = read_record(folder, "usd")
    relative = str(record.get("stage"))
    if not STAGE.fullmatch(relative):
        raise ExportError("the record names no proper stage", path=folder, todo="export the scene again")
    stage = folder / relative
    refuse_large_usd(stage, folder)
    seen = inspect("usd", stage, str(folder.absolute()), seconds=300.0)
    problems = compare_bodies(record, seen) + [f"OpenUSD: {text}" for text in seen["invalid"]]
    problems += compare_cousins(record, seen["cousins"])
    if not seen["psnr_db"] >= LEAST_DB:
        problems.append(f"its splats look like the scene only to {seen['psnr_db']:.1f} dB, expected {LEAST_DB:.0f}")
    settled = settling(record, seen["bodies"], seen["settled"])
    problems += restless(settled["drift_mm"], "MuJoCo")
    engines = {"MuJoCo": {"reading": reading(record, seen["bodies"]), **settled}}
    absent: dict[str, str] = {}
    for engine, step in (("PhysX", _step_physx_if_there), ("Newton", _step_newton_if_there)):
        stepped = step(stage, str(seen["physics_scene"]))
        if isinstance(stepped, str):
            absent[engine] = f"not checked: {stepped}"
        else:
            engines[engine], found = compare_engine(record, seen, stepped, engine)
            problems += found
    apart, differ = engines_apart(engines)
    figures: dict[str, Any] = {
        "bodies": len(record["objects"]),
        "gaussians": seen["gaussians"],
        "psnr_db": round(seen["psnr_db"], 1),
        "drift_mm": settled["drift_mm"],
        "engines": engines,
        "not_checked": absent,
        "apart": apart,
        "engines_differ": differ,
        "simready": "not validated: simready-validate is not installed",
        "cousins": len(record.get("cousins") or ()),
        "cousins_checked": len(seen["cousins"]),
    }
    if find_spec("simready") is not None and find_spec("simready.foundation") is not None:
        figures["simready"] = inspect("simready", stage, PROFILE, seconds=300.0)
        problems += [f"SimReady: {rule}" for rule in figures["simready"].pop("errors")]
    return {"passed": not problems, "problems": problems, **figures}


def step_physx(
    stage: Path,
    physics_scene: str,
    seconds: float = SECONDS,
    gravity: tuple[float, float, float] = GRAVITY,
) -> dict[str, Any]:
    """Step a stage in PhysX on the CPU, in a child process.

    Args:
        stage: a stage that was found harmless.
        physics_scene: path of its PhysicsScene.
        seconds: how long, at 480 steps a second.
        gravity: [m/s²] in place of the stage's.

    Returns:
        ``version``, ``steps``, and ``bodies`` by prim path: ``position``, ``orientation`` (wxyz), ``mass``, ``inertia``
        and the like at load, and ``after``.

    Raises:
        ExportError: PhysX does not open it, or took too long.
    """
    arguments = _arguments(stage, physics_scene, seconds, gravity)
    return inspect("physx", stage, *arguments, seconds=300.0, memory=PHYSX_MEMORY)


def step_newton(
    stage: Path,
    physics_scene: str,
    seconds: float = SECONDS,
    gravity: tuple[float, float, float] = GRAVITY,
    *,
    python: Path,
    patience: float = 900.0,
) -> dict[str, Any]:
    """Step a stage in Newton on the CPU, with its MuJoCo solver, in a child process.

    Args:
        stage: a stage that was found harmless.
        physics_scene: path of its PhysicsScene.
        seconds: how long, at 480 steps a second.
        gravity: [m/s²] in place of the stage's.
        python: the interpreter of an environment with Newton, as :func:`newton_python` finds it.
        patience: the child is killed after this time [s].

    Returns:
        As :func:`step_physx`.

    Raises:
        ExportError: Newton does not open it, or took too long; the first time it compiles for a minute.
    """
    arguments = _arguments(stage, physics_scene, seconds, gravity)
    return inspect("newton", stage, *arguments, seconds=patience, memory=PHYSX_MEMORY, python=python)


def _arguments(stage: Path, physics_scene: str, seconds: float, gravity: tuple[float, float, float]) -> tuple[str, ...]:
    if not PHYSICS_SCENE.fullmatch(physics_scene):
        raise ExportError("the stage has no physics scene with a plain path", path=stage)
    numbers = (seconds, 1 / RATE, *np.asarray(gravity, dtype=float).tolist())
    return physics_scene, *(str(number) for number in numbers)


def _step_physx_if_there(stage: Path, physics_scene: str) -> dict[str, Any] | str:
    if find_spec("ovphysx") is None:
        return "ovphysx is not installed"
    return step_physx(stage, physics_scene)


def _step_newton_if_there(stage: Path, physics_scene: str) -> dict[str, Any] | str:
    python = newton_python()
    if python is None:
        return f"Newton needs an environment of its own in {ENVIRONMENT}: make test-isaaclab"
    return step_newton(stage, physics_scene, python=python)
