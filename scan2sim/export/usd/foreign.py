"""USD stages of other programs: opened in a process with limits, and what is wrong with them said."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from scan2sim.errors import ExportError
from scan2sim.export.child import inspect
from scan2sim.export.usd.check import step_physx
from scan2sim.export.usd.safety import refuse_large_layer

__all__ = ["check_foreign_usd"]

GRAVITY = 9.81  # [m/s²]


def check_foreign_usd(path: Path) -> dict[str, Any]:
    """Open anybody's stage, say what is in it and what is wrong with it, and step it in PhysX where that is installed.

    OpenUSD parses it in a child process with limits, after every path in every layer was found to stay in the stage's
    folder.

    Args:
        path: a ``.usd``, ``.usda`` or ``.usdc`` file; what it refers to lies in its folder or below.

    Returns:
        ``passed``, ``problems``, ``default_prim``, ``up_axis``, ``metres_per_unit``, ``kilograms_per_unit``, ``prims``,
        ``bodies`` (paths of the rigid bodies), ``collision_pieces``, ``splats``, ``physics_scene``, and ``physx``:
        ``version``, ``steps`` and ``moved_m`` by body in two seconds, or why it was not stepped.

    Raises:
        ExportError: it does not open, or is not safe to open.
    """
    refuse_large_layer(path)
    seen = inspect("foreign_usd", path)
    if "refused" in seen:
        raise ExportError(
            f"not opened: {seen['refused']}", path=path, todo="put all files of the asset into one folder"
        )
    problems = seen.pop("problems")
    if not seen["default_prim"]:
        problems.append("no default prim, so that nobody can refer to it")
    seen["physx"] = _stepped(path, seen)
    if isinstance(seen["physx"], dict):
        lost = [body for body, moved in seen["physx"]["moved_m"].items() if not np.isfinite(moved)]
        problems += [f"{body}: PhysX loses it" for body in lost]
    return {"passed": not problems, "problems": problems, **seen}


def _stepped(path: Path, seen: dict[str, Any]) -> dict[str, Any] | str:
    if not seen["bodies"]:
        return "not stepped: it has no rigid body"
    if not seen["physics_scene"]:
        return "not stepped: it has no PhysicsScene"
    if find_spec("ovphysx") is None:
        return "not stepped: ovphysx is not installed"
    down = np.array([0.0, -1.0, 0.0] if seen["up_axis"] == "Y" else [0.0, 0.0, -1.0])
    x, y, z = (GRAVITY / seen["metres_per_unit"] * down).tolist()
    run = step_physx(path, seen["physics_scene"], gravity=(x, y, z))
    moved = {
        body: float(np.linalg.norm(np.subtract(each["after"]["position"], each["position"]))) * seen["metres_per_unit"]
        for body, each in run["bodies"].items()
    }
    return {"version": run["version"], "steps": run["steps"], "moved_m": moved}
