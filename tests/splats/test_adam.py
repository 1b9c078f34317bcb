"""Adam on rows against torch's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.splats import AdamMoments, adam_step, available_isas, set_isa


@pytest.fixture(params=available_isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    set_isa(request.param)
    yield request.param
    set_isa(available_isas()[-1])


def gradients(shape: tuple[int, ...], steps: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=random) * 10 ** torch.randn(shape, generator=random) for _ in range(steps)]


@pytest.mark.parametrize("shape", [(1, 1), (7,), (5000, 3), (301, 16, 3)])
def test_all_rows_are_torchs_adam(shape: tuple[int, ...], isa: str) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    truth = values.clone().double().requires_grad_()
    optimizer = torch.optim.Adam([truth], lr=0.02, eps=1e-15)
    moments = AdamMoments(torch.zeros(shape), torch.zeros(shape))
    width = values[0].numel()
    for step, gradient in enumerate(gradients(shape, 5), 1):
        truth.grad = gradient.double()
        optimizer.step()
        adam_step(values, gradient, moments, ((width, 0.02),), step)
    torch.testing.assert_close(values.double(), truth.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_only_seen_rows_change_and_columns_have_their_rates(dtype: torch.dtype, isa: str) -> None:
    shape = (9001, 4, 3)
    start = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    seen = torch.rand(9001, generator=torch.Generator().manual_seed(2)) < 0.6
    values, moments = start.clone(), AdamMoments(torch.zeros_like(start), torch.zeros_like(start))
    for step, gradient in enumerate(gradients(shape, 3), 1):
        adam_step(values, gradient.to(dtype), moments, ((3, 0.02), (9, 0.001)), step, seen)
    assert torch.equal(values[~seen], start[~seen])
    assert moments.first[~seen].abs().max() == 0
    for columns, rate in ((slice(0, 1), 0.02), (slice(1, 4), 0.001)):
        truth = start[seen, columns].clone().double().requires_grad_()
        optimizer = torch.optim.Adam([truth], lr=rate, eps=1e-15)
        for gradient in gradients(shape, 3):
            truth.grad = gradient[seen, columns].double()
            optimizer.step()
        torch.testing.assert_close(values[seen, columns].double(), truth.detach(), atol=1e-5, rtol=1e-5)


def test_what_does_not_fit() -> None:
    values = torch.zeros(4, 3)
    moments = AdamMoments(torch.zeros(4, 3), torch.zeros(4, 3))
    with pytest.raises(UsageError, match="do not fit"):
        adam_step(values, torch.zeros(4, 2), moments, ((3, 0.1),), 1)
    with pytest.raises(UsageError, match="do not fit"):
        adam_step(values, torch.zeros(4, 3), moments, ((2, 0.1),), 1)
    with pytest.raises(UsageError, match="seen"):
        adam_step(values, torch.zeros(4, 3), moments, ((3, 0.1),), 1, torch.ones(3, dtype=torch.bool))


def test_moments_without_gradients_never_become_subnormal(isa: str) -> None:
    """Arithmetic with such numbers is a hundred times slower, and decay leads into them and never out."""
    moments = AdamMoments(torch.full((40, 3), 1e-37), torch.full((40, 3), 1e-38))
    values = torch.ones(40, 3)
    for step in range(1, 60):
        adam_step(values, torch.zeros(40, 3), moments, ((3, 0.1),), step)
    smallest = torch.finfo(torch.float32).tiny
    for moment in (moments.first, moments.second):
        assert ((moment == 0) | (moment.abs() >= smallest)).all()
