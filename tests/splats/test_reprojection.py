"""Points found again in another picture: held to the same in torch, and to a textured plane whose depth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import UsageError
from scan2sim.splats import RayPoints, WindowRules, compare_windows, look_up, set_threads, threads

RULES = WindowRules(radius=3, noise=3e-5, difference=0.02)


def camera(x: float, width: int = 90, height: int = 70) -> Camera:
    """It looks along z from a place beside the origin, turned a little towards the middle."""
    angle = -0.4 * x
    pose = np.eye(4)
    pose[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    pose[0, 3] = x
    return Camera(Intrinsics(width, height, 80.0, 82.0, width / 2 + 1, height / 2 - 2), pose)


def rays(one: Camera) -> Tensor:
    k = one.intrinsics
    y, x = torch.meshgrid(torch.arange(k.height) + 0.5, torch.arange(k.width) + 0.5, indexing="ij")
    ahead = torch.stack([(x - k.cx) / k.fx, (y - k.cy) / k.fy, torch.ones_like(x)], -1)
    return ahead @ torch.from_numpy(one.world_from_camera[:3, :3]).float().T


def wall(one: Camera, depth: float = 2.0) -> tuple[Tensor, Tensor]:
    """A patterned wall z = depth as a camera sees it, and how deep its pixels are along their rays."""
    directions = rays(one)
    along = depth / directions[..., 2]
    x, y, _ = (torch.from_numpy(one.position).float() + along[..., None] * directions).unbind(-1)
    return 0.5 + 0.2 * torch.sin(9 * x + 3 * y) + 0.15 * torch.cos(7 * y - 4 * x) + 0.1 * torch.sin(23 * x), along


def points(one: Camera, depth: Tensor) -> RayPoints:
    return RayPoints(one.position.tolist(), rays(one), depth)


def projected(of: RayPoints, depth: Tensor, other: Camera) -> tuple[Tensor, Tensor, Tensor]:
    k, rotation = other.intrinsics, torch.from_numpy(other.world_from_camera[:3, :3])
    places = torch.tensor(of.origin) + depth[..., None].double() * of.rays.double()
    x, y, z = ((places - torch.from_numpy(other.position)) @ rotation).unbind(-1)
    return (x / z * k.fx + k.cx).float(), (y / z * k.fy + k.cy).float(), z.float()


def reference(gray: Tensor, own: Tensor, of: RayPoints, shifts: Tensor, other: Camera, picture: Tensor):
    """The same, with torch's sampling and pooling."""
    x, y, _ = projected(of, of.depth + shifts[:, None, None], other)
    height, width = picture.shape
    grid = torch.stack([2 * x / width - 1, 2 * y / height - 1], -1).reshape(1, -1, gray.shape[1], 2)
    theirs = grid_sample(picture[None, None], grid, padding_mode="border", align_corners=False).reshape(x.shape) * own

    def total(values: Tensor) -> Tensor:
        size = 2 * RULES.radius + 1
        return avg_pool2d(values[:, None].double(), size, 1, RULES.radius)[:, 0] * size * size

    count, mine = total(own[None].float()).clamp_min(1), gray * own
    my_mean, their_mean = total(mine[None]) / count, total(theirs) / count
    mine_2, theirs_2 = total((mine**2)[None]) / count - my_mean**2, total(theirs**2) / count - their_mean**2
    together = total(mine * theirs) / count - my_mean * their_mean
    pattern = together / ((mine_2.clamp_min(0) + RULES.noise) * (theirs_2.clamp_min(0) + RULES.noise)).sqrt()
    level = 1 - ((my_mean - their_mean).abs() / RULES.difference).clamp_max(1)
    return (pattern * own).float(), (level * own).float()


