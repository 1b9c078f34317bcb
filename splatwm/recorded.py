"""A model's prediction of a real recording: one body over the plane z = 0, each episode from its first frame."""

from __future__ import annotations

import io
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.bodies import Body
from scan2sim.files import write_bytes
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.sim import CONTACT
from splatwm.data import Recording
from splatwm.episodes import link_shape, shape_of_body
from splatwm.evaluate import position_error, rotation_error
from splatwm.shapes import ground, rounded
from splatwm.simulate import Actions, Trajectory, simulate
from splatwm.state import FREE, ROBOT, STATIC, State
from splatwm.trained import BodyPhysics, Model, members_of, spread_of

__all__ = [
    "RecordedFuture",
    "RecordingPredictor",
    "predict_recording",
    "recorded_figures",
    "stated_physics",
    "write_recorded",
]

Array = NDArray[np.float64]
HORIZONS = (0.1, 0.2, 0.4, 0.5, 1.0, 2.0)  # [s] that errors are told at


def stated_physics(body: Body) -> BodyPhysics:
    """What a body says of itself."""
    return BodyPhysics(friction=CONTACT.ground_friction if body.friction is None else body.friction)


class RecordingPredictor:
    """Predicts episodes of one recording; everything that does not depend on the model is prepared once.

    Args:
        recording: what somebody recorded.
        body: what was recorded.
        episodes: which of them, in this order; None for all.
        steps: how many frames at most are predicted after the first; None for as many as the longest has.

    Attributes:
        position: (E, T, 3) [m] what was recorded, padded with NaN.
        wxyz: (E, T, 4) likewise.
    """

    def __init__(
        self, recording: Recording, body: Body, episodes: Sequence[int] | None = None, steps: int | None = None
    ) -> None:
        chosen = range(len(recording)) if episodes is None else [int(i) for i in episodes]
        longest = max(len(recording.position[i]) for i in chosen)
        self.frames = longest if steps is None else min(longest, steps + 1)
        self.dt, self.body = recording.dt, body
        self.position = _padded([recording.position[i] for i in chosen], self.frames)
        self.wxyz = _padded([recording.wxyz[i] for i in chosen], self.frames)
        self._velocity = np.array([recording.velocity[i][0] for i in chosen])
        self._turn = matrix_from_quaternion(self.wxyz[:, 0])
        self._spin = np.einsum("nij,nj->ni", self._turn, [recording.spin[i][0] for i in chosen])
        self._shape, self._ground = shape_of_body(body), ground()
        self._links = () if recording.links is None else tuple(link_shape(word) for word in recording.links.shapes)
        self._link_friction = torch.zeros(0)
        if recording.links is not None:
            self._link_friction = torch.from_numpy(recording.links.friction).float()
            self._link_position = _held([recording.links.position[i] for i in chosen], self.frames)
            self._link_wxyz = _held([recording.links.wxyz[i] for i in chosen], self.frames)

    def __len__(self) -> int:
        return len(self.position)

    def until(self, frames: int) -> RecordingPredictor:
        """The same without what comes later."""
        shorter = copy(self)
        shorter.frames = min(frames, self.frames)
        shorter.position, shorter.wxyz = self.position[:, :frames], self.wxyz[:, :frames]
        return shorter

    def only(self, rows: Sequence[int]) -> RecordingPredictor:
        """Some of the episodes, by their places among these, as long as before."""
        fewer = copy(self)
        kept = list(rows)
        for name in ("position", "wxyz", "_velocity", "_turn", "_spin"):
            setattr(fewer, name, getattr(self, name)[kept])
        if self._links:
            fewer._link_position, fewer._link_wxyz = self._link_position[kept], self._link_wxyz[kept]
        return fewer

    @property
    def has_links(self) -> bool:
        """Whether a robot acts in it."""
        return bool(self._links)

    def __call__(self, model: Model, threads: int = 1) -> tuple[Array, Array]:  # (E, T, 3) [m], (E, T, 4)
        """Where the body goes; row 0 is the recording's own.  Nothing is NaN, also where the recording has ended."""
        after = self._simulated(model, self._state(_physics_of(model, self.body), model.physics.gravity), threads)
        return (
            np.concatenate([self.position[:, :1], after.position[:, :, 1].double().numpy()], axis=1),
            np.concatenate([self.wxyz[:, :1], after.wxyz[:, :, 1].double().numpy()], axis=1),
        )

    def spread(self, model: Model, threads: int = 1, seed: int = 0) -> Array:  # (E, T) [m]
        """How far the model's ensemble parts; one episode at a time, for memory's sake."""
        found = []
        for i in range(len(self)):
            alone = self.only([i])
            one = alone._state(_physics_of(model, self.body), model.physics.gravity)
            members = members_of(one, model.ensemble, seed + i)
            moved = alone._simulated(model, members, threads).position[:, :, 1:2]
            found.append(spread_of(torch.cat([members.position[:, None, 1:2], moved], 1))[:, 0].double().numpy())
        return np.stack(found)

    def _simulated(self, model: Model, state: State, threads: int) -> Trajectory:
        """From as many states as there are episodes, or of one episode from any number of them."""
        physics, actions = _physics_of(model, self.body), self._actions()
        if actions is not None:
            actions = actions.repeated(len(state.mass))
        return simulate(
            state,
            (self._ground, rounded(self._shape, physics.rounding, physics.size), *self._links),
            actions,
            self.dt,
            self.frames - 1,
            model.physics,
            threads=threads,
            network=model.network.native() if model.network is not None else None,
        )

    def _state(self, physics: BodyPhysics, gravity: tuple[float, float, float]) -> State:
        count, links = len(self), len(self._links)
        bodies = 2 + links
        center = self.body.center_of_mass + np.array([physics.center_x, physics.center_y, physics.center_z])
        velocity = self._velocity + physics.lag * np.array(gravity) + np.cross(self._spin, self._turn @ center)
        position, wxyz = np.zeros((count, bodies, 3)), np.tile([1.0, 0, 0, 0], (count, bodies, 1))
        position[:, 0, 2] = physics.plane
        position[:, 1], wxyz[:, 1] = self.position[:, 0], self.wxyz[:, 0]
        if links:
            position[:, 2:], wxyz[:, 2:] = self._link_position[:, 0], self._link_wxyz[:, 0]

        def rows(of_body: object, of_others: float = 0.0) -> torch.Tensor:
            value = np.asarray(of_body, np.float32)
            value = np.broadcast_to(value, (count, *value.shape[1:])) if value.ndim else np.full(count, value)
            filled = np.full((count, bodies, *value.shape[1:]), of_others, np.float32)
            filled[:, 1] = value
            return torch.from_numpy(filled)

        inertia = np.tile(np.eye(3), (count, bodies, 1, 1))
        inertia[:, 1] = self.body.inertia * physics.inertia
        friction = rows(physics.friction)
        friction[:, 2:] = self._link_friction
        kinds = torch.tensor([[STATIC, FREE, *[ROBOT] * links]], dtype=torch.int32)
        return State(
            position=torch.from_numpy(position).float(),
            wxyz=torch.from_numpy(wxyz).float(),
            linear=rows(velocity),
            angular=rows(self._spin),
            mass=rows(self.body.mass, 1.0),
            inertia=torch.from_numpy(inertia).float(),
            center_of_mass=rows(center[None]),
            friction=friction,
            restitution=rows(physics.restitution),
            latent=torch.zeros(count, bodies, 0),
            priority=kinds.repeat(count, 1),
            kinematic=(kinds != FREE).repeat(count, 1),
            shape=torch.arange(bodies, dtype=torch.int32)[None].repeat(count, 1),
            still=torch.zeros(count, bodies),
        )

    def _actions(self) -> Actions | None:
        if not self._links:
            return None
        position, wxyz = (
            torch.from_numpy(each[:, 1 : self.frames]).float() for each in (self._link_position, self._link_wxyz)
        )
        return Actions(tuple(range(2, 2 + len(self._links))), position, wxyz)


