"""One rectangle in space, fitted to its four edges in all photos at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scan2sim.cameras import Camera
from scan2sim.poses.metric.edges import EDGE_PLACES, EdgeImage, edge_offsets

__all__ = ["RectangleFit", "fit_rectangle"]

Array = NDArray[np.float64]

REACHES = (0.12, 0.06, 0.04, 0.04)  # of the short side in the photo: how far edges are looked for, round by round
CLOSEST, FARTHEST = 2.0, 16.0  # [pixels] limits of the same
SETTLING = 4  # steps of Gauss–Newton per round
INLIER_PX = 0.7
FIRST_SCALE_PX = 2.0  # of the Cauchy weights in the first round; halved with each
SMALLEST = 12.0  # [pixels] short side
FLAT = 0.002  # of the camera distance: how far a corner lies from where it should, as a prior that settles weak views
RIM, RIM_SIGMA = 0.5, 0.75  # of the thickness: how far below the top an edge that faces the camera is seen, as a prior


@dataclass(frozen=True)
class RectangleFit:
    """Where the rectangle is and how well the photos agree about it."""

    corners: Array  # (4, 3) in the scene; the first side is a long one
    sides: tuple[float, float]  # first and second, in the scene's unit
    covariance: Array  # (2, 2) of the logarithms of the sides, from leaving out one photo at a time
    support: Array  # (4,) share of each edge's places at which the photos show it
    residual_px: float  # root mean square of the places that agree
    views: int  # photos that show it
    side_px: float  # median length of the short side in them


@dataclass(frozen=True)
class _Measured:
    """Edge places in one photo."""

    view: int
    edge: NDArray[np.int64]  # (S,)
    points: Array  # (S, 3) on the rectangle as it was when it was measured
    pixels: Array  # (S, 2) their projections
    across: Array  # (S, 2)
    offset: Array  # (S,) [pixels] from the projections to the edge along ``across``, nan where none is


def fit_rectangle(
    image_of: Callable[[int], EdgeImage], cameras: Sequence[Camera], corners: Array, thickness: float = 0.0
) -> RectangleFit | None:
    """The rectangle near ``corners`` (4, 3) whose edges agree best with the photos; None if fewer than 3 show it.

    Its 8 unknowns, centre, turn and two sides, are found by Gauss–Newton on the distances between its projected edges
    and the edges that the photos show there, with Cauchy weights, since texture, shadows and things that cover it look
    like edges too.  Edges are looked for again from where it came out, each time nearer.

    ``thickness``, of the first side, is that of a slab whose top the rectangle is.  Where a side of the slab faces the
    camera, its colour lies between the top's and the support's and less than a pixel wide, which moves the edge that
    the photo shows by a share of the side's height there.  That share, one of each side, is unknown too; photos from
    behind, which do not see the side, and those that see it less tell it.
    """
    state = _State.of(corners, thickness)
    distance = float(np.median([np.linalg.norm(camera.position) for camera in cameras]))
    measured: list[_Measured] = []
    scale = FIRST_SCALE_PX
    for reach in REACHES:
        measured = [m for v, camera in enumerate(cameras) if (m := _measure(image_of, v, camera, state, reach))]
        if len(measured) < 3:
            return None
        for _ in range(SETTLING):
            normal, right = _normal_equations(measured, cameras, state, scale, distance)
            state = state.moved(np.linalg.lstsq(normal.sum(0), right.sum(0), rcond=None)[0])
            if not state.sound(distance):
                return None
        scale = max(scale / 2, 0.4)
    return _result(measured, cameras, state, scale, distance)


@dataclass(frozen=True)
class _State:
    centre: Array  # (3,)
    rotation: Array  # (3, 3) scene from rectangle
    sides: Array  # (2,)
    thickness: float  # of the first side
    rims: Array  # (4,) of the thickness: how far below the top each edge is seen where its side faces the camera

    @staticmethod
    def of(corners: Array, thickness: float) -> _State:
        x = corners[1] + corners[2] - corners[0] - corners[3]
        y = corners[2] + corners[3] - corners[0] - corners[1]
        first = x / np.linalg.norm(x)
        second = y - (y @ first) * first
        second /= np.linalg.norm(second)
        rotation = np.stack([first, second, np.cross(first, second)], 1)
        sides = np.array([float(np.linalg.norm(x)) / 2, float(np.linalg.norm(y)) / 2])
        return _State(corners.mean(0), rotation, sides, thickness, np.full(4, RIM))

    @property
    def unknowns(self) -> int:
        """Without a thickness, rims mean nothing."""
        return 12 if self.thickness else 8

    def moved(self, step: Array) -> _State:
        """After a step (unknowns,): shift, turn in its own frame [rad], change of the logarithms of sides, of rims."""
        rotation = self.rotation @ Rotation.from_rotvec(step[3:6]).as_matrix()
        sides = self.sides * np.exp(np.clip(step[6:8], -0.3, 0.3))
        rims = self.rims + step[8:] if self.thickness else self.rims
        return _State(self.centre + step[:3], rotation, sides, self.thickness, rims)

    def sound(self, distance: float) -> bool:
        return bool(
            np.isfinite(self.centre).all()
            and (self.sides > 1e-3 * distance).all()
            and (self.sides < 4 * distance).all()
        )

    @property
    def local(self) -> Array:  # (4, 3)
        return np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) / 2 * [*self.sides, 0]

    @property
    def corners(self) -> Array:  # (4, 3)
        return self.local @ self.rotation.T + self.centre

    @property
    def height(self) -> float:
        """Of the top over the support [scene unit]."""
        return float(self.thickness * self.sides[0])

    def seen(self, edge: int | NDArray[np.int64], shares: Array, eye: Array) -> Array:  # (S, 3)
        """Where on or below the top a camera at ``eye`` (3,) sees places of an edge, given as ``shares`` (S,) of it."""
        corners = self.corners
        start, end = corners[edge], corners[(edge + 1) % 4]
        points = start + shares[:, None] * (end - start)
        if not self.thickness:
            return points
        outwards = (start + end) / 2 - self.centre
        facing = (outwards * (eye - start)).sum(-1) > 0
        up = self.rotation[:, 2] * np.sign(self.rotation[2, 2])
        return points - (facing * self.rims[edge] * self.height)[..., None] * up


def _measure(
    image_of: Callable[[int], EdgeImage], view: int, camera: Camera, state: _State, reach: float
) -> _Measured | None:
    corners = state.corners
    projected, depth = camera.project(corners)
    k = camera.intrinsics
    if (depth <= 0).any() or not ((projected > 0) & (projected < [k.width, k.height])).all(1).any():
        return None
    lengths = np.linalg.norm(np.roll(projected, -1, axis=0) - projected, axis=1)
    if lengths.min() < SMALLEST:
        return None
    pixels = float(np.clip(reach * lengths.min(), CLOSEST, FARTHEST))
    image = image_of(view)
    parts = []
    for edge in range(4):
        points = state.seen(edge, EDGE_PLACES, camera.position)
        along = projected[(edge + 1) % 4] - projected[edge]
        across = np.array([[-along[1], along[0]]]) / np.linalg.norm(along)
        at, _ = camera.project(points)
        offset = edge_offsets(image, at, across, pixels, max(0.8, pixels / 6))
        parts.append((np.full(len(points), edge), points, at, np.repeat(across, len(points), 0), offset))
    return _Measured(view, *(np.concatenate(values) for values in zip(*parts, strict=True)))


def _residuals(m: _Measured, camera: Camera, state: _State) -> Array:  # (S,) [pixels]
    """Distance across the edge from where the state puts each place to where the photo shows the edge."""
    pixels, _ = camera.project(state.seen(m.edge, np.tile(EDGE_PLACES, 4), camera.position))
    return ((pixels - m.pixels) * m.across).sum(1) - m.offset


def _normal_equations(
    measured: list[_Measured], cameras: Sequence[Camera], state: _State, scale: float, distance: float
) -> tuple[Array, Array]:  # (V + 1, U, U), (V + 1, U): of each photo, and of the prior
    count = state.unknowns
    unit = np.array([distance] * 3 + [1.0] * (count - 3)) * 1e-5
    steps = np.diag(unit)
    normals, rights = [], []
    for m in measured:
        camera = cameras[m.view]
        residual = _residuals(m, camera, state)
        seen = np.isfinite(residual)
        slope = np.stack([(_residuals(m, camera, state.moved(step)) - residual)[seen] for step in steps], 1) / unit
        weight = 1 / (1 + (residual[seen] / scale) ** 2)
        normals.append(slope.T @ (weight[:, None] * slope))
        rights.append(-slope.T @ (weight * residual[seen]))
    expected = _expected(state, distance)
    slope = np.stack([_expected(state.moved(step), distance) - expected for step in steps], 1) / unit
    normals.append(slope.T @ slope)
    rights.append(-slope.T @ expected)
    return np.array(normals), np.array(rights)


def _expected(state: _State, distance: float) -> Array:  # (4 or 8,) in standard deviations
    """How far corners' heights, and rims, are from what is known before any photo is looked at."""
    heights = (state.corners[:, 2] - state.height) / (FLAT * distance)
    return np.concatenate([heights, (state.rims - RIM) / RIM_SIGMA]) if state.thickness else heights


