"""How well metres and gravity are found: every kind of evidence against rendered truth.

usage: python benchmarks/scale.py CAPTURES [--cache FOLDER] [--draws 5] [--json]

CAPTURES holds what scale_captures.py rendered.  Cameras come from the project's own ``solve_poses``, kept in the cache
folder.  What a phone would record is simulated on the truth, ``--draws`` times per capture: tracking that drifts by
about 1 % of the way with 5 mm and 0.3° of noise and 0.5 % of scale error, gravity with 0.5° of noise and 0.2° of bias,
and depth of 256×192 with 1 % of noise, 0.5 % of scale error, edges that bleed, and confidence.

``poses_oracle`` is what an estimator would reach that knew the noise which was drawn: generalized least squares with
its covariance and the true cameras.  No unbiased one varies less (Gauss and Markov), so what both miss
is in the recording.  ``sensors`` is tracking and depth together.

Prints one flat JSON object: per kind of evidence how often it was found, median and largest error [relative or
degrees], and the share of errors within one and two of the stated sigmas.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scale_sensors import best_scale, depth_and_confidence, gravity_in_cameras, tracked_poses

from scan2sim.capture import Frame, read_capture
from scan2sim.geometry import similarity_between
from scan2sim.poses import PosedCapture, PosesConfig, load_posed, save_posed, solve_poses
from scan2sim.poses.metric import (
    GravityEvidence,
    Refused,
    ScaleEvidence,
    gravity_evidence,
    into_metres,
    scale_evidence,
    sensor_alignment,
)

WRONG = 1.1  # times the true size: a marker that was printed without looking at the scaling


class Figures:
    """Errors and how many of their sigmas they are, by kind."""

    def __init__(self) -> None:
        self.errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.tried: dict[str, int] = defaultdict(int)

    def add(self, kind: str, error: float | None, sigma: float = math.nan) -> None:
        """One answer, or None where there was none."""
        self.tried[kind] += 1
        if error is not None:
            self.errors[kind].append((abs(error), abs(error) / sigma))

    def flat(self) -> dict[str, Any]:
        """All figures."""
        flat: dict[str, Any] = {}
        for kind, tried in sorted(self.tried.items()):
            errors = np.array(self.errors[kind]).reshape(-1, 2)
            flat[f"{kind}_tried"], flat[f"{kind}_found"] = tried, len(errors)
            if len(errors):
                flat[f"{kind}_median"] = round(float(np.median(errors[:, 0])), 5)
                flat[f"{kind}_p95"] = round(float(np.quantile(errors[:, 0], 0.95)), 5)
                flat[f"{kind}_worst"] = round(float(errors[:, 0].max()), 5)
                flat[f"{kind}_within_1_sigma"] = round(float((errors[:, 1] <= 1).mean()), 3)
                flat[f"{kind}_within_2_sigma"] = round(float((errors[:, 1] <= 2).mean()), 3)
        return flat


def main() -> None:
    """Measure all captures that are complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("outputs/benchmarks/scale"))
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--solved-only", action="store_true", help="leave out captures without cameras in the cache")
    parser.add_argument("--json", action="store_true", help="print the figures only")
    given = parser.parse_args()
    figures = Figures()
    folders = [path.parent for path in sorted(given.captures.glob("*/truth.json"))]
    if given.solved_only:
        folders = [folder for folder in folders if (given.cache / folder.name / "poses" / "posed.json").exists()]
    for folder in folders:
        truth = json.loads((folder / "truth.json").read_text())
        posed = solved(folder, given.cache / folder.name)
        measure(posed, truth, given.cache / folder.name, given.draws, figures, None if given.json else folder.name)
    print(json.dumps({"captures": len(folders), "draws": given.draws, **figures.flat()}))


def solved(folder: Path, cache: Path) -> PosedCapture:
    """The capture as photos alone give it."""
    if not (cache / "poses" / "posed.json").exists():
        for name in ("capture", "poses"):
            (cache / name).mkdir(parents=True, exist_ok=True)
        capture = read_capture(folder / "images", cache / "capture")
        save_posed(solve_poses(capture, cache / "poses", PosesConfig()), cache / "poses")
    return load_posed(cache / "poses")


