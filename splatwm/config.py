"""Settings of the physics core."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from scan2sim.errors import UsageError
from scan2sim.sim import CONTACT
from splatwm import _native

__all__ = ["PhysicsConfig", "faster", "native_settings"]


@dataclass(frozen=True)
class PhysicsConfig:
    """How contacts behave, and how finely a step is cut; contacts are those of ``scan2sim.sim.CONTACT``."""

    gravity: tuple[float, float, float] = (0.0, 0.0, -9.81)
    """[m/s²] in the scene frame."""
    time_constant: float = CONTACT.solref[0]
    """Of a contact's spring [s]."""
    damping_ratio: float = CONTACT.solref[1]
    """Of a contact's spring; 1 is critical."""
    impedance: tuple[float, float, float] = CONTACT.solimp
    """Without and with penetration, and the depth [m] over which it rises."""
    torsion: float = CONTACT.torsion
    """Torsional friction [m]."""
    rolling: float = CONTACT.rolling
    """Rolling resistance [m]."""
    friction_softness: float = 1.0
    """How much sticking friction creeps: 1 as in MuJoCo, 0 not at all."""
    slip_friction: float = 0.0
    """Share by which sliding friction grows with the speed of sliding [s/m] …"""
    impact_friction: float = 0.0
    """… and by which it falls, as 1 / (1 + share), with the speed along the normal, in impacts [s/m]."""
    law: Literal["coulomb", "mujoco"] = "mujoco"
    """Friction at an impact: Coulomb's, or that of MuJoCo's convex cone, which lifts what slips off the surface."""
    timestep: float = CONTACT.timestep
    """Step [s] of the simulator that is to be met; a contact's spring is integrated in parts as long as it."""
    margin: float = 0.0015
    """Gaps below it count as contacts, however slow things are [m]."""
    contacts_per_pair: int = 16
    """At most so many contacts are kept for each pair of bodies, well spread."""
    substeps: int = 16
    """Each step is cut into so many, but none shorter than ``timestep``; stacks need substeps of 1/120 s or shorter;
    contacts are found once a step …"""
    turn: float = 0.02
    """… or as often as something turns by so much [rad]."""
    sweeps: int = 30
    """At most so many over all contacts for the velocities of each substep …"""
    tolerance: float = 0.005
    """… fewer once impulses change by less than this share in one; only in compiled rollouts, 0 for never."""
    position_sweeps: int = 2
    """Over all contacts for the displacements of each substep."""
    sleep_linear: float = 0.003
    """Bodies slower than this [m/s] …"""
    sleep_angular: float = 0.05
    """… and this [rad/s] …"""
    sleep_after: float = 0.2
    """… for so long [s], with all that they touch, stand still until something disturbs them; 0: never."""
    sleep_drift: float = 0.001
    """So do those that tremble, but have stayed within so much [m] for half a second."""

    def cuts(self, dt: float) -> int:  # [s]
        """How many substeps a step has, where nothing is so fast that it needs more."""
        return max(1, min(self.substeps, math.ceil(dt / self.timestep - 0.01)))


def faster(config: PhysicsConfig) -> PhysicsConfig:
    """The same physics less exactly solved, half again as fast, for planning.

    Sweeps end sooner, fewer contacts are kept, and they are sought less often. Substeps stay as they are: longer ones
    save little, for springs are integrated in parts, and cost what is held and what falls their accuracy.
    """
    return replace(
        config,
        sweeps=min(config.sweeps, 6),
        tolerance=max(config.tolerance, 0.1),
        turn=max(config.turn, 0.05),
        contacts_per_pair=min(config.contacts_per_pair, 14),
    )


def native_settings(config: PhysicsConfig) -> _native.Settings:
    """The settings as the kernels take them; the contact's spring as MuJoCo's reference acceleration.

    Raises:
        UsageError: a number is out of its range.
    """
    low, high, width = config.impedance
    values = [each for name, each in vars(config).items() if name != "law"]
    numbers = [value for each in values for value in (each if isinstance(each, tuple) else (each,))]
    good = (
        all(map(math.isfinite, numbers))
        and config.law in ("coulomb", "mujoco")
        and config.time_constant > 0
        and config.damping_ratio > 0
        and 0 < low <= high < 1
        and width > 0
        and min(config.margin, config.turn) > 0
        and config.timestep >= 1e-5
        and min(
            config.torsion,
            config.rolling,
            config.friction_softness,
            config.sleep_after,
            config.sleep_drift,
            config.tolerance,
        )
        >= 0
        and abs(config.slip_friction) <= 100
        and 0 <= config.impact_friction <= 100
        and 1 <= config.substeps <= 1000
        and 0 <= config.position_sweeps <= 1000
        and 1 <= config.sweeps <= 1000
        and 1 <= config.contacts_per_pair <= 64
    )
    if not good:
        raise UsageError(f"these settings cannot work: {config}", todo="see PhysicsConfig for their ranges")
    settings = _native.Settings()
    settings.gravity = list(config.gravity)
    settings.impedance = [low, high, width]
    settings.convex = config.law == "mujoco"
    settings.damping = 2 / (high * config.time_constant)
    settings.stiffness = 1 / (high * config.time_constant * config.damping_ratio) ** 2
    told = ("gravity", "impedance", "law", "time_constant", "damping_ratio")
    for name in vars(config).keys() - set(told):
        setattr(settings, name, getattr(config, name))
    return settings
