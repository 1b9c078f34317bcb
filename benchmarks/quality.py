"""Held-out PSNR, every view held out once: ours, and OpenSplat's on the same photos, split and cameras.

In fold k of n the frames i with ``i % n == k`` are held out, from both trainers; both start from the same sparse
points.  Ours is one training with a preset.  OpenSplat is run with several numbers of steps, its schedules squeezed
into each, and judged whenever it saved; the time for saving and loading is not counted.  Reported are its best at
any time of any run, and its best within our seconds: a choice made with hindsight, in its favour.

Usage:
    python benchmarks/quality.py banana [--preset draft] [--opensplat BINARY] [--seconds S] [--folds 4] [--json]
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from measuring import machine, print_figures, use
from opensplat_dataset import write_dataset
from opensplat_peer import PeerSettings, judge_peer, run_opensplat
from scenes import posed_capture

from scan2sim.fit import FitConfig, fit_preset, split_held_out, train
from scan2sim.fit.photos import Photo, load_photos
from scan2sim.poses import PosedCapture, PosedFrame


@dataclass(frozen=True)
class Fold:
    """One split of the frames."""

    posed: PosedCapture
    number: int
    folds: int
    training: tuple[PosedFrame, ...]
    held_out: tuple[PosedFrame, ...]


@dataclass(frozen=True)
class Judged:
    """Splats of OpenSplat at one moment."""

    seconds: float  # of training until then
    psnr: float  # mean over the held-out views [dB]
    views: int
    gaussians: int


def split(posed: PosedCapture, folds: int) -> list[Fold]:
    """Every frame is held out in exactly one fold."""
    return [Fold(posed, k, folds, *split_held_out(posed.frames, folds, k)) for k in range(folds)]


def ours(fold: Fold, config: FitConfig) -> tuple[dict[str, Any], float]:
    """Figures on the held-out views, and the seconds of training, loading included."""
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        split = {"hold_out_every": fold.folds, "hold_out_offset": fold.number}
        figures = train(fold.posed, Path(folder), replace(config, **split)).figures
        return figures, time.perf_counter() - start


def theirs(
    binary: Path, fold: Fold, max_size: int, steps: int, saves: int, threads: int, max_seconds: float
) -> dict[int, Judged]:
    """OpenSplat's splats, judged at ``saves`` moments of a training of ``steps`` steps, by step."""
    photos: list[Photo] = load_photos(fold.held_out, max_size, (1,))
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        write_dataset(fold.posed, fold.training, data, max_size)
        settings, every = PeerSettings.for_steps(steps), max(1, steps // saves)
        run = run_opensplat(binary, data, Path(folder) / "out", settings, threads, every, max_seconds)
        judged = {}
        for step, path in sorted(run.saved.items()):
            figures = judge_peer(path, photos)
            seconds = run.step_ends[step - 1]
            judged[step] = Judged(seconds, figures["held_out_psnr"], len(photos), int(figures["gaussians"]))
        return judged


def mean_over_folds(folds: list[dict[int, Judged]]) -> dict[int, Judged]:
    """By step; PSNR weighted by views, so that every view counts the same. Steps that a fold lacks are left out."""
    means = {}
    for step in set.intersection(*(set(fold) for fold in folds)):
        rows = [fold[step] for fold in folds]
        views = sum(row.views for row in rows)
        psnr = sum(row.psnr * row.views for row in rows) / views
        means[step] = Judged(fmean(r.seconds for r in rows), psnr, views, round(fmean(r.gaussians for r in rows)))
    return means


def peer_figures(curves: dict[int, dict[int, Judged]], seconds: float) -> dict[str, Any]:
    """Best at any time and best within ``seconds``, over runs of different lengths."""
    points = {(steps, at): judged for steps, curve in curves.items() for at, judged in curve.items()}
    figures: dict[str, Any] = {}
    for steps, at in sorted(points):
        judged = points[steps, at]
        figures[f"opensplat_psnr_run_{steps}_step_{at}"] = judged.psnr
        figures[f"opensplat_seconds_run_{steps}_step_{at}"] = judged.seconds
    for name, limit in (("any_time", float("inf")), ("equal_seconds", seconds)):
        within = {key: judged for key, judged in points.items() if judged.seconds <= limit}
        best = max(within, key=lambda key: within[key].psnr, default=None)
        figures[f"opensplat_psnr_{name}"] = within[best].psnr if best else None
        figures[f"opensplat_seconds_{name}"] = within[best].seconds if best else None
        figures[f"opensplat_gaussians_{name}"] = within[best].gaussians if best else None
        figures[f"opensplat_step_{name}"] = best and f"{best[1]} of {best[0]}"
    return figures


def main() -> None:
    """Train, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", help="a sample capture, a folder of photos or of a finished poses stage")
    parser.add_argument("--preset", default="draft", choices=("draft", "standard", "high"))
    parser.add_argument("--steps", type=int, help="of ours, instead of the preset's")
    parser.add_argument("--teachers", type=int, default=0, help="trainings that teach ours")
    parser.add_argument("--max-size", type=int, help="long side of the photos, instead of the preset's [pixels]")
    parser.add_argument("--opensplat", type=Path, help="its program")
    parser.add_argument("--opensplat-steps", type=int, nargs="+", default=[300, 1000, 3000], help="one run of each")
    parser.add_argument("--saves", type=int, default=10, help="moments of each of its runs that are judged")
    parser.add_argument("--seconds", type=float, help="time for equal seconds; default: what ours took")
    parser.add_argument("--max-seconds", type=float, default=36_000, help="after which a run of OpenSplat is ended")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--only-folds", type=int, nargs="+", help="some of the folds")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    args = parser.parse_args()
    use(args.threads)
    config = fit_preset(args.preset)
    changes = {"steps": args.steps, "max_size": args.max_size}
    config = replace(config, **{name: value for name, value in changes.items() if value is not None})
    config = replace(config, teachers=replace(config.teachers, count=args.teachers))
    folds = split(posed_capture(args.capture), args.folds)
    folds = [folds[k] for k in args.only_folds or range(args.folds)]

    figures = machine(args.threads) | {"capture": Path(args.capture).name, "preset": args.preset}
    rows = [ours(fold, config) for fold in folds]
    views = sum(row["held_out_views"] for row, _ in rows)
    for key in ("psnr", "ssim"):
        figures[f"ours_{key}"] = sum(r[f"held_out_{key}"] * r["held_out_views"] for r, _ in rows) / views
    seconds = fmean(spent for _, spent in rows)
    figures |= {
        "views": views,
        "ours_seconds": seconds,
        "ours_gaussians": round(fmean(r["gaussians"] for r, _ in rows)),
    }
    figures |= {"ours_steps": config.steps, "long_side": rows[0][0]["held_out_long_side"]}
    figures |= {"opensplat_psnr_any_time": None, "opensplat_psnr_equal_seconds": None}
    if args.opensplat:
        curves: dict[int, dict[int, Judged]] = defaultdict(dict)
        for steps in args.opensplat_steps:
            limits = (args.saves, args.threads, args.max_seconds)
            curves[steps] = mean_over_folds([theirs(args.opensplat, f, config.max_size, steps, *limits) for f in folds])
        figures |= peer_figures(curves, args.seconds or seconds)
        for name in ("any_time", "equal_seconds"):
            peer = figures[f"opensplat_psnr_{name}"]
            figures[f"psnr_gain_{name}"] = None if peer is None else figures["ours_psnr"] - peer
    print_figures(figures, args.json)


if __name__ == "__main__":
    main()
