"""Ten pushes of a thing whose mass and friction are up to 50 % off: what splatwm and MuJoCo learn from them.

Each world is one procedural household shape that no model was trained on, pushed on a table in MuJoCo at 1/480 s.  From
ten pushes of 1.5 s both models find the friction; on ten others they predict with what they believed, what they found,
and what is true.  Errors are of the position at the end of a push, means over a world's pushes.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tyro
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from scan2sim.bodies import Body
from splatwm.adapt import AdaptConfig, adapt
from splatwm.data import Episode, Links, RecordedLinks, Recording, Stage, World, procedural_stage, replay
from splatwm.data.simulate import EpisodeConfig, StageRunner
from splatwm.recorded import RecordingPredictor
from splatwm.trained import BodyPhysics, Model, load_model

Array = NDArray[np.float64]
PUSHES = EpisodeConfig(seconds=1.5, push=1, drop=0, stack=0, topple=0, lift=0, still=0)
PUSHER_FRICTION = 0.3
FASTEST_TURN = 40.0  # [rad/s]
OFF = 0.5  # share by which mass and friction may be off
HELPS_M, HELPS_SHARE = 0.001, 0.2  # the truth clearly helps where it lowers the error by so much
TOLERANCE = 0.02  # of MuJoCo's fit, in the logarithm of friction


@dataclass(frozen=True)
class Options:
    """How many worlds, and what predicts."""

    worlds: int = 100
    """Worlds, each with a thing, a mass and a friction of its own."""
    pushes: int = 10
    """That are learned from, and as many others to judge by."""
    model: Path | None = None
    """A splatwm model; None: the physics core as it is."""
    mujoco: int = 120
    """Steps a second of the MuJoCo that is fitted; 0: none."""
    part: Literal["held-out", "training"] = "held-out"
    """Which shapes: those by which nothing was chosen, or those by which the width of intervals was."""
    seed: int = 0
    """Of everything that is drawn."""
    rows: Path | None = None
    """A file that keeps each world's figures, one JSON line each; a later call goes on after them."""
    json: bool = False
    """Print one flat JSON object."""


class Case(NamedTuple):
    """One world."""

    body: Body  # with the mass and friction that are believed
    friction: float  # that is true
    stage: Stage
    episodes: list[Episode]
    recording: Recording


def case(seed: int, index: int, pushes: int, part: Literal["held-out", "training"] = "held-out") -> Case | None:
    """A world's pushes; None where its thing cannot be pushed about."""
    rng = np.random.default_rng([seed, index])
    stage = procedural_stage(seed + 1000, index, part)
    mass = float(np.exp(rng.uniform(*np.log(stage.mass[0]))))
    friction = float(np.exp(rng.uniform(*np.log(stage.friction[0]))))
    stage = replace(
        stage,
        names=stage.names[:1],
        bodies=stage.bodies[:1],
        position=stage.position[:1] * [[0, 0, 1]],
        wxyz=stage.wxyz[:1],
        mass=np.array([[mass, mass]]),
        friction=np.array([[friction, friction]]),
        alone=stage.alone[:1],
    )
    runner = StageRunner(stage, PUSHES, (seed, index))
    drawn = (runner.episode(number) for number in range(3 * pushes))
    episodes = [each for each in drawn if each is not None and calm(each)][: 2 * pushes]
    if len(episodes) < 2 * pushes:
        return None
    world = World(dict(zip(stage.names, stage.bodies, strict=True)), stage.background, links_of(episodes[0]))
    episodes = [replace(each, link_friction=np.full(1, PUSHER_FRICTION, np.float32)) for each in episodes]
    motions = [replay(world, each) for each in episodes]
    off_mass, off_friction = rng.uniform(1 - OFF, 1 + OFF, 2)
    body = stage.bodies[0]
    believed = replace(
        body,
        mass=mass * off_mass,
        inertia=body.inertia * (mass * off_mass / body.mass),
        friction=friction * off_friction,
    )
    still = tuple(np.zeros((len(position), 3)) for position, _ in motions)
    recording = Recording(
        episodes[0].dt,
        tuple(position[:, 0] for position, _ in motions),
        tuple(wxyz[:, 0] for _, wxyz in motions),
        still,
        still,
        None,
        (),
        RecordedLinks(
            episodes[0].links,
            episodes[0].shapes,
            tuple(each.link_position.astype(float) for each in episodes),
            tuple(each.link_wxyz.astype(float) for each in episodes),
            np.array([PUSHER_FRICTION]),
        ),
    )
    return Case(believed, friction, stage, episodes, recording)


def calm(episode: Episode) -> bool:
    """Whether the pusher never spins on its way to another push as no robot would."""
    first, then = episode.link_wxyz[:-1], episode.link_wxyz[1:]
    turn = 2 * np.arccos(np.clip(np.abs((first * then).sum(-1)), 0, 1))
    return bool(turn.max() < FASTEST_TURN * episode.dt)


def links_of(episode: Episode) -> Links:
    """The pusher."""
    return Links(episode.links, episode.shapes)


def end_errors(position: Array, truth: Array) -> float:  # (E, T, 3) [m]
    """Mean over pushes of how far off the end is."""
    return float(np.linalg.norm(position[:, -1] - truth[:, -1], axis=-1).mean())


