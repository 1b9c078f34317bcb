"""Where photos know no pattern, a surface lies where it has one colour in all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import gaussian_filter1d
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from scan2sim.cameras import Camera
from scan2sim.objects.fairing import smoothed, solved, stiffness
from scan2sim.objects.mesh_views import Sight, see_meshes
from scan2sim.objects.quantile import quantile_of_seen

__all__ = ["moved_to_even_brightness"]

REACH, STEP = 15, 0.002  # shifts to each side along the normals, and how far apart they are [camera distances]
SAME = 8 / 255  # colours that differ so much are another
OWN = 0.35  # quantile of a vertex' colours over all photos that counts as its own
FACING = (0.2, 0.7)  # cosine between normal and ray from which, and up to which, a photo counts
SEEN = 4  # photos that must see a vertex
HIDDEN = 0.02  # what lies so far before a vertex hides it [camera distances]
TRUSTED = (0.5, 0.9)  # trust about a vertex up to which colours count wholly, and from which they do not
GAIN = (0.08, 0.18)  # what the best shift must gain in likeness to count, and to count wholly
PULL = 6.0  # of colours against the bending of the surface, by whose stiffness a step costs 1/2
AROUND, ABOUT, NEARLY = 200, 15, 3  # rounds of smoothing over the surface: of trust, of gains, of costs
WIDTHS = (8, 4, 2, 1)  # steps over which costs are smoothed, one after the other
ROUNDS = 5  # of each


def moved_to_even_brightness(
    meshes: Sequence[trimesh.Trimesh],  # faired, scene frame
    trusts: Sequence[NDArray[np.float64]],  # of each (V,) 0..1, as they were faired with
    cameras: Sequence[Camera],
    photos: Sequence[Tensor],  # of each (H, W, 3) 0..1
    unit: float,  # camera distance [m]
    tauts: Sequence[NDArray[np.bool_] | None] | None = None,  # of each (V,), as they were faired with
) -> list[trimesh.Trimesh]:
    """Move vertices that nothing holds along their normals to where all photos that see them show one colour.

    A vertex' cost of a shift is the share of the photos, by how they face it, in which its colour differs from its
    own, a low quantile over all (photo-consistency as in Furukawa & Ponce 2010, "Accurate, Dense, and Robust Multi-View
    Stereopsis", without windows).  What the fairing would have to pay for bending is added: about the meshes, which are
    its minimum, that is a quadratic form.  The sum is descended from coarse to fine.

    Mirrored lights are alike where the light's image is, not where the surface is, and may pull it there.  Leaving out
    what may be one made more wrong than right, where the mesh is still off: let others judge what comes out.
    """
    pictures = [avg_pool2d(photo.permute(2, 0, 1), 2)[None] for photo in photos]
    small = [camera.resized(p.shape[3], p.shape[2]) for camera, p in zip(cameras, pictures, strict=True)]
    sights = see_meshes(meshes, small)
    offsets = torch.arange(-REACH, REACH + 1) * STEP * unit
    moved = []
    for number, (mesh, trust) in enumerate(zip(meshes, trusts, strict=True), start=1):
        low, high = TRUSTED
        free = np.clip((high - smoothed(mesh, trust, AROUND)) / (high - low), 0, 1)
        normals = smoothed(mesh, mesh.vertex_normals, 2 * NEARLY)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        cost = _costs(mesh, normals, number, small, pictures, sights, offsets, HIDDEN * unit)
        cost = smoothed(mesh, cost, NEARLY)
        broad = smoothed(mesh, gaussian_filter1d(cost, 2, axis=1, mode="nearest"), ABOUT)
        free *= np.clip((broad[:, REACH] - broad.min(1) - GAIN[0]) / (GAIN[1] - GAIN[0]), 0, 1)
        system = stiffness(mesh, trust, tauts[number - 1] if tauts else None)
        along = sum(sparse.diags(normals[:, i]) @ system @ sparse.diags(normals[:, i]) for i in range(3))
        place = _descended(PULL * (1 - (1 - cost) ** 2) * free[:, None], sparse.csr_matrix(along))
        moved.append(trimesh.Trimesh(mesh.vertices + place[:, None] * STEP * unit * normals, mesh.faces, process=False))
    return moved


def _costs(
    mesh: trimesh.Trimesh,
    normals: NDArray[np.float64],  # (V, 3)
    number: int,
    cameras: list[Camera],
    pictures: list[Tensor],  # of each (1, 3, H, W)
    sights: list[Sight],
    offsets: Tensor,  # (J,) [m]
    hidden: float,
) -> NDArray[np.float64]:  # (V, J) 0..1, 0 where too few photos see a vertex
    vertices, along = (torch.tensor(np.asarray(a), dtype=torch.float32) for a in (mesh.vertices, normals))
    points = vertices[:, None] + offsets[:, None] * along[:, None]  # (V, J, 3)
    colors, weights, here = [], [], offsets.numel() // 2
    for camera, picture, sight in zip(cameras, pictures, sights, strict=True):
        k, position = camera.intrinsics, torch.from_numpy(camera.position).float()
        rotation = torch.from_numpy(camera.world_from_camera[:3, :3]).float()
        x, y, z = ((points - position) @ rotation).unbind(-1)
        u, v = x / z.clamp_min(1e-6) * k.fx + k.cx, y / z.clamp_min(1e-6) * k.fy + k.cy
        inside = (z[:, here] > 0) & (u[:, here] >= 2) & (u[:, here] < k.width - 2)
        inside &= (v[:, here] >= 2) & (v[:, here] < k.height - 2)
        index = torch.where(inside, v[:, here].floor() * k.width + u[:, here].floor(), 0.0).long()
        inside &= (sight.number.flatten()[index] == number) & (z[:, here] - sight.depth.flatten()[index] < hidden)
        towards = position - vertices
        facing = ((towards * along).sum(1) / towards.norm(dim=1) - FACING[0]) / (FACING[1] - FACING[0])
        weights.append(facing.clamp(0, 1) * inside)
        grid = torch.stack([2 * u / k.width - 1, 2 * v / k.height - 1], -1)[None]
        colors.append(grid_sample(picture, grid, padding_mode="border", align_corners=False)[0])
    weight = torch.stack(weights)  # (C, V)
    seen, total = weight > 0, weight.sum(0).clamp_min(1e-6)
    cost, shown = torch.zeros(points.shape[:2]), seen[:, None].expand(-1, 3, -1).numpy()
    for j in range(offsets.numel()):
        samples = torch.stack([each[:, :, j] for each in colors])  # (C, 3, V)
        own = torch.from_numpy(quantile_of_seen(samples.numpy(), shown, OWN))
        alike = (1 - (samples - own).abs().amax(1) / SAME).clamp_min(0)
        cost[:, j] = 1 - (weight * alike).sum(0) / total
    return (cost * (seen.sum(0) >= SEEN)[:, None]).double().numpy()


def _descended(cost: NDArray[np.float64], system: sparse.csr_matrix) -> NDArray[np.float64]:  # (V, J) to (V,) [steps]
    """Where Σ cost + ½ oᵀ K o is low, by Newton's steps on costs that become sharper, with a curvature that holds."""
    row, last = np.arange(len(cost)), cost.shape[1] - 1
    half = last // 2
    place = np.zeros(len(cost))
    for width in WIDTHS:
        smooth = gaussian_filter1d(cost, width, axis=1, mode="nearest")
        for _ in range(ROUNDS):
            here = np.clip(np.round(place).astype(int) + half, 1, last - 1)
            low, high = np.clip(here - width, 0, last), np.clip(here + width, 0, last)
            curve = (smooth[row, low] - 2 * smooth[row, here] + smooth[row, high]) / width**2
            slope = (smooth[row, here + 1] - smooth[row, here - 1]) / 2
            bend = np.maximum(curve, 0) + np.abs(slope) / (2 * width) + 1e-6
            step = solved(sparse.csr_matrix(sparse.diags(bend) + system), -(slope + system @ place))
            step = np.clip(step, -2 * width, 2 * width)
            place = np.clip(place + step, -half, half)
            if np.abs(step).mean() < 0.05 * width:
                break
    return place
