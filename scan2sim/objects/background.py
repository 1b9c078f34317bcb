"""The background without its objects: no shadow is left of them, and the support's surface goes on beneath."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from scan2sim.objects.inpaint import fill_holes
from scan2sim.objects.patch import Patch, from_above, patch_around, times_seen
from scan2sim.objects.shadow import find_shading, without_shadow
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View
from scan2sim.splats import SH_C0, Gaussians, concatenate

__all__ = ["clear_support", "support_slab"]

SHADOW_CELL = 0.008  # in which the shading is found [camera distances]
SHADOW_REACH = 0.5  # of the objects' shadows, and of support around them that tells its colour [camera distances]
FILL_CELL = 0.004  # in which holes are filled [camera distances]
FILL_REACH = 0.25  # around the objects from which texture is taken [camera distances]
CONTACT = 0.012  # what lies lower than this over the plane stands on it [camera distances]
MIN_SEEN = 2  # views that must have seen a cell of the support
CLEAR = 0.9  # a cell with less alpha, seen from above, is a hole
BESIDE = 3  # cells around what was under an object that may be holes as well
GLOSS = 8.0  # cells over which view-dependent colour is averaged
DISC = (0.7, 0.7, 0.05)  # standard deviations of a filling disc [cells]
FILL_OPACITY = 0.97
SLAB = 0.1  # thickness of the support's collision piece [camera distances]


def clear_support(
    background: Gaussians,
    meshes: list[trimesh.Trimesh],  # of all objects, scene frame
    plane: SupportPlane,
    views: list[View],
    owners: list[Tensor],  # per view (H, W) int64: the object that each pixel shows, 0 = none
    unit: float,  # camera distance [m]
) -> tuple[Gaussians, int]:  # background with discs in the holes, number of discs
    """Take the objects' shadows off a support and close the holes that they leave in it.

    The light that the objects kept from the support is divided out of the Gaussians near it.  What the background has
    where an object touched the support, or where hardly any view saw the support beside the objects, is taken away,
    and a flat disc is put into each cell of the plane there, with colours that go on from around.  What the views saw
    stays as they saw it.
    """
    if not meshes:
        return background, 0
    flat = [plane.flat(np.asarray(mesh.vertices)) for mesh in meshes]
    wide = patch_around(plane, np.concatenate(flat), SHADOW_REACH * unit, SHADOW_CELL * unit)
    color, alpha = from_above(wide, background, views, unit)
    on_support = plane.contains(wide.points().reshape(-1, 3)).reshape(wide.shape)
    seen = (times_seen(wide, views, owners, unit) >= max(MIN_SEEN, len(views) // 4)) & (alpha > CLEAR) & on_support
    background = without_shadow(background, find_shading(wide, color, seen, meshes), unit)

    close = patch_around(plane, np.concatenate(flat), FILL_REACH * unit, FILL_CELL * unit)
    under, touched = np.zeros(close.shape, bool), np.zeros(close.shape, bool)
    for mesh, footprint in zip(meshes, flat, strict=True):
        low = plane.height(torch.from_numpy(np.asarray(mesh.vertices))).numpy() < CONTACT * unit
        under |= ndimage.binary_fill_holes(close.covered(footprint))
        touched |= ndimage.binary_fill_holes(close.covered(footprint[low]))
    seen = times_seen(close, views, owners, unit) >= MIN_SEEN
    beside = ndimage.binary_dilation(under, iterations=BESIDE)
    lost = touched | (beside & ~seen)
    y, x, support = close.near(background, unit)
    background = background[torch.from_numpy(~(support & lost[y, x]))]
    color, alpha = from_above(close, background, views, unit)
    hole = lost | (beside & (alpha < CLEAR))
    weight = np.where(seen & (alpha > CLEAR), 1.0, 0.0)
    discs = _discs(close, hole, fill_holes(color, weight, hole), _gloss(close, background, weight > 0, unit))
    return concatenate([background, discs]), len(discs)


def _gloss(patch: Patch, gaussians: Gaussians, known: NDArray[np.bool_], unit: float) -> Tensor:
    """(rows, columns, K - 1, 3): mean view-dependent coefficients of the known support nearby, for shine goes on too."""
    y, x, support = patch.near(gaussians, unit)
    support &= known[y, x]
    y, x, chosen = y[support], x[support], gaussians[torch.from_numpy(support)]
    area = chosen.opacities * chosen.scales.topk(2, dim=1).values.prod(1)
    values = chosen.sh[:, 1:].flatten(1) * area[:, None]
    sums = np.zeros((*patch.shape, values.shape[1] + 1))
    np.add.at(sums, (y, x), torch.cat([values, area[:, None]], 1).numpy())
    sums = ndimage.gaussian_filter(sums, (GLOSS, GLOSS, 0))
    mean = sums[..., :-1] / np.maximum(sums[..., -1:], 1e-12)
    return torch.from_numpy(mean).float().unflatten(-1, (-1, 3))


def _discs(patch: Patch, hole: NDArray[np.bool_], color: NDArray[np.float64], gloss: Tensor) -> Gaussians:
    """A flat Gaussian in each cell of the holes."""
    chosen = torch.from_numpy(hole)
    means = torch.from_numpy(patch.points()[hole]).float()
    n = len(means)
    base = (torch.from_numpy(color[hole]).float() - 0.5) / SH_C0
    return Gaussians(
        means=means,
        quats=torch.from_numpy(patch.plane.wxyz).float().repeat(n, 1),
        log_scales=(torch.tensor(DISC) * patch.cell).log().repeat(n, 1),
        opacity_logits=torch.full((n,), float(np.log(FILL_OPACITY / (1 - FILL_OPACITY)))),
        sh=torch.cat([base[:, None], gloss[chosen]], 1),
    )


def support_slab(plane: SupportPlane, unit: float) -> trimesh.Trimesh:
    """The support's convex collision piece in the scene frame: its outline, pulled down."""
    n = len(plane.polygon)
    top = np.column_stack([plane.polygon, np.zeros(n)])
    corners = np.concatenate([top, top - [0, 0, SLAB * unit]])
    return trimesh.convex.convex_hull(corners @ plane.rotation.T + plane.position)