def measure(
    posed: PosedCapture, truth: dict[str, Any], cache: Path, draws: int, figures: Figures, name: str | None
) -> None:
    """All evidence of one capture."""
    true_pose = {Path(f["file"]).name: np.array(f["world_from_camera"]) for f in truth["frames"]}
    poses = np.array([true_pose[frame.name] for frame in posed.frames])
    factor, rotation, _ = similarity_between([f.camera.position for f in posed.frames], poses[:, :3, 3])
    true_up = rotation.T @ truth["up"]
    frames = [plain_frame(frame.image, frame.name) for frame in posed.frames]

    def scale(kind: str, found: ScaleEvidence | Refused | None) -> None:
        sure = isinstance(found, ScaleEvidence)
        figures.add(kind, found.factor / factor - 1 if sure else None, found.relative_sigma if sure else math.nan)
        if name is not None and draws_done == 0:
            said = f"{100 * (found.factor / factor - 1):+.2f} % ± {100 * found.relative_sigma:.2f} %" if sure else ""
            print(name, kind, said or found)

    draws_done = 0
    prints = {
        "marker": PosesConfig(marker=truth["marker"]),
        "board": PosesConfig(marker=truth.get("board")),  # older captures have none
        "sheet": PosesConfig(sheet=truth["sheet"]),
        "card": PosesConfig(sheet="card"),
    }
    for kind, config in prints.items():
        if config.marker or config.sheet:
            scale(kind, *scale_evidence(posed, None, config))
    figures.add("gravity_support", angle(true_up, np.array([0, 0, 1.0])), posed.gravity.sigma_deg)
    for draw in range(draws):
        draws_done = draw
        rng = np.random.default_rng([draw, *cache.name.encode()])
        tracked = tracked_poses(poses, np.array(truth["up"]), rng)
        sensed = [replace(frame, world_from_camera=pose) for frame, pose in zip(frames, tracked, strict=True)]
        alignment = sensor_alignment(posed, sensed, seed=draw)
        scale("poses", *scale_evidence(posed, alignment, PosesConfig()))
        figures.add("poses_oracle", *best_scale(poses, tracked))
        for each in gravity_evidence(posed, sensed, alignment)[1:]:
            sure = isinstance(each, GravityEvidence)
            figures.add(
                "gravity_arkit", angle(each.up, true_up) if sure else None, each.sigma_deg if sure else math.nan
            )
        gravity = gravity_in_cameras(poses, np.array(truth["up"]), rng)
        moved = [replace(frame, gravity=tuple(down)) for frame, down in zip(frames, gravity, strict=True)]
        for each in gravity_evidence(posed, moved, None)[1:]:
            sure = isinstance(each, GravityEvidence)
            figures.add("gravity_imu", angle(each.up, true_up) if sure else None, each.sigma_deg if sure else math.nan)
        deep = with_depth(posed, poses, truth, cache / "sensor", rng)
        scale("depth", *scale_evidence(deep, None, PosesConfig()))
        sensors = into_metres(deep, sensed, PosesConfig())
        figures.add("sensors", resulting_factor(sensors, posed) / factor - 1, sensors.scale.relative_sigma)
        family, size = truth["marker"].split(":")
        both = [replace(s, gravity=m.gravity) for s, m in zip(sensed, moved, strict=True)]
        all_of_it = into_metres(deep, both, PosesConfig(marker=truth["marker"]))
        figures.add("fused", resulting_factor(all_of_it, posed) / factor - 1, all_of_it.scale.relative_sigma)
        if draw > 0:
            continue
        wrong = into_metres(deep, both, PosesConfig(marker=f"{family}:{WRONG * float(size):.5f}"))
        said = any("the marker makes everything" in warning for warning in wrong.warnings)
        figures.add("wrong_marker_said", 0.0 if said else None, 1.0)
        figures.add("beside_wrong_marker", resulting_factor(wrong, posed) / factor - 1, wrong.scale.relative_sigma)


def plain_frame(image: Path, name: str) -> Frame:
    """A frame as a folder of photos gives it."""
    return Frame(image, name, 0, 0, None, 0.0, 0.0, 0.0)


def resulting_factor(done: PosedCapture, before: PosedCapture) -> float:
    """How many times larger it became."""
    return float(np.linalg.norm(done.frames[0].camera.position) / np.linalg.norm(before.frames[0].camera.position))


def with_depth(
    posed: PosedCapture, poses: NDArray[np.float64], truth: dict[str, Any], folder: Path, rng: np.random.Generator
) -> PosedCapture:
    """The capture with depth images beside its photos."""
    folder.mkdir(exist_ok=True)
    bias = rng.normal(0, 0.005)
    frames = []
    for index, (frame, pose) in enumerate(zip(posed.frames, poses, strict=True)):
        depth, confidence = depth_and_confidence(frame.camera.intrinsics, pose, truth, bias, rng)
        np.save(folder / f"{index}.depth.npy", depth)
        np.save(folder / f"{index}.confidence.npy", confidence)
        paths = folder / f"{index}.depth.npy", folder / f"{index}.confidence.npy"
        frames.append(replace(frame, depth=paths[0], confidence=paths[1]))
    return replace(posed, frames=tuple(frames))


def angle(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Between two directions [degrees]."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


if __name__ == "__main__":
    main()
