"""Gymnasium: a folder that registers ``scan2sim/<Scene>-Push-v0`` when its package is imported or installed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from scan2sim.errors import ExportError, UsageError
from scan2sim.export.child import inspect
from scan2sim.export.compare import compare_model
from scan2sim.export.mjcf import MODEL, write_model
from scan2sim.export.record import export_folder, read_record, write_record
from scan2sim.files import write_json
from scan2sim.scene import Scene
from scan2sim.sim import add_pusher, push_task, read_push_task, write_push_task

__all__ = ["check_gymnasium", "environment_id", "write_gymnasium"]

TASK = "push.json"
SMOKE_STEPS = 200
PACKAGE = re.compile(r"scan2sim_[a-z0-9_]{1,100}")
ENVIRONMENT = re.compile(r"scan2sim/[A-Za-z0-9]{1,100}-Push-v0")

INIT = '''"""Registers the Gymnasium environment {id} when it is imported."""

from pathlib import Path

import gymnasium

__all__ = ["ENVIRONMENT", "register"]

ENVIRONMENT = "{id}"
_HERE = Path(__file__).parent


def register() -> None:
    """Make ``gymnasium.make(ENVIRONMENT)`` work; calling it again does nothing."""
    if ENVIRONMENT not in gymnasium.registry:
        gymnasium.register(
            id=ENVIRONMENT,
            entry_point="scan2sim.sim:PushEnv",
            max_episode_steps={horizon},
            kwargs={{"model": str(_HERE / "{model}"), "task": str(_HERE / "{task}")}},
        )


register()
'''

PYPROJECT = """[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "{distribution}"
version = "0.1.0"
description = "The Gymnasium environment {id}, made from a scan."
requires-python = ">=3.11"
dependencies = ["scan2sim", "gymnasium>=1.2"]

[project.entry-points."gymnasium.envs"]
__root__ = "{package}:register"

[tool.setuptools]
packages = ["{package}"]

[tool.setuptools.package-data]
{package} = ["**/*"]
"""

README = """# {id}

A round pusher on two axes moves `{target}` to a goal on the table. Actions are the pusher's velocity in [-1, 1]²
times {speed} m/s at 30 Hz; an episode has at most {horizon} of them and ends when the object is within {success} mm
of its goal.

```python
import gymnasium
import {package}  # from this folder, or anywhere after: pip install .

env = gymnasium.make("{id}")
observation, info = env.reset(seed=0)
```
"""


def environment_id(name: str) -> str:
    """``table-top 2`` → ``scan2sim/TableTop2-Push-v0``.

    Raises:
        ExportError: the name has no letter or digit.
    """
    return f"scan2sim/{''.join(word[:1].upper() + word[1:] for word in _words(name))}-Push-v0"


def write_gymnasium(
    scene: Scene, folder: Path, name: str, *, target: str | None = None, overwrite: bool = False
) -> Path:
    """Write a Python package that registers the Push environment of a scene; returns the folder.

    The folder holds the package (model, meshes, task), a ``pyproject.toml`` to install it with, a README and
    ``export.json``.

    Args:
        scene: the scene.
        folder: where to write.
        name: the scene's name, from which the environment's id is made.
        target: the object to push; None takes the smallest free one that stands alone.
        overwrite: replace an earlier export.

    Raises:
        ExportError: nothing in the scene can be pushed, or the folder exists and may not be overwritten.
        SceneError: the scene is not consistent.
        OutputError: it cannot be written.
    """
    try:
        task = push_task(scene, target)
    except UsageError as problem:
        raise ExportError(problem.problem, todo=problem.todo) from None
    package = "scan2sim_" + "_".join(word.lower() for word in _words(name))
    words = {
        "id": environment_id(name),
        "package": package,
        "distribution": package.replace("_", "-"),
        "model": MODEL,
        "task": TASK,
        "target": task.target,
        "speed": task.speed,
        "horizon": task.horizon,
        "success": round(task.success_distance * 1000),
    }
    spec = add_pusher(scene, task)
    with export_folder(folder, overwrite) as fresh:
        home = fresh / package
        home.mkdir()
        write_model(spec, home)
        write_json(home / TASK, write_push_task(task))
        (home / "__init__.py").write_text(INIT.format(**words), encoding="utf-8")
        (fresh / "pyproject.toml").write_text(PYPROJECT.format(**words), encoding="utf-8")
        (fresh / "README.md").write_text(README.format(**words), encoding="utf-8")
        write_record(scene, fresh, "gymnasium", environment=words["id"], package=package, target=task.target)
    return folder


def check_gymnasium(folder: Path) -> dict[str, Any]:
    """Import the exported package, run Gymnasium's own ``check_env`` on its environment, and step it at random.

    The model is also held against ``export.json`` and settled, as :func:`check_mjcf` does.  The package is imported
    only if it is letter for letter what this program writes: whoever sends a folder cannot have it run their code.

    Returns:
        The figures of :func:`check_mjcf`, and ``environment``, ``check_env`` (what it complained about, or "passed"),
        ``random_steps``, ``episodes``, ``steps_per_second``.

    Raises:
        ExportError: it does not open, or is not safe to open.
    """
    record = read_record(folder, "gymnasium")
    package, environment = str(record.get("package")), str(record.get("environment"))
    if not PACKAGE.fullmatch(package) or not ENVIRONMENT.fullmatch(environment):
        raise ExportError("the record names no proper package and environment", path=folder, todo="export it again")
    init = folder / package / "__init__.py"
    horizon = read_push_task(folder / package / TASK).horizon
    expected = INIT.format(id=environment, horizon=horizon, model=MODEL, task=TASK)
    if not init.is_file() or init.read_bytes()[: 2 * len(expected)] != expected.encode():
        raise ExportError(
            "not the package that scan2sim writes, so it is not imported", path=init, todo="export it again"
        )
    figures = compare_model(folder / package / MODEL, record)
    seen = inspect("gymnasium", folder, package, environment, str(SMOKE_STEPS))
    if seen["check_env"] != "passed":
        figures["problems"].append(f"check_env: {seen['check_env']}")
        figures["passed"] = False
    return {**figures, "environment": environment, **seen}


def _words(name: str) -> list[str]:
    words = re.findall(r"[A-Za-z0-9]+", name)
    if not words:
        raise ExportError(f"no environment can be named after {name!r}", todo="give a name with letters")
    words = ["Scene", *words] if words[0][0].isdigit() else words
    return [word[:30] for word in words[:3]]
