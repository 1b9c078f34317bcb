"""Copies of a state that differ in what is not known: where they part, the prediction is not sure.

Chaos of contacts and unknown physics show alike, as members that drift apart (Lakshminarayanan et al. 2017, "Simple and
scalable predictive uncertainty estimation using deep ensembles"; here of starts and parameters, not of networks).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.geometry import quaternion_multiply
from splatwm.state import State

__all__ = ["EnsembleConfig", "check_ensemble", "members_of", "spread_of"]


@dataclass(frozen=True)
class EnsembleConfig:
    """What differs between the members; the first one is the prediction itself."""

    members: int = 8
    """How many, with the prediction."""
    friction: float = 0.1
    """Standard deviation of the logarithm of friction."""
    mass: float = 0.1
    """Standard deviation of the logarithm of mass."""
    position: float = 0.0005
    """Standard deviation of where things stand, in the plane [m]."""
    turn: float = 0.01
    """Standard deviation of how they are turned about the vertical [rad]."""


def check_ensemble(config: EnsembleConfig) -> None:
    """Refuse an ensemble that tells nothing.

    Raises:
        UsageError: it has fewer than two or more than 256 members, or a deviation that is no number ≥ 0.
    """
    if not 2 <= config.members <= 256:
        raise UsageError(f"an ensemble of {config.members}", todo="give 2 to 256 members")
    spreads = (config.friction, config.mass, config.position, config.turn)
    if not all(math.isfinite(each) and 0 <= each <= 1 for each in spreads):
        raise UsageError(f"the ensemble's deviations {spreads} are not all in 0..1")


def members_of(
    state: State,  # one environment
    config: EnsembleConfig,
    seed: int,
    friction_spread: Tensor | None = None,  # (O,) standard deviations of the logarithm that are known of each body
    mass_spread: Tensor | None = None,  # (O,)
) -> State:
    """``config.members`` environments; only bodies that can move differ."""
    count, bodies = config.members, state.mass.shape[1]
    many = State(**{name: value.expand(count, *value.shape[1:]).clone() for name, value in vars(state).items()})
    rng = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, bodies, 5, generator=rng)
    noise[0] = 0
    noise *= state.free[..., None]
    friction = _wider(config.friction, friction_spread)
    mass = torch.exp(noise[..., 1] * _wider(config.mass, mass_spread))
    flat = torch.nn.functional.pad(noise[..., 2:4] * config.position, (0, 1))
    half = noise[..., 4] * config.turn / 2
    turn = torch.stack([half.cos(), torch.zeros_like(half), torch.zeros_like(half), half.sin()], -1)
    wxyz = torch.from_numpy(quaternion_multiply(turn.numpy(), many.wxyz.numpy())).float()
    return replace(
        many,
        friction=many.friction * torch.exp(noise[..., 0] * friction),
        mass=many.mass * mass,
        inertia=many.inertia * mass[..., None, None],
        position=many.position + flat,
        wxyz=wxyz,
    )


def spread_of(position: Tensor) -> Tensor:  # (members, T, O, 3) [m] → (T, O) [m]
    """Root mean square of how differently the members have moved from the prediction, which is the first of them."""
    moved = position - position[:, :1]
    return (moved[1:] - moved[:1]).norm(dim=-1).square().mean(0).sqrt()


def _wider(own: float, known: Tensor | None) -> Tensor:
    return torch.tensor(own) if known is None else torch.sqrt(own**2 + known**2)
