"""What predictions are held against: nothing moves, everything goes on, MuJoCo at coarse steps, and MuJoCo itself."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable

import mujoco
import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import quaternion_multiply
from scan2sim.sim import CONTACT
from splatwm.data import Episode, State, World, replay

__all__ = ["BASELINES", "FLOOR", "Motion", "Predictor", "mujoco_at"]

Array = NDArray[np.float64]
Motion = tuple[Array, Array]  # (T, O, 3) [m], (T, O, 4)
Predictor = Callable[[World, Episode], Motion]
"""Predicts an episode from its first frame and its links' poses; the world is of its bodies, and free to be used."""
FLOOR = "MuJoCo, 0.1 mm away"
AWAY = 1e-4  # [m]


def still(world: World, episode: Episode) -> Motion:
    """Everything stays where it is."""
    shape = (episode.frames, 1, 1)
    return np.tile(episode.position[:1].astype(float), shape), np.tile(episode.wxyz[:1].astype(float), shape)


def straight(world: World, episode: Episode) -> Motion:
    """Everything goes on at the speed and spin that it has at first."""
    time = np.arange(episode.frames)[:, None, None] * episode.dt
    position = episode.position[0] + time * episode.velocity[0]
    rate = np.linalg.norm(episode.spin[0], axis=-1, keepdims=True)
    axis = episode.spin[0] / np.maximum(rate, 1e-12)
    half = time * rate / 2
    turn = np.concatenate([np.cos(half), np.sin(half) * axis], axis=-1)
    return position, quaternion_multiply(turn, episode.wxyz[0])


def mujoco_at(timestep: float) -> Predictor:  # [s]
    """The simulator that made the truth, at another step."""

    def predict(world: World, episode: Episode) -> Motion:
        world.set_timestep(timestep)
        return replay(world, episode)

    return predict


def nearby(world: World, episode: Episode) -> Motion:
    """The simulator that made the truth, each thing starting 0.1 mm to a side: no model need be better."""
    rng = np.random.default_rng([episode.seed, episode.frames, len(episode.names)])
    angle = rng.uniform(-np.pi, np.pi, len(episode.names))
    offset = AWAY * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(len(angle))])
    position, wxyz, velocity, spin = (
        a[0].astype(float) for a in (episode.position, episode.wxyz, episode.velocity, episode.spin)
    )
    world.set_timestep(CONTACT.timestep)
    return replay(world, episode, State(position + offset, wxyz, velocity, spin))


def other_contacts(world: World, episode: Episode) -> Motion:
    """The simulator that made the truth, with its older way to find where meshes touch (MPR, libccd) instead of GJK.

    How far these are apart is how much hangs on which points of two meshes are said to touch.
    """
    told = world.model.opt.disableflags
    world.set_timestep(CONTACT.timestep)
    world.model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_NATIVECCD)
    try:
        return replay(world, episode)
    finally:
        world.model.opt.disableflags = told


BASELINES: dict[str, Predictor] = {
    "no motion": still,
    "constant velocity": straight,
    "MuJoCo at 1/30 s": mujoco_at(1 / 30),
    "MuJoCo at 1/60 s": mujoco_at(1 / 60),
    "MuJoCo at 1/120 s": mujoco_at(1 / 120),
    "MuJoCo, other contacts": other_contacts,
    FLOOR: nearby,
}
