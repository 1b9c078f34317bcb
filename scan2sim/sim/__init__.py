"""The embedded simulator: Scene → MuJoCo model, the table of contact parameters, settling, tasks and environments."""

from scan2sim.sim.contact import CONTACT, ContactTable
from scan2sim.sim.model import compile_scene, mujoco_spec
from scan2sim.sim.push_env import PushEnv, read_push_task, write_push_task
from scan2sim.sim.push_model import add_pusher, push_task
from scan2sim.sim.resting import push_apart, rest_on_support
from scan2sim.sim.settle import Placed, Settled, SettleResult, deepest_contact, settle, settled_scene
from scan2sim.sim.tasks import CONTROL_HZ, PushReset, PushState, PushTask

__all__ = [
    "CONTACT",
    "CONTROL_HZ",
    "ContactTable",
    "Placed",
    "PushEnv",
    "PushReset",
    "PushState",
    "PushTask",
    "SettleResult",
    "Settled",
    "add_pusher",
    "compile_scene",
    "deepest_contact",
    "mujoco_spec",
    "push_apart",
    "push_task",
    "read_push_task",
    "rest_on_support",
    "settle",
    "settled_scene",
    "write_push_task",
]
