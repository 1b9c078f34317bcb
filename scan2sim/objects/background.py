"""The background without its objects: no shadow is left of them, and the support's surface goes on beneath."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from scan2sim.objects.inpaint import fill_holes
from scan2sim.objects.light import estimate_light
from scan2sim.objects.patch import Patch, grown, patch_around, photographed, without_holes
from scan2sim.objects.shadow import find_shading, without_shadow
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View
from scan2sim.splats import SH_C0, Gaussians, concatenate

__all__ = ["clear_support", "support_slab"]

SHADOW_CELL = 0.008  # in which the shading is found [camera distances]
SHADOW_REACH = 0.5  # of the objects' shadows, and of support around them that tells its colour [camera distances]
FILL_CELL = 0.003  # in which holes are filled [camera distances]
FILL_REACH = 0.25  # around the objects from which texture is taken [camera distances]
SAMPLES = 3  # points on an object's surface per area of a cell
MIN_SEEN = 2  # views that must have seen a cell of the support
MOST_SEE = 0.25  # share of the views that see a cell whose colour tells about the light
BESIDE = 1  # cells around what is under an object that are laid anew as well
DEEP = 0.45  # of its light is left where a shadow is too deep to tell what lies in it
GLOSS = 24.0  # cells over which view-dependent colour is averaged, …
GLOSS_AWAY = 4  # … but for those so near to what is laid anew: theirs tells of the object that stood beside them, …
EVERYWHERE = 0.05  # … and with this weight of all the support around, which counts where nothing is near
DISC = (0.5, 0.5, 0.05)  # standard deviations of a filling disc [cells]
FILL_OPACITY = 0.97
SLAB = 0.1  # thickness of the support's collision piece [camera distances]


def clear_support(
    background: Gaussians,
    meshes: list[trimesh.Trimesh],  # of all objects, scene frame
    plane: SupportPlane,
    views: list[View],
    pictures: list[Tensor],  # per view (H, W, 3): the photo, exposed as the Gaussians
    owners: list[Tensor],  # per view (H, W) int64: the object that each pixel shows, 0 = none
    unit: float,  # camera distance [m]
    seed: int = 0,
) -> tuple[Gaussians, int, dict[str, Any]]:  # background with discs in the holes, number of discs, light
    """Take the objects' shadows off a support and close the holes that they leave in it.

    The light that the objects kept from the support is divided out of the Gaussians near it.  Under the objects and
    close beside them the Gaussians are mixed with the objects' own, or nobody saw them: there a flat disc is put into
    each cell of the plane instead, as the photos show the support where at least two views see it past the objects,
    and elsewhere as it goes on from around.  Without objects, or without support around them, nothing changes.
    The light is what :func:`scan2sim.objects.light.estimate_light` says of the shadows.
    """
    if not meshes:
        return background, 0, {}
    solids = [_surface(mesh, FILL_CELL * unit, seed) for mesh in meshes]
    flat = plane.flat(np.concatenate(solids))
    wide = patch_around(plane, flat, SHADOW_REACH * unit, SHADOW_CELL * unit)
    color, seen = photographed(wide, views, pictures, owners, np.concatenate(solids), unit)
    on_support = plane.contains(wide.points().reshape(-1, 3)).reshape(wide.shape)
    shading = find_shading(wide, color, on_support & (seen >= max(MIN_SEEN, MOST_SEE * len(views))), solids)
    background = without_shadow(background, shading, unit)

    close = patch_around(plane, flat, FILL_REACH * unit, FILL_CELL * unit)
    under = sum((without_holes(close.covered(plane.flat(solid))) for solid in solids), np.zeros(close.shape, bool))
    color, seen = photographed(close, views, pictures, owners, np.concatenate(solids), unit)
    kept = shading.at(close.points())
    color, known = color / kept, (seen >= MIN_SEEN) & (kept.min(-1) > DEEP)
    anew = grown(under, BESIDE)
    y, x, support = close.near(background, unit)
    background = background[torch.from_numpy(~(support & anew[y, x]))]
    color = fill_holes(color, known, anew & ~known)
    discs = _discs(close, anew, color, _gloss(close, background, known & ~anew, unit))
    return concatenate([background, discs]), len(discs), estimate_light(shading)


def _surface(mesh: trimesh.Trimesh, cell: float, seed: int) -> NDArray[np.float64]:  # (N, 3)
    """Points all over a mesh, some in each area of a cell."""
    return trimesh.sample.sample_surface(mesh, int(SAMPLES * mesh.area / cell**2) + 1, seed=seed)[0]


def _gloss(patch: Patch, gaussians: Gaussians, known: NDArray[np.bool_], unit: float) -> Tensor:
    """(rows, columns, K - 1, 3): mean view-dependent colour of the known support nearby: its shine goes on."""
    away = ~grown(~known, GLOSS_AWAY)
    y, x, support = patch.near(gaussians, unit)
    support &= away[y, x]
    y, x, chosen = y[support], x[support], gaussians[torch.from_numpy(support)]
    area = chosen.opacities * chosen.scales.topk(2, dim=1).values.prod(1)
    values = chosen.sh[:, 1:].flatten(1) * area[:, None]
    sums = np.zeros((*patch.shape, values.shape[1] + 1))
    np.add.at(sums, (y, x), torch.cat([values, area[:, None]], 1).numpy())
    overall = sums.sum((0, 1)) / max(1, away.sum())
    sums = ndimage.gaussian_filter(sums, (GLOSS, GLOSS, 0)) + EVERYWHERE * overall
    mean = sums[..., :-1] / np.maximum(sums[..., -1:], 1e-12)
    return torch.from_numpy(mean).float().unflatten(-1, (-1, 3))


def _discs(patch: Patch, hole: NDArray[np.bool_], color: NDArray[np.float64], gloss: Tensor) -> Gaussians:
    """A flat Gaussian in each cell of the holes."""
    means = torch.from_numpy(patch.points()[hole]).float()
    n = len(means)
    base = (torch.from_numpy(color[hole]).float() - 0.5) / SH_C0
    return Gaussians(
        means=means,
        quats=torch.from_numpy(patch.plane.wxyz).float().repeat(n, 1),
        log_scales=(torch.tensor(DISC) * patch.cell).log().repeat(n, 1),
        opacity_logits=torch.full((n,), float(np.log(FILL_OPACITY / (1 - FILL_OPACITY)))),
        sh=torch.cat([base[:, None], gloss[torch.from_numpy(hole)]], 1),
    )


def support_slab(plane: SupportPlane, unit: float) -> trimesh.Trimesh:
    """The support's convex collision piece in the scene frame: its outline, pulled down."""
    n = len(plane.polygon)
    top = np.column_stack([plane.polygon, np.zeros(n)])
    corners = np.concatenate([top, top - [0, 0, SLAB * unit]])
    return trimesh.convex.convex_hull(corners @ plane.rotation.T + plane.position)