def _physics_of(model: Model, body: Body) -> BodyPhysics:
    return stated_physics(body) if model.body is None else model.body


@dataclass(frozen=True)
class RecordedFuture:
    """E episodes predicted from their first frames, NaN where the recording has ended, and how far that is off."""

    dt: float  # [s]
    position: Array  # (E, T, 3) [m]
    wxyz: Array  # (E, T, 4)
    position_error: Array  # (E, T) [m]
    rotation_error: Array  # (E, T) [rad]


def predict_recording(model: Model, recording: Recording, body: Body, threads: int = 1) -> RecordedFuture:
    """What a model says that each episode of a recording will do, beside what it did."""
    predictor = RecordingPredictor(recording, body)
    position, wxyz = predictor(model, threads)
    over = np.isnan(predictor.position[..., :1])
    return RecordedFuture(
        recording.dt,
        np.where(over, np.nan, position),
        np.where(over, np.nan, wxyz),
        position_error(position, predictor.position),
        rotation_error(wxyz, predictor.wxyz),
    )


def recorded_figures(future: RecordedFuture) -> dict[str, Any]:
    """Errors over the horizon: median and mean of the episodes that are that long."""
    rows = []
    for horizon in HORIZONS:
        frame = round(horizon / future.dt)
        reached = frame < future.position.shape[1] and np.isfinite(future.position_error[:, frame])
        if not np.any(reached):
            continue
        far, turned = future.position_error[reached, frame], future.rotation_error[reached, frame]
        entry = {"seconds": horizon, "episodes": len(far), "median_mm": 1000 * np.median(far)}
        entry |= {"mean_mm": 1000 * far.mean(), "median_rad": np.median(turned), "mean_rad": turned.mean()}
        rows.append({name: value if name == "episodes" else float(value) for name, value in entry.items()})
    return {"episodes": len(future.position), "frames": future.position.shape[1], "dt": future.dt, "horizons": rows}


def write_recorded(future: RecordedFuture, path: Path) -> None:
    """Write ``rollout.npz``: the arrays of :class:`RecordedFuture` with its names.

    Raises:
        OutputError: it cannot be written.
    """
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in vars(future).items()}
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def _padded(episodes: Sequence[Array], frames: int) -> Array:  # E of (T, C) → (E, frames, C)
    table = np.full((len(episodes), frames, episodes[0].shape[1]), np.nan)
    for row, episode in zip(table, episodes, strict=True):
        row[: len(episode)] = episode[:frames]
    return table


def _held(episodes: Sequence[Array], frames: int) -> Array:  # E of (T, K, C) → (E, frames, K, C)
    """The last pose for as long as other episodes go on."""
    return np.stack([episode[np.minimum(np.arange(frames), len(episode) - 1)] for episode in episodes])
