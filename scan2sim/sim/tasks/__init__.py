"""Tasks, defined once as pure functions on states: observation, action, reset, reward, success, 30 Hz, horizon.

Simulators and learned models alike step the states; nothing here knows which.  `task.py` says what every task has;
`push.py`, `lift.py` and `rearrange.py` are the tasks, `pusher_view.py` is how the pusher sees its own, `gripper.py` the
gripper that two of them share, `store.py` their files.  All functions take a single state or states with leading batch
axes.
"""

from scan2sim.sim.tasks.gripper import Gripper
from scan2sim.sim.tasks.lift import LiftTask
from scan2sim.sim.tasks.push import PUSH_SIZES, PushTask
from scan2sim.sim.tasks.pusher_view import action_of_pusher, seen_by_pusher
from scan2sim.sim.tasks.rearrange import RearrangeTask
from scan2sim.sim.tasks.store import read_task, task_as_json
from scan2sim.sim.tasks.task import CONTROL_HZ, SUBSTEPS, Spread, Start, Table, Task, TaskState

__all__ = [
    "CONTROL_HZ",
    "PUSH_SIZES",
    "SUBSTEPS",
    "Gripper",
    "LiftTask",
    "PushTask",
    "RearrangeTask",
    "Spread",
    "Start",
    "Table",
    "Task",
    "TaskState",
    "action_of_pusher",
    "read_task",
    "seen_by_pusher",
    "task_as_json",
]
