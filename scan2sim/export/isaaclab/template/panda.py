"""Where the hand of a Franka Panda is, and how its joints must stand for the hand to be somewhere; torch alone.

Denavit–Hartenberg numbers (Craig's convention) are those of Franka's documentation; the hand is turned by 45° on the
flange, and its grip point is 103.4 mm ahead of that, a centimetre above the fingertips.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["HOME", "LIMITS", "OPEN", "Grip", "grip_of", "joints_for", "speeds_for", "stepped"]

A = (0.0, 0.0, 0.0, 0.0825, -0.0825, 0.0, 0.088)  # [m]
D = (0.333, 0.0, 0.316, 0.0, 0.384, 0.0, 0.0)  # [m]
ALPHA = (0.0, -math.pi / 2, math.pi / 2, math.pi / 2, -math.pi / 2, math.pi / 2, math.pi / 2)  # [rad]
GRIP = 0.107 + 0.1034  # [m] along the flange's axis
HOME = (0.0, -0.569, 0.0, -2.81, 0.0, 2.241, 0.785)  # [rad] bent, the hand straight down
LIMITS = (  # [rad]
    (-2.8973, 2.8973),
    (-1.7628, 1.7628),
    (-2.8973, 2.8973),
    (-3.0718, -0.0698),
    (-2.8973, 2.8973),
    (-0.0175, 3.7525),
    (-2.8973, 2.8973),
)
OPEN = 0.04  # [m] of each finger from the middle
DAMPING, STEPS, FARTHEST = 0.02, 100, 0.2  # of least squares; steps of the solver, of so many radians at most


class Grip(NamedTuple):
    """The hand in the frame of the arm's base."""

    position: Tensor  # (N, 3) [m] of the grip point
    rotation: Tensor  # (N, 3, 3); the hand's z axis points ahead, the fingers close along y
    jacobian: Tensor  # (N, 6, 7) of the grip point and the hand's turning


def grip_of(joints: Tensor) -> Grip:  # (N, 7) [rad]
    """Forward kinematics."""
    count = len(joints)
    turned, at = torch.eye(3).to(joints).expand(count, 3, 3), joints.new_zeros(count, 3)
    axes, places = [], []
    for i in range(7):
        at = at + turned @ joints.new_tensor([A[i], -math.sin(ALPHA[i]) * D[i], math.cos(ALPHA[i]) * D[i]])
        turned = turned @ _about_x(joints.new_tensor(ALPHA[i])) @ _about_z(joints[:, i])
        axes.append(turned[:, :, 2])
        places.append(at)
    rotation = turned @ _about_z(joints.new_tensor(-math.pi / 4))
    position = at + GRIP * turned[:, :, 2]
    columns = [
        torch.cat([torch.linalg.cross(axis, position - place), axis], dim=1)
        for axis, place in zip(axes, places, strict=True)
    ]
    return Grip(position, rotation, torch.stack(columns, dim=2))


def stepped(joints: Tensor, position: Tensor, yaw: Tensor) -> Tensor:  # (N, 7), (N, 3) [m], (N,) [rad] → (N, 7)
    """Joints nearer to those with which the hand hangs there with that yaw: one step of damped least squares."""
    grip = grip_of(joints)
    wanted = _about_z(yaw) @ torch.diag(joints.new_tensor([1.0, -1.0, -1.0]))
    error = torch.cat([position - grip.position, _turn(wanted @ grip.rotation.transpose(1, 2))], dim=1)
    change = speeds_for(grip.jacobian, error)
    change = change * (FARTHEST / change.abs().amax(1, keepdim=True).clamp_min(FARTHEST))
    low, high = joints.new_tensor(LIMITS).unbind(1)
    return (joints + change).clamp(low, high)


def speeds_for(jacobian: Tensor, motion: Tensor) -> Tensor:  # (N, 6, 7), (N, 6) → (N, 7)
    """How the joints move when the hand moves and turns so, by damped least squares."""
    square = jacobian @ jacobian.transpose(1, 2) + DAMPING**2 * torch.eye(6).to(jacobian)
    return (jacobian.transpose(1, 2) @ torch.linalg.solve(square, motion[..., None]))[..., 0]


def joints_for(position: Tensor, yaw: Tensor) -> Tensor:  # (N, 3) [m], (N,) [rad] → (N, 7) [rad]
    """Joints with which the hand hangs there with that yaw, as near as the arm gets from its home."""
    joints = position.new_tensor(HOME).repeat(len(position), 1)
    joints[:, 0] = torch.atan2(position[:, 1], position[:, 0])
    for _ in range(STEPS):
        joints = stepped(joints, position, yaw)
    return joints


def _about_x(angle: Tensor) -> Tensor:  # () → (3, 3)
    one, zero = torch.ones_like(angle), torch.zeros_like(angle)
    c, s = angle.cos(), angle.sin()
    return torch.stack([one, zero, zero, zero, c, -s, zero, s, c]).reshape(3, 3)


def _about_z(angle: Tensor) -> Tensor:  # (...,) → (..., 3, 3)
    one, zero = torch.ones_like(angle), torch.zeros_like(angle)
    c, s = angle.cos(), angle.sin()
    return torch.stack([c, -s, zero, s, c, zero, zero, zero, one], dim=-1).reshape(*angle.shape, 3, 3)


def _turn(rotation: Tensor) -> Tensor:  # (N, 3, 3) → (N, 3) [rad]
    """Axis times angle."""
    skew = rotation - rotation.transpose(1, 2)
    axis = torch.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], dim=1)
    sine, cosine = axis.norm(dim=1) / 2, (rotation.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2
    return axis * (torch.atan2(sine, cosine) / (2 * sine).clamp_min(1e-9))[:, None]
