"""The contact solver in torch, contact by contact as the compiled one (``native/solver.inl``): slow, and with gradients
by everything.  The tests hold the other to it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from splatwm.config import PhysicsConfig
from splatwm.model.problem import SolveInputs

__all__ = ["solve_in_torch"]

BOUNCES = 0.05  # [m/s] slower impacts do not bounce
LEAST_RADIUS = 1e-6


@dataclass(frozen=True)
class _Spring:
    step: float
    stiffness: float
    damping: float
    creep: float
    impedance: tuple[float, float, float]


@dataclass
class _Contact:
    a: int
    b: int
    jacobian_a: Tensor  # (6, 6) velocities of a to its part of the relative velocity
    jacobian_b: Tensor
    response_a: Tensor  # (6, 6) impulse to change of velocity
    response_b: Tensor
    mobility: Tensor  # (6, 6), constant for gradients as in the compiled adjoint
    inverse_mass: Tensor
    gap: Tensor
    friction: Tensor  # (5,) radii of the cone: sliding twice, torsion, rolling twice
    bias: Tensor  # (3,)
    before: Tensor  # (6,)
    impulse: Tensor  # (6,)
    target: Tensor  # (5,)
    springs: bool = True
    pushes: bool = False
    softness: Tensor | None = None
    linear_target: Tensor | None = None
    friction_softness: Tensor | None = None
    position_target: Tensor | None = None


def solve_in_torch(inputs: SolveInputs, config: PhysicsConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Impulses (C, 6), velocities at the end (N, 6) and mean velocities (N, 6)."""
    high = config.impedance[1]
    spring = _Spring(
        inputs.step,
        1 / (high * config.time_constant * config.damping_ratio) ** 2,
        2 / (high * config.time_constant),
        config.friction_softness,
        config.impedance,
    )
    velocities = list(inputs.free.unbind(0))
    contacts = [_contact(inputs, k, spring) for k in range(len(inputs.gap))]
    for c in contacts:
        _apply(c, c.impulse, velocities)
    for k, c in enumerate(contacts):
        _set_targets(c, _relative(c, velocities)[0], inputs.restitution[k], inputs.position_bias[k], spring)
    for sweep in range(config.sweeps):
        for c in contacts if sweep % 2 == 0 else contacts[::-1]:
            _relax(c, velocities, spring)
    share = max(0.0, 0.5 - 0.5 * config.lag / inputs.step)
    moves = inputs.inverse_mass > 0
    mean = [v + share * (u - v) if m else v for v, u, m in zip(velocities, inputs.before, moves, strict=True)]
    _solve_positions(contacts, velocities, mean, config.position_sweeps)
    impulse = torch.stack([c.impulse for c in contacts]) if contacts else inputs.warm.clone()
    return impulse, torch.stack(velocities), torch.stack(mean)


def _contact(inputs: SolveInputs, k: int, spring: _Spring) -> _Contact:
    frame, a, b = inputs.frame[k], int(inputs.a[k]), int(inputs.b[k])
    jacobian_a, jacobian_b = -_jacobian(frame, inputs.arm_a[k]), _jacobian(frame, inputs.arm_b[k])
    response_a = _inverse_mass(inputs, a) @ jacobian_a.T
    response_b = _inverse_mass(inputs, b) @ jacobian_b.T
    before = jacobian_a @ inputs.before[a] + jacobian_b @ inputs.before[b]
    damped = 1 + spring.step * spring.damping
    zero = torch.zeros_like(before[:3])
    bias = inputs.velocity_bias[k]
    return _Contact(
        a,
        b,
        jacobian_a,
        jacobian_b,
        response_a,
        response_b,
        (jacobian_a @ response_a + jacobian_b @ response_b).detach(),
        (inputs.inverse_mass[a] + inputs.inverse_mass[b]).detach(),
        inputs.gap[k],
        inputs.friction[k][[0, 0, 1, 2, 2]],
        bias,
        before,
        inputs.warm[k],
        spring.creep * before[1:] / damped + torch.cat([bias[1:], zero]),
    )


def _jacobian(frame: Tensor, arm: Tensor) -> Tensor:  # (6, 6)
    x, y, z = arm
    o = torch.zeros_like(x)
    lever = torch.stack([o, z, -y, -z, o, x, y, -x, o]).reshape(3, 3)  # w × arm = lever @ w
    top = torch.cat([frame, frame @ lever], 1)
    return torch.cat([top, torch.cat([torch.zeros_like(frame), frame], 1)])


def _inverse_mass(inputs: SolveInputs, body: int) -> Tensor:  # (6, 6)
    return torch.block_diag(inputs.inverse_mass[body] * torch.eye(3).to(inputs.frame), inputs.inverse_inertia[body])


def _relative(c: _Contact, velocities: list[Tensor]) -> Tensor:
    return c.jacobian_a @ velocities[c.a] + c.jacobian_b @ velocities[c.b]


def _apply(c: _Contact, change: Tensor, velocities: list[Tensor]) -> None:
    velocities[c.a] = velocities[c.a] + c.response_a @ change
    velocities[c.b] = velocities[c.b] + c.response_b @ change


