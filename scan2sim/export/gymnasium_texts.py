"""What the programs and texts of an exported Gymnasium package say."""

__all__ = ["ENV_HUB", "INIT", "PYPROJECT", "README"]

INIT = '''"""Registers the Gymnasium environments of one scan when it is imported."""

from pathlib import Path

import gymnasium

__all__ = ["ENVIRONMENT", "ENVIRONMENTS", "register"]

ENVIRONMENTS = {{  # id: model, task, actions an episode
{table}}}
ENVIRONMENT = "{first}"
_HERE = Path(__file__).parent


def register() -> None:
    """Make ``gymnasium.make`` and ``gymnasium.make_vec`` know them; calling it again does nothing."""
    for name, (model, task, horizon) in ENVIRONMENTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point="scan2sim.sim:TaskEnv",
                vector_entry_point="scan2sim.sim:TaskVectorEnv",
                max_episode_steps=horizon,
                kwargs={{
                    "model": str(_HERE / model),
                    "task": str(_HERE / task),
                    "scene": str(_HERE / "{scene}"),
                }},
            )


register()
'''

ENV_HUB = '''"""The environments as LeRobot's EnvHub wants them: ``make_env(REPOSITORY, trust_remote_code=True)``."""

import sys
from pathlib import Path

import gymnasium

sys.path.insert(0, str(Path(__file__).parent))

from {package} import ENVIRONMENTS  # noqa: E402


def make_env(n_envs: int = 1, use_async_envs: bool = False, cfg: object = None) -> dict:
    """One vectorised environment for each task: ``{{"{package}": {{0: …, 1: …}}}}``, in the order of ENVIRONMENTS."""
    mode = "async" if use_async_envs else "vector_entry_point"
    tasks = [gymnasium.make_vec(name, num_envs=n_envs, vectorization_mode=mode) for name in ENVIRONMENTS]
    return {{"{package}": dict(enumerate(tasks))}}
'''

PYPROJECT = """[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "{distribution}"
version = "0.1.0"
description = "Gymnasium environments made from a scan."
requires-python = ">=3.11"
dependencies = ["scan2sim", "gymnasium>=1.2"]

[tool.setuptools]
packages = ["{package}"]

[tool.setuptools.package-data]
{package} = ["**/*"]
"""

README = """# {package}

Gymnasium environments made from a scan:

{environments}

Actions are numbers in [-1, 1] at 30 Hz: the velocity of a round pusher (2), or velocity, yaw rate and opening of a
gripper (5). Each episode draws masses and frictions from the intervals that the scan knows them in, unless
`randomize=False`. `info["is_success"]` tells whether the task is done, which ends the episode.

```python
import gymnasium
import {package}  # from this folder, or anywhere after: pip install .

env = gymnasium.make("{first}")
observation, info = env.reset(seed=0)
same = gymnasium.make("{package}:{first}")  # imports it by itself where it is installed
many = gymnasium.make_vec("{first}", num_envs=16)
other = gymnasium.make("{first}", target="NAME")  # another thing of the scene; Push, PushHeading and Lift
pixels = gymnasium.make("{first}", obs="pixels")  # 64×64 pictures of the splats; Push only
```

`env.py` is the form of LeRobot's EnvHub.
"""
