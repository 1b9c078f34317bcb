"""What stands on the support, separated into objects, and which Gaussian belongs to which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from scan2sim.objects.config import ObjectsConfig
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View
from scan2sim.progress import Reporter, silent
from scan2sim.splats import Gaussians, accumulate, rasterize

__all__ = [
    "VoxelLabels",
    "coherence",
    "label_gaussians",
    "label_pixels",
    "relabel_gaussians",
    "repaint",
    "separate",
    "separating_height",
]

NOISE_HEIGHTS = 4.0  # what rises less than this many standard deviations of the support's surface is noise
TOUCH = 3.0  # an object must come this near to its support [min_height]
MAX_CELLS = 40_000_000


@dataclass(frozen=True)
class VoxelLabels:
    """A grid of object numbers 1..count, 0 = none."""

    labels: Tensor  # (X, Y, Z) int64
    corner: Tensor  # (3,) [m] of cell (0, 0, 0)
    cell: float  # [m]
    count: int

    def lookup(self, points: Tensor) -> Tensor:  # (..., 3) [m] to (...) int64
        """The label of the cell that each point lies in."""
        index = ((points - self.corner) / self.cell).floor()
        shape = torch.tensor(self.labels.shape)
        inside = ((index >= 0) & (index < shape)).all(-1)
        x, y, z = torch.where(inside[..., None], index, 0.0).long().unbind(-1)
        return torch.where(inside, self.labels[x, y, z], 0)

    def box(self, number: int, plane: SupportPlane) -> tuple[Tensor, Tensor]:
        """Lowest and highest corner (3,) [m] of a box around an object's cells, down to its support."""
        cells = (self.labels == number).nonzero()
        low = self.corner + cells.min(0).values * self.cell
        high = self.corner + (cells.max(0).values + 1) * self.cell
        corners = torch.tensor(np.stack(np.meshgrid(*np.stack([low, high], 1), indexing="ij"), -1).reshape(-1, 3))
        return low - torch.tensor(plane.normal).float() * plane.height(corners).min().clamp_min(0), high


def separating_height(plane: SupportPlane, unit: float, config: ObjectsConfig) -> float:
    """What rises higher than this above the support [m] is an object's."""
    return max(config.min_height * unit, NOISE_HEIGHTS * plane.noise)


def separate(
    views: list[View],
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    config: ObjectsConfig,
    report: Reporter = silent,
) -> VoxelLabels:
    """Join the surface voxels above the support into objects.

    A voxel counts when enough views have their surface in it and no more views look through it than hit it.  Voxels
    that touch (also across an edge or corner, and across a gap of one voxel) are one object; what is too small, too
    large or hovers is none, nor is what lies outside the picture of most views: it is not what was filmed.
    """
    cell = config.voxel * unit
    lowest = separating_height(plane, unit, config)
    surfaces = [_above(view, plane, lowest, config.max_size * unit) for view in views]
    cloud = torch.cat([s.reshape(-1, 3) for s in surfaces])
    if len(cloud) == 0:
        return VoxelLabels(torch.zeros(1, 1, 1, dtype=torch.int64), torch.zeros(3), cell, 0)
    low, high = cloud.min(0).values - 3 * cell, cloud.max(0).values + 3 * cell
    shape = ((high - low) / cell).ceil().long()
    if int(shape.prod()) > MAX_CELLS:  # far-away clutter over a huge support: keep to the subject
        low, high = torch.maximum(low, -torch.full((3,), unit)), torch.minimum(high, torch.full((3,), unit))
        shape = ((high - low) / cell).ceil().long()
    grid = VoxelLabels(torch.zeros(*shape.tolist(), dtype=torch.int64), low, cell, 0)
    occupied = _occupied(grid, surfaces, views, config, report)
    joined = ndimage.binary_dilation(occupied, np.ones((3, 3, 3)))
    patches, number = ndimage.label(joined, np.ones((3, 3, 3)))  # pyright: ignore[reportGeneralTypeIssues]
    patches = np.where(occupied, patches, 0)
    cells = np.argwhere(patches)
    owner = patches[tuple(cells.T)]
    keep = [i for i in range(1, number + 1) if _is_object(cells[owner == i], grid, plane, lowest, unit, config)]
    keep.sort(key=lambda i: -int((owner == i).sum()))
    renumber = np.zeros(number + 1, np.int64)
    renumber[keep] = np.arange(1, len(keep) + 1)
    labels = renumber[patches]
    # every cell within two of an object's takes its nearest label, so that noisy surfaces still find their object
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)  # pyright: ignore[reportGeneralTypeIssues]
    grown = np.where(distance <= 2.0, labels[tuple(nearest)], 0)
    return VoxelLabels(torch.from_numpy(grown), low, cell, len(keep))


def _above(view: View, plane: SupportPlane, lowest: float, highest: float) -> Tensor:
    points, has = view.points()
    height = plane.height(points)
    chosen = points[has & (height > lowest) & (height < highest)]
    return chosen[torch.from_numpy(plane.contains(chosen.numpy().astype(np.float64)))]


