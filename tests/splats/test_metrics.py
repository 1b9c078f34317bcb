from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.splats import available_isas, match_exposure, photometric_loss, psnr, set_isa, set_threads, ssim
from scan2sim.splats import threads as threads_in_use

SIZES = [(11, 11), (12, 16), (37, 41), (90, 120)]


def images(height: int, width: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(height)
    a = torch.rand(height, width, 3, generator=random)
    return a, (a + 0.2 * torch.randn(height, width, 3, generator=random)).clamp(0, 1)


@pytest.fixture(params=available_isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    set_isa(request.param)
    yield request.param
    set_isa(available_isas()[-1])


def test_psnr() -> None:
    a = torch.rand(20, 30, 3, generator=torch.Generator().manual_seed(0))
    assert psnr(a, a + 0.1).item() == pytest.approx(20, abs=1e-4)
    assert math.isinf(psnr(a, a).item())


@pytest.mark.parametrize("size", SIZES)
def test_ssim_is_that_of_scikit_image(size: tuple[int, int]) -> None:
    a, b = images(*size)
    expected: Any = structural_similarity(
        a.numpy(),
        b.numpy(),
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
    )
    assert ssim(a, b).item() == pytest.approx(float(expected), abs=1e-6)
    assert ssim(a, a).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("size", SIZES)
def test_native_loss_is_the_torch_loss(size: tuple[int, int], weight: float, isa: str) -> None:
    a, b = images(*size)
    native = a.clone().requires_grad_()
    truth = a.double().requires_grad_()
    loss = photometric_loss(native, b, weight)
    expected = (1 - weight) * (truth - b).abs().mean() + weight * (1 - ssim(truth, b.double()))
    (3 * loss).backward()
    (3 * expected).backward()
    assert native.grad is not None
    assert truth.grad is not None
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    torch.testing.assert_close(native.grad.double(), truth.grad, atol=1e-5 * float(truth.grad.abs().max()), rtol=1e-4)
    assert photometric_loss(a, b, weight).item() == pytest.approx(loss.item(), abs=1e-7)  # without a gradient


@pytest.mark.parametrize("threads", [1, 3])
def test_loss_is_the_same_on_any_threads_and_for_a_photo_in_bytes(isa: str, threads: int) -> None:
    before, (a, b) = threads_in_use(), images(301, 45)
    b = (b * 255).round()
    found = []
    try:
        for count, target in ((1, b / 255), (threads, b / 255), (threads, b.to(torch.uint8))):
            set_threads(count)
            image = a.clone().requires_grad_()
            loss = photometric_loss(image, target)
            loss.backward()
            found.append((loss.detach(), image.grad))
    finally:
        set_threads(before)
    assert found[0][0] == found[1][0]
    assert torch.equal(found[0][1], found[1][1])
    for one, other in zip(found[1], found[2], strict=True):
        torch.testing.assert_close(one, other, atol=1e-8, rtol=1e-5)


def test_loss_of_equal_images(isa: str) -> None:
    a, _ = images(20, 20)
    image = a.requires_grad_()
    loss = photometric_loss(image, a.detach())
    loss.backward()
    assert image.grad is not None
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert image.grad.abs().max() < 1e-5


def test_reference_gradient_by_finite_differences() -> None:
    a, b = (image.double() for image in images(12, 13))
    assert torch.autograd.gradcheck(lambda x: ssim(x, b), a.requires_grad_())


def test_match_exposure_undoes_gain_and_offset() -> None:
    a, _ = images(20, 30)
    gain, offset = torch.tensor([0.7, 1.2, 1.0]), torch.tensor([0.1, -0.05, 0.0])
    torch.testing.assert_close(match_exposure(a * gain + offset, a), a, atol=1e-5, rtol=0)
    flat = match_exposure(torch.full_like(a, 0.3), a)
    torch.testing.assert_close(flat[0, 0], a.mean((0, 1)), atol=1e-5, rtol=0)


def test_images_that_do_not_fit() -> None:
    a = torch.zeros(20, 20, 3)
    for function in (psnr, ssim, match_exposure, photometric_loss):
        with pytest.raises(UsageError, match="expected the same"):
            function(a, torch.zeros(20, 21, 3))
    for small in (torch.zeros(10, 20, 3), torch.zeros(20, 20, 4)):
        for function in (ssim, photometric_loss):
            with pytest.raises(UsageError, match="sides of at least 11"):
                function(small, small)
    with pytest.raises(UsageError, match="ssim_weight"):
        photometric_loss(a, a, 1.5)


def test_loss_of_an_exposed_image_with_its_gradients() -> None:
    random = torch.Generator().manual_seed(4)
    a, b = (torch.rand(23, 37, 3, generator=random) for _ in range(2))
    exposure = torch.tensor([[0.9, 1.1, 1.3], [0.05, -0.02, 0.0]])
    found = []
    for fused in (True, False):
        image, exposed = a.clone().requires_grad_(), exposure.clone().requires_grad_()
        loss = (
            photometric_loss(image, b, 0.3, exposed)
            if fused
            else photometric_loss(image * exposed[0] + exposed[1], b, 0.3)
        )
        (2 * loss).backward()
        found.append((loss.detach(), image.grad, exposed.grad))
    for native, truth in zip(*found, strict=True):
        torch.testing.assert_close(native, truth, atol=1e-6, rtol=1e-4)
    with pytest.raises(UsageError, match="exposure"):
        photometric_loss(a, b, 0.3, exposure[0])
