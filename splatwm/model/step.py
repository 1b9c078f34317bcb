"""One step of a batch as tensors, with gradients and places for a network to correct what contacts do.

The same maths as the compiled rollout (``splatwm.simulate``), for training and adaptation; bodies do not fall asleep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from splatwm import _native
from splatwm.config import PhysicsConfig, native_settings
from splatwm.model.contacts import ContactGeometry, Contacts, contact_geometry, find_contacts
from splatwm.model.corrections import Corrections
from splatwm.model.rigid import rotation_matrix, turned_by
from splatwm.model.solve import Backend, SolveInputs, solve
from splatwm.shapes import BodyShape
from splatwm.simulate import native_state
from splatwm.state import State

__all__ = ["Corrector", "Stepped", "step"]

Corrector = Callable[[SolveInputs, bool], Corrections]  # of a problem, and whether its contacts are new


@dataclass(frozen=True)
class Stepped:
    """A step later."""

    state: State
    contacts: Contacts
    impulse: Tensor  # (C, 6) of the last substep, to begin the next step with
    felt: Tensor  # (B, O, 3) [N s] of all contacts on each body


@dataclass(frozen=True)
class _Bodies:
    """The batch as one row of N bodies."""

    moves: Tensor  # (N,) bool
    inverse_mass: Tensor  # (N,)
    inertia: Tensor  # (N, 3, 3) body axes
    inverse_inertia: Tensor  # (N, 3, 3)


def step(
    state: State,
    shapes: Sequence[BodyShape],
    dt: float,  # [s]
    config: PhysicsConfig = PhysicsConfig(),  # noqa: B008 (frozen)
    corrections: Corrections | Corrector = Corrections(),  # noqa: B008 (frozen)
    *,
    contacts: Contacts | None = None,
    warm: Tensor | None = None,  # (C, 6) impulses to begin with, of the contacts that are given
    backend: Backend = "native",
) -> Stepped:
    """Move a batch by one step, cut as a rollout's.

    Contacts are those given, or they are found at the start, and again as often as a rollout of the environment with
    the fastest motion would.  Kinematic bodies go on with their velocities.  Corrections are the same in all substeps,
    or asked for in each.

    Raises:
        UsageError: the backend cannot do it.
        ValueError: sizes do not fit.
    """
    looks = 1 if contacts is not None else _looks(state, shapes, dt, config)
    cuts = max(config.cuts(dt), looks)
    moved: list[Stepped] = []
    for look in range(looks):
        count = cuts * (look + 1) // looks - cuts * look // looks
        near = find_contacts(state, shapes, dt * count / cuts, config) if contacts is None else contacts
        part = _substeps(state, near, dt / cuts, count, config, corrections, warm if look == 0 else None, backend)
        state = part.state
        moved.append(part)
    return replace(moved[-1], felt=torch.stack([part.felt for part in moved]).sum(0))


def _looks(state: State, shapes: Sequence[BodyShape], dt: float, config: PhysicsConfig) -> int:
    detached = State(**{name: value.detach().contiguous() for name, value in vars(state).items()})
    return max(_native.looks(native_state(detached, shapes), native_settings(config), dt), default=1)


def _substeps(
    state: State,
    contacts: Contacts,
    h: float,
    count: int,
    config: PhysicsConfig,
    corrections: Corrections | Corrector,
    warm: Tensor | None,
    backend: Backend,
) -> Stepped:
    """So many short steps of ``h`` [s] on the same contacts."""
    bodies = _bodies(state)
    friction = _frictions(contacts, config)
    impulse = torch.zeros(len(contacts), 6).to(state.position) if warm is None else warm
    wxyz = torch.nn.functional.normalize(state.wxyz.flatten(0, 1), dim=-1)
    rotation, arm = rotation_matrix(wxyz), state.center_of_mass.flatten(0, 1)[..., None]
    center = state.position.flatten(0, 1) + (rotation @ arm)[..., 0]
    velocity = torch.cat([state.linear, state.angular], -1).flatten(0, 1)
    felt = torch.zeros_like(center)
    weight = torch.tensor(config.gravity).to(velocity) * h
    fall = torch.where(bodies.moves[:, None], torch.cat([weight, torch.zeros_like(weight)]), 0.0)
    none = torch.zeros(len(contacts)).to(velocity)
    for part in range(count):
        at = contact_geometry(contacts, center, rotation)
        turning = rotation @ bodies.inverse_inertia @ rotation.transpose(1, 2)
        inputs = SolveInputs(
            before=velocity,
            free=velocity + fall,
            inverse_mass=bodies.inverse_mass,
            inverse_inertia=turning,
            a=contacts.a,
            b=contacts.b,
            frame=at.frame,
            arm_a=at.arm_a,
            arm_b=at.arm_b,
            gap=at.gap,
            friction=friction * _friction_law(contacts, at, velocity, config),
            restitution=contacts.restitution,
            velocity_bias=none[:, None].expand(-1, 3),
            position_bias=none,
            warm=impulse,
            step=h,
        )
        changes = corrections if isinstance(corrections, Corrections) else corrections(inputs, part == 0)
        changed = {name: value for name, value in vars(changes).items() if value is not None}
        solved = solve(replace(inputs, **changed), config, backend)
        impulse = solved.impulse
        force = (at.frame.transpose(1, 2) @ impulse[:, :3, None])[..., 0]
        felt = felt.index_add(0, contacts.b, force).index_add(0, contacts.a, -force)
        center = center + h * solved.mean[:, :3]
        spin = solved.after[:, 3:]
        momentum = (rotation @ bodies.inertia @ rotation.transpose(1, 2) @ spin[..., None])[..., 0]
        gyroscopic = (turning @ torch.linalg.cross(momentum, spin)[..., None])[..., 0]
        wxyz = turned_by((solved.mean[:, 3:] + 0.5 * h * gyroscopic) * h, wxyz)
        rotation = rotation_matrix(wxyz)
        kept = (rotation @ bodies.inverse_inertia @ rotation.transpose(1, 2) @ momentum[..., None])[..., 0]
        spin = torch.where(bodies.moves[:, None], kept, spin)
        velocity = torch.cat([solved.after[:, :3], spin], -1)
    shape = state.position.shape
    moved = replace(
        state,
        position=(center - (rotation @ arm)[..., 0]).reshape(shape),
        wxyz=wxyz.reshape(state.wxyz.shape),
        linear=velocity[:, :3].reshape(shape),
        angular=velocity[:, 3:].reshape(shape),
    )
    return Stepped(moved, contacts, impulse, felt.reshape(shape))


def _bodies(state: State) -> _Bodies:
    moves = state.free.flatten()
    eye = torch.eye(3).to(state.inertia)
    inertia = torch.where(moves[:, None, None], state.inertia.flatten(0, 1), eye)
    inverse = torch.where(moves[:, None, None], torch.linalg.inv(inertia), 0.0)
    mass = torch.where(moves, state.mass.flatten(), 1.0)
    return _Bodies(moves, torch.where(moves, 1 / mass, 0.0), inertia, inverse)


def _frictions(contacts: Contacts, config: PhysicsConfig) -> Tensor:
    sliding = contacts.friction
    rough = (sliding > 0).to(sliding)
    return torch.stack([sliding, config.torsion * rough, config.rolling * rough], -1)


def _friction_law(contacts: Contacts, at: ContactGeometry, velocity: Tensor, config: PhysicsConfig) -> Tensor:
    """Factors (C, 3) on frictions at the velocities with which a substep begins: sliding friction depends on them."""
    factor = torch.ones(len(contacts), 3).to(velocity)
    if config.slip_friction == 0 and config.impact_friction == 0:
        return factor
    a, b = velocity[contacts.a], velocity[contacts.b]
    apart = b[:, :3] + torch.linalg.cross(b[:, 3:], at.arm_b) - a[:, :3] - torch.linalg.cross(a[:, 3:], at.arm_a)
    normal, *tangents = (at.frame @ apart[..., None])[..., 0].unbind(-1)
    slip = (tangents[0] ** 2 + tangents[1] ** 2 + 1e-12).sqrt()
    sliding = (1 + config.slip_friction * slip).clamp(min=0) / (1 + config.impact_friction * normal.abs())
    return torch.cat([sliding[:, None], factor[:, 1:]], 1)
