"""Speed of what stereo spends its time on, against vectorised torch: windows compared in another photo for many depths.

usage: python benchmarks/windows.py [--threads N] [--json]

A patterned wall in two photos; of the first a crop of 256 × 256 pixels, 17 depths and windows of 7 × 7 pixels, as the
stage ``objects`` has them.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from measuring import machine, median_seconds, print_figures, use
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.splats import RayPoints, WindowRules, compare_windows

SIDE, WALL, SHIFTS = 256, 2.0, 17
RULES = WindowRules(radius=3, noise=3e-5, difference=0.02)


def camera(x: float) -> Camera:
    """It looks at the wall z = WALL from a place beside the origin."""
    return Camera(
        Intrinsics(SIDE, SIDE, 300.0, 300.0, SIDE / 2, SIDE / 2), look_at([x, 0, 0], [0, 0, WALL], [0, -1, 0])
    )


def seen(one: Camera) -> tuple[Tensor, RayPoints]:
    """The wall's brightness (SIDE, SIDE) and its points."""
    k = one.intrinsics
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    rays = torch.stack([(x - k.cx) / k.fx, (y - k.cy) / k.fy, torch.ones_like(x)], -1)
    rays = rays @ torch.from_numpy(one.world_from_camera[:3, :3]).float().T
    depth = WALL / rays[..., 2]
    across, down, _ = (torch.from_numpy(one.position).float() + depth[..., None] * rays).unbind(-1)
    gray = 0.5 + 0.2 * torch.sin(29 * across + 3 * down) + 0.15 * torch.cos(37 * down - 4 * across)
    return gray, RayPoints(one.position.tolist(), rays, depth)


def in_torch(gray: Tensor, own: Tensor, points: RayPoints, shifts: Tensor, other: Camera, picture: Tensor) -> Tensor:
    """The normalised cross correlation (T, h, w) with torch's sampling and pooling, all depths at once."""
    k, size = other.intrinsics, 2 * RULES.radius + 1
    rotation = torch.from_numpy(other.world_from_camera[:3, :3]).float()
    start = (torch.tensor(points.origin).float() - torch.from_numpy(other.position).float()) @ rotation
    rays, depth = points.rays @ rotation, points.depth + shifts[:, None, None]
    x, y, z = (start[i] + depth * rays[..., i] for i in range(3))
    x, y = x / z * k.fx + k.cx, y / z * k.fy + k.cy
    grid = torch.stack([2 * x / k.width - 1, 2 * y / k.height - 1], -1).reshape(1, -1, gray.shape[1], 2)
    theirs = grid_sample(picture[None, None], grid, padding_mode="border", align_corners=False).reshape(x.shape) * own

    def total(values: Tensor) -> Tensor:
        rows = avg_pool2d(values[:, None], (1, size), 1, (0, RULES.radius))
        return avg_pool2d(rows, (size, 1), 1, (RULES.radius, 0))[:, 0]

    share, mine = total(own[None].float()).clamp_min(1e-6), gray * own
    my_mean, their_mean = total(mine[None]) / share, total(theirs) / share
    my_variance = (total((mine * mine)[None]) / share - my_mean**2).clamp_min(0) + RULES.noise
    their_variance = (total(theirs * theirs) / share - their_mean**2).clamp_min(0) + RULES.noise
    return (total(mine * theirs) / share - my_mean * their_mean) / (my_variance * their_variance).sqrt() * own


def main() -> None:
    """Compare, then time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    use(arguments.threads)
    one, other = camera(-0.3), camera(0.3)
    gray, points = seen(one)
    own = torch.from_numpy(np.hypot(*(np.indices((SIDE, SIDE)) - SIDE / 2)) < 0.45 * SIDE)  # an object in its crop
    shifts, picture = torch.linspace(-0.03, 0.03, SHIFTS), seen(other)[0]
    work = gray, own, points, shifts, other, picture
    apart = float((compare_windows(*work, RULES)[0] - in_torch(*work)).abs().max())
    if apart > 0.01:
        raise SystemExit(f"the two do not compare alike: {apart} apart")
    ours, theirs = median_seconds(lambda: compare_windows(*work, RULES)), median_seconds(lambda: in_torch(*work))
    found = {"windows_vs_torch": theirs / ours, "windows_ms": 1e3 * ours, "windows_torch_ms": 1e3 * theirs}
    print_figures(found | {"windows_apart": apart} | machine(arguments.threads), arguments.json)


if __name__ == "__main__":
    main()
