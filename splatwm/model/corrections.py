"""What may be changed of contacts before they are solved."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Corrections"]


@dataclass(frozen=True)
class Corrections:
    """What a network changes of C contacts; nothing where it is None."""

    velocity_bias: Tensor | None = None  # (C, 3) [m/s]
    position_bias: Tensor | None = None  # (C,) [m/s]
    friction: Tensor | None = None  # (C, 3) sliding, torsion [m], rolling [m], in place of what it was