def _impedance(depth: Tensor, spring: _Spring) -> tuple[Tensor, Tensor]:
    """MuJoCo's impedance and its slope."""
    low, high, width = spring.impedance
    x = (depth / width).clamp(0, 1)
    first = x <= 0.5
    y = torch.where(first, 2 * x * x, 1 - 2 * (1 - x) ** 2)
    slope = torch.where(first, 4 * x, 4 * (1 - x)) * (high - low) / width
    return low + y * (high - low), slope


def _set_targets(c: _Contact, normal: Tensor, restitution: Tensor, position_bias: Tensor, spring: _Spring) -> None:
    h = spring.step
    opened = bool(c.gap > 0)
    meets = not opened or bool(c.gap + h * normal < 0)
    c.springs, c.pushes = not opened, opened
    c.position_target = torch.zeros_like(c.gap)
    if opened:
        impedance, _ = _impedance(-(c.gap + h * normal), spring)
        resistance = (1 - impedance) / impedance * c.inverse_mass
        if meets:
            rest = c.gap / normal + h
            stiff = 1 + rest * spring.damping + rest * rest * impedance * spring.stiffness
            c.softness, velocity = rest * resistance / stiff / h, normal / stiff
            c.position_target = rest * velocity / h - c.gap / h
        else:
            c.softness, velocity = torch.zeros_like(c.gap), -c.gap / h
            c.position_target = -c.gap / h
        c.linear_target = velocity + c.bias[0]
        c.friction_softness = spring.creep * c.friction[0] ** 2 * resistance / (1 + h * spring.damping)
    if restitution > 0 and meets and normal < -BOUNCES:
        c.springs, c.pushes = False, True
        c.softness = c.friction_softness = torch.zeros_like(c.gap)
        c.linear_target = -restitution * normal + c.bias[0]
        c.position_target = -c.gap.clamp(min=0) / h
    c.position_target = c.position_target + position_bias


def _relax(c: _Contact, velocities: list[Tensor], spring: _Spring) -> None:
    u, old, h = _relative(c, velocities), c.impulse, spring.step
    if c.springs:
        v = u[0] - c.bias[0]
        depth = -(c.gap + h * v)
        impedance, slope = _impedance(depth, spring)
        damped, stiff = 1 + h * spring.damping, h * spring.stiffness
        share = impedance / ((1 - impedance) * c.inverse_mass)
        lack = c.before[0] - damped * v + stiff * impedance * depth
        rise = slope / ((1 - impedance) ** 2 * c.inverse_mass)
        newton = share * (damped + h * stiff * impedance)
        newton = newton + h * (rise * lack.clamp(min=0) + share * stiff * slope * depth.clamp(min=0))
        pressed = old[0] + (share * lack - old[0]) / (1 + c.mobility[0, 0] * newton.detach())
        creep = spring.creep * c.friction[0] ** 2 / (share * damped)
    else:
        assert c.softness is not None
        assert c.linear_target is not None
        assert c.friction_softness is not None
        pressed = old[0] - (u[0] - c.linear_target + c.softness * old[0]) / (c.mobility[0, 0] + c.softness)
        creep = c.friction_softness
    if pressed > 0:
        slide = u[1:] + c.mobility[0, 1:] * (pressed - old[0]) - c.target
        speed = (c.friction**2 * slide**2).sum()
        slip = (speed.sqrt() if speed > 0 else speed) / pressed + creep
        radius = c.friction.clamp(min=LEAST_RADIUS)
        rub = list(old[1:].unbind())
        for j in range(5):
            resist = slip / radius[j] ** 2
            change = -(slide[j] + resist * rub[j]) / (c.mobility[j + 1, j + 1] + resist)
            rub[j] = rub[j] + change
            slide = slide + c.mobility[j + 1, 1:] * change
        friction = torch.stack(rub)
        size = ((friction / radius) ** 2).sum()
        if size > pressed**2:
            friction = friction * (pressed / size.sqrt())
        c.impulse = torch.cat([pressed[None], friction])
    else:
        c.impulse = torch.zeros_like(old)
    _apply(c, c.impulse - old, velocities)


def _solve_positions(contacts: list[_Contact], end: list[Tensor], mean: list[Tensor], sweeps: int) -> None:
    pushing, follows = [], set()
    for c in contacts:
        assert c.position_target is not None
        if not c.pushes and c.impulse[0] > 0:
            c.position_target, c.pushes = c.position_target + _relative(c, end)[0], True
            follows.add(id(c))
        if c.pushes:
            pushing.append(c)
    push = {id(c): torch.zeros_like(c.gap) for c in pushing}
    for sweep in range(sweeps):
        for c in pushing if sweep % 2 == 0 else pushing[::-1]:
            assert c.position_target is not None
            old = push[id(c)]
            new = old + (c.position_target - _relative(c, mean)[0]) / c.mobility[0, 0]
            new = new if id(c) in follows else new.clamp(min=0)
            change = torch.cat([(new - old)[None], torch.zeros_like(c.impulse[1:])])
            _apply(c, change, mean)
            push[id(c)] = new
