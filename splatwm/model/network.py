"""The network inside the solver: contacts and bodies tell each other about themselves, then each contact is corrected.

Two rounds of messages with the same weights (Battaglia et al. 2016, "Interaction networks"), from invariants of the
contacts' own frames, so that corrections turn with the scene.  What comes out changes what a contact asks for, never
the impulses: those stay equal, opposite and inside the cone.  At first all corrections are zero: the analytic solver.
The compiled rollout runs the same weights (``native/network.inl``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scan2sim.errors import UsageError
from splatwm import _native
from splatwm.config import PhysicsConfig
from splatwm.model.corrections import Corrections
from splatwm.model.features import CONTACT_FEATURES, SIDE_FEATURES, contact_features, liveliness
from splatwm.model.problem import SolveInputs

__all__ = ["ContactNetwork", "NetworkConfig", "bounded_corrections"]

OUTPUTS = 6  # normal, slip, sliding, torsion, rolling, displacement
ROUNDS = 2
LANES = 16  # widths are multiples of it, for the compiled network


@dataclass(frozen=True)
class NetworkConfig:
    """How large the network is."""

    width: int = 32
    """Of all hidden layers, a multiple of 16."""
    latents: int = 6
    """Numbers for each body that say what geometry, mass and friction do not."""


class ContactNetwork(nn.Module):
    """Corrections of contacts from their features and their bodies' latents.

    Raises:
        UsageError: the size is not one that the compiled rollout takes.
    """

    def __init__(self, config: NetworkConfig = NetworkConfig(), seed: int = 0) -> None:
        super().__init__()
        if config.width % LANES or not LANES <= config.width <= 128 or not 0 <= config.latents <= 64:
            raise UsageError(
                f"a network {config.width} wide with {config.latents} latents",
                todo=f"give a width of {LANES} to 128 in steps of {LANES}, and 0 to 64 latents",
            )
        self.config = config
        width = config.width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.contact = nn.Linear(CONTACT_FEATURES, width)
            self.side = nn.Linear(SIDE_FEATURES, width, bias=False)
            self.material = nn.Linear(max(1, config.latents), width, bias=False)
            self.message = nn.Linear(width, width)
            self.message_own = nn.Linear(width, width, bias=False)
            self.message_other = nn.Linear(width, width, bias=False)
            self.message_side = nn.Linear(SIDE_FEATURES, width, bias=False)
            self.gather = nn.Linear(width, width)
            self.keep = nn.Linear(width, width, bias=False)
            self.decode = nn.Linear(width, width)
            self.decode_bodies = nn.Linear(width, width, bias=False)
            self.out = nn.Linear(width, OUTPUTS)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def corrector(
        self,
        latent: Tensor,  # (B, O, L) or (N, L); L may be 0
        config: PhysicsConfig,
    ) -> Callable[[SolveInputs, bool], Corrections]:
        """What ``step`` asks at each substep of one step.

        The network is asked once about contacts, when they are new; its answers are shares of bounds, and these follow
        the substeps.

        Raises:
            UsageError: the latents are not as long as the network's.
        """
        if latent.shape[-1] not in (0, self.config.latents):
            raise UsageError(f"latents of {latent.shape[-1]} numbers for a network with {self.config.latents}")
        flat, told = latent.flatten(0, -2), []

        def correct(inputs: SolveInputs, new: bool) -> Corrections:
            if new:
                told[:] = [self.shares(inputs, flat, config)]
            return bounded_corrections(told[0], inputs, config)

        return correct

    def shares(
        self,
        inputs: SolveInputs,
        latent: Tensor,  # (N, L)
        config: PhysicsConfig,
    ) -> Tensor:  # (C, OUTPUTS) in -1 … 1
        """How much of each correction's bound is used; worked out on the network's device."""
        f = contact_features(inputs, config)
        moves = inputs.inverse_mass > 0
        out = self._outputs(f.contact, f.side_a, f.side_b, inputs.a, inputs.b, moves, latent)
        return out / (1 + out.abs())

    def _outputs(
        self,
        contact: Tensor,
        side_a: Tensor,
        side_b: Tensor,
        a: Tensor,
        b: Tensor,
        moves: Tensor,  # (N,) bool
        latent: Tensor,
    ) -> Tensor:  # (C, OUTPUTS)
        home, device = contact.device, self.out.weight.device
        contact, side_a, side_b, moves, latent = (x.to(device) for x in (contact, side_a, side_b, moves, latent))
        a, b = a.long().to(device), b.long().to(device)
        own = self.out.weight.dtype
        contact, side_a, side_b, latent = (x.to(own) for x in (contact, side_a, side_b, latent))
        if latent.shape[-1] == 0:
            latent = latent.new_zeros(len(moves), max(1, self.config.latents))
        act = nn.functional.hardswish
        edge = act(self.contact(contact) + self.side(side_a + side_b))
        hidden = self.material(latent)
        said = self.message(edge)
        from_a, from_b = said + self.message_side(side_a), said + self.message_side(side_b)
        share = 1 / torch.bincount(torch.cat([a, b]), minlength=len(moves)).clamp(min=1).to(edge)[:, None]
        for _ in range(ROUNDS):
            mine, other = self.message_own(hidden), self.message_other(hidden)
            heard = torch.zeros_like(hidden)
            heard = heard.index_add(0, a, act(from_a + mine[a] + other[b]))
            heard = heard.index_add(0, b, act(from_b + mine[b] + other[a]))
            told = act(self.gather(heard * share) + self.keep(hidden))
            hidden = torch.where(moves[:, None], told, hidden)  # no word goes through what nothing moves
        end = act(self.decode(edge) + self.decode_bodies(hidden[a] + hidden[b]))
        return self.out(end).to(home)

    def native(self) -> _native.Network:
        """The weights for compiled rollouts, as they are now."""
        layers = [
            self.contact, self.side, self.material, self.message, self.message_own, self.message_other,
            self.message_side, self.gather, self.keep, self.decode, self.decode_bodies, self.out,
        ]  # fmt: skip
        parts = []
        for layer in layers:
            weight = nn.functional.pad(layer.weight.detach(), (0, 0, 0, -layer.out_features % LANES))
            parts.append(weight.T.flatten())
            if layer.bias is not None:
                parts.append(nn.functional.pad(layer.bias.detach(), (0, -layer.out_features % LANES)))
        flat = torch.cat(parts).float().cpu().contiguous()
        return _native.Network(flat, self.config.width, self.config.latents)


def bounded_corrections(
    shares: Tensor,  # (C, OUTPUTS) in -1 … 1
    inputs: SolveInputs,
    config: PhysicsConfig,
) -> Corrections:
    """What to change of a problem.

    Bounds: the normal velocity by -Q / 2 … Q / 4, the displacement's by ± Q / 8 (``features.liveliness``), the slip
    that is kept by a quarter of what damping takes, frictions by factors of 3/5 … 5/3.
    """
    normal, slip, sliding, torsion, rolling, displacement = shares.to(inputs.gap).unbind(-1)
    lively, sliding_velocity = liveliness(inputs, config)
    settled = 2 * inputs.step / (config.impedance[1] * config.time_constant)
    kept = (0.25 * settled / (1 + settled) * slip)[:, None] * sliding_velocity
    rough = torch.stack([sliding, torsion, rolling], -1)
    return Corrections(
        velocity_bias=torch.cat([(lively * torch.where(normal > 0, 0.25, 0.5) * normal)[:, None], kept], -1),
        position_bias=0.125 * lively * displacement,
        friction=inputs.friction * (4 + rough) / (4 - rough),
    )
