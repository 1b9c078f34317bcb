"""Depth from the photos themselves: the surface of a first mesh, moved to where neighbouring photos agree on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, grid_sample, interpolate

from scan2sim.cameras import Camera
from scan2sim.objects.mesh_views import Sight, camera_rays

__all__ = ["StereoDepth", "StereoView", "stereo_depth", "typical_brightness"]

NEIGHBOURS = 4  # photos that each is compared with …
ANGLES = (8.0, 45.0)  # … seen from the objects so far apart, best near …
BEST_ANGLE = 20.0  # … this [degrees]
WINDOW = 240  # of the long side over the window's radius
NOISE = 2.0 / 255**2  # variance of a photo's grain, which is no texture
AGGREGATE = 2.0  # standard deviation over which neighbouring pixels' agreement is averaged [pixels]
SMOOTH = 3.0  # standard deviation over which a trusted shift carries on [pixels]
LEAST = 0.2  # agreement below it is none
CLEAR = 0.1  # an agreement that stands out by this much is trusted wholly
STAY = 0.02  # weight of no shift where nothing is trusted
HIDDEN = 0.024  # what lies so far behind a neighbour's surface is hidden from it [camera distances]
GLOSS = 10 / 255  # a pixel brighter than its surface is in other photos by this mirrors a light
DIFFUSE = 0.35  # quantile of a surface point's brightness over all photos that counts as its own
SAME = 0.012  # photos whose surface is so near to a point see it [camera distances]


@dataclass(frozen=True)
class StereoView:
    """One photo, and what its camera sees of the meshes so far."""

    camera: Camera
    gray: Tensor  # (H, W) 0..1
    sight: Sight


@dataclass(frozen=True)
class StereoDepth:
    """The meshes' depth in one view after the photos were asked."""

    depth: Tensor  # (H, W) [m], 0 = no mesh
    trust: Tensor  # (H, W) 0..1: how clearly photos agree

    def resized(self, size: tuple[int, int]) -> StereoDepth:
        """The same for a picture of another height and width, without blending across edges."""
        pair = interpolate(torch.stack([self.depth, self.trust])[None], size, mode="nearest-exact")[0]
        return StereoDepth(pair[0], pair[1])


@dataclass(frozen=True)
class _Crop:
    """The part of a view around one mesh."""

    rows: slice
    columns: slice
    rays: Tensor  # (h, w, 3) in the world, z = 1 in the camera's frame
    depth: Tensor  # (h, w) [m]
    number: Tensor  # (h, w) of the mesh in front
    gray: Tensor  # (h, w)

    @property
    def own(self) -> Tensor:  # (h, w) bool
        """Pixels that show any mesh: a window may go on beyond the rim of the one."""
        return self.number > 0


def typical_brightness(views: list[StereoView], count: int, share: float) -> Tensor:  # (count + 1,)
    """The brightness that ``share`` of each mesh's pixels stay below, over all views; index 0 is infinite."""
    limits = [torch.inf]
    for number in range(1, count + 1):
        pixels = torch.cat([view.gray[view.sight.number == number] for view in views])
        limits.append(float(np.quantile(pixels.numpy(), share)) if len(pixels) else torch.inf)
    return torch.tensor(limits)


