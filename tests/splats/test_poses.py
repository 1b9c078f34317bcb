"""Objects placed per camera, and Gaussians carried into other frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import UsageError
from scan2sim.geometry import transform
from scan2sim.splats import (
    Gaussians,
    accumulate,
    available_isas,
    concatenate,
    dominant,
    in_sight,
    rasterize,
    rotate_gaussians,
    set_isa,
)
from tests.splats.scenes import blob, camera, random_like, relative_error, trainable

WORLD_FROM_OBJECT = [
    [np.eye(4), transform((0.3, -0.2, 0.1), (0.4, 0.8, -0.3, 0.2)), transform((-0.4, 0.3, 0.2), (0.1, -0.5, 0.5, 0.9))],
    [np.eye(4), transform((-0.3, 0.0, 0.3), (0.9, 0.1, 0.3, -0.2)), transform((0.2, 0.4, -0.2), (1.0, 0.2, 0.1, 0.0))],
]
CAMERAS = [camera(), camera(eye=(-1, 1.2, 1))]


def objects() -> tuple[Gaussians, torch.Tensor]:
    """Three objects in their own frames, shuffled, and their poses for each camera."""
    scene = blob(60, spread=0.2)
    return scene.with_ids(torch.arange(60, dtype=torch.int32) % 3), torch.from_numpy(np.array(WORLD_FROM_OBJECT))


@pytest.mark.parametrize("backend", ["native", "torch"])
def test_poses_place_objects(backend: str) -> None:
    scene, poses = objects()
    assert scene.object_ids is not None
    features = torch.rand(60, 2, generator=torch.Generator().manual_seed(3))
    posed = rasterize(scene, CAMERAS, poses=poses, features=features, backend=backend)  # pyright: ignore[reportArgumentType]
    order = torch.argsort(scene.object_ids, stable=True)
    for k, view in enumerate(CAMERAS):
        moved = [rotate_gaussians(scene[scene.object_ids == o], WORLD_FROM_OBJECT[k][o]) for o in range(3)]
        expected = rasterize(concatenate(moved), [view], features=features[order])
        assert posed.features is not None
        assert expected.features is not None
        torch.testing.assert_close(posed.colors[k], expected.colors[0], atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(posed.depths[k], expected.depths[0], atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(posed.features[k], expected.features[0], atol=2e-5, rtol=1e-4)


def test_gradients_and_lifting_with_poses() -> None:
    scene, poses = objects()
    gradients = []
    for backend, dtype in (("native", torch.float32), ("torch", torch.float64)):
        leaves = trainable(scene, dtype)
        colors = rasterize(leaves, CAMERAS, poses=poses, backend=backend).colors  # pyright: ignore[reportArgumentType]
        (colors * random_like(colors, 1)).sum().backward()
        gradients.append([leaves.means.grad, leaves.quats.grad, leaves.log_scales.grad, leaves.sh.grad])
    for native, truth in zip(*gradients, strict=True):
        assert relative_error(native, truth) < 1e-3
    maps = torch.rand(2, 28, 40, 3, generator=torch.Generator().manual_seed(1))
    lifted = accumulate(scene, CAMERAS, maps, poses=poses)
    assert relative_error(lifted, accumulate(scene, CAMERAS, maps, poses=poses, backend="torch")) < 1e-5
    assert torch.equal(dominant(scene, CAMERAS, poses=poses), dominant(scene, CAMERAS, poses=poses, backend="torch"))


def test_poses_that_do_not_fit() -> None:
    scene, poses = objects()
    for bad, message in (
        (poses[:1], "expected"),
        (poses[:, :2], "object_ids lie in 0..2"),
        (poses * float("nan"), "not finite"),
        (poses * 0, "cannot be inverted"),
    ):
        with pytest.raises(UsageError, match=message):
            rasterize(scene, CAMERAS, poses=bad)
    with pytest.raises(UsageError, match="without object_ids"):
        rasterize(scene.with_ids(None), CAMERAS, poses=poses)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    position=st.tuples(*[st.floats(-3, 3)] * 3),
    wxyz=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1),
    scale=st.floats(0.2, 5),
)
def test_a_moved_scene_looks_the_same_to_a_moved_camera(
    position: tuple[float, ...], wxyz: tuple[float, ...], scale: float
) -> None:
    scene, view = blob(30), camera()
    a_from_b = transform(position, wxyz) @ np.diag([scale, scale, scale, 1])
    moved = rotate_gaussians(scene, a_from_b)
    world_from_camera = a_from_b @ view.world_from_camera
    world_from_camera[:3, :3] /= scale
    there = rasterize(moved, [replace(view, world_from_camera=world_from_camera)], near=0.01 * scale)
    here = rasterize(scene, [view])
    torch.testing.assert_close(there.depths / scale, here.depths, atol=2e-4, rtol=1e-3)
    difference = (there.colors - here.colors).abs()
    assert difference.mean() < 1e-5
    assert difference.max() < 0.01  # a pixel may cross the threshold of 1/255


def test_transforms_that_are_no_similarity() -> None:
    for bad in (np.diag([1.0, 1, -1, 1]), np.diag([1.0, 2, 1, 1]), np.eye(3), np.full((4, 4), np.nan)):
        with pytest.raises(UsageError):
            rotate_gaussians(blob(2), bad)


def test_what_stands_still_is_projected_once_and_drawn_the_same() -> None:
    """Environments with one camera in common, and one that has its own, against each rendered alone."""
    scene, poses = objects()
    same = CAMERAS[0]
    cameras = [same, CAMERAS[1], same, same]
    generator = torch.Generator().manual_seed(5)
    states = poses[:1].repeat(4, 1, 1, 1)
    states[:, 1:, :3, 3] += 0.2 * torch.randn(4, 2, 3, generator=generator, dtype=torch.float64)
    together = rasterize(scene, cameras, poses=states, ids=True, projected=False)
    assert together.ids is not None
    for k, view in enumerate(cameras):
        alone = rasterize(scene, [view], poses=states[k : k + 1], ids=True)
        assert alone.ids is not None
        for image in ("colors", "depths", "median_depths", "ids"):
            assert torch.equal(getattr(together, image)[k], getattr(alone, image)[0])
    assert not torch.equal(together.colors[0], together.colors[2])


@pytest.fixture(params=available_isas())
def isa(request: pytest.FixtureRequest):
    set_isa(request.param)
    yield request.param
    set_isa(available_isas()[-1])


def wall() -> Gaussians:
    """Three layers behind one another that fill the picture; the first lets nothing through."""
    side = torch.linspace(-1.5, 1.5, 13)
    flat = torch.cartesian_prod(torch.tensor([-1.0, -1.3, -2.0]), side, side)
    random = blob(len(flat), seed=2)
    return replace(
        random,
        means=flat,
        log_scales=torch.tensor([-4.0, -1.2, -1.2]).repeat(len(flat), 1),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(len(flat), 1),
        opacity_logits=torch.where(flat[:, 0] > -1.1, 12.0, 0.5),
    )


@pytest.mark.parametrize("channels", [0, 2])
@pytest.mark.usefixtures("isa")
def test_pixels_that_nothing_moving_touches_are_drawn_once_and_no_other(channels: int) -> None:
    """Small things before, in and behind a wall, in pictures whose sides are no multiples of a tile."""
    behind, thing = wall(), blob(30, size=0.02, spread=0.04)
    scene = concatenate([behind, thing]).with_ids((torch.arange(len(behind) + 30) >= len(behind)).int())
    view = camera(75, 53, eye=(2.0, 0.1, 0.2))
    places = [(0, 0, 0), (-1, 0.5, 0.3), (-1.1, -0.9, -0.6), (0.5, 0.3, -0.2), (-3, 0, 0), (9, 0, 0)]
    poses = torch.from_numpy(np.array([[np.eye(4), transform(place, (1, 0, 0, 0))] for place in places]))
    features = torch.rand(len(scene), channels, generator=torch.Generator().manual_seed(3)) if channels else None
    settings_of = {"features": features, "ids": True, "projected": False}
    together = rasterize(scene, [view] * len(places), poses=poses, **settings_of)
    alone = [rasterize(scene, [view], poses=poses[k : k + 1], **settings_of) for k in range(len(places))]
    images = ["colors", "alphas", "depths", "median_depths", "ids", *(["features"] if channels else [])]
    for image in images:
        assert torch.equal(getattr(together, image), torch.cat([getattr(one, image) for one in alone])), image
    assert together.ids is not None
    seen = (together.ids > 0).sum((1, 2)).tolist()
    assert min(seen[0], seen[3]) > 20, "before the wall"
    assert seen[4:] == [0, 0], "behind it and elsewhere"
    changed = (together.colors[0] != together.colors[5]).any(-1)
    assert 0 < changed.sum() < 0.1 * changed.numel(), "most of the picture is the wall"


def test_what_stands_behind_full_pixels_is_not_in_sight_and_not_missed() -> None:
    view = camera(75, 53, eye=(2.0, 0.1, 0.2))
    behind = wall()
    seen = in_sight(behind, view)
    assert 20 < len(seen) < 0.5 * len(behind)
    assert (seen.means[:, 0] < -1.9).sum() < 0.2 * (behind.means[:, 0] < -1.9).sum()
    for before in (blob(1)[:0], blob(30)):
        pictures = [rasterize(concatenate([part, before]), [view]).colors for part in (behind, seen)]
        assert (pictures[0] - pictures[1]).abs().max() < 1e-3
