"""The shadows that objects cast on their support, from the light that explains them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import nnls

from scan2sim.objects.patch import Patch
from scan2sim.splats import SH_C0, Gaussians

__all__ = ["Shading", "find_shading", "sky_directions", "without_shadow"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

DIRECTIONS = 256  # from which light may come
STIFFNESS = 1e-4  # how much light is held back, so that the support's own pattern is not taken for shadow
OUTLIER = 4.0  # robust standard deviations; a cell further from its expected colour does not count
MIN_CELLS = 500  # with fewer cells nothing can be said about the light
DARKEST = 0.25  # of the light is left in the deepest shadow that is taken away


@dataclass(frozen=True)
class Shading:
    """How much of its light each cell of a support kept when the objects stood there."""

    patch: Patch
    kept: Array  # (rows, columns, 3) 1 = no shadow
    sky: Array | None = None  # (DIRECTIONS, 3) share of the support's light from each of `sky_directions`
    explained: float = 0.0  # how much of the variance that the base leaves the shadows explain, 0 to 1

    def at(self, points: Array) -> Array:  # (..., 3) [m] scene frame to (..., 3)
        """The light kept at points of the support, linear between the centres of the cells."""
        at = (self.patch.plane.flat(points.reshape(-1, 3)) - self.patch.low) / self.patch.cell - 0.5
        channels = np.moveaxis(self.kept, -1, 0)
        values = [ndimage.map_coordinates(channel, at.T[::-1], order=1, mode="nearest") for channel in channels]
        return np.stack(values, -1).reshape(points.shape)


def find_shading(
    patch: Patch,
    color: Array,  # (rows, columns, 3) the support with its shadows
    known: Mask,  # (rows, columns) cells whose colour is the support's
    solids: list[Array],  # per object (N, 3) [m] points on its surface, as dense as the cells
) -> Shading:
    """Find the light under which the objects' shapes explain where the support is dark.

    Far light comes from directions k spread over the half sphere with a density of cos θ, so that each would bring
    the same share to a matt support.  The objects tell which directions each cell x cannot see, ``o_k(x)`` in 0, 1.
    Per channel the colour is modelled as ``base(x) - Σ_k w_k o_k(x)`` with ``w_k ≥ 0``; the base is a polynomial of
    second degree, the support's mean colour under light that falls off slowly.  Least squares (the base eliminated,
    non-negative for w, with a ridge) averages the support's grain over all cells, so that contact shadows and wide
    soft ones come out alike, and without grain: ``kept = 1 - Σ_k w_k o_k / base`` (inverse lighting from shadows,
    Sato, Sato & Ikeuchi 2003, "Illumination from shadows").
    """
    if known.sum() < MIN_CELLS or not solids:
        return Shading(patch, np.ones_like(color))
    occluded = _occluded(patch, solids)
    y, x = np.mgrid[: patch.rows, : patch.columns] / max(patch.shape) - 0.5
    base = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1)
    first = _fit(color, known, base, occluded)
    misses = np.abs(color - first.expected).mean(-1)
    used = known & (misses < OUTLIER * 1.4826 * np.median(misses[known]))
    found = _fit(color, used, base, occluded)
    return Shading(patch, found.kept.clip(DARKEST, 1), found.sky, found.explained)


def sky_directions() -> Array:  # (DIRECTIONS, 3)
    """Unit vectors towards the sky in a plane's frame, z along its normal; as many near z as cos θ asks for.

    A cosine-weighted Fibonacci spiral: from each direction a uniform sky brings a matt plane the same light.
    """
    number = np.arange(DIRECTIONS) + 0.5
    height = np.sqrt(1 - number / DIRECTIONS)
    angle = np.pi * (1 + 5**0.5) * number
    out = np.sqrt(1 - height**2)
    return np.stack([out * np.cos(angle), out * np.sin(angle), height], 1)


def without_shadow(gaussians: Gaussians, shading: Shading, unit: float) -> Gaussians:
    """The support's Gaussians as they look when the objects take no light from them."""
    *_, support = shading.patch.near(gaussians, unit)
    kept = np.ones((len(gaussians), 1, 3), np.float32)
    kept[support, 0] = shading.at(gaussians.means.double().numpy()[support])
    lift = torch.zeros(1, gaussians.sh.shape[1], 1)
    lift[:, 0] = 0.5 / SH_C0  # coefficients of colours rather than of colours minus one half
    return replace(gaussians, sh=(gaussians.sh + lift) / torch.from_numpy(kept) - lift)


@dataclass(frozen=True)
class _Fit:
    kept: Array  # (rows, columns, 3)
    expected: Array  # (rows, columns, 3) colour
    sky: Array  # (DIRECTIONS, 3)
    explained: float


def _fit(color: Array, used: Mask, base: Array, occluded: NDArray[np.float32]) -> _Fit:
    """The light that explains the cells used."""
    flat, shade = base[used], occluded[:, used].T.astype(np.float64)
    basis = np.linalg.qr(flat)[0]
    free = shade - basis @ (basis.T @ shade)  # what the base cannot explain of each direction
    gram = free.T @ free + STIFFNESS * len(flat) * np.eye(shade.shape[1])
    factor = np.linalg.cholesky(gram)
    kept, expected, sky = np.ones_like(color), np.zeros_like(color), np.zeros((len(occluded), color.shape[-1]))
    for channel in range(color.shape[-1]):
        target = color[used][:, channel]
        weights = nnls(factor.T, np.linalg.solve(factor, -free.T @ target))[0]
        lit = base @ np.linalg.lstsq(flat, target + shade @ weights)[0]
        lost = np.tensordot(weights, occluded, 1)
        kept[..., channel] = 1 - lost / lit.clip(1e-3)
        expected[..., channel] = lit - lost
        sky[:, channel] = weights / max(float(lit[used].mean()), 1e-3)
    left = color[used] - basis @ (basis.T @ color[used])
    missed = color[used] - expected[used]
    explained = 1 - float((missed**2).sum() / max(float((left**2).sum()), 1e-12))
    return _Fit(kept, expected, sky, max(explained, 0.0))


def _occluded(patch: Patch, solids: list[Array]) -> NDArray[np.float32]:
    """(DIRECTIONS, rows, columns): 1 where an object hides the direction, from its points moved along it."""
    towards = sky_directions()
    slope = towards[:, :2] / towards[:, 2:]
    out = np.zeros((DIRECTIONS, *patch.shape), np.float32)
    for solid in solids:
        points = (solid - patch.plane.position) @ patch.plane.rotation
        points = points[points[:, 2] > 0]
        for picture, away in zip(out, slope, strict=True):
            picture[patch.covered(points[:, :2] - points[:, 2:] * away)] = 1
    return out