def stereo_depth(
    views: list[StereoView],
    index: int,
    offsets: Tensor,  # (T,) [m] shifts of the depth to try, evenly spaced about 0
    bright: Tensor,  # (count + 1,) what is brighter, by mesh number, may be a reflection
    centre: NDArray[np.float64],  # (3,) [m] of the objects
    unit: float,  # camera distance [m]
) -> StereoDepth:
    """Shift the depth of view ``index`` to where the photo agrees best with its neighbours.

    Each pixel's surface point is moved along its ray, and for each shift a window about the pixel is carried over to
    the neighbours by the shape of the mesh, so that neither slope nor curvature nor the mesh's outline disturb it.
    Agreement is the normalised cross correlation with the windows found there, its variances raised by the photos'
    grain (Furukawa & Hernández 2015, "Multi-View Stereo: A Tutorial", chapter 2), averaged over neighbouring pixels.
    Reflections of lights seem to lie behind convex and before concave surfaces: pixels brighter than their surface is
    in other photos, and the brightest of each mesh, are not trusted.  What is not trusted follows what is near it.
    """
    view = views[index]
    depth, trust = torch.where(view.sight.number > 0, view.sight.depth, 0.0), torch.zeros(view.gray.shape)
    near, rays = [views[i] for i in _neighbours(views, index, centre)], camera_rays(view.camera)
    for number in view.sight.number.unique().tolist():
        if number > 0 and near:
            crop = _crop(view, number, rays)
            shift, sure = _shift(crop, view, near, offsets, HIDDEN * unit)
            matt = crop.gray - _diffuse(crop, view, views, SAME * unit) < GLOSS
            sure = sure * matt * (crop.gray < bright[crop.number.long()])
            weight = _blur(sure[None], SMOOTH)[0]
            stay = STAY * _blur(crop.own.float()[None], SMOOTH)[0]
            shift = _blur((sure * shift)[None], SMOOTH)[0] / (weight + stay).clamp_min(1e-9)
            part, mine = (crop.rows, crop.columns), crop.number == number
            depth[part] = torch.where(mine, crop.depth + shift, depth[part])
            trust[part] = torch.where(mine, (weight / CLEAR).clamp(0, 1), trust[part])
    return StereoDepth(depth, trust)


def _shift(
    crop: _Crop, view: StereoView, near: list[StereoView], offsets: Tensor, hidden: float
) -> tuple[Tensor, Tensor]:  # (h, w) [m], (h, w) how clear that is
    total, seen = torch.zeros(len(offsets), *crop.depth.shape), torch.zeros(crop.depth.shape)
    for other in near:
        agreement, visible = _agreement(crop, view, other, offsets, hidden)
        total += torch.where(visible, agreement, 0.0)
        seen += visible
    return _best(total / seen.clamp_min(1), (seen >= 2) & crop.own, offsets, AGGREGATE)


def _crop(view: StereoView, number: int, rays: Tensor, margin: int = 12) -> _Crop:
    y, x = (view.sight.number == number).nonzero(as_tuple=True)
    rows = slice(max(0, int(y.min()) - margin), int(y.max()) + margin)
    columns = slice(max(0, int(x.min()) - margin), int(x.max()) + margin)
    part = rows, columns
    rotation = torch.from_numpy(view.camera.world_from_camera[:3, :3]).float()
    return _Crop(
        rows, columns, rays[part] @ rotation.T, view.sight.depth[part], view.sight.number[part], view.gray[part]
    )


def _neighbours(views: list[StereoView], index: int, centre: NDArray[np.float64]) -> list[int]:
    towards = np.stack([view.camera.position - centre for view in views])
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip(towards @ towards[index], -1, 1)))
    order = np.argsort(np.abs(angles - BEST_ANGLE), kind="stable")
    return [int(i) for i in order if ANGLES[0] < angles[i] < ANGLES[1]][:NEIGHBOURS]


def _project(
    crop: _Crop, view: StereoView, other: StereoView, depth: Tensor
) -> tuple[Tensor, Tensor, Tensor]:  # (…, h, w) each: x, y [pixels], z [m] in the other view
    k, centre = other.camera.intrinsics, torch.from_numpy(view.camera.position - other.camera.position).float()
    rotation = torch.from_numpy(other.camera.world_from_camera[:3, :3]).float()
    across, down, ahead = (rotation.T @ crop.rays.reshape(-1, 3).T).reshape(3, *crop.depth.shape)
    x, y, z = centre @ rotation
    z = z + depth * ahead
    safe = z.clamp_min(1e-6)
    return (x + depth * across) / safe * k.fx + k.cx, (y + depth * down) / safe * k.fy + k.cy, z


