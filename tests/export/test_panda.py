"""The Panda's kinematics in the Isaac Lab package, against MuJoCo with the joints of another model of it."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import mujoco
import numpy as np
import torch

from scan2sim.export.isaaclab.template.panda import HOME, LIMITS, grip_of, joints_for, speeds_for, stepped
from tests.export.panda_asset import panda_model


def some_joints(count: int) -> torch.Tensor:
    low, high = torch.tensor(LIMITS, dtype=torch.float64).unbind(1)
    return low + (high - low) * torch.rand(count, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_grip_is_where_mujoco_has_it() -> None:
    model, joints = panda_model(), some_joints(20)
    data, grip = mujoco.MjData(model), grip_of(joints)
    jacobian = np.zeros((6, model.nv))
    for i, angles in enumerate(joints.numpy()):
        data.qpos[:7] = angles
        mujoco.mj_forward(model, data)
        mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], model.site("grip").id)
        assert np.allclose(grip.position[i], data.site("grip").xpos, atol=1e-5)
        assert np.allclose(grip.rotation[i], data.site("grip").xmat.reshape(3, 3), atol=1e-5)
        assert np.allclose(grip.jacobian[i], jacobian[:, :7], atol=1e-5)
    assert np.allclose(np.array(LIMITS), model.jnt_range[:7])


def test_the_hand_comes_where_it_shall_hang() -> None:
    rng = np.random.default_rng(0)
    angle, far = rng.uniform(-0.6, 0.6, 200), rng.uniform(0.35, 0.65, 200)
    places = np.column_stack([far * np.cos(angle), far * np.sin(angle), rng.uniform(0.01, 0.3, 200)])
    position, yaw = torch.from_numpy(places), torch.from_numpy(rng.uniform(-np.pi / 2, np.pi / 2, 200))
    joints = joints_for(position, yaw)
    low, high = torch.tensor(LIMITS, dtype=joints.dtype).unbind(1)
    assert ((joints >= low) & (joints <= high)).all()
    grip = grip_of(joints)
    assert (grip.position - position).norm(dim=1).max() < 1e-4
    assert (grip.rotation[:, 2, 2] < -0.9999).all()
    found = torch.atan2(grip.rotation[:, 1, 0], grip.rotation[:, 0, 0])
    assert (found - yaw).abs().max() < 5e-3


def test_joints_move_the_hand_as_it_shall_move() -> None:
    joints = joints_for(torch.tensor([[0.5, 0.1, 0.2]], dtype=torch.float64), torch.zeros(1, dtype=torch.float64))
    motion = torch.tensor([[0.1, -0.2, 0.05, 0.0, 0.0, 0.5]], dtype=torch.float64)
    now, short = grip_of(joints), 1e-4
    then = grip_of(joints + short * speeds_for(now.jacobian, motion))
    assert torch.allclose((then.position - now.position) / short, motion[:, :3], atol=0.01)
    turned = (then.rotation @ now.rotation.transpose(1, 2) - torch.eye(3, dtype=torch.float64)) / short
    assert abs(float(turned[0, 1, 0]) - 0.5) < 0.01


def test_a_step_goes_nearer_and_a_hand_that_is_there_stays() -> None:
    home = torch.tensor([HOME], dtype=torch.float64)
    grip = grip_of(home)
    assert grip.rotation[0, 2, 2] < -0.999
    yaw = torch.atan2(grip.rotation[:, 1, 0], grip.rotation[:, 0, 0])
    assert torch.allclose(stepped(home, grip.position, yaw), home, atol=1e-3)
    away = grip.position + torch.tensor([[0.02, -0.03, 0.01]], dtype=torch.float64)
    left = (grip_of(stepped(home, away, yaw)).position - away).norm()
    assert left < 0.1 * (grip.position - away).norm()
