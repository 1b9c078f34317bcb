"""Quaternions in torch are those of ``scan2sim.geometry`` on numpy arrays."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.geometry import matrix_from_quaternion, quaternion_multiply
from scan2sim.splats.quaternions import quaternion_product, rotation_matrices

QUATERNIONS = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(size=(2, 5, 4)))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(QUATERNIONS)
def test_products_and_matrices(pairs: np.ndarray) -> None:
    a, b = torch.from_numpy(pairs)
    product = quaternion_product(a, b)
    np.testing.assert_allclose(product, quaternion_multiply(*pairs), atol=1e-12)
    np.testing.assert_allclose(quaternion_product(a[0], b), quaternion_multiply(pairs[0, 0], pairs[1]), atol=1e-12)
    np.testing.assert_allclose(rotation_matrices(a), matrix_from_quaternion(pairs[0]), atol=1e-12)
    torch.testing.assert_close(rotation_matrices(product), rotation_matrices(a) @ rotation_matrices(b))