def _result(
    measured: list[_Measured], cameras: Sequence[Camera], state: _State, scale: float, distance: float
) -> RectangleFit:
    residuals = [_residuals(m, cameras[m.view], state) for m in measured]
    agreeing = [np.abs(residual) < INLIER_PX for residual in residuals]  # nan agrees with nothing
    shown = np.array([agree.mean() > 0.25 for agree in agreeing])
    support = np.zeros(4)
    for edge in range(4):
        looked = [agree[(m.edge == edge)] for m, agree in zip(measured, agreeing, strict=True)]
        support[edge] = float(np.concatenate(looked).mean())
    close = np.concatenate([residual[agree] for residual, agree in zip(residuals, agreeing, strict=True)])
    lengths = []
    for m in np.array(measured, dtype=object)[shown]:
        pixels, _ = cameras[m.view].project(state.corners)
        lengths.append(np.linalg.norm(np.roll(pixels, -1, axis=0) - pixels, axis=1).min())
    return RectangleFit(
        state.corners,
        (float(state.sides[0]), float(state.sides[1])),
        _jackknife(*_normal_equations(measured, cameras, state, scale, distance)),
        support,
        float(np.sqrt((close**2).mean())) if len(close) else np.inf,
        int(shown.sum()),
        float(np.median(lengths)) if lengths else 0.0,
    )


def _jackknife(normals: Array, rights: Array) -> Array:  # (2, 2)
    """Covariance of the logarithms of the sides: one Gauss–Newton step without each photo (Efron and Stein 1981)."""
    total, right = normals.sum(0), rights.sum(0)
    steps = [
        np.linalg.lstsq(total - one, right - its, rcond=None)[0][6:8]
        for one, its in zip(normals[:-1], rights[:-1], strict=True)
    ]
    apart = np.array(steps) - np.mean(steps, axis=0)
    return (len(steps) - 1) / len(steps) * apart.T @ apart
