"""What the exported package says: its build file, its README and its licence."""

from __future__ import annotations

__all__ = ["LICENSE", "PYPROJECT", "README"]

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{distribution}"
version = "1.0.0"
description = "A scanned scene as tasks for Isaac Lab, written by scan2sim"
readme = "README.md"
license = "Apache-2.0"
requires-python = ">=3.12"
dependencies = ["isaaclab>=3.0,<4"]

[tool.setuptools]
packages = ["{package}"]

[tool.setuptools.package-data]
"{package}" = ["data/*.json", "data/assets/*", "data/assets/t*/*", "data/assets/cousins/*/*", "data/assets/*/*/t*/*"]
"""

README = """\
# A scanned scene for Isaac Lab

Written by scan2sim. Tasks:

{tasks}

Kit-less, with Newton, on any computer (Python 3.12):

```
pip install "isaaclab>=3.0,<4"
pip install -e .
python -m {package}.check figures.json --envs 16 --steps 100 [--task ID] [--actions random]
```

Each task is there once more with pictures of 64x64 pixels among its observations, as `...-PushCamera-v0`: group
`policy` is the state, `camera` the pictures (3, 64, 64) in 0..1. Newton's ray tracer makes them, on a CPU too; in Isaac
Sim, `renderer=rtx` takes RTX. Where a goal is on the table, a magenta disc shows it.

Lift is there once more with Isaac Lab's Franka, as `...-LiftFranka-v0`. Its asset is fetched from NVIDIA's server;
where it cannot be had, a warning says so and the gripper that flies freely does the task.

With cousins (`data/variants.json`), environments take the scene and its cousins in turns, each with its own objects,
masses, frictions and numbers of the task.

Training with rsl_rl, and in Isaac Sim with PhysX:

```
isaaclab train --rl_library rsl_rl --task {first} --external_callback {package}
isaaclab train --rl_library rsl_rl --task {first} --external_callback {package} physics=physx
```

`{package}/data/scene.json` holds the objects with the intervals of their masses and frictions, from which every
environment draws if there are no cousins; `tasks.json` the tasks' numbers. The assets are OpenUSD layers with splats,
meshes, convex collision pieces, masses and materials.
"""

LICENSE = """\
Code: Apache License 2.0, https://www.apache.org/licenses/LICENSE-2.0
Data under data/: made from the capture, whose owner's terms hold.
"""
