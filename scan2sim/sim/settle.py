"""Let a scene come to rest in MuJoCo, and say how far everything moved."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import quaternion_angle
from scan2sim.progress import Reporter, silent
from scan2sim.scene import Scene
from scan2sim.sim.contact import CONTACT, ContactTable
from scan2sim.sim.model import compile_scene
from scan2sim.sim.resting import rest_on_support

__all__ = ["SettleResult", "Settled", "deepest_contact", "settle", "settled_scene"]

REPORTS = 20
DRIFT_TOLERANCE = 0.005  # [m]


@dataclass(frozen=True)
class Settled:
    """How one free object came to rest."""

    drift: float  # [m] between the positions of its centre of mass before and after
    turn: float  # [rad]
    speed: float  # [m/s] mean over the last half of the time
    position: NDArray[np.float64]  # (3,) [m] afterwards
    wxyz: NDArray[np.float64]  # (4,) afterwards


@dataclass(frozen=True)
class SettleResult:
    """What two seconds of gravity did to a scene."""

    seconds: float
    objects: dict[str, Settled]  # the free objects, by name
    penetration: float  # [m] deepest contact at the end, ≥ 0
    unsettled: tuple[str, ...] = ()  # objects whose pose was kept because they moved too far

    @property
    def drift(self) -> float:
        """The largest drift [m]; 0 without free objects."""
        return max((s.drift for s in self.objects.values()), default=0.0)


def settle(
    scene: Scene, seconds: float = 2.0, report: Reporter = silent, contact: ContactTable = CONTACT
) -> SettleResult:
    """Step the scene as it stands, without any force but gravity, and measure each free object's drift.

    Raises:
        SceneError: the scene is not consistent.
    """
    model = compile_scene(scene, contact)
    data = mujoco.MjData(model)
    free = {obj.name: obj for obj in scene.objects if obj.mobility == "free"}
    steps = max(1, round(seconds / model.opt.timestep))
    speeds = dict.fromkeys(free, 0.0)
    for step in range(steps):
        mujoco.mj_step(model, data)
        if 2 * step >= steps:
            for name in free:
                speeds[name] += float(np.linalg.norm(data.joint(name).qvel[:3])) / (steps - steps // 2)
        if (step + 1) % max(1, steps // REPORTS) == 0:
            report("settling", step + 1, steps)
    mujoco.mj_forward(model, data)
    settled = {}
    for name, obj in free.items():
        position, wxyz = data.joint(name).qpos[:3].copy(), data.joint(name).qpos[3:].copy()
        before = obj.world_from_object @ np.append(obj.physical.center_of_mass, 1)
        drift = float(np.linalg.norm(data.body(name).xipos - before[:3]))
        turn = float(quaternion_angle(wxyz, np.asarray(obj.wxyz) / np.linalg.norm(obj.wxyz)))
        settled[name] = Settled(drift, turn, speeds[name], position, wxyz)
    return SettleResult(seconds, settled, deepest_contact(data))


def settled_scene(
    scene: Scene,
    seconds: float = 2.0,
    tolerance: float = DRIFT_TOLERANCE,  # [m]
    report: Reporter = silent,
) -> tuple[Scene, SettleResult]:
    """The scene with its free objects at rest.

    Objects are first put onto what they rest on, then let go.  An object that drifts less than ``tolerance`` takes its
    settled pose; the others keep the pose they were put into and are named in ``result.unsettled``.

    Raises:
        SceneError: the scene is not consistent.
    """
    placed = rest_on_support(scene)
    result = settle(placed, seconds, report)
    objects, unsettled = [], []
    for obj in placed.objects:
        after = result.objects.get(obj.name)
        if after is None:
            objects.append(obj)
        elif after.drift < tolerance:
            objects.append(replace(obj, position=after.position, wxyz=after.wxyz))
        else:
            unsettled.append(obj.name)
            objects.append(obj)
    return replace(placed, objects=tuple(objects)), replace(result, unsettled=tuple(unsettled))


def deepest_contact(data: mujoco.MjData) -> float:
    """How deep the deepest contact is [m], ≥ 0."""
    return max(0.0, -min((float(d) for d in data.contact.dist), default=0.0))
