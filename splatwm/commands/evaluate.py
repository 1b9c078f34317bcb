"""``splatwm evaluate``: how far predictions are from what happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Group
from rich.table import Table

from scan2sim.commands.command import Command, Reply
from scan2sim.errors import UsageError
from scan2sim.progress import Reporter
from splatwm.config import faster
from splatwm.coverage import Coverage, interval_coverage
from splatwm.data import open_data
from splatwm.evaluate import BASELINES, GROUPS, TRUTH, Comparison, Predictor, Summary, compare, summarize
from splatwm.gns import GnsPredictor, load_gns
from splatwm.predict import EpisodePredictor
from splatwm.trained import load_model

__all__ = ["Evaluate"]

SHOWN = (0.5, 1.0, 2.0)  # [s]
GNS = "GNS"


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Errors over the horizon of objects that moved: median, mean and 90th percentile, with 95 % intervals in JSON."""

    model: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")] = None
    """A .safetensors file that splatwm made."""
    on: Annotated[Path, tyro.conf.arg(metavar="DATA")]
    """Trajectories that ``splatwm collect`` wrote."""
    baselines: bool = False
    """Judge the baselines: no motion, constant velocity, MuJoCo at coarse steps, with its older way to find contacts,
    and from a start 0.1 mm away."""
    gns: Annotated[Path | None, tyro.conf.arg(metavar="GNS")] = None
    """Judge a graph network, too, that ``splatwm gns`` trained; one is in assets/models/gns.safetensors."""
    episodes: Annotated[int | None, tyro.conf.arg(aliases=["-n"])] = None
    """At most so many, evenly spread over the data."""
    skip_damaged: bool = False
    """Leave damaged shards out instead of refusing them; they are named."""

    def run(self, report: Reporter) -> Reply:
        """Evaluate."""
        if not self.baselines and self.model is None and self.gns is None:
            raise UsageError("there is nothing to evaluate", todo="give a model, or --baselines")
        if self.episodes is not None and self.episodes < 1:
            raise UsageError(f"{self.episodes} episodes", todo="give 1 or more with -n")
        data = open_data(self.on, skip_damaged=self.skip_damaged)
        predictors: dict[str, Predictor] = dict(BASELINES) if self.baselines else {}
        if self.gns is not None:
            graph_network = GnsPredictor(load_gns(self.gns), data)
            predictors[GNS] = lambda _, episode: graph_network(episode)
        held: list[Coverage] = []
        if self.model is not None:
            predict = EpisodePredictor(load_model(self.model), data)
            predictors[self.model.stem] = lambda _, episode: predict(episode)
            if self.baselines:
                quick = EpisodePredictor(replace(predict.model, physics=faster(predict.model.physics)), data)
                predictors[f"{self.model.stem}, faster"] = lambda _, episode: quick(episode)
            if predict.model.calibration is not None:
                held = interval_coverage(predict, data, self.episodes, report)
        found = compare(data, predictors, self.episodes, report)
        notes = [f"left out: {problem}" for problem in dict.fromkeys(found.skipped)]
        reply = {"episodes": found.episodes, "skipped": list(found.skipped), **_figures(found)}
        return Reply(
            reply | {"intervals": [vars(each) for each in held]}, Group(_tables(found, notes), *_intervals(held))
        )


def _figures(found: Comparison) -> dict[str, Any]:
    """``predictor: {group: {horizon: {moved: {position_mm: …}}}}``, and penetration, drift, speed."""
    rng = np.random.default_rng(0)
    figures: dict[str, Any] = {}
    for name, score in found.scores.items():
        entry: dict[str, Any] = {"penetration_mm": _told(summarize(1000 * np.array(score.penetration), rng))}
        if name != TRUTH:
            entry["rest_drift_mm"] = _told(summarize(1000 * np.concatenate(score.drift), rng))
            entry["lost_episodes"] = score.lost
            entry["steps_per_second"] = score.frames / max(score.seconds, 1e-9)
            for (group, horizon, moved), errors in score.position.items():
                place = entry.setdefault(group, {}).setdefault(f"{horizon:g}s", {})
                turned = score.rotation[group, horizon, moved]
                place["moved" if moved else "all"] = {
                    "position_mm": _told(summarize(1000 * np.concatenate(errors), rng)),
                    "rotation_deg": _told(summarize(np.degrees(np.concatenate(turned)), rng)),
                }
        figures[name] = entry
    return figures


def _told(summary: Summary) -> dict[str, Any]:
    told: dict[str, Any] = {"cases": summary.cases}
    for name in ("median", "mean", "p90"):
        interval = getattr(summary, name)
        told |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return told


def _tables(found: Comparison, notes: list[str]) -> Group:
    """One table a group of motions: median (mean, p90) at each horizon."""
    rng, parts = np.random.default_rng(0), list[Any](notes)
    names = [name for name in found.scores if name != TRUTH]
    for group in dict.fromkeys(GROUPS.values()):
        table = Table(title=f"{group}: median (mean, p90) of objects that moved", title_justify="left", box=None)
        table.add_column("")
        for unit in ("mm", "°"):
            for horizon in SHOWN:
                table.add_column(f"{horizon:g} s [{unit}]", no_wrap=True)
        for name in names:
            score = found.scores[name]
            cells = [_cell(1000 * _joined(score.position.get((group, h, True), [])), rng) for h in SHOWN]
            cells += [_cell(np.degrees(_joined(score.rotation.get((group, h, True), []))), rng) for h in SHOWN]
            table.add_row(name, *cells)
        parts.append(table)
    other = Table(title="all motions", title_justify="left", box=None)
    for title in ("", "penetration [mm]", "rest drift [mm]", "lost episodes", "frames/s and thread"):
        other.add_column(title)
    for name, score in found.scores.items():
        sunk = _cell(1000 * np.array(score.penetration), rng)
        if name == TRUTH:
            other.add_row(name, sunk, "", "", "")
            continue
        speed = score.frames / max(score.seconds, 1e-9)
        other.add_row(name, sunk, _cell(1000 * _joined(score.drift), rng), str(score.lost), f"{speed:,.0f}")
    return Group(f"{found.episodes} episodes", *parts, other)


def _intervals(held: list[Coverage]) -> list[str]:
    """A line for each horizon."""
    return [
        f"90 % intervals at {each.horizon:g} s hold {each.moved:.0%} of errors of what moved (median ± "
        f"{1000 * each.median_half_width:.1f} mm), {each.all:.0%} of all"
        for each in held
    ]


def _joined(errors: list[Any]) -> Any:
    return np.concatenate(errors) if errors else np.zeros(0)


def _cell(values: Any, rng: np.random.Generator) -> str:
    if not len(values):
        return "–"
    summary = summarize(values, rng, resamples=1)
    return f"{summary.median.value:.3g} ({summary.mean.value:.3g}, {summary.p90.value:.3g})"
