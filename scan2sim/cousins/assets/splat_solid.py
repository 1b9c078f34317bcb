"""A closed mesh round splats that nobody has a mesh of."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import marching_cubes

from scan2sim.errors import SceneError
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.splats import Gaussians

__all__ = ["solid_of_splats"]

Array = NDArray[np.float64]
Grid = NDArray[np.bool_]

CELLS = 96  # along the longest side
MARGIN = 9  # cells round it, so that light passes under it
GAPS = 2  # cells on each side of a gap between splats that is no opening
CLEAR = 0.3  # splats of less opacity are haze
DRAWS = 24  # points on each splat, within so many standard deviations:
WIDE, NARROW = 1.5, 0.7  # those that stop light, and those that are solid for certain
SMOOTHING, LEVEL = 0.7, 0.4  # cells, and the share of a solid that is its surface: a wall of one cell stays
FEWEST = 100  # splats
FARTHEST = 0.99  # of the splats lie in the box that is looked at, times GROWN
GROWN = 1.3


def solid_of_splats(gaussians: Gaussians) -> tuple[trimesh.Trimesh, Gaussians]:
    """The solid that splats on a surface enclose, z up, and those of the splats that lie on it.

    Space that splats fill is solid, and so is what is hidden behind them from all sides and from above; nobody looks
    from below, for there a scanned thing stood.  Slits narrower than 6 % of the longest side are closed.  What does not
    touch the largest piece is left out.  The surface lies about half a cell, 0.5 % of the longest side, outside the
    splats' middles.

    Raises:
        SceneError: there are too few splats, or they enclose nothing.
    """
    clear = gaussians.detached()[gaussians.opacities.detach() > CLEAR]
    if len(clear) < FEWEST:
        raise SceneError(f"{len(clear)} splats that are not transparent; at least {FEWEST} make a thing")
    means = clear.means.numpy().astype(np.float64)
    low, high = np.quantile(means, [1 - FARTHEST, FARTHEST], axis=0)
    middle, half = (low + high) / 2, GROWN * (high - low) / 2 + 1e-9
    near = (np.abs(means - middle) <= half).all(1)
    clear, means = clear[torch.from_numpy(near)], means[near]
    cell = float(np.ptp(means, axis=0).max()) / CELLS
    if not (np.isfinite(cell) and cell > 0):
        raise SceneError("its splats all lie in one place")
    corner = means.min(0) - MARGIN * cell
    counts = tuple((np.ceil(np.ptp(means, axis=0) / cell).astype(int) + 2 * MARGIN + 1).tolist())

    def cells_of(points: Array) -> NDArray[np.int64]:
        return ((points - corner) / cell).astype(np.int64).clip(0, np.array(counts) - 1)

    def filled_by(reach: float) -> Grid:
        found = np.zeros(counts, dtype=bool)
        found[tuple(cells_of(_strewn(clear, reach)).T)] = True
        return found

    wide = _largest(filled_by(WIDE))
    filled = filled_by(NARROW) & wide
    wall = np.asarray(ndimage.binary_dilation(wide, iterations=GAPS), bool)  # no light comes through between splats
    away = ndimage.binary_erosion(_open(wall), iterations=GAPS, border_value=1)  # but for single rays through pinholes
    solid = _largest(filled | ~np.asarray(ndimage.binary_dilation(away, iterations=2 * GAPS + 1), bool))
    volume = ndimage.gaussian_filter(np.pad(solid, 1).astype(np.float32), SMOOTHING)
    if volume.max() <= LEVEL:
        raise SceneError("its splats enclose nothing")
    vertices, faces, *_ = marching_cubes(volume, LEVEL)
    mesh = trimesh.Trimesh((vertices - 0.5) * cell + corner, faces[:, ::-1], process=True)
    if mesh.volume < 0:
        mesh.invert()
    on_it = ndimage.binary_dilation(solid, iterations=2)[tuple(cells_of(means).T)]
    return mesh, clear[torch.from_numpy(on_it)]


def _strewn(gaussians: Gaussians, reach: float) -> Array:  # (N · DRAWS, 3) [m]
    """Points all over each splat."""
    draws = np.random.default_rng(0).normal(size=(len(gaussians), DRAWS, 3)).clip(-reach, reach)
    axes = matrix_from_quaternion(gaussians.quats.numpy().astype(np.float64))
    spread = np.einsum("nij,nj,nkj->nki", axes, gaussians.scales.numpy().astype(np.float64), draws)
    return (gaussians.means.numpy().astype(np.float64)[:, None] + spread).reshape(-1, 3)


def _open(filled: Grid) -> Grid:
    """Free cells to which one sees from a side, or from above, straight or at 45°."""
    seen = np.zeros_like(filled)
    for way in product((-1, 0, 1), repeat=3):
        if way != (0, 0, 0) and way[2] <= 0:  # in which one looks
            seen |= _seen(filled, way)
    return seen


def _seen(filled: Grid, way: tuple[int, ...]) -> Grid:
    """Free cells that are seen in one direction, layer by layer."""
    axis = int(np.flatnonzero(way)[-1])
    free = np.moveaxis(~filled, axis, 0)
    free = free[:: way[axis]]
    first, second = (step for k, step in enumerate(way) if k != axis)
    found = np.zeros_like(free)
    light = np.ones(free.shape[1:], dtype=bool)
    for k, layer in enumerate(free):
        light = _shifted(light, first, second) & layer
        found[k] = light
    return np.moveaxis(found[:: way[axis]], 0, axis)


def _shifted(light: Grid, first: int, second: int) -> Grid:
    """Light that goes on sideways; it comes in from beyond the rims."""
    padded = np.pad(light, 1, constant_values=True)
    rows, columns = light.shape
    return padded[1 - first : 1 - first + rows, 1 - second : 1 - second + columns]


def _largest(filled: Grid) -> Grid:
    patches, count = ndimage.label(filled, np.ones((3, 3, 3)))  # pyright: ignore[reportGeneralTypeIssues]
    if not count:
        raise SceneError("its splats enclose nothing")
    return patches == np.bincount(patches.ravel())[1:].argmax() + 1
