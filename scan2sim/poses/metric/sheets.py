"""Metres from a sheet of paper or a bank card that lies on the support."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Camera
from scan2sim.poses.metric.edges import EdgeImage
from scan2sim.poses.metric.evidence import Refused, ScaleEvidence
from scan2sim.poses.metric.photos import Photos
from scan2sim.poses.metric.rectangle_fit import RectangleFit, fit_rectangle
from scan2sim.poses.metric.rectangles import find_rectangles
from scan2sim.poses.metric.top_view import draw_top_view
from scan2sim.progress import Reporter, silent

__all__ = ["SHEETS", "Sheet", "sheet_scale"]

Array = NDArray[np.float64]

SEARCH_TOLERANCE = 0.1  # of the sides' ratio in the top view, where things hide parts
ASPECT_SIGMA = 3.5  # by so many of its sigmas may the measured ratio deviate,
ASPECT_TOLERANCE = 0.003  # and by this
MIN_SUPPORT = 0.25  # share of each edge that the photos must show
MEAN_SUPPORT = 0.5  # of all four
MIN_VIEWS = 3
OFF_SUPPORT = 0.06  # of the long side: how far corners may lie from the support
LIKELY = 4.0  # times as large or as small as the guess from the camera distance: beyond, it is another rectangle
CANDIDATES = 12  # rectangles that are looked at closely, at most
IN_MEMORY = 24  # photos
EDGE_BIAS_PX = 0.15  # blur, tone curve and over-exposure move all four edges outwards, or all inwards
LENS_SIGMA = 0.001  # what a slightly wrong lens model does to each side
RIVAL = 0.9  # of the best one's support must another rectangle have to make the answer doubtful
SAME_SIGMA = 3.0  # two rectangles whose scales agree within so many sigmas do not contradict each other


@dataclass(frozen=True)
class Sheet:
    """A thing whose size is a standard."""

    source: str  # of the evidence: sheet or card
    name: str
    sides: tuple[float, float]  # [m] long, short
    relative_sigma: float  # of its making
    rim: float  # [m] how far bevel, shadow and curl move all its edges alike, one standard deviation
    side_sigma: float  # [m] how much they change the length of each side on its own: light comes from one direction
    thickness: float = 0.0  # [m] where its sides are seen


SHEETS = {
    "a4": Sheet("sheet", "an A4 sheet", (0.297, 0.210), 0.002, 0.0002, 0.0002),  # ISO 216: ± 2 mm up to 600 mm
    "letter": Sheet("sheet", "a Letter sheet", (0.2794, 0.2159), 0.002, 0.0002, 0.0002),  # ANSI/ASME Y14.1
    "card": Sheet("card", "a bank card", (0.0856, 0.05398), 0.001, 0.00015, 0.0003, 0.00076),  # ISO/IEC 7810 ID-1
}


def sheet_scale(
    photos: Photos, cameras: Sequence[Camera], kind: str, report: Reporter = silent
) -> ScaleEvidence | Refused:
    """Find the sheet or card on the support, the plane z = 0 of the scene, and compare its sides with the standard's.

    1. All photos are drawn from above onto the support and averaged: what lies flat on it stays sharp.
    2. Rectangles of about the right proportions in that picture are candidates.
    3. Each is fitted in space to the edges that all photos show (:func:`fit_rectangle`).
    4. A candidate counts if photos show all four edges, it lies on the support, and its sides agree with the standard's
       proportions.  Two that count and differ in size make the answer ambiguous: then neither is used.
    """
    sheet = SHEETS[kind]
    top = draw_top_view(photos, cameras, report)
    rough = find_rectangles(top, sheet.sides[0] / sheet.sides[1], SEARCH_TOLERANCE)[:CANDIDATES]

    @lru_cache(IN_MEMORY)
    def image_of(index: int) -> EdgeImage:
        return EdgeImage.of(photos.color(index))

    good, problem = _good(image_of, cameras, rough, sheet, report)
    if not good:
        advice = "lay it flat beside the objects, on a surface of another colour, its edges free"
        among = f"among {len(rough)} rectangles on the support" if rough else "on the support"
        return Refused(sheet.source, f"{sheet.name} was not found {among}{problem and f': {problem}'} → {advice}")
    scales = [_scale(fit, sheet) for fit in good]
    best = max(range(len(good)), key=lambda i: float(good[i].support.mean()))
    factor, sigma = scales[best]
    for fit, (other, other_sigma) in zip(good, scales, strict=True):
        if fit.support.mean() < RIVAL * good[best].support.mean() and fit.support.min() < good[best].support.min():
            continue
        apart = abs(np.log(other / factor))
        if apart > SAME_SIGMA * np.hypot(sigma, other_sigma):
            reason = f"{len(good)} rectangles on the support have the proportions of {sheet.name}, one of them"
            return Refused(
                sheet.source, f"{reason} {np.exp(apart):.2f} times as large as another → leave only one of them there"
            )
    sides = " × ".join(f"{1e3 * side:.0f}" for side in sheet.sides)
    fit = good[best]
    details = f"{sheet.name}, {sides} mm, in {fit.views} photos, edges agree to {fit.residual_px:.2f} px"
    return ScaleEvidence(sheet.source, factor, sigma, details, stated=True)


def _good(
    image_of: Callable[[int], EdgeImage],
    cameras: Sequence[Camera],
    rough: Sequence[Array],
    sheet: Sheet,
    report: Reporter,
) -> tuple[list[RectangleFit], str]:  # and why the likeliest of the others is none
    good: list[RectangleFit] = []
    problems: list[tuple[float, str]] = []
    for number, corners in enumerate(rough):
        report(f"measuring {sheet.name}", number, len(rough))
        fit = fit_rectangle(image_of, cameras, corners, sheet.thickness / sheet.sides[0])
        if fit is None or fit.views < MIN_VIEWS:
            continue
        problem = _problem(fit, sheet)
        if problem:
            problems.append((float(fit.support.min()), problem))
        elif not any(_same_place(fit, other) for other in good):
            good.append(fit)
    report(f"measuring {sheet.name}", len(rough), len(rough))
    return good, max(problems, default=(0.0, ""))[1]


def _problem(fit: RectangleFit, sheet: Sheet) -> str:
    """Why a rectangle is not the sheet; empty if it may be."""
    aspect, expected = fit.sides[0] / fit.sides[1], sheet.sides[0] / sheet.sides[1]
    if fit.support.min() < MIN_SUPPORT or fit.support.mean() < MEAN_SUPPORT:
        return f"photos show only {fit.support.min():.0%} of one of its edges"
    tell = np.array([1, -1])
    common = (2 * _edge_sigma(fit, sheet) * tell @ (1 / np.array(fit.sides))) ** 2
    spread = np.sqrt(tell @ _noise(fit, sheet) @ tell + common)
    if abs(np.log(aspect / expected)) > ASPECT_SIGMA * spread + ASPECT_TOLERANCE:
        return f"its sides are as {aspect:.3f} to 1, {sheet.name} has {expected:.3f}"
    if np.abs(fit.corners[:, 2]).max() > OFF_SUPPORT * fit.sides[0]:
        return "it does not lie on the support"
    if abs(np.log(sheet.sides[0] / fit.sides[0])) > np.log(LIKELY):
        return f"were it {sheet.name}, the cameras would be {LIKELY:g} times as near or as far as is usual"
    return ""


def _scale(fit: RectangleFit, sheet: Sheet) -> tuple[float, float]:
    """Metres per metre of the scene, and one relative standard deviation.

    Two unknowns, the scale f and a distance d by which all edges lie too far out, explain the two sides:
    log(side f / standard) = 2 d / side.  d is 0 with the sigma of what moves edges, so that the sides' ratio, which
    does not depend on f, tells a part of it.
    """
    sides, standard = np.array(fit.sides), np.array(sheet.sides)
    edge = _edge_sigma(fit, sheet)
    design = np.stack([-np.ones(2), 2 / sides], 1)  # of (log f, d)
    weight = np.linalg.inv(_noise(fit, sheet))
    normal = design.T @ weight @ design + np.diag([0, edge**-2])
    covariance = np.linalg.inv(normal)
    solution = covariance @ design.T @ weight @ np.log(sides / standard)
    return float(np.exp(solution[0])), float(np.hypot(np.sqrt(covariance[0, 0]), sheet.relative_sigma))


def _noise(fit: RectangleFit, sheet: Sheet) -> Array:  # (2, 2)
    """Covariance of what is wrong with the logarithms of the two sides, each on its own."""
    return fit.covariance + np.diag(LENS_SIGMA**2 + (sheet.side_sigma / np.array(sheet.sides)) ** 2)


def _edge_sigma(fit: RectangleFit, sheet: Sheet) -> float:
    """How far all edges may lie too far out, or in, alike [m of the scene]."""
    return float(np.hypot(EDGE_BIAS_PX * min(fit.sides) / fit.side_px, sheet.rim * fit.sides[0] / sheet.sides[0]))


def _same_place(one: RectangleFit, other: RectangleFit) -> bool:
    """Whether the two are one thing, found twice."""
    nearest = [np.linalg.norm(other.corners - corner, axis=1).min() for corner in one.corners]
    return max(nearest) < 0.03 * one.sides[0]
