"""Single things that hit the ground askew, against MuJoCo itself at 1/480 s."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import mujoco
import numpy as np
import pytest

from scan2sim.sim import CONTACT
from splatwm.config import PhysicsConfig
from splatwm.shapes import box, sphere
from splatwm.simulate import simulate
from splatwm.state import Start
from tests.splatwm.physics_worlds import ball_inertia, box_inertia, moving, on_the_ground

DT, MASS, RADIUS, HALF = 1 / 30, 0.2, 0.03, (0.04, 0.03, 0.02)
HEIGHT = 0.05  # [m] of what is lowest
TILT = (0.97, 0.2, 0.1, 0.08)
WXYZ = np.array(TILT) / np.linalg.norm(TILT)
Kind = Literal["ball", "flat box", "tilted box"]


def falling(kind: Kind, speed: float, friction: float) -> Start:
    """Something that falls while it moves along x."""
    if kind == "ball":
        shape, inertia, height, wxyz = sphere(RADIUS), ball_inertia(MASS, RADIUS), RADIUS, np.array([1.0, 0, 0, 0])
    else:
        wxyz = WXYZ if kind == "tilted box" else np.array([1.0, 0, 0, 0])
        shape, inertia, height = box(HALF), box_inertia(MASS, HALF), 0.03
    start = on_the_ground([shape], [[0, 0, height + HEIGHT]], [MASS], [inertia], wxyz=[wxyz], friction=friction)
    return replace(start, state=moving(start.state, [[0, 0, 0], [speed, 0, 0]]))


def truth(kind: Kind, start: Start, friction: float, frames: int) -> np.ndarray:  # (T, 7)
    """The same in MuJoCo."""
    geom = f'type="sphere" size="{RADIUS}"' if kind == "ball" else f'type="box" size="{HALF[0]} {HALF[1]} {HALF[2]}"'
    inertia = " ".join(f"{each:.9g}" for each in np.diag(start.state.inertia[0, 1].numpy().astype(float)))
    contact = f'friction="{friction} {CONTACT.torsion} {CONTACT.rolling}" condim="{CONTACT.condim}"'
    contact += f' solref="{CONTACT.solref[0]} {CONTACT.solref[1]}" solimp="{" ".join(map(str, CONTACT.solimp))}"'
    model = mujoco.MjModel.from_xml_string(
        f"""<mujoco><option timestep="{1 / 480}" integrator="{CONTACT.integrator}" cone="{CONTACT.cone}"/>
        <worldbody><geom type="box" size="1 1 .5" pos="0 0 -.5" {contact}/>
        <body><freejoint/><inertial pos="0 0 0" mass="{MASS}" diaginertia="{inertia}"/><geom {geom} {contact}/></body>
        </worldbody></mujoco>"""
    )
    data = mujoco.MjData(model)
    data.qpos[:] = np.concatenate([start.state.position[0, 1], start.state.wxyz[0, 1]])
    data.qvel[:3] = start.state.linear[0, 1]
    rows = []
    for _ in range(frames):
        mujoco.mj_step(model, data, 16)
        rows.append(data.qpos.copy())
    return np.array(rows)


def ours(start: Start, frames: int, config: PhysicsConfig) -> np.ndarray:  # (T, 7)
    moved = simulate(start.state, start.shapes, None, DT, frames, config)
    return np.concatenate([moved.position[0, :, 1], moved.wxyz[0, :, 1]], axis=-1)


@pytest.mark.parametrize("friction", [0.2, 0.6])
@pytest.mark.parametrize("speed", [0.3, 1.0])
@pytest.mark.parametrize("kind", ["ball", "flat box", "tilted box"])
def test_what_hits_the_ground_askew_goes_where_it_goes_in_mujoco(kind: Kind, speed: float, friction: float) -> None:
    start = falling(kind, speed, friction)
    expected = truth(kind, start, friction, 30)
    fine = ours(start, 30, PhysicsConfig(sleep_after=0, tolerance=1e-4, sweeps=100))
    assert np.linalg.norm(fine[:, :3] - expected[:, :3], axis=1).max() < 4e-4
    fallen = int(expected[:, 2].argmin())  # heights of what bounces
    assert fine[fallen:, 2].max() == pytest.approx(expected[fallen:, 2].max(), abs=2e-4)
    usual = ours(start, 30, PhysicsConfig(sleep_after=0))
    way = np.linalg.norm(expected[-1, :2])
    assert np.linalg.norm(usual[-1, :2] - expected[-1, :2]) < 5e-4 + 0.02 * way, "as it is shipped"


def test_coulombs_law_does_not_lift_what_slips() -> None:
    start = falling("flat box", 2.0, 0.6)
    lifted = ours(start, 12, PhysicsConfig(sleep_after=0))
    flat = ours(start, 12, PhysicsConfig(sleep_after=0, law="coulomb"))
    fallen = int(lifted[:, 2].argmin())
    assert truth("flat box", start, 0.6, 12)[:, 2].max() < 0.09
    assert lifted[3:, 2].max() > HALF[2] + 0.002
    assert flat[3:, 2].max() < HALF[2] + 0.0005, fallen
