"""What a model knows of one body and of how its motion was recorded, beyond what the body itself says."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from scan2sim.errors import UsageError

__all__ = ["BodyPhysics", "check_body_physics"]


@dataclass(frozen=True)
class BodyPhysics:
    """Numbers of one body that an adaptation found; the defaults change nothing but set friction and restitution."""

    friction: float = 0.5  # Coulomb coefficient against the plane
    restitution: float = 0.0  # 0..1
    size: float = 1.0  # factor on the body's shape: the recording's metre may not be ours
    rounding: float = 0.0  # [m] radius of its corners and edges
    inertia: float = 1.0  # factor on the inertia that its shape and mass are said to have
    center_x: float = 0.0  # [m] of the centre of mass from where it is said to be, along the body's axes
    center_y: float = 0.0
    center_z: float = 0.0
    plane: float = 0.0  # [m] height of the plane in the recording
    lag: float = 0.0  # [s] by which the recording's velocities are older than its poses


def check_body_physics(body: BodyPhysics) -> None:
    """Refuse what no body is like.

    Raises:
        UsageError: a number is not finite or out of range.
    """
    numbers = [getattr(body, each.name) for each in fields(body)]
    good = (
        all(math.isfinite(number) for number in numbers)
        and 0 <= body.friction <= 10
        and 0 <= body.restitution <= 1
        and 0.1 < body.size < 10
        and body.inertia > 0
        and 0 <= body.rounding < 1
        and abs(body.lag) < 1
    )
    if not good:
        raise UsageError(f"no body is like this: {body}")
