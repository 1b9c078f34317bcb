"""What is worth telling about a stage's result: figures for the report, warnings for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from scan2sim.capture import Capture
from scan2sim.coach import Advice, Figures, forecast
from scan2sim.pipeline.stage import Outcome
from scan2sim.poses import PosedCapture
from scan2sim.scene import Scene
from scan2sim.sim import SettleResult

__all__ = ["coach_section", "describe_capture", "describe_objects", "describe_poses", "describe_assembly"]

MIRROR = 6.0  # spread of lightness [CIELAB] over which a surface is no matt one: those were up to 5, a mirror's 9 to 13
FAR = 0.005  # [m] an object that was moved farther than this is worth a word
ROUND = 200.0  # photos that span less than this [degrees] do not go around the scene
UNSEEN = 0.5  # share of an object's surface
NAMED = 8  # files that a warning names before it counts the rest


def describe_capture(capture: Capture, advice: tuple[Advice, ...] = ()) -> Outcome:
    """Number of frames, what was left out, what is marked, and what the coach would have filmed again."""
    marks = Counter(flag.split(" of ")[0] for frame in capture.frames for flag in frame.flags)
    warnings = list(capture.warnings)
    if capture.dropped:
        left_out = [f"{file.name} ({file.reason})" for file in capture.dropped]
        warnings.append(f"{_count(len(left_out), 'file')} left out: {_listed(left_out)}")
    for mark, count in sorted(marks.items()):
        warnings.append(f"{count} of {_count(len(capture.frames), 'frame')} marked: {mark}")
    warnings += [f"{each.name}: {each.reason} → {each.todo}" for each in advice if each.color != "green"]
    figures = {
        "frames": len(capture.frames),
        "dropped": len(capture.dropped),
        "source": capture.source,
        "sharpness_median": _median([frame.sharpness for frame in capture.frames]),
        "with_pose": sum(frame.world_from_camera is not None for frame in capture.frames),
        "with_depth": sum(frame.depth is not None for frame in capture.frames),
    }
    return Outcome(figures, tuple(warnings))


def coach_section(figures: Figures, advice: tuple[Advice, ...]) -> dict[str, Any]:
    """What the report shows of the coach's look at a capture."""
    shown = {f"{each.name} ({each.color})": each.reason + (f" → {each.todo}" if each.todo else "") for each in advice}
    foreseen = forecast(figures)
    shown["foreseen"] = f"cameras for {foreseen.placed} of the views, {foreseen.unseen} views from elsewhere"
    return {"title": "The capture, as the coach sees it", "figures": shown | {"links": figures.links}}


def describe_poses(posed: PosedCapture) -> Outcome:
    """How many frames have a pose, how well they fit, and how metres and down were found."""
    figures = {
        "registered": len(posed.frames),
        "reprojection_px": _median([frame.residual for frame in posed.frames]),
        "sparse_points": len(posed.points),
        "scale_source": posed.scale.source,
        "scale_relative_sigma": posed.scale.relative_sigma,
        "gravity_source": posed.gravity.source,
        "gravity_sigma_deg": posed.gravity.sigma_deg,
        "scale_evidence": {each["source"]: each["factor"] for each in posed.scale.evidence},
        "support_tilt_deg": round(float(np.degrees(np.arccos(min(1.0, posed.support_normal[2])))), 2),
    }
    return Outcome(figures, posed.warnings)


def describe_objects(scene: Scene) -> Outcome:
    """What was found, and what the photos could not tell."""
    warnings = []
    span = _span(scene)
    if not scene.objects:
        warnings.append("no separate object was found")
    if scene.cameras and span < ROUND:
        warnings.append(f"the photos span {span:.0f}° around the scene: what is behind the objects was not seen")
    hidden = [thing.name for thing in scene.objects if thing.unseen_fraction > UNSEEN]
    if hidden:
        warnings.append(f"most of the surface of these was seen in no photo: {_listed(hidden)}")
    glossy = [thing.name for thing in scene.objects if thing.figures.get("lightness_spread", 0.0) > MIRROR]
    if glossy:
        warnings.append(
            "these look different in every photo, as mirrors and glass do, so their shape is not known: "
            f"{_listed(glossy)}"
        )
    if doubtful := scene.quality.get("doubtful"):
        warnings.append(
            f"{_count(doubtful, 'raised patch', 'raised patches')} stayed in the background: too little of each was "
            "seen from all sides alike to call it an object (glass, mirrors and thin things look so)"
        )
    used, refused = scene.quality.get("masks_used", 0), scene.quality.get("masks_refused", 0)
    if refused > used:
        warnings.append(
            f"{refused} of {used + refused} masks of {scene.quality['mask_source']} disagreed with the shape of the "
            "splats and were not used: look at the objects' borders, or build without it"
        )
    figures = {
        "supports": len(scene.supports),
        "on_other_objects": sum(thing.rests_on is not None and thing.rests_on.id != 0 for thing in scene.objects),
        "view_span_deg": round(span, 1),
    }
    return Outcome(scene.quality | figures, tuple(warnings))


def _span(scene: Scene) -> float:
    """The angle [degrees] around the vertical that the cameras take in, as seen from the middle of the objects."""
    if not scene.cameras:
        return 0.0
    middle = np.mean([thing.position for thing in scene.objects], axis=0) if scene.objects else np.zeros(3)
    away = np.array([frame.camera.position for frame in scene.cameras]) - middle
    angles = np.sort(np.degrees(np.arctan2(away[:, 1], away[:, 0])))
    return 360.0 - float(np.diff(angles, append=angles[0] + 360).max())


def describe_assembly(settled: SettleResult, lost: Sequence[str] = ()) -> Outcome:
    """What was done so that the objects stand, how still they stand when they are let go, and which corrections by a
    person were lost."""
    warnings, placed = [f"a correction could not be done again: {each}" for each in lost], settled.placed
    if settled.unsettled:
        names = _listed(list(settled.unsettled))
        warnings.append(f"left alone in the simulator these move away, so they stay where they were seen: {names}")
    far = [f"{name} by {1e3 * p.moved:.0f} mm" for name, p in placed.items() if p.moved > FAR]
    if far:
        warnings.append(f"moved out of what they overlapped, or onto what they stand on: {_listed(far)}")
    feet = [f"{name} by {1e3 * p.flattened:.2f} mm" for name, p in placed.items() if p.flattened > 0]
    if feet:
        warnings.append(f"their foot, which nobody saw, was flattened so that they do not roll: {_listed(feet)}")
    figures = {
        "settle_drift_mm": round(1e3 * settled.drift, 3),
        "settle_turn_deg": round(float(np.degrees(settled.turn)), 3),
        "settle_penetration_mm": round(1e3 * settled.penetration, 3),
        "settle_moved_mm": round(1e3 * max((p.moved for p in placed.values()), default=0.0), 3),
        "unsettled": len(settled.unsettled),
    }
    return Outcome(figures | ({"corrections_lost": list(lost)} if lost else {}), tuple(warnings))


def _median(values: list[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return round(float(np.median(known)), 4) if known else None


def _listed(names: list[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
