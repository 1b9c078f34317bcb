"""An exported URDF, read by two readers, MuJoCo and yourdfpy, and stepped by MuJoCo."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scan2sim.export.child import inspect
from scan2sim.export.compare import body_problems, compare_model
from scan2sim.export.readings import reading
from scan2sim.export.record import read_record
from scan2sim.export.urdf import URDF

__all__ = ["check_urdf"]

SECOND = "yourdfpy"


def check_urdf(path: Path) -> dict[str, Any]:
    """Open ``scene.urdf`` in MuJoCo, hold it against ``export.json``, let it settle for 2 s; then read it by yourdfpy.

    MuJoCo is given the contact parameters of `scan2sim.sim.CONTACT`, which URDF cannot hold.  Without yourdfpy, which
    is no dependency, ``readers`` has MuJoCo alone.

    Args:
        path: the exported folder, or its ``scene.urdf``.

    Returns:
        The figures of `check_mjcf`, and ``readers``.

    Raises:
        ExportError: it does not open, or is not safe to open.
    """
    folder = path if path.is_dir() else path.parent
    record = read_record(folder, "urdf")
    figures = compare_model(folder / URDF, record)
    readers = ["mujoco"]
    if find_spec(SECOND):
        readers.append(SECOND)
        bodies = inspect(SECOND, folder / URDF)
        figures["engines"][SECOND] = {"reading": reading(record, bodies)}
        found = body_problems(record, bodies, folder)
        figures["problems"] += [f"{problem} ({SECOND})" for problem in found]
    return {**figures, "passed": not figures["problems"], "readers": readers}
