"""Metres from printed AprilTags, ArUco markers and ChArUco boards of a stated size."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Camera
from scan2sim.poses.metric.edges import EdgeImage, refine_corners
from scan2sim.poses.metric.evidence import Refused, ScaleEvidence, average_factors
from scan2sim.poses.metric.marker_kind import MARKER_FAMILIES, Marker
from scan2sim.poses.metric.photos import Photos
from scan2sim.poses.metric.triangulation import PatternFit, fit_pattern
from scan2sim.progress import Reporter, silent

__all__ = ["marker_scale"]

Array = NDArray[np.float64]

PRINT_SIGMA = 0.0015  # of a side that a person measured on paper with a ruler
NOT_SQUARE = 0.03  # shape error beyond which it is no flat marker, or not that marker
REACH = 0.06  # of a marker's side in the photo: how far its edges are looked for
SMALLEST = 12.0  # [pixels] side of a marker in a photo
ENLARGED = 2  # times, before the markers of a board are looked for


def marker_scale(
    photos: Photos, cameras: Sequence[Camera], marker: Marker, report: Reporter = silent
) -> ScaleEvidence | Refused:
    """Find the marker in all photos, triangulate its corners, and compare their distances with the stated size.

    Markers are found as in Garrido-Jurado et al. 2014 and Olson 2011 ("AprilTag"); several markers of the family each
    give a scale, which are averaged by their weight.
    """
    seen: dict[int, Array] = {}
    model = _board_model(marker) if marker.squares else _square_model(marker)
    for index in range(len(cameras)):
        report("looking for the marker", index, len(cameras))
        for number, corners in (
            _board(photos.color(index), marker) if marker.squares else _markers(photos.color(index), marker)
        ).items():
            seen.setdefault(number, np.full((len(cameras), len(model), 2), np.nan))[index] = corners
    report("looking for the marker", len(cameras), len(cameras))
    kind = f"{marker.squares[0]}×{marker.squares[1]} board" if marker.squares else f"marker of family {marker.family}"
    if not seen:
        return Refused(
            "marker",
            f"no {kind} was seen in any photo: check the family, and that it is flat, sharp, whole, white around",
        )
    fits: list[PatternFit] = []
    problems = []
    for number, sightings in sorted(seen.items()):
        shown = int(np.isfinite(sightings).all(axis=(1, 2)).sum())
        fit = fit_pattern(sightings, cameras, model)
        name = kind if marker.squares else f"{kind}, number {number}"
        if fit is None:
            problems.append(f"{name}: seen in {shown} photos, which do not place its corners: have it in more of them")
        elif fit.shape_error > NOT_SQUARE:
            problems.append(
                f"{name}: its corners are {fit.shape_error:.1%} off a flat pattern: it is bent or was moved"
            )
        else:
            fits.append(fit)
    if not fits:
        return Refused("marker", "; ".join(problems))
    factor, spread = average_factors([fit.factor for fit in fits], [fit.relative_sigma for fit in fits])
    sigma = float(np.hypot(spread, PRINT_SIGMA))
    views, error = max(fit.views for fit in fits), max(fit.residual_px for fit in fits)
    size = f"{1e3 * (marker.square or marker.side):g} mm"
    what = f"{kind}, squares of {size}" if marker.squares else f"{len(fits)} × {kind}, {size}"
    return ScaleEvidence("marker", factor, sigma, f"{what}, in {views} photos, {error:.2f} px", stated=True)


def _square_model(marker: Marker) -> Array:  # (4, 3) [m] in the order in which corners are found
    return np.array([[-1, 1, 0], [1, 1, 0], [1, -1, 0], [-1, -1, 0]]) * marker.side / 2


def _board_model(marker: Marker) -> Array:  # ((columns - 1) (rows - 1), 3) [m] inner corners, by their numbers
    assert marker.squares is not None
    columns, rows = marker.squares
    y, x = np.mgrid[1:rows, 1:columns]
    return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], 1) * marker.square


def _markers(pixels: NDArray[np.uint8], marker: Marker) -> dict[int, Array]:
    """Corners (4, 2) [pixels] of each marker of the family by its number; a number that is seen twice is left out."""
    dictionary = cv2.aruco.getPredefinedDictionary(MARKER_FAMILIES[marker.family])
    corners, numbers, _ = cv2.aruco.ArucoDetector(dictionary).detectMarkers(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    found: dict[int, Array] = {}
    if numbers is None:
        return found
    image = EdgeImage.of(pixels)
    names = [int(number) for number in numbers.ravel()]
    for number, rough in zip(names, corners, strict=True):
        quad = rough.reshape(4, 2).astype(np.float64) + 0.5  # OpenCV's pixel centres are whole numbers
        side = float(np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1).min())
        if names.count(number) == 1 and side >= SMALLEST:
            found[number] = refine_corners(image, quad, max(1.5, REACH * side))
    return found


def _board(pixels: NDArray[np.uint8], marker: Marker) -> dict[int, Array]:
    """Inner corners ((columns - 1) (rows - 1), 2) [pixels] of the board, nan where not seen; under the number 0.

    A board's markers are small: the photo is enlarged, and markers that were not read are looked for again where the
    others say that they are.
    """
    assert marker.squares is not None
    dictionary = cv2.aruco.getPredefinedDictionary(MARKER_FAMILIES[marker.family])
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    parameters = cv2.aruco.CharucoParameters()
    parameters.tryRefineMarkers = True
    best: Array | None = None
    for legacy in (False, True):  # before OpenCV 4.6 boards with an even number of rows began with a white square
        board = cv2.aruco.CharucoBoard(marker.squares, marker.square, marker.side, dictionary)
        board.setLegacyPattern(legacy)
        corners, numbers, _, _ = cv2.aruco.CharucoDetector(board, parameters).detectBoard(grey)
        if numbers is None or not len(numbers):
            continue
        found = np.full(((marker.squares[0] - 1) * (marker.squares[1] - 1), 2), np.nan)
        found[numbers.ravel().astype(np.int64)] = (corners.reshape(-1, 2) + 0.5) / ENLARGED
        if best is None or np.isfinite(found).sum() > np.isfinite(best).sum():
            best = found
    return {} if best is None else {0: best}
