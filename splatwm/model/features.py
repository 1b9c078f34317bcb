"""What a network is told of contacts: numbers that stay when the scene is turned or moved, or bodies renamed.

All are bounded, ``x / (1 + |x|)`` of what has a scale.  Those of a contact are the same from both sides; those of a
side see the contact from one of its bodies.  The compiled rollout computes the same (``native/network.inl``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from splatwm.config import PhysicsConfig
from splatwm.model.problem import SolveInputs

__all__ = ["CONTACT_FEATURES", "SIDE_FEATURES", "ContactFeatures", "contact_features", "liveliness"]

CONTACT_FEATURES = 24
SIDE_FEATURES = 8

DEPTH, REACH = 0.001, 0.03  # [m] scales of gaps and of arms
SLOW, FAST = 0.1, 1.0  # [m/s]
SPIN, TURN = 5.0, 0.1  # [rad/s], and [rad] within a step
TINY = 1e-3  # [m/s] below it a direction means nothing


@dataclass(frozen=True)
class ContactFeatures:
    """Of C contacts."""

    contact: Tensor  # (C, CONTACT_FEATURES)
    side_a: Tensor  # (C, SIDE_FEATURES) as body a sees it
    side_b: Tensor  # (C, SIDE_FEATURES)


def contact_features(inputs: SolveInputs, config: PhysicsConfig) -> ContactFeatures:
    """Features of all contacts of a problem."""
    i, h = inputs, inputs.step
    a, b = i.a.long(), i.b.long()
    gravity = torch.tensor(config.gravity).to(i.before)
    weight = float(gravity.norm())
    down = i.frame @ (gravity / max(weight, 1e-9))  # (C, 3) along normal and tangents
    arm_a, arm_b = _in_frame(i.frame, i.arm_a), _in_frame(i.frame, i.arm_b)
    spin_a, spin_b = _in_frame(i.frame, i.before[a, 3:]), _in_frame(i.frame, i.before[b, 3:])
    start, free = _relative(i, i.before), _relative(i, i.free)
    turning = spin_b - spin_a
    slip, free_slip = start[:, 1:], free[:, 1:]
    speed, free_speed = _length(slip), _length(free_slip)
    heading = slip / (speed + TINY)[:, None]
    masses = i.inverse_mass[a] + i.inverse_mass[b]
    mobility = _mobility(i, a, b, masses)
    normal, coupling = mobility[:, 0, 0], mobility[:, 0, 1:]
    moves_a, moves_b = i.inverse_mass[a] > 0, i.inverse_mass[b] > 0
    mu, closing = i.friction[:, 0], -free[:, 0]
    steep = down[:, 0].abs()
    features = [
        _soft(i.gap / DEPTH),
        _soft(i.gap / (h * SLOW)),
        _soft(start[:, 0] / SLOW),
        _soft(start[:, 0] / FAST),
        _soft(free[:, 0] / SLOW),
        _soft((i.gap + h * free[:, 0]) / DEPTH),
        _soft(speed / SLOW),
        _soft(speed / FAST),
        _soft(free_speed / SLOW),
        (slip * free_slip).sum(-1) / (speed * free_speed + TINY * TINY),
        _soft(turning[:, 0].abs() / SPIN),
        _soft(_length(turning[:, 1:]) / SPIN),
        mu,
        masses / normal,
        2 * masses / (mobility[:, 1, 1] + mobility[:, 2, 2]),
        (coupling * heading).sum(-1) / normal,
        _length(coupling) / normal,
        steep,
        torch.full_like(mu, h / (h + 1 / 120)),
        i.restitution,
        (i.gap / (h * closing.clamp(min=TINY))).clamp(0, 1),
        (moves_a & moves_b).to(mu),
        _soft(free_speed / (mu * closing.clamp(min=0) + TINY)),
        _soft(weight * h / (start[:, 0].abs() + TINY)),
    ]
    return ContactFeatures(
        torch.stack(features, -1),
        _side(arm_a, spin_a, -heading, 1.0, down, i.inverse_mass[a] / masses, h),
        _side(arm_b, spin_b, heading, -1.0, down, i.inverse_mass[b] / masses, h),
    )


def liveliness(inputs: SolveInputs, config: PhysicsConfig) -> tuple[Tensor, Tensor]:  # (C,) [m/s], (C, 2) [m/s]
    """What bounds corrections of velocities, and the sliding velocity along the tangents at the start.

    Q = S² / (S + g h |n·g|) with S = approach + μ/2 · slip speed: an impulse that ends with a normal velocity of up to
    Q / 2 takes more energy than that gives, and lifting by Q h / 4 costs less than was lost; bounds are half of these.
    Q is 0 where things rest.
    """
    gravity = torch.tensor(config.gravity).to(inputs.before)
    start = _relative(inputs, inputs.before)
    lively = (-start[:, 0]).clamp(min=0) + 0.5 * inputs.friction[:, 0] * _length(start[:, 1:])
    weight = inputs.step * (inputs.frame[:, 0] @ gravity).abs()
    return lively * lively / (lively + weight + 1e-6), start[:, 1:]


def _side(
    arm: Tensor,  # (C, 3) all along normal and tangents
    spin: Tensor,  # (C, 3)
    heading: Tensor,  # (C, 2) where this body slides to
    out: float,  # 1 where the normal leaves this body, -1 where it enters
    down: Tensor,  # (C, 3)
    share: Tensor,  # (C,) of the inverse mass
    h: float,
) -> Tensor:  # (C, SIDE_FEATURES)
    rolling = out * (spin[:, 1] * heading[:, 1] - spin[:, 2] * heading[:, 0])  # (n × spin) · heading
    return torch.stack(
        [
            _soft(out * arm[:, 0] / REACH),
            _soft(_length(arm[:, 1:]) / REACH),
            share,
            out * down[:, 0],
            _soft(rolling / SPIN),
            (heading * down[:, 1:]).sum(-1),
            _soft(_length(spin) * h / TURN),
            _soft((arm[:, 1:] * heading).sum(-1) / REACH),
        ],
        -1,
    )


def _in_frame(frame: Tensor, vector: Tensor) -> Tensor:  # (C, 3, 3), (C, 3)
    return (frame @ vector[..., None])[..., 0]


def _relative(inputs: SolveInputs, velocity: Tensor) -> Tensor:  # (C, 3) of b's place over a's, in the frame
    a, b = inputs.a.long(), inputs.b.long()
    at_a = velocity[a, :3] + torch.linalg.cross(velocity[a, 3:], inputs.arm_a)
    at_b = velocity[b, :3] + torch.linalg.cross(velocity[b, 3:], inputs.arm_b)
    return _in_frame(inputs.frame, at_b - at_a)


def _mobility(inputs: SolveInputs, a: Tensor, b: Tensor, masses: Tensor) -> Tensor:  # (C, 3, 3)
    """What a unit impulse along normal or tangents does to the relative velocity along them."""
    total = masses[:, None, None] * torch.eye(3).to(masses)
    for body, arm in ((a, inputs.arm_a), (b, inputs.arm_b)):
        lever = torch.linalg.cross(arm[:, None].expand(-1, 3, -1), inputs.frame)
        total = total + lever @ inputs.inverse_inertia[body] @ lever.transpose(1, 2)
    return total


def _length(vector: Tensor) -> Tensor:  # (..., n) to (...), with a derivative at zero
    return (vector.square().sum(-1) + 1e-12).sqrt()


def _soft(x: Tensor) -> Tensor:
    return x / (1 + x.abs())