def _look(crop: _Crop, view: StereoView, other: StereoView) -> tuple[Tensor, Tensor, Tensor]:
    """Of each pixel's surface point in another view: flat pixel index, how far it lies behind, and whether inside."""
    x, y, z = _project(crop, view, other, crop.depth)
    height, width = other.gray.shape
    inside = crop.own & (z > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = torch.where(inside, y.floor() * width + x.floor(), 0.0).long()
    behind = z - other.sight.depth.flatten()[place]
    return place, behind, inside & (other.sight.number.flatten()[place] == crop.number)


def _agreement(
    crop: _Crop, view: StereoView, other: StereoView, offsets: Tensor, hidden: float
) -> tuple[Tensor, Tensor]:  # (T, h, w) -1..1, (h, w) bool
    """Windowed normalised cross correlation with another photo, for each shift, over the pixels that show a mesh."""
    height, width = other.gray.shape
    radius = max(1, round(max(view.gray.shape) / WINDOW))
    x, y, _ = _project(crop, view, other, crop.depth + offsets[:, None, None])  # (T, h, w)
    grid = torch.stack([2 * x / width - 1, 2 * y / height - 1], -1).reshape(1, -1, crop.depth.shape[1], 2)
    theirs = grid_sample(other.gray[None, None], grid, padding_mode="border", align_corners=False)
    theirs = theirs.reshape(x.shape) * crop.own
    own = crop.own.float()
    mine = crop.gray * own

    def mean(values: Tensor) -> Tensor:  # (T, h, w), over the window's pixels that show a mesh
        rows = avg_pool2d(values[:, None], (1, 2 * radius + 1), 1, (0, radius))
        return avg_pool2d(rows, (2 * radius + 1, 1), 1, (radius, 0))[:, 0] / share

    share = torch.ones(())
    share = mean(own[None]).clamp_min(1e-6)
    my_mean, their_mean = mean(mine[None]), mean(theirs)
    my_variance = (mean((mine * mine)[None]) - my_mean**2).clamp_min(0) + NOISE
    their_variance = (mean(theirs * theirs) - their_mean**2).clamp_min(0) + NOISE
    covariance = mean(mine * theirs) - my_mean * their_mean
    _, behind, visible = _look(crop, view, other)
    return covariance / (my_variance * their_variance).sqrt(), visible & (behind.abs() < hidden)


def _best(agreement: Tensor, known: Tensor, offsets: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """The shift of the highest agreement (h, w) [m], between the steps by a parabola, and by how much it stands out."""
    weight = known.float()
    near = _blur(agreement * weight, sigma) / _blur(weight[None], sigma).clamp_min(1e-6)
    top, place = near.max(0)
    last = len(offsets) - 1
    inner = place.clamp(1, last - 1)
    before, here, after = (near.gather(0, (inner + step)[None])[0] for step in (-1, 0, 1))
    curve = (before - 2 * here + after).clamp_max(-1e-6)
    fine = (0.5 * (before - after) / curve).clamp(-0.5, 0.5)
    found = known & (place > 0) & (place < last) & (top > LEAST)
    return offsets[inner] + fine * (offsets[1] - offsets[0]), (top - near.mean(0)).clamp_min(0) * found


def _diffuse(crop: _Crop, view: StereoView, views: list[StereoView], same: float) -> Tensor:  # (h, w)
    """How bright each pixel's surface point is in the darker of all photos that see it."""
    samples = []
    for other in views:
        place, behind, inside = _look(crop, view, other)
        samples.append(torch.where(inside & (behind.abs() < same), other.gray.flatten()[place], torch.nan))
    return torch.nanquantile(torch.stack(samples), DIFFUSE, dim=0).nan_to_num(nan=torch.inf)


def _blur(pictures: Tensor, sigma: float) -> Tensor:  # (N, h, w)
    """Gaussian blur of each picture."""
    reach = int(3 * sigma)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * sigma * sigma))
    kernel = (kernel / kernel.sum())[None, None]
    across = conv2d(pictures[:, None], kernel[:, :, None], padding=(0, reach))
    return conv2d(across, kernel[..., None], padding=(reach, 0))[:, 0]
