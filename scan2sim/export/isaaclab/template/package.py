"""A scanned scene as tasks for Isaac Lab; importing this registers them with Gymnasium.

Every task of ``data/tasks.json`` is registered under its id.  What is special about this scene lies in ``data``: the
objects, their masses and frictions with intervals, the tasks' numbers, and the OpenUSD assets.
"""

import json
from pathlib import Path

import gymnasium

DATA = Path(__file__).parent / "data"
MAKERS = {"Push": "push", "PushHeading": "push_heading"}  # of their configurations

for _id in json.loads((DATA / "tasks.json").read_text()):
    if _id not in gymnasium.registry:
        gymnasium.register(
            id=_id,
            entry_point=f"{__name__}.push_env:PushEnv",
            disable_env_checker=True,
            kwargs={
                "env_cfg_entry_point": f"{__name__}.push_env_cfg:{MAKERS[_id.split('-')[-2]]}",
                "rsl_rl_cfg_entry_point": f"{__name__}.agents:PushPPORunnerCfg",
                "default_agent": "rsl_rl",
            },
        )
