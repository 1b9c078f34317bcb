"""The tossed cube in MuJoCo: its fourteen parameters, and rollouts of many tosses at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np
from mujoco import rollout
from numpy.typing import NDArray

__all__ = ["DEFAULTS", "HAND_TUNED", "PARAMETERS", "Parameter", "Settings", "Start", "roll_out", "settings_at"]

Array = NDArray[np.float64]
SUBSTEPS = 4  # of physics for one frame at 148 Hz
MASS = 0.37  # [kg]


class Parameter(NamedTuple):
    """One number that is fitted: between these bounds, along its logarithm or not."""

    name: str
    low: float
    high: float
    logarithmic: bool


PARAMETERS = (
    Parameter("friction", 0.03, 1.0, True),
    Parameter("torsion", 1e-5, 0.05, True),  # [m]
    Parameter("rolling", 1e-6, 0.01, True),  # [m]
    Parameter("contact_time", 0.0035, 0.04, True),  # [s]
    Parameter("contact_damping", 0.1, 2.0, True),
    Parameter("impedance_low", 0.01, 0.95, False),
    Parameter("impedance_width", 1e-4, 0.02, True),  # [m]
    Parameter("half_size", 0.048, 0.055, False),  # [m]
    Parameter("inertia", 0.0005, 0.0013, True),  # [kg m²]
    Parameter("center_x", -0.01, 0.01, False),  # [m]
    Parameter("center_y", -0.01, 0.01, False),
    Parameter("center_z", -0.01, 0.01, False),
    Parameter("gravity", 9.3, 10.1, False),  # [m/s²]
    Parameter("plane", -0.003, 0.003, False),  # [m]
)


@dataclass(frozen=True)
class Settings:
    """The fourteen numbers, and how MuJoCo solves contacts; the defaults are its own and what is stated of the cube."""

    friction: float = 1.0
    torsion: float = 0.005
    rolling: float = 0.0001
    contact_time: float = 0.02
    contact_damping: float = 1.0
    impedance_low: float = 0.9
    impedance_width: float = 0.001
    half_size: float = 0.0524
    inertia: float = 0.00081
    center_x: float = 0.0
    center_y: float = 0.0
    center_z: float = 0.0
    gravity: float = 9.81
    plane: float = 0.0
    cone: str = "pyramidal"
    condim: int = 3
    integrator: str = "Euler"


DEFAULTS = Settings()
HAND_TUNED = Settings(friction=0.18, contact_time=0.009, cone="elliptic")


class Start(NamedTuple):
    """Where tosses begin."""

    position: Array  # (N, 3) [m]
    wxyz: Array  # (N, 4)
    velocity: Array  # (N, 3) [m/s] scene frame
    spin: Array  # (N, 3) [rad/s] body frame


def settings_at(place: Array) -> Settings:  # (14,) each in 0..1, where it is between its bounds
    """The settings at a place of the cube that is searched."""
    values = {}
    for parameter, share in zip(PARAMETERS, np.clip(place, 0.0, 1.0), strict=True):
        low, high = parameter.low, parameter.high
        value = low * (high / low) ** share if parameter.logarithmic else low + (high - low) * share
        values[parameter.name] = float(value)
    return Settings(**values, cone="elliptic", condim=6, integrator="implicitfast")


def roll_out(settings: Settings, start: Start, frames: int, dt: float) -> tuple[Array, Array]:
    """Positions (N, frames + 1, 3) [m] and quaternions (N, frames + 1, 4) of tosses from where they begin."""
    model = mujoco.MjModel.from_xml_string(_xml(settings, dt / SUBSTEPS))
    poses = np.concatenate([start.position, start.wxyz, start.velocity, start.spin], axis=1)
    first = np.concatenate([np.zeros((len(poses), 1)), poses], axis=1)  # time, qpos, qvel
    with rollout.Rollout(nthread=0) as pool:
        states, _ = pool.rollout(model, mujoco.MjData(model), first, nstep=frames * SUBSTEPS)
    every = np.concatenate([first[:, None], states[:, SUBSTEPS - 1 :: SUBSTEPS]], axis=1)
    return every[:, :, 1:4], every[:, :, 4:8]


def _xml(s: Settings, timestep: float) -> str:
    return f"""
<mujoco>
  <option timestep="{timestep}" gravity="0 0 {-s.gravity}" cone="{s.cone}" integrator="{s.integrator}"/>
  <default>
    <geom condim="{s.condim}" friction="{s.friction} {s.torsion} {s.rolling}"
          solref="{s.contact_time} {s.contact_damping}" solimp="{s.impedance_low} 0.95 {s.impedance_width}"/>
  </default>
  <worldbody>
    <geom type="plane" size="5 5 1" pos="0 0 {s.plane}"/>
    <body name="cube">
      <freejoint/>
      <inertial mass="{MASS}" pos="{s.center_x} {s.center_y} {s.center_z}"
                diaginertia="{s.inertia} {s.inertia} {s.inertia}"/>
      <geom type="box" size="{s.half_size} {s.half_size} {s.half_size}"/>
    </body>
  </worldbody>
</mujoco>"""
