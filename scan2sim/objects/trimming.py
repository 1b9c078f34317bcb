"""An object's splats kept to its surface: where other things hid them, no photo held them there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import Surface, enclosed
from scan2sim.splats import Gaussians
from scan2sim.splats.quaternions import rotation_matrices

__all__ = ["trimmed"]

SPREAD = 2.0  # standard deviations to which a Gaussian reaches

Array = NDArray[np.float64]


def trimmed(
    gaussians: Gaussians,  # the object's, scene frame
    mesh: trimesh.Trimesh,  # closed, scene frame
    reach: float,  # [m]
) -> Gaussians:
    """The Gaussians that begin within ``reach`` of the object's surface, none reaching out of it farther than that.

    In the crease between two things splats fan out into the other thing, where no camera sees them until one of both is
    taken away.  Each axis of a Gaussian is as long as its end, at two standard deviations, allows.
    """
    means = gaussians.means.double().numpy()
    start = _outside(mesh, means)
    near = start < reach
    gaussians, means, start = gaussians[torch.from_numpy(near)], means[near], start[near]
    scales = gaussians.scales.double().numpy()  # (N, 3)
    axes = rotation_matrices(gaussians.quats).double().numpy().transpose(0, 2, 1) * (SPREAD * scales)[..., None]
    long = SPREAD * scales > reach - start[:, None]  # the others end within reach wherever they point
    row, axis = np.nonzero(long)
    ends = np.concatenate([means[row] + axes[row, axis], means[row] - axes[row, axis]])
    end = _outside(mesh, ends).reshape(2, -1).max(0)
    share = np.where(end > reach, (reach - start[row]) / np.maximum(end - start[row], 1e-12), 1.0)
    scales[row, axis] *= share
    return replace(gaussians, log_scales=torch.from_numpy(np.log(scales)).to(gaussians.log_scales))


def _outside(mesh: trimesh.Trimesh, points: Array) -> Array:  # (N, 3) to (N,) [m]
    """How far points are outside of a closed surface; 0 inside."""
    return np.where(enclosed(mesh, points), 0.0, Surface(mesh).distances(points))
