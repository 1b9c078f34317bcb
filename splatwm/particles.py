"""What a network and a renderer see of a shape: particles on its surface, and its signed distance on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from torch import Tensor

from scan2sim.errors import UsageError
from splatwm import _native
from splatwm.shapes import BodyShape, ConvexPiece

__all__ = ["DistanceGrid", "distance_grid", "signed_distances", "surface_particles"]

Array = NDArray[np.float32]
OVERSAMPLED = 8  # candidates for each particle
DIRECTIONS = 256  # from which round pieces are seen
INSIDE = 1e-5  # [m] deeper than this in another piece is not on the surface
MAX_CELLS = 256**3


@dataclass(frozen=True)
class DistanceGrid:
    """Signed distances at the corners of cubic cells, in the body's frame; negative inside."""

    low: Tensor  # (3,) [m] place of the first value
    spacing: float  # [m]
    values: Tensor  # (X, Y, Z) [m]

    def sample(self, points: Tensor) -> Tensor:  # (..., 3) [m] to (...) [m]
        """Distances, trilinear between the corners; beyond the grid those at its edge plus the way there."""
        most = torch.tensor(self.values.shape).to(points) - 1
        places = (points - self.low) / self.spacing
        inner = torch.minimum(places.clamp(min=0), most)
        outside = (places - inner).norm(dim=-1) * self.spacing
        first = torch.minimum(inner.floor(), most - 1)
        share, corner = inner - first, first.long()
        total = torch.zeros(points.shape[:-1]).to(points)
        for k in range(8):
            step = torch.tensor([k & 1, k >> 1 & 1, k >> 2 & 1])
            weight = torch.where(step.bool(), share, 1 - share).prod(-1)
            x, y, z = (corner + step).unbind(-1)
            total = total + weight * self.values[x, y, z]
        return total + outside


def signed_distances(
    shape: BodyShape,
    points: NDArray[np.floating],  # (N, 3) [m] body frame
) -> Array:  # (N,) [m]
    """Distances to the shape, negative inside: exact outside, inside those of the deepest single piece."""
    places = np.ascontiguousarray(points, np.float32)
    out = np.empty(len(places), np.float32)
    _native.distances(shape.native, places, out)
    return out


def distance_grid(shape: BodyShape, resolution: int = 32, margin: float = 0.01) -> DistanceGrid:
    """Distances on a grid of ``resolution`` values along the longest side, ``margin`` [m] around the shape.

    Raises:
        UsageError: the grid would be too small or too large.
    """
    if resolution < 2 or not 0 <= margin < 1:
        raise UsageError(
            f"a grid of {resolution} values with a margin of {margin} m: expected 2 or more, less than 1 m"
        )
    reach = np.array([[piece.radius] for piece in shape.pieces])
    low = np.min([piece.vertices.min(0) for piece in shape.pieces] - reach, axis=0) - margin
    high = np.max([piece.vertices.max(0) for piece in shape.pieces] + reach, axis=0) + margin
    spacing = float((high - low).max() / (resolution - 1))
    counts = np.maximum(np.ceil((high - low) / spacing - 1e-6).astype(int) + 1, 2)
    if np.prod(counts) > MAX_CELLS:
        raise UsageError(f"a grid of {counts.tolist()} values is too large", todo="choose a smaller resolution")
    axes = [low[i] + spacing * np.arange(counts[i]) for i in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    values = signed_distances(shape, points).reshape(counts)
    return DistanceGrid(torch.from_numpy(low.astype(np.float32)), spacing, torch.from_numpy(values))


def surface_particles(shape: BodyShape, count: int = 128, seed: int = 0) -> Array:  # (P, 3) [m]
    """Points spread evenly over the surface of the union of the pieces, by farthest point sampling.

    Eldar et al. 1997, "The farthest point strategy for progressive image sampling".

    Raises:
        UsageError: none are asked for.
    """
    if count < 1:
        raise UsageError("ask for one particle or more")
    rng = np.random.default_rng(seed)
    surfaces = [_surface(piece) for piece in shape.pieces]
    areas = np.array([area for _, _, area in surfaces])
    numbers = rng.multinomial(OVERSAMPLED * count, areas / areas.sum())
    points = np.concatenate([_scatter(*surface[:2], n, rng) for surface, n in zip(surfaces, numbers, strict=True)])
    on = points[signed_distances(shape, points) > -INSIDE]
    return _farthest(on if len(on) >= count else points, count)


def _surface(piece: ConvexPiece) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Corners (F, 3, 3), areas (F,) and the whole area of a piece's triangles."""
    corners = piece.vertices.astype(np.float64)
    if piece.radius > 0:
        z = 1 - 2 * (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS
        turn = np.pi * (1 + np.sqrt(5)) * np.arange(DIRECTIONS)
        flat = np.sqrt(1 - z * z)
        ball = piece.radius * np.column_stack([flat * np.cos(turn), flat * np.sin(turn), z])
        corners = (corners[:, None] + ball).reshape(-1, 3)
    hull = ConvexHull(corners)
    triangles = corners[hull.simplices]
    areas = np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1) / 2
    return triangles, areas, float(areas.sum())


def _scatter(
    triangles: NDArray[np.float64], areas: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    faces = rng.choice(len(triangles), count, p=areas / areas.sum())
    u, v = rng.random((2, count, 1))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    a, b, c = triangles[faces].transpose(1, 0, 2)
    return a + u * (b - a) + v * (c - a)


def _farthest(points: NDArray[np.float64], count: int) -> Array:
    chosen = [int(np.linalg.norm(points - points.mean(0), axis=1).argmax())]
    away = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return points[chosen].astype(np.float32)