def _occupied(
    grid: VoxelLabels, surfaces: list[Tensor], views: list[View], config: ObjectsConfig, report: Reporter
) -> np.ndarray:
    shape = grid.labels.shape
    hits = torch.zeros(shape.numel(), dtype=torch.int32)
    for points in surfaces:
        index = ((points - grid.corner) / grid.cell).long()
        inside = ((index >= 0) & (index < torch.tensor(shape))).all(-1)
        x, y, z = index[inside].unbind(-1)
        hits[torch.unique((x * shape[1] + y) * shape[2] + z)] += 1
    candidates = (hits >= 1).nonzero()[:, 0]
    cells = torch.stack(torch.unravel_index(candidates, shape), -1)
    centres = (cells + 0.5) * grid.cell + grid.corner
    near, through, within = (torch.zeros(len(centres)) for _ in range(3))
    for i, view in enumerate(views):
        index, z, inside = view.project(centres)
        gap = view.depth.flatten()[index] - z
        seen = inside & (view.depth.flatten()[index] > 0)
        near += seen & (gap.abs() <= 1.5 * grid.cell)
        through += seen & (gap > 3 * grid.cell)
        within += inside
        report("finding surfaces", i + 1, len(views))
    good = (near >= config.min_views) & (near >= config.min_agreement * (near + through))
    good &= within >= config.min_seen * len(views)
    occupied = torch.zeros(shape.numel(), dtype=torch.bool)
    occupied[candidates[good]] = True
    return occupied.reshape(shape).numpy()


def _is_object(
    cells: np.ndarray,  # (M, 3) indices of the patch's cells, at least one
    grid: VoxelLabels,
    plane: SupportPlane,
    lowest: float,
    unit: float,
    config: ObjectsConfig,
) -> bool:
    points = (torch.from_numpy(cells) + 0.5) * grid.cell + grid.corner
    extent = float((points.max(0).values - points.min(0).values).max()) + grid.cell
    if not config.min_size * unit <= extent <= config.max_size * unit:
        return False
    return float(plane.height(points.float()).min()) <= lowest + TOUCH * config.min_height * unit


def label_pixels(view: View, grid: VoxelLabels, plane: SupportPlane, lowest: float) -> Tensor:  # (H, W) int64
    """The object that each pixel shows, 0 = none, by where its surface point lies."""
    points, has = view.points()
    return torch.where(has & (plane.height(points) > lowest), grid.lookup(points), 0)


def coherence(masks: list[Tensor]) -> tuple[int, int]:
    """How many of an object's pixels lie in its largest blob of each view, and how many it has.

    Scattered noise has little in its largest blobs, a thing nearly all.
    """
    together, total = 0, 0
    for mask in masks:
        blobs, number = ndimage.label(mask.numpy())  # pyright: ignore[reportGeneralTypeIssues]
        if number:
            together += int(np.bincount(blobs.ravel())[1:].max())
            total += int(mask.sum())
    return together, total


def label_gaussians(
    gaussians: Gaussians,
    views: list[View],
    pixel_labels: list[Tensor],
    count: int,
    report: Reporter = silent,
) -> tuple[Tensor, Tensor, Tensor]:
    """Lift the views' pixel labels to the Gaussians that painted them.

    Each Gaussian takes the label under which it has the most blending weight, summed over pixels and views.

    Returns:
        object number (N,) int64; blending weight over all views (N,); and per number (count + 1,) which share of its
        pixels was painted by Gaussians that took it, near 1 for a thing and near 0 for noise on another surface.
    """
    votes = _votes(gaussians, views, pixel_labels, count, report)
    labels = votes.argmax(1)
    own = torch.zeros(count + 1).index_add_(0, labels, votes.gather(1, labels[:, None])[:, 0])
    return labels, votes.sum(1), own / votes.sum(0).clamp_min(1e-9)


def relabel_gaussians(
    gaussians: Gaussians,
    labels: Tensor,  # (N,) int64 number of each Gaussian before
    whole: Tensor,  # (count + 1,) int64 the earlier number of each new one
    views: list[View],
    pixel_labels: list[Tensor],  # new numbers
    report: Reporter = silent,
) -> Tensor:  # (N,) int64
    """Lift new labels to the Gaussians of what was taken apart; each stays in one of the parts of what it was in."""
    torn = torch.bincount(whole)[labels] > 1
    votes = _votes(gaussians, views, pixel_labels, len(whole) - 1, report)[torn]
    votes[whole[None] != labels[torn][:, None]] = -1.0
    labels = labels.clone()
    labels[torn] = votes.argmax(1)
    return labels


def _votes(
    gaussians: Gaussians, views: list[View], pixel_labels: list[Tensor], count: int, report: Reporter
) -> Tensor:  # (N, count + 1)
    votes = torch.zeros(len(gaussians), count + 1)
    for i, (view, labels) in enumerate(zip(views, pixel_labels, strict=True)):
        present, maps = _one_hot(labels)
        votes[:, present] += accumulate(gaussians, [view.camera], maps[None])
        report("lifting labels", i + 1, len(views))
    return votes


def _one_hot(labels: Tensor) -> tuple[Tensor, Tensor]:  # (...) int64 to (C,), (..., C)
    """The labels that there are, and where each of them is."""
    present, place = labels.unique(return_inverse=True)
    return present, torch.nn.functional.one_hot(place, len(present)).float()


def repaint(
    gaussians: Gaussians,
    labels: Tensor,  # (N,) int64 object number of each Gaussian
    views: list[View],
    report: Reporter = silent,
) -> list[Tensor]:  # per view (H, W) int64
    """The object that each pixel shows by the Gaussians that paint it: what most of its blending weight belongs to.

    All views now agree, because a Gaussian has one label in all of them: noise of the support beside an object, which
    looked raised in single views, goes back to the support.
    """
    present, one_hot = _one_hot(labels)
    pictures = []
    for i, view in enumerate(views):
        with torch.no_grad():
            share = rasterize(gaussians, [view.camera], features=one_hot).features
        assert share is not None
        pictures.append(torch.where(view.depth > 0, present[share[0].argmax(-1)], 0))
        report("painting labels", i + 1, len(views))
    return pictures
