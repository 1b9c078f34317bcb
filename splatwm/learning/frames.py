"""Trajectories as tensors: every frame of every episode, and moments of them drawn by how much happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.geometry import matrix_from_quaternion
from splatwm.data import Data, Episode
from splatwm.episodes import shape_of_body, start_of_episode
from splatwm.model.rigid import quaternion_product
from splatwm.shapes import BodyShape
from splatwm.state import State, stack

__all__ = ["Frames", "Moments", "frames_of", "split_frames", "with_links_of"]

QUIET = 0.02  # share of the weight of a lively frame that every frame has
MOVES, CHANGES = 0.002, 0.1  # [m] in a frame, [m/s] between frames: what is called lively


@dataclass(frozen=True)
class Frames:
    """E episodes of up to T frames, O bodies each, filled up; the bodies stand as in a ``Start``."""

    first: State  # (E, O) what each episode starts with
    shapes: tuple[BodyShape, ...]
    position: Tensor  # (E, T, O, 3) [m]
    wxyz: Tensor  # (E, T, O, 4)
    linear: Tensor  # (E, T, O, 3) [m/s] of centres of mass; of links: to their next frame
    angular: Tensor  # (E, T, O, 3) [rad/s]
    weight: Tensor  # (E, T) how much happens until the next frame; 0 after the end
    dt: float  # [s]
    sources: tuple[str, ...]  # E stages

    def __len__(self) -> int:
        """E."""
        return len(self.sources)

    def at(self, moments: Moments, after: int = 0) -> State:
        """The true states some frames after moments; before the first and past the last frame these stand."""
        e, t = moments.episode, (moments.frame + after).clamp(0, self.position.shape[1] - 1)
        first = {name: value[e] for name, value in vars(self.first).items()}
        moving = {name: getattr(self, name)[e, t] for name in ("position", "wxyz", "linear", "angular")}
        return State(**(first | moving))

    def draw(self, count: int, ahead: int, generator: torch.Generator) -> Moments:
        """Moments with ``ahead`` frames after them, each as likely as much happens."""
        weight = self.weight.clone()
        weight[:, max(0, weight.shape[1] - ahead) :] = 0
        for later in range(1, ahead):  # all frames that are stepped through must be there
            weight[:, :-later] *= self.weight[:, later:] > 0
        flat = torch.multinomial(weight.flatten(), count, replacement=True, generator=generator)
        return Moments(flat // weight.shape[1], flat % weight.shape[1])


@dataclass(frozen=True)
class Moments:
    """N frames of episodes."""

    episode: Tensor  # (N,)
    frame: Tensor  # (N,)


def split_frames(data: Data, share: float, most: int | None = None) -> tuple[list[Episode], list[Episode]]:
    """Episodes to learn from, and those of held-back stages, about ``share`` of all.

    Raises:
        UsageError: there are too few stages for both.
        DataError: a shard is damaged.
    """
    episodes = list(data.episodes(most))
    stages = list(dict.fromkeys(episode.source for episode in episodes))
    back = set(stages[:: max(2, round(1 / share))])
    kept, held = [e for e in episodes if e.source not in back], [e for e in episodes if e.source in back]
    if not kept or not held:
        raise UsageError(f"{len(stages)} stages are too few to hold some back", todo="collect from more")
    return kept, held


def frames_of(data: Data, episodes: Sequence[Episode]) -> Frames:
    """All frames of some episodes.

    Raises:
        UsageError: their steps differ, or there are none.
        SceneError: a body has no solid pieces.
    """
    if not episodes or len({episode.dt for episode in episodes}) > 1:
        raise UsageError("episodes to learn from have one time step", todo="collect them with one --episode.rate")
    shapes: dict[str, BodyShape] = {}

    def shape_of(digest: str) -> BodyShape:
        if digest not in shapes:
            shapes[digest] = shape_of_body(data.body(digest))
        return shapes[digest]

    first = stack([start_of_episode(episode, shape_of) for episode in episodes])
    most, bodies = max(episode.frames for episode in episodes), first.state.mass.shape[1]
    columns = {name: [] for name in ("position", "wxyz", "linear", "angular", "weight")}
    for episode in episodes:
        for name, values in zip(columns, _motion(episode, bodies), strict=True):
            left = most - len(values)
            filler = np.zeros_like(values[:1]) if name == "weight" else values[-1:]
            columns[name].append(torch.from_numpy(np.concatenate([values, np.repeat(filler, left, 0)])))
    moving = {name: torch.stack(values) for name, values in columns.items()}
    sources = tuple(episode.source for episode in episodes)
    return Frames(first.state, first.shapes, **moving, dt=episodes[0].dt, sources=sources)


def _motion(e: Episode, bodies: int) -> Iterable[np.ndarray]:
    """Poses and velocities (T, bodies, …) of background, objects, links and nothing, and how much happens (T,)."""
    steps, objects, links = e.frames, len(e.names), len(e.links)
    there = slice(1, 1 + objects + links)
    position, linear, angular = (np.zeros((steps, bodies, 3), np.float32) for _ in range(3))
    wxyz = np.zeros((steps, bodies, 4), np.float32)
    wxyz[..., 0] = 1
    position[:, there] = np.concatenate([e.position, e.link_position], 1)
    wxyz[:, there] = np.concatenate([e.wxyz, e.link_wxyz], 1)
    arms = np.einsum("toij,oj->toi", matrix_from_quaternion(e.wxyz), e.center_of_mass)
    going, turning = _link_velocities(e)
    linear[:, there] = np.concatenate([e.velocity + np.cross(e.spin, arms), going], 1)
    angular[:, there] = np.concatenate([e.spin, turning], 1)
    weight = np.zeros(steps, np.float32)
    moved = np.linalg.norm(np.diff(e.position, axis=0), axis=-1) / MOVES
    pushed = np.linalg.norm(np.diff(e.velocity, axis=0), axis=-1) / CHANGES
    weight[:-1] = QUIET + np.minimum(1, moved).max(1) + np.minimum(1, pushed).max(1)
    return position, wxyz, linear, angular, weight


def _link_velocities(e: Episode) -> tuple[np.ndarray, np.ndarray]:  # (T, K, 3) [m/s], (T, K, 3) [rad/s]
    """What brings each link to its next frame."""
    going, turning = np.zeros_like(e.link_position), np.zeros_like(e.link_position)
    going[:-1] = np.diff(e.link_position, axis=0) / e.dt
    here, there = torch.from_numpy(e.link_wxyz[:-1]), torch.from_numpy(e.link_wxyz[1:])
    between = quaternion_product(there, here * torch.tensor([1.0, -1, -1, -1]))
    between = torch.where(between[..., :1] < 0, -between, between)
    sine = between[..., 1:].norm(dim=-1, keepdim=True)
    angle = 2 * torch.atan2(sine, between[..., :1])
    turning[:-1] = (between[..., 1:] / sine.clamp(min=1e-9) * angle / e.dt).numpy()
    return going, turning


def with_links_of(state: State, truth: State) -> State:
    """Robot links, which go where they are told, as in the truth; all else as it is."""
    told = truth.kinematic[..., None]
    changes = {name: torch.where(told, getattr(truth, name), getattr(state, name)) for name in ("position", "wxyz")}
    speeds = {name: torch.where(told, getattr(truth, name), getattr(state, name)) for name in ("linear", "angular")}
    return replace(state, **changes, **speeds)
