from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.geometry import matrix_from_quaternion
from scan2sim.splats import evaluate_sh, rotate_sh, sh_basis

ROTATIONS = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1).map(matrix_from_quaternion)


def directions(count: int = 50) -> torch.Tensor:
    return torch.nn.functional.normalize(
        torch.randn(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), dim=1
    )


def test_basis_is_orthonormal_on_the_sphere() -> None:
    heights, weights = np.polynomial.legendre.leggauss(8)
    angles = np.arange(16) * np.pi / 8
    z, angle = (a.ravel() for a in np.meshgrid(heights, angles, indexing="ij"))
    ring = np.sqrt(1 - z * z)
    points = torch.from_numpy(np.stack([ring * np.cos(angle), ring * np.sin(angle), z], 1))
    basis = sh_basis(3, points).numpy()
    area = np.repeat(weights, 16) * np.pi / 8
    np.testing.assert_allclose(basis.T @ (area[:, None] * basis), np.eye(16), atol=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(rotation=ROTATIONS, degree=st.integers(0, 3))
def test_rotated_coefficients_are_the_rotated_function(rotation: np.ndarray, degree: int) -> None:
    sh = torch.randn(50, (degree + 1) ** 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    there = directions() @ torch.from_numpy(rotation).T
    torch.testing.assert_close(
        evaluate_sh(rotate_sh(sh, rotation), there, degree), evaluate_sh(sh, directions(), degree), atol=1e-9, rtol=0
    )


@settings(max_examples=10, deadline=None, derandomize=True)
@given(first=ROTATIONS, second=ROTATIONS)
def test_rotations_compose(first: np.ndarray, second: np.ndarray) -> None:
    sh = torch.randn(4, 16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        rotate_sh(rotate_sh(sh, first), second), rotate_sh(sh, second @ first), atol=1e-9, rtol=0
    )


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_lower_bands_ignore_higher_coefficients(degree: int) -> None:
    sh = torch.randn(50, 16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    full, low = evaluate_sh(sh, directions(), degree), evaluate_sh(sh[:, : (degree + 1) ** 2], directions(), degree)
    assert torch.equal(full, low)
    assert not torch.equal(full, evaluate_sh(sh, directions(), degree + 1))
