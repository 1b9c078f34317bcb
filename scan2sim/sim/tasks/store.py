"""Task descriptions as JSON files."""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scan2sim.errors import ExportError
from scan2sim.files import read_json
from scan2sim.sim.tasks.lift import LiftTask
from scan2sim.sim.tasks.push import PushTask
from scan2sim.sim.tasks.rearrange import RearrangeTask
from scan2sim.sim.tasks.task import Task

__all__ = ["read_task", "task_as_json"]

FORMAT, VERSION = "scan2sim.task", 1
KINDS = {kind.kind: kind for kind in (PushTask, LiftTask, RearrangeTask)}
TODO = "export the scene again"


def task_as_json(task: PushTask | LiftTask | RearrangeTask) -> dict[str, Any]:
    """The task as JSON data."""
    return {"format": FORMAT, "version": VERSION, "kind": task.kind, **asdict(task)}


def read_task(path: Path) -> Task:
    """Read a task description.

    Raises:
        ExportError: it is missing, damaged, or not a task.
    """
    data = read_json(path, ExportError)
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise ExportError(f"not a task description of version {VERSION}", path=path, todo=TODO)
    kind = KINDS.get(str(data.get("kind")))
    if kind is None:
        raise ExportError(f"a task of unknown kind {data.get('kind')!r}", path=path, todo=TODO)
    known = {f.name for f in fields(kind)}
    for f in fields(kind):
        if f.name not in data and f.default is MISSING:
            raise ExportError(f"the task lacks “{f.name}”", path=path, todo=TODO)
    try:
        return TypeAdapter(kind).validate_python({name: data[name] for name in known & data.keys()})
    except ValidationError as problem:
        first = problem.errors()[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ExportError(f"the task is wrong ({what})", path=path, todo=TODO) from None
