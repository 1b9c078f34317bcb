"""What the surroundings of a pixel look like in other photos, carried there by the shape of a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.objects.mesh_views import Sight
from scan2sim.splats import RayPoints, WindowRules, compare_windows, look_up

__all__ = ["Crop", "StereoView", "crop_about", "likeness", "look", "neighbours"]

ANGLES = (8.0, 45.0)  # photos are compared whose cameras are so far apart, seen from the objects, best near …
BEST_ANGLE = 20.0  # … this [degrees]
WINDOW = 240  # of the long side over the window's radius
NOISE = 2.0 / 255**2  # variance of a photo's grain, which is no texture
LEVEL = 6.0 / 255  # means of windows that differ by so much are not alike at all


@dataclass(frozen=True)
class StereoView:
    """One photo, and what its camera sees of the meshes so far."""

    camera: Camera
    gray: Tensor  # (H, W) 0..1
    sight: Sight


@dataclass(frozen=True)
class Crop:
    """The part of a view around one mesh; windows that reached onto others would find these again, not it."""

    rows: slice
    columns: slice
    rays: Tensor  # (h, w, 3) in the world, z = 1 in the camera's frame
    depth: Tensor  # (h, w) [m]
    number: int  # of the mesh
    own: Tensor  # (h, w) bool: pixels that show it
    gray: Tensor  # (h, w)


def crop_about(view: StereoView, number: int, rays: Tensor, margin: int = 12) -> Crop:
    """The part of a view around mesh ``number``, which it sees; ``rays`` (H, W, 3) are its camera's."""
    own = view.sight.number == number
    y, x = own.nonzero(as_tuple=True)
    rows = slice(max(0, int(y.min()) - margin), int(y.max()) + margin)
    columns = slice(max(0, int(x.min()) - margin), int(x.max()) + margin)
    part = rows, columns
    rotation = torch.from_numpy(view.camera.world_from_camera[:3, :3]).float()
    return Crop(rows, columns, rays[part] @ rotation.T, view.sight.depth[part], number, own[part], view.gray[part])


def neighbours(
    views: list[StereoView],
    index: int,
    centre: NDArray[np.float64],  # (3,) [m] of the objects
) -> list[int]:
    """The views whose angle to this one suits a comparison, the best ones first."""
    towards = np.stack([view.camera.position - centre for view in views])
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip(towards @ towards[index], -1, 1)))
    order = np.argsort(np.abs(angles - BEST_ANGLE), kind="stable")
    return [int(i) for i in order if ANGLES[0] < angles[i] < ANGLES[1]]


def look(crop: Crop, view: StereoView, other: StereoView) -> tuple[Tensor, Tensor, Tensor]:
    """Of each pixel's surface point in another view: flat pixel index, how far it lies behind, and whether inside."""
    place, behind, inside = look_up(
        _points(crop, view), other.camera, other.sight.depth, other.sight.number, crop.number
    )
    return place, behind, crop.own & inside


def likeness(
    crop: Crop, view: StereoView, other: StereoView, offsets: Tensor, hidden: float
) -> tuple[Tensor, Tensor, Tensor]:  # (T, h, w) -1..1, (T, h, w) 0..1, (h, w) bool
    """How alike another photo is around each pixel that shows the mesh, for each shift (T,) [m] of its depth.

    The first is the normalised cross correlation of windows, their variances raised by the photos' grain, the second
    1 where windows are equally bright and 0 where their means differ by ``LEVEL`` or more.  The third tells which
    pixels' surface points the other photo sees, none farther behind its own surface than ``hidden`` [m].
    """
    rules = WindowRules(max(1, round(max(view.gray.shape) / WINDOW)), NOISE, LEVEL)
    pattern, level = compare_windows(crop.gray, crop.own, _points(crop, view), offsets, other.camera, other.gray, rules)
    _, behind, visible = look(crop, view, other)
    return pattern, level, visible & (behind.abs() < hidden)


def _points(crop: Crop, view: StereoView) -> RayPoints:
    return RayPoints(view.camera.position.tolist(), crop.rays, crop.depth)
