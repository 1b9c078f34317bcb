"""Imagined futures of scenes: where everything goes when a robot's links move, and how sure that is."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.errors import UsageError
from scan2sim.files import write_bytes
from scan2sim.scene import Estimate, Scene
from splatwm.actions import RobotMotion
from splatwm.episodes import link_shape
from splatwm.model import find_contacts
from splatwm.simulate import Actions, Trajectory, simulate
from splatwm.state import Link, Start, State, stack, start_from_scene
from splatwm.trained import Model, members_of, spread_of

__all__ = ["Rollout", "rollout", "write_rollout"]

Array = NDArray[np.float64]
DEEPEST = 0.002  # [m] that a robot's link may be inside something when it begins
TOLERANCE = 1e-9  # [s] by which steps may differ and still be one batch
Z90, Z95 = 1.644854, 1.959964  # standard deviations in half a 90 and a 95 % interval


@dataclass(frozen=True)
class Rollout:
    """T moments of O objects and K links; row 0 is the start."""

    dt: float  # [s]
    objects: tuple[str, ...]
    links: tuple[str, ...]
    position: Array  # (T, O, 3) [m] of the objects' frames in the scene
    wxyz: Array  # (T, O, 4)
    contact_impulse: Array  # (T, O, 3) [N s] that all contacts gave an object since the row before
    touch: Array  # (T, K, 3) [N s] that a link felt since the row before
    uncertainty: Array  # (T, O) [m] half-width of a 90 % interval of the position; NaN with a model without calibration


def rollout(
    model: Model,
    scenes: Sequence[Scene],
    motions: Sequence[RobotMotion],
    *,
    seed: int = 0,
    threads: int = 1,
) -> list[Rollout]:
    """What happens in each scene while its links move.

    Scenes with equally many bodies, links and steps are predicted as one batch, each with two ensembles: one tells how
    sure the model is when all is known, and is what its calibration is of; in the other masses and frictions lie
    anywhere in the scene's intervals.  Their half-widths are added as the independent errors that they are.

    Raises:
        UsageError: there are not as many motions as scenes; links jump, spin or begin inside something, or two bodies
            have one name.
        SceneError: a scene has no objects, or is not consistent.
    """
    if len(scenes) != len(motions) or not scenes:
        raise UsageError(f"{len(scenes)} scenes and {len(motions)} motions: give one of each for every future")
    starts = [start_from_scene(scene, _links(motion)) for scene, motion in zip(scenes, motions, strict=True)]
    for start, motion in zip(starts, motions, strict=True):
        _refuse_overlaps(start, motion)
    batches: dict[tuple[int, int, int, int], list[int]] = defaultdict(list)
    for i, (start, motion) in enumerate(zip(starts, motions, strict=True)):
        steps = round(motion.dt / TOLERANCE)
        batches[len(start.names[0]), len(motion.links), len(motion.position), steps].append(i)
    found: dict[int, Rollout] = {}
    for batch in batches.values():
        members = [_members(model, scenes[i], starts[i], seed + i) for i in batch]
        many = stack(members)
        trajectory = simulate(
            many.state,
            many.shapes,
            _actions(starts[batch[0]], [motions[i] for i in batch], 2 * model.ensemble.members),
            motions[batch[0]].dt,
            config=model.physics,
            threads=threads,
            network=model.network.native() if model.network is not None else None,
        )
        for row, i in enumerate(batch):
            first = 2 * row * model.ensemble.members
            rows = slice(first, first + 2 * model.ensemble.members)
            found[i] = _one(model, scenes[i], motions[i], starts[i], many, trajectory, rows)
    return [found[i] for i in range(len(scenes))]


def write_rollout(result: Rollout, path: Path) -> None:
    """Write ``rollout.npz``: the arrays of :class:`Rollout` with its names and dt.

    Raises:
        OutputError: it cannot be written.
    """
    arrays: dict[str, Any] = {name: value for name, value in vars(result).items() if isinstance(value, np.ndarray)}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        **arrays,
        dt=np.array(result.dt),
        objects=np.array(result.objects, str),
        links=np.array(result.links, str),
    )
    write_bytes(path, buffer.getvalue())


def _links(motion: RobotMotion) -> list[Link]:
    return [
        Link(name, link_shape(shape), tuple(place), tuple(turn))
        for name, shape, place, turn in zip(
            motion.links, motion.shapes, motion.position[0].tolist(), motion.wxyz[0].tolist(), strict=True
        )
    ]


def _refuse_overlaps(start: Start, motion: RobotMotion) -> None:
    """A link that begins inside something would shoot it away."""
    links = {start.index(name) for name in motion.links}
    found = find_contacts(start.state, start.shapes, motion.dt)
    for a, b, gap in zip(found.a.tolist(), found.b.tolist(), found.gap.tolist(), strict=True):
        if gap < -DEEPEST and len({a, b} & links) == 1:
            link, thing = (start.names[0][i] for i in ((a, b) if a in links else (b, a)))
            raise UsageError(
                f"“{link}” begins {-1000 * gap:.0f} mm inside “{thing}”",
                todo="check the frame and the units of the actions, and begin beside it",
            )


def _members(model: Model, scene: Scene, start: Start, seed: int) -> Start:
    """Both ensembles as one start."""
    mass, friction = torch.zeros(len(start.names[0])), torch.zeros(len(start.names[0]))
    for thing in scene.objects:
        row = start.index(thing.name)
        mass[row], friction[row] = _log_sigma(thing.physical.mass), _log_sigma(thing.physical.friction)
    known = replace(model.ensemble, friction=0.0, mass=0.0, position=0.0, turn=0.0)
    doubts = members_of(start.state, model.ensemble, seed), members_of(start.state, known, seed, friction, mass)
    state = State(**{name: torch.cat([getattr(each, name) for each in doubts]) for name in vars(start.state)})
    return Start(state, start.shapes, start.names * (2 * model.ensemble.members))


def _actions(start: Start, motions: Sequence[RobotMotion], members: int) -> Actions:
    bodies = tuple(start.index(name) for name in motions[0].links)
    position, wxyz = (
        torch.from_numpy(np.repeat([getattr(motion, name)[1:] for motion in motions], members, axis=0)).float()
        for name in ("position", "wxyz")
    )
    return Actions(bodies, position, wxyz)


def _one(
    model: Model, scene: Scene, motion: RobotMotion, start: Start, many: Start, trajectory: Trajectory, rows: slice
) -> Rollout:
    """The first of the members, and how far the others part from it."""
    names = tuple(thing.name for thing in scene.objects)
    things, links = [start.index(name) for name in names], [start.index(name) for name in motion.links]

    def with_start(first: torch.Tensor, then: torch.Tensor) -> Array:  # (O, D), (T - 1, O, D) → (T, O, D)
        return torch.cat([first[None], then]).double().numpy()

    position = torch.cat([many.state.position[rows, None], trajectory.position[rows]], 1)[:, :, things]
    impulse = with_start(torch.zeros_like(trajectory.impulse[0, 0]), trajectory.impulse[rows.start])
    time = np.arange(len(motion.position), dtype=np.float64) * motion.dt
    members = model.ensemble.members
    own, scan = (spread_of(part).double().numpy() for part in (position[:members], position[members:]))
    doubt = np.full(own.shape, np.nan)
    if model.calibration is not None:
        doubt = np.hypot(model.calibration.half_width(own, time), Z90 * scan)
    return Rollout(
        dt=motion.dt,
        objects=names,
        links=motion.links,
        position=position[0].double().numpy(),
        wxyz=with_start(many.state.wxyz[rows.start], trajectory.wxyz[rows.start])[:, things],
        contact_impulse=impulse[:, things],
        touch=impulse[:, links],
        uncertainty=doubt,
    )


def _log_sigma(estimate: Estimate) -> float:
    """Standard deviation of the logarithm whose 95 % interval the estimate tells; 0 of a point."""
    if not 0 < estimate.low < estimate.high:
        return 0.0
    return float(np.log(estimate.high / estimate.low)) / (2 * Z95)
