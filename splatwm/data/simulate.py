"""Episodes on a stage: draw a start, let the links move, and keep what happened if it is worth learning from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scan2sim.sim import CONTACT
from splatwm.data.episode import Episode, body_digest
from splatwm.data.grasping import GraspMotion
from splatwm.data.motion import Motion
from splatwm.data.pushing import PushMotion
from splatwm.data.stage import Stage
from splatwm.data.starts import dropped, scattered, stacked, tilted
from splatwm.data.world import Links, Physics, Poses, State, World

__all__ = ["KINDS", "EpisodeConfig", "StageRunner", "replay"]

Array = NDArray[np.float64]
KINDS = ("push", "drop", "stack", "topple", "lift")
STARTS: dict[str, Callable[[Stage, np.random.Generator], State]] = {
    "push": scattered,
    "drop": dropped,
    "stack": stacked,
    "topple": tilted,
    "lift": scattered,
}
PUSHER_STREAM = 1 << 20  # no episode has this number
ATTEMPTS = 12  # draws of one episode; after half of them a push will do
PUSHER_FRICTION = (0.15, 0.6)
DEEPEST = 0.003  # [m] of a contact, beyond which a link has squeezed a thing against another
FASTEST = 4.0  # [m/s] of what still is an episode
FALLEN = 0.05  # [m] below the support: it has left the stage
MOVES = 0.002  # [m] that one thing must go, or the episode counts as one in which nothing moves


@dataclass(frozen=True)
class EpisodeConfig:
    """What episodes are like."""

    seconds: float = 3.0
    """Length of an episode."""
    rate: int = 30
    """Frames per second; MuJoCo steps at 1/480 s."""
    push: float = 0.45
    """Share of episodes in which a sphere or box pushes things …"""
    drop: float = 0.15
    """… things fall from 3 to 100 mm …"""
    stack: float = 0.15
    """… things are set on each other …"""
    topple: float = 0.10
    """… things lean, slide or turn at the start …"""
    lift: float = 0.15
    """… a gripper takes a thing and lifts it.  The shares are relative to their sum."""
    still: float = 0.03
    """At most this share of episodes may be such that nothing moves by 2 mm."""
    slowest: float = 0.05
    """Of pushes [m/s] …"""
    fastest: float = 0.30
    """… which are drawn evenly up to this [m/s]."""

    @property
    def frames(self) -> int:
        """Of an episode, with its start."""
        return round(self.seconds * self.rate) + 1

    @property
    def shares(self) -> Array:
        """Of each kind, in the order of ``KINDS``."""
        shares = np.array([self.push, self.drop, self.stack, self.topple, self.lift], dtype=np.float64)
        return shares / shares.sum()


class _Frames(NamedTuple):
    """Lists that grow frame by frame."""

    states: list[State]
    poses: list[Poses]
    impulses: list[Array]
    touches: list[Array]


@dataclass
class StageRunner:
    """A stage with its pusher, and its worlds, one for each tool, compiled when first needed."""

    stage: Stage
    config: EpisodeConfig
    seed: tuple[int, ...]
    _worlds: dict[tuple[str, ...], World] = field(default_factory=dict)
    _digests: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        speed = self.config.slowest, self.config.fastest
        self._pusher = PushMotion(self.stage, np.random.default_rng([*self.seed, PUSHER_STREAM]), speed)

    def episode(self, number: int) -> Episode | None:
        """The episode of that number, whatever came before; None if a dozen draws gave none that is sound."""
        seed = (*self.seed, number)
        rng = np.random.default_rng(seed)
        kind = str(rng.choice(KINDS, p=self.config.shares))
        may_rest = bool(rng.random() < self.config.still)
        for attempt in range(ATTEMPTS):
            tried = kind if attempt < ATTEMPTS // 2 else "push"
            found = self._attempt(tried, np.random.default_rng([*seed, attempt]), may_rest, number)
            if found is not None:
                return found
        return None

    def _attempt(self, kind: str, rng: np.random.Generator, may_rest: bool, number: int) -> Episode | None:
        stage = self.stage
        if kind == "stack" and stage.alone.sum() < 2:
            return None
        mass = np.exp(rng.uniform(*np.log(stage.mass.T)))
        friction = np.exp(rng.uniform(*np.log(np.maximum(stage.friction, 0.01).T)))
        motion = self._motion(kind, rng, mass)
        links = motion.links if motion else Links()
        grips = CONTACT.gripper_friction if kind == "lift" else float(rng.uniform(*PUSHER_FRICTION))
        physics = Physics(*(_single(a) for a in (mass, friction, np.full(len(links.names), grips))))
        start = STARTS[kind](stage, rng)
        start = State(*(_single(part) for part in start))
        poses = motion.first(start) if motion else Poses(np.zeros((0, 3)), np.zeros((0, 4)))
        if poses is None:
            return None
        world = self._world(links)
        world.set_physics(physics)
        frames = self._run(world, start, _single_poses(poses), motion)
        if frames is None or not (may_rest or _moves(frames)):
            return None
        return self._told(kind, number, links, world, physics, frames)

    def _motion(self, kind: str, rng: np.random.Generator, mass: Array) -> Motion | None:
        if kind == "push":
            self._pusher.restart(rng)
            return self._pusher
        return GraspMotion(self.stage, rng, mass) if kind == "lift" else None

    def _world(self, links: Links) -> World:
        if links.shapes not in self._worlds:
            bodies = dict(zip(self.stage.names, self.stage.bodies, strict=True))
            self._worlds[links.shapes] = World(bodies, self.stage.background, links)
        return self._worlds[links.shapes]

    def _run(self, world: World, start: State, poses: Poses, motion: Motion | None) -> _Frames | None:
        """All frames, or None as soon as something happens that no robot would do or no table would bear."""
        dt, stage = 1 / self.config.rate, self.stage
        world.reset(start, poses)
        nothing = np.zeros((len(start.position), 3)), np.zeros((len(poses.position), 3))
        frames = _Frames([start], [poses], [nothing[0]], [nothing[1]])
        if world.deepest() > DEEPEST:
            return None
        for _ in range(self.config.frames - 1):
            if motion:
                poses = _single_poses(motion.next(frames.states[-1], frames.touches[-1], dt))
            state, impulse, touch = world.step(dt, poses)
            fast = not np.isfinite(state.velocity).all() or np.abs(state.velocity).max() > FASTEST
            if fast or world.deepest() > DEEPEST or state.position[:, 2].min() < stage.level - FALLEN:
                return None
            frames.states.append(state)
            frames.poses.append(poses)
            frames.impulses.append(impulse)
            frames.touches.append(touch)
        return frames

    def _told(self, kind: str, number: int, links: Links, world: World, physics: Physics, frames: _Frames) -> Episode:
        stage = self.stage
        if not self._digests:
            self._digests = tuple(body_digest(body) for body in (*stage.bodies, stage.background))
        states = [np.asarray(column, np.float32) for column in zip(*frames.states, strict=True)]
        return Episode(
            dt=1 / self.config.rate,
            kind=kind,
            source=stage.name,
            seed=number,
            names=stage.names,
            bodies=self._digests[:-1],
            background=self._digests[-1],
            links=links.names,
            shapes=links.shapes,
            mass=np.asarray(physics.mass, np.float32),
            center_of_mass=np.array([body.center_of_mass for body in stage.bodies], np.float32),
            inertia=world.inertia().astype(np.float32),
            friction=np.asarray(physics.friction, np.float32),
            link_friction=np.asarray(physics.link_friction, np.float32),
            position=states[0],
            wxyz=states[1],
            velocity=states[2],
            spin=states[3],
            link_position=np.asarray([p.position for p in frames.poses], np.float32),
            link_wxyz=np.asarray([p.wxyz for p in frames.poses], np.float32),
            impulse=np.asarray(frames.impulses, np.float32),
            touch=np.asarray(frames.touches, np.float32),
        )


def replay(world: World, episode: Episode, start: State | None = None) -> tuple[Array, Array]:  # (T, O, 3), (T, O, 4)
    """The episode once more in a world of its bodies and links, from its first state or another one."""
    first = start or State(*(_double(a[0]) for a in (episode.position, episode.wxyz, episode.velocity, episode.spin)))
    poses = [Poses(_double(p), _double(q)) for p, q in zip(episode.link_position, episode.link_wxyz, strict=True)]
    world.set_physics(Physics(*(_double(a) for a in (episode.mass, episode.friction, episode.link_friction))))
    world.reset(first, poses[0])
    states = [first, *world.follow(episode.dt, poses[1:])]
    return np.array([s.position for s in states]), np.array([s.wxyz for s in states])


def _moves(frames: _Frames) -> bool:
    places = np.array([state.position for state in frames.states])
    return bool(np.linalg.norm(places - places[:1], axis=-1).max() > MOVES)


def _single(values: Array) -> Array:
    """The numbers as they are stored, so that what is stored is what happened."""
    return np.asarray(values, np.float32).astype(np.float64)


def _single_poses(poses: Poses) -> Poses:
    return Poses(_single(poses.position), _single(poses.wxyz))


def _double(values: NDArray[np.float32]) -> Array:
    return values.astype(np.float64)
