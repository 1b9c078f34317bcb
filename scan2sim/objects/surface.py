"""The closed surface of one object, from where all views see it and where they see through."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import trimesh
from scipy import ndimage
from skimage.measure import marching_cubes
from torch import Tensor

from scan2sim.objects.gaps import fill_gaps
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View
from scan2sim.splats import DepthPicture, FusionWeights, fuse_depths

__all__ = ["foot_of", "largest_piece", "object_surface", "zero_surface"]

TRUNCATION = 3.0  # cells on each side of a surface in which a view's distance counts
SLACK = 2.5  # standard deviations of the support's surface by which a look at it may be too near
HIDDEN_WEIGHT = 0.15  # how much "behind the object's surface, so perhaps inside" counts against a direct look
EMPTY_WEIGHT = 0.5  # how much a pixel without any surface counts as free space
SMOOTHING = 0.8  # cells
MARGIN = 6  # cells around the object
FOOT = 0.002  # what is so low stands on the support [camera distances]


def object_surface(
    views: list[View],
    masks: list[Tensor],  # per view (H, W) bool: pixels that show the object
    low: Tensor,  # (3,) [m] a box that holds the object
    high: Tensor,  # (3,) [m]
    plane: SupportPlane,
    cells: int,
    belongs: Callable[[Tensor], Tensor] | None = None,  # (N, 3) to (N,) bool: the space that can be the object's
    trust: list[Tensor] | None = None,  # per view (H, W) 0..1: how far the depth of the object's pixels counts
    all_pieces: bool = False,  # whether to keep more than the largest connected piece
) -> trimesh.Trimesh | None:
    """Fuse depth and silhouettes into a closed mesh in the scene frame; None when nothing is left.

    A truncated signed distance is averaged over the views (Curless & Levoy 1996, "A volumetric method for building
    complex models from range images") with two additions that close it: what no view sees is inside, and what any
    view sees through, beside the object's silhouette, is outside, weighted like a look at a surface.  The support
    plane cuts the bottom; the roughness of its own surface does not become a brim around the object.  What is unseen
    between things that touch is the object's where ``belongs`` says so.  Through a thin thing's gaps views must look.
    """
    cell = float((high - low).max()) / cells
    corner = low - MARGIN * cell
    x, y, z = (((high - low) / cell).ceil().long() + 2 * MARGIN).tolist()
    shape = x, y, z
    reach = TRUNCATION * cell
    pictures = [
        DepthPicture(view.camera, view.depth, mask, sure)
        for view, mask, sure in zip(views, masks, trust or [None] * len(views), strict=True)
    ]
    weights = FusionWeights(reach, SLACK * plane.noise, HIDDEN_WEIGHT, EMPTY_WEIGHT)
    fused, weight = fuse_depths(pictures, corner, cell, shape, weights)
    distance = torch.where(weight > 0, fused, -1.0).flatten()
    axes = [torch.arange(n) * cell + float(c) for n, c in zip(shape, corner, strict=True)]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    distance = torch.maximum(distance, -plane.height(points) / reach)
    if belongs is not None:
        distance[distance < 0] = torch.where(belongs(points[distance < 0]), distance[distance < 0], 1.0)
    volume = ndimage.gaussian_filter(distance.reshape(shape).numpy(), SMOOTHING)
    volume[[0, -1]] = volume[:, [0, -1]] = volume[:, :, [0, -1]] = 1.0
    volume = fill_gaps(np.float32(TRUNCATION) * largest_piece(volume, all_pieces), corner, cell, views, masks, plane)
    return zero_surface(volume, corner.numpy(), cell)


def zero_surface(
    volume: np.ndarray,  # (X, Y, Z) < 0 inside, > 0 all around [cells]
    corner: np.ndarray,  # (3,) [m] where its first value stands
    cell: float,  # [m] between values
) -> trimesh.Trimesh | None:
    """The closed surface where a volume is zero; None where nothing of it is inside."""
    if volume.min() >= 0:
        return None
    vertices, faces, *_ = marching_cubes(volume, 0.0)
    mesh = trimesh.Trimesh(vertices * cell + corner, faces[:, ::-1], process=True)
    if mesh.volume < 0:
        mesh.invert()
    return mesh


def foot_of(mesh: trimesh.Trimesh, plane: SupportPlane, unit: float) -> np.ndarray:  # (V,) bool
    """Which vertices stand on the support, which tells where they are."""
    return plane.height(torch.tensor(np.array(mesh.vertices))).numpy() < FOOT * unit


def largest_piece(
    volume: np.ndarray,  # (X, Y, Z) < 0 inside, > 0 all around
    all_pieces: bool = False,
) -> np.ndarray:
    """Keep the largest connected inside, or all, and fill the cavities that are closed on all sides."""
    patches, number = ndimage.label(volume < 0)  # pyright: ignore[reportGeneralTypeIssues]
    if number == 0:
        return volume
    largest = patches > 0 if all_pieces else patches == np.bincount(patches.ravel())[1:].argmax() + 1
    outside, _ = ndimage.label(~largest)  # pyright: ignore[reportGeneralTypeIssues]
    cavities = ~largest & (outside != outside[0, 0, 0])
    volume = np.where((volume < 0) & ~largest, 1.0, volume)
    return np.where(cavities, -np.abs(volume) - 1e-3, volume).astype(np.float32)
