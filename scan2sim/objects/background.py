"""The background without its objects: the support's surface goes on under them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve
from torch import Tensor
from torch.nn.functional import normalize

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.objects.support import SupportPlane
from scan2sim.splats import SH_C0, Gaussians, concatenate, evaluate_sh, rasterize

__all__ = ["fill_support", "support_slab"]

CELL = 0.006  # of the grid that is filled [camera distances]
MARGIN = 8  # cells around the footprints
CONTACT = 0.012  # what lies lower than this over the plane stands on it [camera distances]
CLEAR = 0.95  # a cell with less alpha, seen from above, is a hole
NEAR_PLANE = 0.02  # what is seen from above further from the plane is no support [camera distances]
DISC = (0.7, 0.7, 0.05)  # standard deviations of a filling disc [cells]
FILL_OPACITY = 0.97
EYES = 8  # places from which the support's colours are averaged
GRAIN = 3  # cells; structure finer than this is grain
SLAB = 0.1  # thickness of the support's collision piece [camera distances]
MAX_CELLS = 300  # across all footprints


def fill_support(
    background: Gaussians,
    footprints: Tensor,  # (M, 3) [m] points of all objects, scene frame
    plane: SupportPlane,
    eyes: list[NDArray[np.float64]],  # (3,) [m] where the photos were taken from
    unit: float,  # camera distance [m]
) -> tuple[Gaussians, int]:  # background with discs in the holes, number of discs
    """Close the holes that the objects leave in the support.

    Where an object touched the support, all that the background has there is taken away: it is the object's foot or
    was never seen.  Then the background is rendered straight from above, and where light shines through under an
    object a flat disc is put into each cell of the plane.  Colours go on smoothly from the rim (the discrete Laplace
    equation), with the fine grain of the nearest piece of the support that was seen whole.
    """
    if len(footprints) == 0:
        return background, 0
    flat = torch.from_numpy(plane.flat(footprints.numpy().astype(np.float64)))
    low, high = flat.min(0).values, flat.max(0).values
    cell = max(CELL * unit, float((high - low).max()) / MAX_CELLS)
    margin = MARGIN + int(0.75 * float((high - low).max()) / cell)
    low = low - margin * cell
    columns, rows = (((high - low) / cell).ceil().long() + margin).tolist()
    under = _cells(flat, low, columns, rows, cell)
    touched = _cells(flat[plane.height(footprints) < CONTACT * unit], low, columns, rows, cell)
    index = ((torch.from_numpy(plane.flat(background.means.numpy().astype(np.float64))) - low) / cell).floor().long()
    within = ((index >= 0) & (index < torch.tensor([columns, rows]))).all(1)
    within &= plane.height(background.means).abs() < NEAR_PLANE * unit
    within[within.clone()] = touched[index[within, 1], index[within, 0]]
    background = background[~within]
    color, open_ = _from_above(background, plane, eyes, low, columns, rows, cell, unit)
    hole = open_ & under
    if not hole.any():
        return background, 0
    filled = _harmonic(color, hole.numpy()) + _grain(color, hole.numpy(), (open_ | under).numpy())
    filled = filled.clamp(0, 1)
    y, x = hole.nonzero().unbind(1)
    in_plane = (torch.stack([x, y], 1).double() + 0.5) * cell + low
    means = in_plane @ torch.from_numpy(plane.rotation[:, :2].T) + torch.from_numpy(plane.position)
    n = len(means)
    sh = torch.zeros(n, background.sh.shape[1], 3)
    sh[:, 0] = (filled[y, x] - 0.5) / SH_C0
    discs = Gaussians(
        means=means.float(),
        quats=torch.from_numpy(plane.wxyz).float().repeat(n, 1),
        log_scales=(torch.tensor(DISC) * cell).log().repeat(n, 1),
        opacity_logits=torch.full((n,), float(np.log(FILL_OPACITY / (1 - FILL_OPACITY)))),
        sh=sh,
    )
    return concatenate([background, discs]), n


def _cells(flat: Tensor, low: Tensor, columns: int, rows: int, cell: float) -> Tensor:  # (rows, columns) bool
    """The cells that points fall into, without holes and one cell wider."""
    cells = torch.zeros(rows, columns, dtype=torch.bool)
    index = ((flat - low) / cell).long()
    cells[index[:, 1], index[:, 0]] = True
    return torch.from_numpy(ndimage.binary_dilation(ndimage.binary_fill_holes(cells.numpy())))


def _from_above(
    background: Gaussians,
    plane: SupportPlane,
    eyes: list[NDArray[np.float64]],
    low: Tensor,
    columns: int,
    rows: int,
    cell: float,
    unit: float,
) -> tuple[Tensor, Tensor]:  # colour (rows, columns, 3), hole (rows, columns)
    """Render the background from straight above so that pixel (row, column) is a cell of the plane."""
    height = 4 * max(columns, rows) * cell
    centre = low.numpy() + np.array([columns, rows]) * cell / 2
    target = plane.position + plane.rotation[:, :2] @ centre
    eye = target + height * plane.normal
    world_from_camera = look_at(eye, target, up=plane.rotation[:, 1])
    focal = height / cell
    camera = Camera(Intrinsics(columns, rows, focal, focal, columns / 2, rows / 2), world_from_camera)
    support = background[plane.height(background.means).abs() < NEAR_PLANE * unit]
    with torch.no_grad():
        # nobody looked from straight above: each Gaussian shows the mean of what the photos saw of it
        towards = [support.means - torch.from_numpy(eye).float() for eye in eyes[:: max(1, len(eyes) // EYES)]]
        seen = torch.stack([evaluate_sh(support.sh, normalize(t, dim=1), support.sh_degree) for t in towards]).mean(0)
        plain = replace(support, sh=((seen - 0.5) / SH_C0)[:, None])
        rendering = rasterize(plain, [camera])
    # the picture's rows run against the plane's y axis
    color, alpha = rendering.colors[0].flip(0), rendering.alphas[0, :, :, 0].flip(0)
    return color / alpha[..., None].clamp_min(1e-6), alpha < CLEAR


def _grain(color: Tensor, hole: np.ndarray, unknown: np.ndarray) -> Tensor:
    """The fine structure of the support, moved from the nearest place where all of it is known; else none."""
    known = np.logical_not(ndimage.binary_dilation(unknown, iterations=GRAIN))
    rows, columns = np.nonzero(hole)
    shifts = np.stack(np.meshgrid(*(np.arange(-n + 1, n, GRAIN) for n in hole.shape), indexing="ij"), -1).reshape(-1, 2)
    out = torch.zeros_like(color)
    for dy, dx in shifts[np.argsort(np.abs(shifts).max(1), kind="stable")]:
        y, x = rows + dy, columns + dx
        inside = (y >= 0) & (y < hole.shape[0]) & (x >= 0) & (x < hole.shape[1])
        if inside.all() and known[y, x].all():
            picture = color.numpy()
            grain = picture - ndimage.gaussian_filter(picture, (GRAIN, GRAIN, 0))
            out[rows, columns] = torch.from_numpy(grain[y, x])
            break
    return out


def _harmonic(color: Tensor, hole: np.ndarray) -> Tensor:
    """Solve Laplace's equation inside the holes with the rim's colours as boundary values."""
    rows, columns = hole.shape
    number = -np.ones(hole.shape, np.int64)
    number[hole] = np.arange(hole.sum())
    y, x = np.nonzero(hole)
    known = color.numpy().astype(np.float64)
    right = np.zeros((len(y), 3))
    diagonal = np.zeros(len(y))
    entries: list[tuple[np.ndarray, np.ndarray]] = []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        ny, nx = y + dy, x + dx
        ok = (ny >= 0) & (ny < rows) & (nx >= 0) & (nx < columns)
        diagonal += ok
        inner = np.zeros(len(y), bool)
        inner[ok] = hole[ny[ok], nx[ok]]
        rim = ok & ~inner
        right[rim] += known[ny[rim], nx[rim]]
        entries.append((np.flatnonzero(inner), number[ny[inner], nx[inner]]))
    i = np.concatenate([e[0] for e in entries])
    j = np.concatenate([e[1] for e in entries])
    matrix = sparse.csc_matrix((-np.ones(len(i)), (i, j)), shape=(len(y), len(y)))
    matrix = matrix + sparse.diags_array(diagonal + 1e-9, format="csc")
    out = color.clone()
    out[torch.from_numpy(hole)] = torch.from_numpy(spsolve(matrix, right).reshape(-1, 3)).float()
    return out.clamp(0, 1)


def support_slab(plane: SupportPlane, unit: float) -> trimesh.Trimesh:
    """The support's convex collision piece in the scene frame: its outline, pulled down."""
    n = len(plane.polygon)
    top = np.column_stack([plane.polygon, np.zeros(n)])
    corners = np.concatenate([top, top - [0, 0, SLAB * unit]])
    return trimesh.convex.convex_hull(corners @ plane.rotation.T + plane.position)
