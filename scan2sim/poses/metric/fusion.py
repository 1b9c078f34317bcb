"""Several scales become one, or a disagreement that is said."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from scan2sim.poses.metric.evidence import Refused, ScaleEvidence, average_factors
from scan2sim.poses.posed import Scale

__all__ = ["GUESS_SIGMA", "fuse_scale"]

GUESS_SIGMA = 0.35
SAME_SIGMA = 3.0  # evidence agrees within so many combined sigmas
LARGEST_FACTOR = 30.0  # against the guess: beyond, a unit was mistaken
NAMES = {
    "arkit": "sensor poses",
    "depth": "sensor depth",
    "marker": "the marker",
    "sheet": "the sheet of paper",
    "card": "the bank card",
}


def fuse_scale(
    evidence: Sequence[ScaleEvidence], refused: Sequence[Refused] = ()
) -> tuple[float, Scale, tuple[str, ...]]:
    """The factor to metres, the scale with all its evidence, and what a person should know.

    The largest group in which all agree pairwise within three combined sigmas is believed, and averaged in the
    logarithm with weights 1 / sigma²; between groups of one size the one that rests on sensors, since a stated size may
    be mistyped or misprinted, then the surest.  Whatever disagrees with the group is not averaged in but said.  The
    sigma grows where members scatter more than their own sigmas tell (Birge 1932).
    """
    warnings = [f"{_name(each.source)} was not used for the scale: {each.reason}" for each in refused]
    sound = []
    for each in evidence:
        if 1 / LARGEST_FACTOR < each.factor < LARGEST_FACTOR:
            sound.append(each)
        else:
            problem = f"it would make the scene {each.factor:.3g} times as large as cameras at arm's length tell"
            warnings.append(f"{_name(each.source)} was not used for the scale: {problem} → check its unit, metres")
    believed = _believed(sound)
    if not believed:
        notes = tuple(_note(each, 1.0, False) for each in evidence)
        return 1.0, Scale("guess", GUESS_SIGMA, notes), tuple(warnings)
    factor, sigma = average_factors([e.factor for e in believed], [e.relative_sigma for e in believed])
    surest = min(believed, key=lambda each: each.relative_sigma)
    for each in sound:
        if each not in believed:
            warnings.append(_contradiction(each, believed, factor))
    notes = tuple(_note(each, factor, each in believed) for each in evidence)
    return factor, Scale(surest.source, sigma, notes), tuple(warnings)


def _agree(one: ScaleEvidence, other: ScaleEvidence) -> bool:
    apart = abs(np.log(one.factor / other.factor))
    return bool(apart <= SAME_SIGMA * np.hypot(one.relative_sigma, other.relative_sigma))


def _believed(evidence: Sequence[ScaleEvidence]) -> tuple[ScaleEvidence, ...]:
    for size in range(len(evidence), 0, -1):
        groups = [g for g in combinations(evidence, size) if all(_agree(a, b) for a, b in combinations(g, 2))]
        if groups:
            return min(groups, key=lambda g: (sum(e.stated for e in g), -sum(e.relative_sigma**-2 for e in g)))
    return ()


def _contradiction(each: ScaleEvidence, believed: Sequence[ScaleEvidence], factor: float) -> str:
    others = " and ".join(_name(other.source) for other in believed)
    ratio = each.factor / factor
    rest = f"{others}, which {'is' if len(believed) == 1 else 'are'} believed"
    said = f"{_name(each.source)} makes everything {ratio:.3g} times as large as {rest}"
    if each.stated:
        return f"{said} → check the size that was stated: {ratio:.3g} times smaller would agree"
    return f"{said} → check what was recorded"


def _note(each: ScaleEvidence, factor: float, used: bool) -> dict[str, object]:
    return {
        "source": each.source,
        "factor": round(each.factor / factor, 6),
        "relative_sigma": round(each.relative_sigma, 6),
        "used": used,
        "details": each.details,
    }


def _name(source: str) -> str:
    return NAMES.get(source, source)
