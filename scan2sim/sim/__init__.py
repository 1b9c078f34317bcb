"""The embedded simulator: Scene → MuJoCo model, the table of contact parameters, settling, tasks and environments."""

from scan2sim.sim.contact import CONTACT, OBJECT_PRIORITY, TOOL_PRIORITY, ContactTable
from scan2sim.sim.gripper_model import GRIPPER_PARTS, add_gripper, lift_task, rearrange_task
from scan2sim.sim.model import collision_model, compile_scene, mujoco_spec
from scan2sim.sim.picture_policy import PictureLessons, PicturePolicy
from scan2sim.sim.push_model import PUSHER_SERVO, add_pusher, push_task
from scan2sim.sim.rest import Rest, Touch, come_to_rest, let_go
from scan2sim.sim.resting import push_apart, rest_on_support
from scan2sim.sim.robot import add_robot, fetch_robot, robot_place
from scan2sim.sim.settle import Placed, Settled, SettleResult, deepest_contact, settle, settled_scene
from scan2sim.sim.task_env import TaskEnv
from scan2sim.sim.task_model import task_model, task_spec
from scan2sim.sim.task_pixels import task_camera
from scan2sim.sim.task_vector_env import TaskVectorEnv
from scan2sim.sim.task_world import TaskWorld, states_of
from scan2sim.sim.tasks import (
    CONTROL_HZ,
    Gripper,
    LiftTask,
    PushTask,
    RearrangeTask,
    Spread,
    Start,
    Table,
    Task,
    TaskState,
    read_task,
    task_as_json,
)

__all__ = [
    "GRIPPER_PARTS",
    "PUSHER_SERVO",
    "CONTACT",
    "OBJECT_PRIORITY",
    "TOOL_PRIORITY",
    "CONTROL_HZ",
    "ContactTable",
    "Gripper",
    "LiftTask",
    "PictureLessons",
    "PicturePolicy",
    "Placed",
    "PushTask",
    "RearrangeTask",
    "Rest",
    "SettleResult",
    "Settled",
    "Spread",
    "Start",
    "Table",
    "Task",
    "TaskEnv",
    "TaskState",
    "TaskVectorEnv",
    "TaskWorld",
    "Touch",
    "add_gripper",
    "add_pusher",
    "add_robot",
    "collision_model",
    "come_to_rest",
    "compile_scene",
    "deepest_contact",
    "fetch_robot",
    "let_go",
    "lift_task",
    "mujoco_spec",
    "push_apart",
    "push_task",
    "read_task",
    "rearrange_task",
    "rest_on_support",
    "robot_place",
    "settle",
    "settled_scene",
    "states_of",
    "task_as_json",
    "task_camera",
    "task_model",
    "task_spec",
]
