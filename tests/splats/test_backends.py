"""The native backend against the torch reference in double precision, and that against finite differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.splats import (
    Gaussians,
    Rendering,
    accumulate,
    available_isas,
    dominant,
    rasterize,
    set_isa,
    set_threads,
    threads,
)
from tests.splats.scenes import PARAMETERS, SCENES, blob, camera, random_like, relative_error, trainable

IMAGES = ("colors", "alphas", "depths", "features")


@pytest.fixture(params=available_isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    set_isa(request.param)
    yield request.param
    set_isa(available_isas()[-1])


def render_with_gradients(
    scene: Gaussians, cameras: list, backend: str, dtype: torch.dtype, **options: object
) -> tuple[Rendering, dict[str, Any]]:
    """Images, and the gradients of a random linear function of all of them."""
    leaves = trainable(scene, dtype)
    features = random_like(torch.zeros(len(scene), 5, dtype=dtype), 1).requires_grad_()
    rendering = rasterize(leaves, cameras, features=features, backend=backend, **options)  # pyright: ignore[reportArgumentType]
    loss = sum((random_like(getattr(rendering, n), k) * getattr(rendering, n)).sum() for k, n in enumerate(IMAGES))
    assert isinstance(loss, Tensor)
    loss.backward()
    gradients = {name: getattr(leaves, name).grad for name in PARAMETERS}
    assert rendering.means2d is not None
    return rendering, {**gradients, "features": features.grad, "means2d": rendering.means2d.grad}


@pytest.mark.parametrize("name", SCENES)
def test_native_is_torch(name: str, isa: str) -> None:
    scene, cameras = SCENES[name]
    native, native_gradients = render_with_gradients(scene, cameras, "native", torch.float32)
    truth, true_gradients = render_with_gradients(scene, cameras, "torch", torch.float64)
    for image in (*IMAGES, "median_depths", "means2d"):
        torch.testing.assert_close(
            getattr(native, image).double(),
            getattr(truth, image),
            atol=2e-4,
            rtol=2e-4,
            msg=lambda m, i=image: f"{i}: {m}",
        )
    assert native.radii is not None
    assert torch.equal(native.radii.double(), truth.radii)
    for parameter, gradient in native_gradients.items():
        true = torch.nan_to_num(true_gradients[parameter])
        assert torch.isfinite(gradient).all(), parameter
        assert relative_error(gradient, true) < 1e-3, parameter
    if name in ("all behind", "transparent", "none"):
        assert truth.alphas.max() == 0
        assert native.colors.abs().max() == 0
    else:
        assert truth.alphas.max() > 0.05


@pytest.mark.parametrize("options", [{"antialiased": True}, {"sh_degree": 1}, {"near": 1.6}, {"far": 1.9}])
def test_options(options: dict[str, object], isa: str) -> None:
    scene, cameras = blob(80, size=0.03, seed=7), [camera()]
    native, native_gradients = render_with_gradients(scene, cameras, "native", torch.float32, **options)
    truth, true_gradients = render_with_gradients(scene, cameras, "torch", torch.float64, **options)
    plain = rasterize(scene, cameras)
    torch.testing.assert_close(native.colors.double(), truth.colors, atol=1e-4, rtol=1e-4)
    assert (native.colors - plain.colors).abs().max() > 0.01
    for parameter, gradient in native_gradients.items():
        assert relative_error(gradient, true_gradients[parameter]) < 1e-3, parameter


def test_dominant_and_accumulate(isa: str) -> None:
    scene, cameras = SCENES["two cameras"]
    assert torch.equal(dominant(scene, cameras), dominant(scene, cameras, backend="torch"))
    assert (dominant(scene, cameras) >= 0).any()
    maps = torch.randn(2, 28, 40, 37, generator=torch.Generator().manual_seed(0))
    native = accumulate(scene, cameras, maps)
    assert relative_error(native, accumulate(scene, cameras, maps, backend="torch")) < 1e-5

    features = torch.zeros(len(scene), 37, requires_grad=True)
    blended = rasterize(scene, cameras, features=features).features
    assert blended is not None
    (blended * maps).sum().backward()
    torch.testing.assert_close(features.grad, native)


def test_weights_of_a_frozen_scene_sum_to_its_alphas() -> None:
    scene, cameras = SCENES["two cameras"]
    weights = accumulate(scene, cameras, torch.ones(2, 28, 40, 1))
    assert weights.sum().item() == pytest.approx(rasterize(scene, cameras).alphas.sum().item(), rel=1e-5)


def test_reference_gradients_by_finite_differences() -> None:
    scene, views = blob(6, degree=3, size=0.3, seed=8).to("cpu"), [camera(5, 4)]
    leaves = [getattr(scene, name).double().requires_grad_() for name in PARAMETERS]
    features = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    background = torch.tensor([0.2, 0.5, 0.7], dtype=torch.float64, requires_grad=True)

    def images(*values: Tensor) -> tuple[Any, ...]:
        gaussians = Gaussians(*values[:5])
        r = rasterize(gaussians, views, features=values[5], backgrounds=values[6], backend="torch", antialiased=True)
        return r.colors, r.alphas, r.depths, r.features

    assert torch.autograd.gradcheck(images, (*leaves, features, background), atol=1e-4, eps=1e-6)


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_native_gradients_by_finite_differences(parameter: str) -> None:
    scene, views = blob(30, size=0.2, seed=9), [camera(64, 48)]
    weight = torch.rand(1, 48, 64, 3, generator=torch.Generator().manual_seed(0))

    def loss(gaussians: Gaussians) -> Tensor:
        return (rasterize(gaussians, views, backend="native").colors.double() * weight).sum()

    leaves = trainable(scene)
    loss(leaves).backward()
    gradient = getattr(leaves, parameter).grad
    direction = gradient / gradient.norm()  # where the derivative stands out of the rounding
    step = 1e-2
    ahead, back = (
        loss(replace(scene, **{parameter: getattr(scene, parameter) + sign * step * direction})) for sign in (1, -1)
    )
    # rel: where alpha crosses 1/255 the image jumps, which no gradient knows of
    assert ((ahead - back) / (2 * step)).item() == pytest.approx((gradient * direction).sum().item(), rel=0.05)


def test_gradient_in_projected_means_is_that_of_the_principal_point() -> None:
    leaves, view = trainable(blob(30, size=0.2)), camera(64, 48)
    rendering = rasterize(leaves, [view])
    weight = random_like(rendering.colors, 3)
    (rendering.colors * weight).sum().backward()
    assert rendering.means2d is not None
    assert rendering.means2d.grad is not None
    found = rendering.means2d.grad[0].sum(0)
    for axis, name in enumerate(("cx", "cy")):
        shifted = [
            replace(view, intrinsics=replace(view.intrinsics, **{name: getattr(view.intrinsics, name) + s * 0.02}))
            for s in (1, -1)
        ]
        ahead, back = ((rasterize(leaves.detached(), [v]).colors.double() * weight).sum() for v in shifted)
        assert found[axis].item() == pytest.approx(((ahead - back) / 0.04).item(), rel=0.03, abs=0.5)


def test_same_bits_for_any_number_of_threads() -> None:
    scene, cameras = blob(3000, size=0.03), [camera(120, 90), camera(120, 90, eye=(-1, 1, 1))]
    before = threads()
    found = []
    try:
        for count in (1, 2, 5):
            set_threads(count)
            rendering, gradients = render_with_gradients(scene, cameras, "native", torch.float32)
            found.append([rendering.colors, rendering.depths, *gradients.values()])
    finally:
        set_threads(before)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_backgrounds() -> None:
    scene, cameras = SCENES["two cameras"]
    plain = rasterize(scene, cameras)
    for shape in ((3,), (2, 3), (2, 28, 40, 3)):
        background = torch.rand(shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
        colors = rasterize(scene, cameras, backgrounds=background).colors
        spread = background if background.ndim != 2 else background[:, None, None]
        torch.testing.assert_close(colors, plain.colors + (1 - plain.alphas) * spread)
        colors.sum().backward()
        assert background.grad is not None
        assert background.grad.sum().item() == pytest.approx(3 * (1 - plain.alphas).sum().item(), rel=1e-4)


def test_one_gaussian_by_hand() -> None:
    """A round, half opaque Gaussian straight ahead: alpha, depth and extent follow from the definition."""
    view = camera(65, 65)
    view = replace(view, world_from_camera=torch.eye(4).double().numpy())
    focal, depth, size = view.intrinsics.fx, 2.0, 0.1
    centre = ((32.5 - view.intrinsics.cx) * depth / focal, (32.5 - view.intrinsics.cy) * depth / view.intrinsics.fy)
    scene = Gaussians(
        means=torch.tensor([[*centre, depth]]),
        quats=torch.tensor([[1.0, 0, 0, 0]]),
        log_scales=torch.full((1, 3), size).log(),
        opacity_logits=torch.zeros(1),
        sh=torch.tensor([[[1.0, 0.0, -1.0]]]),
    )
    rendering = rasterize(scene, [view])
    variance = (focal * size / depth) ** 2 * (1 + (centre[0] / depth) ** 2) + 0.3
    alphas = rendering.alphas[0, 32, :, 0]
    assert alphas[32] == pytest.approx(0.5, abs=1e-5)
    assert alphas[32 + 4] == pytest.approx(0.5 * torch.exp(torch.tensor(-8 / variance)).item(), rel=1e-4)
    assert (alphas == 0).any()
    assert alphas[alphas > 0].min() >= 1 / 255
    assert rendering.depths[0, 32, 32, 0] == pytest.approx(depth, rel=1e-6)
    assert rendering.median_depths[0, 32, 32, 0] == 0  # half opaque: never falls below one half
    torch.testing.assert_close(
        rendering.colors[0, 32, 32], 0.5 * torch.tensor([0.5 + 0.28209479, 0.5, 0.5 - 0.28209479]), atol=1e-5, rtol=0
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), isa=st.sampled_from(available_isas()), antialiased=st.booleans())
def test_any_numbers_are_survived(seed: int, isa: str, antialiased: bool) -> None:
    """Parameters over sixty orders of magnitude, some not numbers: images and gradients stay finite."""
    random = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=random)

    count = int(uniform(0, 100, 1))
    scene = blob(count, seed=seed)
    scene = replace(
        scene,
        means=scene.means * 10 ** uniform(-4, 5, count, 1),
        quats=scene.quats * 10 ** uniform(-10, 10, count, 1),
        log_scales=uniform(-30, 30, count, 3),
        opacity_logits=uniform(-50, 50, count),
        sh=scene.sh * 10 ** uniform(-2, 2, count, 1, 1),
    )
    for name in PARAMETERS if count else ():
        values = getattr(scene, name).view(-1)
        values[int(uniform(0, len(values), 1))] = (torch.nan, torch.inf, -torch.inf, 1e38)[seed % 4]
    leaves = trainable(scene)
    set_isa(isa)
    rendering = rasterize(leaves, [camera(17, 5), camera(17, 5, eye=(-1, 1, 1))], antialiased=antialiased)
    set_isa(available_isas()[-1])
    images = [rendering.colors, rendering.alphas, rendering.depths]
    assert rendering.radii is not None
    assert all(torch.isfinite(image).all() for image in (*images, rendering.median_depths, rendering.radii))
    torch.stack([image.sum() for image in images]).sum().backward()
    assert all(torch.isfinite(getattr(leaves, name).grad).all() for name in PARAMETERS)


def test_arguments_that_do_not_fit() -> None:
    scene, view = blob(5), camera()
    for options, message in (
        ({"features": torch.zeros(4, 2)}, "features"),
        ({"features": torch.zeros(5, 0)}, "no channels"),
        ({"backgrounds": torch.zeros(4)}, "backgrounds"),
        ({"sh_degree": 4}, "sh_degree"),
        ({"near": 0.0}, "near"),
        ({"backend": "metal"}, "backend"),
        ({"backend": "gsplat"}, "gsplat"),
    ):
        with pytest.raises(UsageError, match=message):
            rasterize(scene, [view], **options)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="no cameras"):
        rasterize(scene, [])
    with pytest.raises(UsageError, match="different image sizes"):
        rasterize(scene, [view, camera(10, 10)])
    with pytest.raises(UsageError, match="maps"):
        accumulate(scene, [view], torch.zeros(1, 3, 3, 1))
    with pytest.raises(UsageError, match="this processor runs portable"):
        set_isa("mmx")
    with pytest.raises(UsageError, match="1 to 1024"):
        set_threads(0)


def test_a_parameter_changed_before_backward_is_noticed() -> None:
    leaves = trainable(blob(5))
    colors = rasterize(leaves, [camera()]).colors
    with torch.no_grad():
        leaves.means.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        colors.sum().backward()


def test_only_wanted_gradients_are_computed() -> None:
    scene = blob(20)
    leaves = replace(scene, sh=scene.sh.clone().requires_grad_())
    full = trainable(scene)
    for gaussians in (leaves, full):
        rendering = rasterize(gaussians, [camera()])
        rendering.colors.sum().backward()
    torch.testing.assert_close(leaves.sh.grad, full.sh.grad)
    assert not leaves.means.requires_grad