class InMuJoCo:
    """MuJoCo at a coarser step with a friction of ours."""

    def __init__(self, case: Case, rate: int) -> None:
        bodies = dict(zip(case.stage.names, [case.body], strict=True))
        self._world = World(bodies, case.stage.background, links_of(case.episodes[0]))
        self._world.set_timestep(1 / rate)
        self._case = case

    def __call__(self, friction: float, episodes: list[Episode]) -> Array:  # (E, T, 3)
        """Where the thing goes."""
        mass = np.array([self._case.body.mass])
        changed = [replace(e, friction=np.array([friction]), mass=mass) for e in episodes]
        return np.array([replay(self._world, each)[0][:, 0] for each in changed])

    def fit(self, episodes: list[Episode], truth: Array) -> float:
        """The friction with the least mean distance over all frames."""

        def loss(logarithm: float) -> float:
            return float(np.linalg.norm(self(float(np.exp(logarithm)), episodes) - truth, axis=-1).mean())

        scan = np.log(np.geomspace(0.05, 1.2, 7))
        best = int(np.argmin([loss(each) for each in scan]))
        bounds = scan[max(0, best - 1)], scan[min(len(scan) - 1, best + 1)]
        return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": TOLERANCE}).x))


def judge(case: Case, model: Model, options: Options) -> dict[str, Any]:
    """What both models find, and how well they predict with it."""
    count = options.pushes
    others = RecordingPredictor(case.recording, case.body, range(count, 2 * count))
    config = AdaptConfig(parameters=("friction",))
    started = time.process_time()
    found = adapt(model, case.recording, case.body, config, episodes=range(count))
    told = found.identified[0]
    believed = float(case.body.friction or 0)
    values = {"believed": believed, "found": told.value, "true": case.friction}
    row: dict[str, Any] = {f"friction_{name}": value for name, value in values.items()}
    row |= {"low": told.low, "high": told.high, "identified": told.identified}
    row["seconds"] = time.process_time() - started
    for name, value in values.items():
        position, _ = others(replace(model, body=BodyPhysics(friction=value)))
        row[name] = end_errors(position, others.position)
    if options.mujoco:
        peer = InMuJoCo(case, options.mujoco)
        truth = np.array(case.recording.position)
        values["found"] = row["mujoco_friction"] = peer.fit(case.episodes[:count], truth[:count])
        for name, value in values.items():
            row[f"mujoco_{name}"] = end_errors(peer(value, case.episodes[count:]), truth[count:])
    return row


def figures_of(rows: list[dict[str, Any]], prefix: str = "") -> dict[str, float]:
    """Errors of friction, and the share of the truth's help that was gained."""
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    wrong, found, true = (column[f"{prefix}{name}"] for name in ("believed", "found", "true"))
    guess = column["mujoco_friction"] if prefix else column["friction_found"]
    far = np.abs(guess / column["friction_true"] - 1)
    helps = (wrong - true > HELPS_M) & (wrong - true > HELPS_SHARE * wrong)
    figures = {
        f"{prefix}friction_error_median": float(np.median(far)),
        f"{prefix}friction_error_p90": float(np.percentile(far, 90)),
        f"{prefix}worlds_that_truth_helps": int(helps.sum()),
    }
    if helps.any():
        share = (wrong - found)[helps] / (wrong - true)[helps]
        figures[f"{prefix}help_gained"] = float((wrong - found)[helps].sum() / (wrong - true)[helps].sum())
        figures[f"{prefix}help_gained_median"] = float(np.median(share))
    for name, errors in (("believed", wrong), ("found", found), ("true", true)):
        figures[f"{prefix}{name}_mm_median"] = float(1000 * np.median(errors))
        figures[f"{prefix}{name}_mm_mean"] = float(1000 * errors.mean())
    return figures


def main(options: Options) -> None:
    """All worlds, then the figures."""
    model, rows, index = load_model(options.model) if options.model else Model(), [], 0
    if options.rows and options.rows.exists():
        rows = [json.loads(line) for line in options.rows.read_text().splitlines()][: options.worlds]
        index = rows[-1]["index"] + 1 if rows else 0
    while len(rows) < options.worlds:
        made = case(options.seed, index, options.pushes, options.part)
        if made is not None:
            rows.append({"index": index} | judge(made, model, options))
            sys.stderr.write(f"{len(rows)}/{options.worlds}: {json.dumps(rows[-1])}\n")
            if options.rows:
                with options.rows.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
        index += 1
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    told = column["identified"]
    held = (column["low"] <= column["friction_true"]) & (column["friction_true"] <= column["high"])
    figures: dict[str, Any] = {"worlds": len(rows), "pushes": options.pushes, "drawn": index}
    figures["believed_error_median"] = float(
        np.median(np.abs(column["friction_believed"] / column["friction_true"] - 1))
    )
    figures |= {"identified": int(told.sum()), "intervals_hold": float(held[told].mean()) if told.any() else None}
    width = np.log(column["high"] / column["low"])[told] / 2
    figures["half_width_median"] = float(np.median(width)) if told.any() else None
    figures["seconds_each"] = float(np.median(column["seconds"]))
    figures |= figures_of(rows)
    if options.mujoco:
        figures |= figures_of(rows, "mujoco_")
    rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps(rounded) if options.json else "\n".join(f"{k:32s} {v}" for k, v in rounded.items()))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