@pytest.mark.parametrize("count", [1, 4])
def test_windows_are_compared_as_torch_does_on_any_number_of_threads(count: int) -> None:
    one, other = camera(-0.2), camera(0.25, 75, 61)
    gray, depth = wall(one)
    picture = wall(other)[0]
    own = torch.rand(gray.shape, generator=torch.Generator().manual_seed(0)) < 0.8
    own[:, :20] = False
    depth = torch.where(own, depth + 0.05 * torch.sin(torch.arange(len(depth)) / 9)[:, None], 0.0)
    shifts, before = torch.linspace(-0.3, 0.3, 5), threads()
    try:
        set_threads(count)
        found = compare_windows(gray, own, points(one, depth), shifts, other, picture, RULES)
    finally:
        set_threads(before)
    for ours, theirs in zip(found, reference(gray, own, points(one, depth), shifts, other, picture), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=0)
        assert not ours[:, ~own].any()


def test_windows_are_most_alike_at_the_true_depth() -> None:
    one, other = camera(-0.2), camera(0.2)
    gray, depth = wall(one)
    shifts = torch.linspace(-0.2, 0.2, 9)
    pattern, level = compare_windows(
        gray, torch.ones_like(gray, dtype=torch.bool), points(one, depth), shifts, other, wall(other)[0], RULES
    )
    middle = slice(15, 55), slice(30, 60)
    assert (pattern[:, *middle].argmax(0) == 4).float().mean() > 0.98
    assert pattern[4][middle].mean() > 0.98
    assert level[4][middle].mean() > 0.8


def test_points_are_looked_up_where_they_project_to() -> None:
    one, other = camera(-0.3), camera(0.3)
    _, depth = wall(one)
    of, surface = points(one, depth), 2.0 + torch.rand(70, 90, generator=torch.Generator().manual_seed(1))
    numbers = torch.ones(70, 90, dtype=torch.int32)
    numbers[:, :30] = 2
    place, behind, inside = look_up(of, other, surface, numbers, 1)
    x, y, z = projected(of, depth, other)
    shown = (x >= 0) & (x < 90) & (y >= 0) & (y < 70) & (z > 0)
    clear = ((x % 1 - 0.5).abs() < 0.499) & ((y % 1 - 0.5).abs() < 0.499)  # of pixels' borders
    index = (y.floor() * 90 + x.floor()).long()
    both = shown & clear
    assert 0.3 < both.float().mean() < 0.99
    assert torch.equal(place[both].long(), index[both])
    torch.testing.assert_close(behind[both], (z - surface.flatten()[place.long()])[both], atol=1e-5, rtol=0)
    assert torch.equal(inside[both], numbers.flatten()[place.long()][both] == 1)
    assert not inside[~shown & clear].any()


def test_points_behind_a_camera_are_not_inside() -> None:
    one = camera(0.0)
    of = RayPoints([0.0, 0.0, 0.0], torch.tensor([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]), torch.ones(2))
    _, _, inside = look_up(of, one, torch.ones(70, 90), torch.ones(70, 90, dtype=torch.int32), 1)
    assert inside.tolist() == [False, True]


def test_a_point_nowhere_and_a_picture_of_one_pixel_do_no_harm() -> None:
    one, tiny = camera(0.0), camera(0.1, 1, 1)
    gray, depth = wall(one)
    depth[0, 0], depth[0, 1] = torch.inf, torch.nan
    own = torch.ones_like(gray, dtype=torch.bool)
    pattern, _ = compare_windows(gray, own, points(one, depth), torch.zeros(1), tiny, torch.ones(1, 1), RULES)
    assert pattern.isfinite()[0, 10:].all()
    _, _, inside = look_up(points(one, depth), one, torch.ones(70, 90), torch.ones(70, 90, dtype=torch.int32), 1)
    assert not inside[0, :2].any()


def test_arrays_that_do_not_fit_are_refused() -> None:
    one = camera(0.0)
    gray, depth = wall(one)
    own = torch.ones_like(gray, dtype=torch.bool)
    with pytest.raises(UsageError, match="own"):
        compare_windows(gray, own[1:], points(one, depth), torch.zeros(1), one, gray, RULES)
    with pytest.raises(UsageError, match="depth"):
        compare_windows(gray, own, points(one, depth[1:]), torch.zeros(1), one, gray, RULES)
    with pytest.raises(UsageError, match="numbers"):
        look_up(points(one, depth), one, gray, torch.ones(3, 3, dtype=torch.int32), 1)
