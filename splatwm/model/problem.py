"""What a contact solver gets: bodies and contacts in a step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["SolveInputs"]


@dataclass(frozen=True)
class SolveInputs:
    """N bodies and C contacts in a step of ``step`` seconds; float32 or float64, all alike."""

    before: Tensor  # (N, 6) velocities [m/s] and spins [rad/s] at the start
    free: Tensor  # (N, 6) at the end if there were no contacts
    inverse_mass: Tensor  # (N,) [1/kg] 0 for what nothing moves
    inverse_inertia: Tensor  # (N, 3, 3) scene axes
    a: Tensor  # (C,) int32 the body that the normal leaves
    b: Tensor  # (C,) int32 the body that it enters
    frame: Tensor  # (C, 3, 3) rows: normal and two tangents, scene axes
    arm_a: Tensor  # (C, 3) [m] from the centre of mass to the contact
    arm_b: Tensor  # (C, 3) [m]
    gap: Tensor  # (C,) [m] at the start, negative where they overlap
    friction: Tensor  # (C, 3) sliding, torsion [m], rolling [m]
    restitution: Tensor  # (C,)
    velocity_bias: Tensor  # (C, 3) [m/s] added to the velocity that the contact asks for, normal and tangents
    position_bias: Tensor  # (C,) [m/s] added to the mean velocity that it asks for along the normal
    warm: Tensor  # (C, 6) [N s], [N m s] impulses to begin with
    step: float  # [s]
