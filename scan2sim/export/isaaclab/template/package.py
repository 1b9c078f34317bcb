"""A scanned scene as tasks for Isaac Lab; importing this registers them with Gymnasium.

Every task of ``data/tasks.json`` is registered under its id, and once more with pictures among its observations:
``…-PushCamera-v0``.  Lift is there once more with a Franka: ``…-LiftFranka-v0``.  What is special about this scene lies
in ``data``: the objects, their masses and frictions with intervals, the tasks' numbers, the cousins, and the OpenUSD
assets.
"""

import json
from pathlib import Path

import gymnasium

DATA = Path(__file__).parent / "data"
MAKERS = {  # environment, and what makes its configuration
    "Push": ("push_env:PushEnv", "push_env_cfg:push"),
    "PushHeading": ("push_env:PushEnv", "push_env_cfg:push_heading"),
    "Lift": ("gripper_env:GripperEnv", "gripper_env_cfg:lift"),
    "LiftFranka": ("franka_env:make_lift", "franka_env_cfg:lift_franka"),
    "Rearrange": ("gripper_env:GripperEnv", "gripper_env_cfg:rearrange"),
}
MAKERS |= {f"{kind}Camera": (env, f"{cfg}_camera") for kind, (env, cfg) in MAKERS.items()}

_tasks = list(json.loads((DATA / "tasks.json").read_text()))
for _task in (*_tasks, *(_each.replace("-Lift-", "-LiftFranka-") for _each in _tasks if "-Lift-" in _each)):
    for _suffix in ("", "Camera"):
        _id = _task.replace("-v0", f"{_suffix}-v0")
        _env, _cfg = MAKERS[_id.split("-")[-2]]
        if _id not in gymnasium.registry:
            gymnasium.register(
                id=_id,
                entry_point=f"{__name__}.{_env}",
                disable_env_checker=True,
                kwargs={
                    "env_cfg_entry_point": f"{__name__}.{_cfg}",
                    "rsl_rl_cfg_entry_point": f"{__name__}.agents:Scan{_suffix}PPORunnerCfg",
                    "default_agent": "rsl_rl",
                },
            )
