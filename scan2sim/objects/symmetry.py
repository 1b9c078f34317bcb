"""Symmetries of an object, found on the surface that was seen and refused where the photos speak against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial import KDTree

from scan2sim.geometry import rotation_between

__all__ = ["Skin", "Symmetry", "find_symmetries"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Free = Callable[[Array], Flags]  # (N, 3) [m] to (N,): where photos show that nothing is

SAMPLES = 400  # points of the surface whose images are looked at
DIRECTIONS = 36  # of vertical planes that are tried
SHIFTS = (-0.1, -0.05, 0.0, 0.05, 0.1)  # of a plane or an axis [size of the object]
KEPT = 4  # of the vertical planes are refined
ROUNDS = 2  # of refinement
LEAF = 64  # points that are looked through one by one: among six numbers a tree with smaller leaves is slower
TURNS = 24  # images of a surface of revolution
ALIKE = 0.5  # cosine between the normals of a surface and of an image that lies on it
NORMAL = 2.0  # distance for which a difference of normals by 1 counts [tolerances]
OVERLAP = 0.3  # share of the images that must lie on seen surface
CLOSE = 0.2  # median distance of images from the surface, at most [tolerances]
WRONG = 0.05  # share of them and of the images in free space that may not
LEVER = 1.5  # mean distance of the images that fit from a mirror plane [tolerances]: a thin slice fits any
TOLD = 0.25  # share that must leave the surface when the plane or axis is moved …
MOVED = 2.0  # … by this [tolerances]: else nothing seen tells where it is


@dataclass(frozen=True)
class Symmetry:
    """A plane that an object is mirrored by, or an axis about which it may be turned by any angle."""

    kind: str  # "mirror" or "revolution"
    point: Array  # (3,) [m] on the plane or axis
    axis: Array  # (3,) unit; normal of the plane, direction of the axis
    residual: float = 0.0  # [m] median distance of images from the seen surface

    def maps(self) -> tuple[tuple[Array, Array], ...]:
        """Linear part (3, 3) and translation (3,) of the images of space."""
        if self.kind == "mirror":
            linear = [np.eye(3) - 2 * np.outer(self.axis, self.axis)]
        else:
            linear = [_turn(self.axis, 2 * np.pi * i / TURNS) for i in range(1, TURNS)]
        return tuple((m, self.point - m @ self.point) for m in linear)


@dataclass(frozen=True)
class Skin:
    """Points of a surface, dense enough that the nearest one tells the distance."""

    points: Array  # (N, 3) [m]
    normals: Array  # (N, 3) unit
    seen: Flags  # (N,) well enough to be evidence


def find_symmetries(
    skin: Skin,
    up: Array,  # (3,) unit
    free: Free,
    tolerance: float,  # [m] by which an image may miss the surface
) -> list[Symmetry]:
    """The mirror planes and axes of revolution that what was seen speaks for, the closest first.

    Images of seen points shall lie on seen surface; where they lie on unseen surface they say nothing, and where photos
    see through they contradict (Thrun & Wegbreit 2005, "Shape from symmetry").  Tried are vertical planes all around,
    the level one, those across the principal axes, the vertical axis and the principal ones, near the middle; each is
    moved to where it fits best.  A plane that could be moved without leaving the surface (across a box of which one end
    was seen) is known to nobody, and refused.
    """
    trial = _Trial(skin, free, tolerance)
    if len(trial.points) < 4:
        return []
    starts = [start for start in _starts(trial, up) if trial.score(start) > 0]
    for _ in range(ROUNDS):
        found = (trial.judged(trial.refined(start)) for start in starts)
        good = sorted((each for each in found if each is not None), key=lambda each: each.residual)
        starts = [each for i, each in enumerate(good) if not any(_same(each, other, tolerance) for other in good[:i])]
    return starts


@dataclass(frozen=True)
class _Images:
    """Images of seen points."""

    places: Array  # (N, 3) [m]
    outward: Array  # (N,) [m] before the surface there
    distance: Array  # (N,) [m] from it
    expected: Flags  # (N,) whether the surface there was seen
    fits: Flags  # (N,) whether they lie on it


class _Trial:
    """How well the images of seen points fit."""

    def __init__(self, skin: Skin, free: Free, tolerance: float) -> None:
        self.skin, self.free, self.tolerance = skin, free, tolerance
        self.scale = NORMAL * tolerance
        self.tree = KDTree(np.hstack([skin.points, self.scale * skin.normals]), leafsize=LEAF)
        rng = np.random.default_rng(0)
        chosen = rng.permutation(np.flatnonzero(skin.seen))[:SAMPLES]
        self.points, self.normals = skin.points[chosen], skin.normals[chosen]
        self.middle = (skin.points.min(0) + skin.points.max(0)) / 2
        self.size = float(np.ptp(skin.points, axis=0).max())

    def images(self, symmetry: Symmetry) -> _Images:
        """Where the images lie; of a revolution, each point has the image of another turn."""
        maps = symmetry.maps()
        part = np.arange(len(self.points)) % len(maps)
        linear, shift = (np.stack(each)[part] for each in zip(*maps, strict=True))
        places = np.einsum("nij,nj->ni", linear, self.points) + shift
        normals = np.einsum("nij,nj->ni", linear, self.normals)
        nearest = self.tree.query(np.hstack([places, self.scale * normals]), workers=-1)[1]
        offset, theirs = places - self.skin.points[nearest], self.skin.normals[nearest]
        outward = (offset * theirs).sum(1)
        sideways = np.linalg.norm(offset - outward[:, None] * theirs, axis=1)
        distance = np.hypot(outward, (sideways - self.tolerance).clip(0))
        expected = self.skin.seen[nearest]
        fits = expected & (distance < self.tolerance) & ((normals * theirs).sum(1) > ALIKE)
        return _Images(places, outward, distance, expected, fits)

    def score(self, symmetry: Symmetry) -> float:
        """Larger is better."""
        of = self.images(symmetry)
        return float((of.fits * (1 - (of.distance / self.tolerance) ** 2)).sum() - (of.expected & ~of.fits).sum())

    def refined(self, start: Symmetry) -> Symmetry:
        """The best one near by: a plane turned and moved along its normal, an axis turned and moved sideways."""
        frame = rotation_between([0, 0, 1], start.axis)
        steps = np.array([0.05, 0.05, 0.03 * self.size, 0.03 * self.size])
        count = 3 if start.kind == "mirror" else 4

        def moved(x: Array) -> Symmetry:
            axis = frame @ np.array([x[0], x[1], 1.0])
            shift = frame[:, 2] * x[2] if count == 3 else frame[:, :2] @ x[2:]
            return Symmetry(start.kind, start.point + shift, axis / np.linalg.norm(axis))

        simplex = np.vstack([np.zeros(count), np.diag(steps[:count])])
        options = {"initial_simplex": simplex, "maxfev": 30 * count, "xatol": 1e-5, "fatol": 1e-4 * len(self.points)}
        best = minimize(lambda x: -self.score(moved(x)), np.zeros(count), method="Nelder-Mead", options=options)
        return moved(best.x)

    def judged(self, symmetry: Symmetry) -> Symmetry | None:
        """The symmetry with its residual, or None where too little speaks for it or too much against it."""
        of, axis = self.images(symmetry), symmetry.axis
        beyond = ~of.expected & (of.outward > self.tolerance)
        beyond[beyond] = self.free(of.places[beyond])
        wrong = (of.expected & ~of.fits) | beyond
        if of.fits.mean() < OVERLAP or wrong.sum() > WRONG * (of.fits | wrong).sum():
            return None
        residual = float(np.median(of.distance[of.fits]))
        lever = np.abs((of.places[of.fits] - symmetry.point) @ axis).mean()
        if residual > CLOSE * self.tolerance or (symmetry.kind == "mirror" and lever < LEVER * self.tolerance):
            return None
        moves = axis[None] if symmetry.kind == "mirror" else rotation_between([0, 0, 1], axis)[:, :2].T
        for move in np.vstack([moves, -moves]) * MOVED * self.tolerance:
            still = self.images(Symmetry(symmetry.kind, symmetry.point + move, axis)).fits
            if (of.fits & ~still).sum() < TOLD * of.fits.sum():
                return None
        return Symmetry(symmetry.kind, symmetry.point, axis, residual)


def _starts(trial: _Trial, up: Array) -> Iterator[Symmetry]:
    level = rotation_between([0, 0, 1], up)
    angles = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    across = [level @ [np.cos(angle), np.sin(angle), 0] for angle in angles]
    vertical = [_best(trial, "mirror", normal, trial.size) for normal in across]
    scores = np.array([trial.score(each) for each in vertical])
    peaks = np.flatnonzero((scores >= np.roll(scores, 1)) & (scores >= np.roll(scores, -1)))
    for i in peaks[np.argsort(-scores[peaks], kind="stable")][:KEPT]:
        yield vertical[i]
    centred = trial.skin.points - trial.skin.points.mean(0)
    principal = np.linalg.svd(centred.T @ centred)[0].T
    for axis in (up, *principal):
        yield _best(trial, "mirror", axis, trial.size)
        yield Symmetry("revolution", trial.middle, axis)


def _best(trial: _Trial, kind: str, axis: Array, size: float) -> Symmetry:
    """The best shift of a plane along its normal."""
    shifted = [Symmetry(kind, trial.middle + shift * size * axis, axis) for shift in SHIFTS]
    return max(shifted, key=trial.score)


def _same(one: Symmetry, other: Symmetry, tolerance: float) -> bool:
    turned = 1 - abs(float(one.axis @ other.axis))
    apart = one.point - other.point
    along = float(apart @ other.axis)
    distance = abs(along) if one.kind == "mirror" else float(np.linalg.norm(apart - along * other.axis))
    return one.kind == other.kind and turned < 0.01 and distance < tolerance


def _turn(axis: Array, angle: float) -> Array:
    """Rotation about an axis (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
