"""The contact solver in torch, contact by contact as the compiled one (``native/solver.inl``): slow, and with gradients
by everything.  The tests hold the other to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from splatwm.config import PhysicsConfig
from splatwm.model.problem import SolveInputs

__all__ = ["solve_in_torch"]

BOUNCES = 0.05  # [m/s] slower impacts do not bounce
STRIDE = 0.003  # [m] of a part of a spring's integration
MOST_PARTS = 64
LEAST_RADIUS = 1e-6


@dataclass(frozen=True)
class _Spring:
    step: float
    stiffness: float
    damping: float
    creep: float
    impedance: tuple[float, float, float]
    parts: int
    convex: bool

    @property
    def lasts(self) -> float:
        """What a step leaves of a velocity along the surface while friction holds."""
        return (1 - self.step / self.parts * self.damping) ** self.parts

    @property
    def yields(self) -> float:
        """Velocity per impulse of sticking friction over a step, to that of a single part."""
        return (1 - self.lasts) / (self.step * self.damping)

    def parts_at(self, normal: float) -> int:
        """In how many parts the spring of something that comes so fast is integrated."""
        return max(self.parts, min(math.ceil(-normal * self.step / STRIDE), MOST_PARTS))


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
    acts: bool = True
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
        _parts(inputs.step, config),
        config.law == "mujoco",
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
    share = max(0.0, 0.5 - 0.5 * config.timestep / inputs.step)
    moves = inputs.inverse_mass > 0
    mean = [v + share * (u - v) if m else v for v, u, m in zip(velocities, inputs.before, moves, strict=True)]
    _solve_positions(contacts, velocities, mean, config.position_sweeps)
    impulse = torch.stack([c.impulse for c in contacts]) if contacts else inputs.warm.clone()
    return impulse, torch.stack(velocities), torch.stack(mean)


def _parts(step: float, config: PhysicsConfig) -> int:
    damping = 2 / (config.impedance[1] * config.time_constant)
    return max(1, math.ceil(step / config.timestep - 0.01), math.ceil(step * damping / 1.06))


def _contact(inputs: SolveInputs, k: int, spring: _Spring) -> _Contact:
    frame, a, b = inputs.frame[k], int(inputs.a[k]), int(inputs.b[k])
    jacobian_a, jacobian_b = -_jacobian(frame, inputs.arm_a[k]), _jacobian(frame, inputs.arm_b[k])
    response_a = _inverse_mass(inputs, a) @ jacobian_a.T
    response_b = _inverse_mass(inputs, b) @ jacobian_b.T
    before = jacobian_a @ inputs.before[a] + jacobian_b @ inputs.before[b]
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
        spring.creep * spring.lasts * before[1:] + torch.cat([bias[1:], zero]),
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


def _impedance(depth: Tensor, spring: _Spring) -> Tensor:
    """MuJoCo's impedance."""
    low, high, width = spring.impedance
    x = (depth / width).clamp(0, 1)
    return low + torch.where(x <= 0.5, 2 * x * x, 1 - 2 * (1 - x) ** 2) * (high - low)


def _sprung(c: _Contact, acceleration: Tensor, parts: int, spring: _Spring) -> tuple[Tensor, Tensor, Tensor]:
    """Impulse and way of a contact alone over a step, and how it resists at the end."""
    part, v, r = spring.step / parts, c.before[0], c.gap
    impulse = resistance = torch.zeros_like(r)
    closed = bool(c.gap <= 0)
    for _ in range(parts):
        impedance = _impedance(-r, spring)
        resistance = (1 - impedance) / impedance * c.inverse_mass
        wanted = v - part * (spring.damping * v + impedance * spring.stiffness * r)
        v = v + part * acceleration
        push = (wanted - v) / (c.mobility[0, 0] + resistance)
        if r < 0 and (closed or push > 0):
            impulse, v = impulse + push, v + c.mobility[0, 0] * push
        r = r + part * v
    return impulse, r - c.gap, resistance


def _set_targets(c: _Contact, normal: Tensor, restitution: Tensor, position_bias: Tensor, spring: _Spring) -> None:
    h, mobility = spring.step, c.mobility[0, 0]
    alone = normal - mobility * c.impulse[0] - c.bias[0]
    parts = spring.parts_at(float(alone.detach()))
    c.position_target = torch.zeros_like(c.gap)
    if restitution > 0 and normal < -BOUNCES and c.gap + h * normal < 0:
        c.acts = c.pushes = True
        c.softness = c.friction_softness = torch.zeros_like(c.gap)
        c.linear_target = -restitution * normal + c.bias[0]
        c.position_target = -c.gap.clamp(min=0) / h
    else:
        opened = bool(c.gap > 0)
        acceleration = (alone - c.before[0]) / h
        if not acceleration.requires_grad:
            acceleration = acceleration.detach().requires_grad_()
        with torch.enable_grad():
            impulse, way, resistance = _sprung(c, acceleration, parts, spring)
            presses = not opened or bool(impulse > 0)
            slope = torch.autograd.grad(impulse, acceleration, create_graph=True)[0] if presses else None
        c.acts, c.pushes = presses or parts > 1, opened and parts > 1
        if slope is not None:
            c.softness = (-h / slope - mobility).clamp(min=0)
            velocity = alone + (mobility + c.softness) * impulse
        else:
            c.softness, velocity, way = torch.zeros_like(c.gap), -c.gap / h, -c.gap
        c.linear_target = velocity + c.bias[0]
        c.friction_softness = spring.creep * c.friction[0] ** 2 * resistance * spring.yields
        if c.pushes:
            c.position_target = way / h
    c.position_target = c.position_target + position_bias


def _relax(c: _Contact, velocities: list[Tensor], spring: _Spring) -> None:
    u, old = _relative(c, velocities), c.impulse
    if c.acts:
        assert c.softness is not None
        assert c.linear_target is not None
        assert c.friction_softness is not None
        lack, direction = c.linear_target - u[0] - c.softness * old[0], None
        resist = c.mobility[0, 0] + c.softness
        if spring.convex and old[0] > 1e-9:
            direction = old[1:] / old[0]
            yields = c.friction_softness / (c.friction**2).clamp(min=1e-12)
            lack = lack + (direction * (c.target - u[1:] - yields * old[1:])).sum()
            along = torch.cat([torch.ones_like(direction[:1]), direction])
            resist = (c.softness + (direction**2 * yields).sum() + along @ c.mobility @ along).detach()
        pressed = old[0] + lack / resist
    else:
        pressed, direction = torch.zeros_like(old[0]), None
    if pressed > 0:
        assert c.friction_softness is not None
        begun = old[1:] if direction is None else direction * pressed
        more = torch.cat([pressed[None], begun]) - old
        slide = u[1:] + c.mobility[1:] @ more - c.target
        speed = (c.friction**2 * slide**2).sum()
        slides = (speed.sqrt() if speed > 0 else speed) / pressed
        slip = torch.maximum(slides, c.friction_softness) if spring.convex else slides + c.friction_softness
        radius = c.friction.clamp(min=LEAST_RADIUS)
        rub = list(begun.unbind())
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
