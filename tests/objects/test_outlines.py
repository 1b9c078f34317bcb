"""Exact pictures of meshes, and the pull of an object's outlines on a mesh that is not quite it."""

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.outlines import outline_shifts, rim_of
from scan2sim.objects.views import View

RADIUS = 0.03


def camera(azimuth: float, elevation: float = 0.5) -> Camera:
    direction = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    return Camera(Intrinsics(160, 120, 300.0, 300.0, 80.0, 60.0), look_at(0.4 * direction, np.zeros(3)))


def ball(radius: float = RADIUS) -> trimesh.Trimesh:
    return trimesh.creation.icosphere(4, radius)


def seen_as(mesh: trimesh.Trimesh, cameras: list[Camera]) -> list[View]:
    return [
        View(c, s.depth, torch.zeros(*s.depth.shape, 3))
        for c, s in zip(cameras, see_meshes([mesh], cameras), strict=True)
    ]


def test_a_box_covers_the_pixels_whose_rays_hit_it_at_their_depth():
    box = trimesh.creation.box((0.05, 0.03, 0.04))
    view = camera(0.3)
    sight = see_meshes([box], [view])[0]
    k = view.intrinsics
    y, x = np.mgrid[: k.height, : k.width] + 0.5
    rays = np.stack([(x - k.cx) / k.fx, (y - k.cy) / k.fy, np.ones_like(x)], -1) @ view.world_from_camera[:3, :3].T
    half = np.array([0.05, 0.03, 0.04]) / 2
    with np.errstate(divide="ignore"):
        a, b = (-half - view.position) / rays, (half - view.position) / rays
    near, far = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
    assert np.array_equal(sight.number.numpy() == 1, near < far)
    assert sight.depth.numpy()[near < far] == pytest.approx(near[near < far], rel=1e-5)


def test_the_nearer_of_two_meshes_is_seen():
    back, front = ball(), ball(0.01).apply_translation([0.1, 0, 0.05])
    sight = see_meshes([back, front], [camera(0.0)])[0]
    assert set(sight.number.unique().tolist()) == {0, 1, 2}
    alone = see_meshes([front], [camera(0.0)])[0]
    assert torch.equal(sight.number == 2, alone.number == 1)


def test_nothing_is_seen_behind_the_camera():
    behind = ball().apply_translation([0.8, 0, 0.4])
    assert not see_meshes([behind], [camera(0.0)])[0].number.any()


@pytest.mark.parametrize("grown", [0.94, 1.0, 1.05])
def test_vertices_on_an_outline_are_told_how_far_the_object_s_outline_is(grown):
    cameras = [camera(a, e) for e in (0.2, 0.6) for a in np.linspace(0, 2 * np.pi, 12, endpoint=False)]
    views = seen_as(ball(), cameras)
    guess = ball(grown * RADIUS)
    rims = [rim_of(view.depth > 0) for view in views]
    shift, told = outline_shifts(guess, see_meshes([guess], cameras), 1, rims, views, 0.005)
    assert (told > 1).mean() > 0.2
    assert np.median(shift[told > 1]) == pytest.approx((1 - grown) * RADIUS, abs=2e-4)
    assert np.abs(shift[told > 1] - (1 - grown) * RADIUS).mean() < 5e-4  # a pixel is 1.3 mm wide


def test_an_outline_that_another_thing_draws_tells_nothing():
    cameras = [camera(a) for a in np.linspace(-0.05, 0.05, 5)]
    wall = trimesh.creation.box((0.002, 0.1, 0.1)).apply_translation([0.06, 0.05, 0.03])  # hides the side of y > 0
    sights = see_meshes([ball(), wall], cameras)
    views = [View(c, s.depth, torch.zeros(*s.depth.shape, 3)) for c, s in zip(cameras, sights, strict=True)]
    rims = [rim_of(sight.number == 1) for sight in sights]
    guess = ball(0.9 * RADIUS)
    _, told = outline_shifts(guess, see_meshes([guess, wall], cameras), 1, rims, views, 0.005)
    side = guess.vertices[:, 1]
    assert told[side < -0.02].max() > 1
    assert told[side > 0.01].max() == 0
