"""Parts of the tools that tasks put into a scene's model: slides, hinges, servos, and the keyframe to start from."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import mujoco
import numpy as np

from scan2sim.sim.tasks import Task

__all__ = ["add_place_servo", "add_servo", "add_slide", "let_rest_sleep", "start_at_home"]


def add_slide(
    body: mujoco.MjsBody,
    name: str,
    axis: np.ndarray,  # (3,)
    limits: tuple[float, float],  # [m] or [rad]
    *,
    hinge: bool = False,
    drag: float = 0.0,  # [N s/m] or [N m s/rad]
) -> None:
    """A joint along or about an axis of the body's parent; drag limits how fast a force moves it."""
    body.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_HINGE if hinge else mujoco.mjtJoint.mjJNT_SLIDE,
        axis=axis,
        range=limits,
        damping=drag,
        limited=mujoco.mjtLimited.mjLIMITED_TRUE,
    )


def add_servo(spec: mujoco.MjSpec, joint: str, *, speed: float, gain: float, force: float) -> None:
    """A velocity servo of a joint, with the joint's name: ``gain (asked - velocity)``, at most ``force``."""
    servo = _actuator(spec, joint, (-speed, speed), force)
    servo.gainprm[0], servo.biasprm[2] = gain, -gain


def add_place_servo(
    spec: mujoco.MjSpec, joint: str, *, limits: tuple[float, float], stiffness: float, damping: float, force: float
) -> None:
    """A position servo of a joint: ``stiffness (asked - place) - damping velocity``, at most ``force``."""
    servo = _actuator(spec, joint, limits, force)
    servo.gainprm[0], servo.biasprm[1], servo.biasprm[2] = stiffness, -stiffness, -damping


def let_rest_sleep(spec: mujoco.MjSpec) -> None:
    """What rests is not simulated until something touches it: with bystanders, steps take half the time or less.

    Things that lie on many corners tremble at some millimetres a second and do not sleep with MuJoCo's limit, but with
    ten times that limit tasks step only 7 % faster.
    """
    spec.option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)


def start_at_home(spec: mujoco.MjSpec, task: Task) -> None:
    """The keyframe gets the tool where a reset can leave it."""
    model = spec.compile()
    start = task.sample_start(np.random.default_rng(0)).tool
    qpos = model.qpos0.copy()
    for name, value in zip(task.tool_joints, start, strict=True):
        qpos[model.joint(name).qposadr[0]] = value
    spec.key("home").qpos = qpos


def _actuator(spec: mujoco.MjSpec, joint: str, limits: tuple[float, float], force: float) -> mujoco.MjsActuator:
    return spec.add_actuator(
        name=joint,
        target=joint,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        ctrlrange=limits,
        forcerange=[-force, force],
    )
