"""Contacts of a batch in CSR form, found in C++, and their geometry as tensors that follow the bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from splatwm import _native
from splatwm.config import PhysicsConfig, native_settings
from splatwm.shapes import BodyShape
from splatwm.simulate import native_state
from splatwm.state import State

__all__ = ["ContactGeometry", "Contacts", "contact_geometry", "find_contacts"]


@dataclass(frozen=True)
class Contacts:
    """C places where bodies touch or may touch within a step; the normal turns with body a and points to b."""

    offsets: Tensor  # (B + 1,) int64: environment e has the contacts offsets[e] to offsets[e + 1]
    a: Tensor  # (C,) int64 into the batch's B · O bodies
    b: Tensor  # (C,) int64
    on_a: Tensor  # (C, 3) [m] in a's frame, from its centre of mass
    on_b: Tensor  # (C, 3) [m] in b's frame, from its centre of mass
    normal: Tensor  # (C, 3) in a's frame
    offset: Tensor  # (C,) [m] the roundings of both pieces
    round_b: Tensor  # (C,) [m] b's
    gap: Tensor  # (C,) [m] when it was found
    friction: Tensor  # (C,)
    restitution: Tensor  # (C,)
    key: Tensor  # (C,) int64 the same for the same features of an environment in the next step

    def __len__(self) -> int:
        """C."""
        return len(self.gap)


@dataclass(frozen=True)
class ContactGeometry:
    """Where contacts are for given poses."""

    frame: Tensor  # (C, 3, 3) rows: normal and two tangents, scene axes
    arm_a: Tensor  # (C, 3) [m] from the centre of mass of a
    arm_b: Tensor  # (C, 3) [m]
    gap: Tensor  # (C,) [m]


def find_contacts(
    state: State,
    shapes: Sequence[BodyShape],
    dt: float,  # [s]
    config: PhysicsConfig = PhysicsConfig(),  # noqa: B008 (frozen)
) -> Contacts:
    """All contacts of a batch that may matter within ``dt`` seconds, at most ``contacts_per_pair`` for each pair.

    Raises:
        ValueError: the state's arrays do not fit together.
    """
    detached = State(**{name: value.detach().contiguous() for name, value in vars(state).items()})
    found = _native.find_contacts(native_state(detached, shapes), native_settings(config), dt)
    offsets = torch.from_numpy(found["offsets"]).long()
    environment = torch.repeat_interleave(torch.arange(len(offsets) - 1), offsets.diff())
    first = environment * state.mass.shape[1]
    reals = {
        name: torch.from_numpy(found[name])
        for name in ("on_a", "on_b", "normal", "offset", "round_b", "gap", "friction", "restitution")
    }
    return Contacts(
        offsets=offsets,
        a=torch.from_numpy(found["a"]).long() + first,
        b=torch.from_numpy(found["b"]).long() + first,
        key=torch.from_numpy(found["key"].view(np.int64)),
        **reals,
    )


def contact_geometry(
    contacts: Contacts,
    center: Tensor,  # (B · O, 3) [m] centres of mass
    rotation: Tensor,  # (B · O, 3, 3) scene from body
) -> ContactGeometry:
    """Normals, arms and gaps for poses of the bodies; differentiable by them."""
    normal = (rotation[contacts.a] @ contacts.normal[..., None])[..., 0]
    on_a = (rotation[contacts.a] @ contacts.on_a[..., None])[..., 0]
    on_b = (rotation[contacts.b] @ contacts.on_b[..., None])[..., 0]
    apart = center[contacts.b] - center[contacts.a]
    gap = (normal * (apart + on_b - on_a)).sum(-1) - contacts.offset
    arm_b = on_b - normal * (contacts.round_b + 0.5 * gap)[:, None]
    return ContactGeometry(_frame(normal), apart + arm_b, arm_b, gap)


def _frame(normal: Tensor) -> Tensor:  # (C, 3) to (C, 3, 3)
    """Two tangents for each normal (Duff et al. 2017, "Building an Orthonormal Basis, Revisited")."""
    x, y, z = normal.unbind(-1)
    sign = torch.copysign(torch.ones_like(z), z)
    k = -1 / (sign + z)
    m = x * y * k
    first = torch.stack([1 + sign * x * x * k, sign * m, -sign * x], -1)
    second = torch.stack([m, sign + y * y * k, -y], -1)
    return torch.stack([normal, first, second], -2)
