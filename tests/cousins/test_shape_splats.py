"""Splats carried along by a deformation, against analytic covariances and the rotation of whole functions."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.cousins.shape.carry_splats import carried_gaussians, orthogonal_factors, turned_sh
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.splats import Gaussians, evaluate_sh, rotate_sh


def some_gaussians(count: int, seed: int = 0, degree: int = 2) -> Gaussians:
    rng = np.random.default_rng(seed)
    return Gaussians(
        means=torch.tensor(rng.normal(size=(count, 3)), dtype=torch.float32),
        quats=torch.tensor(rng.normal(size=(count, 4)), dtype=torch.float32),
        log_scales=torch.tensor(rng.uniform(-9, -4, (count, 3)), dtype=torch.float32),
        opacity_logits=torch.tensor(rng.normal(size=count), dtype=torch.float32),
        sh=torch.tensor(rng.normal(size=(count, (degree + 1) ** 2, 3)), dtype=torch.float32),
        object_ids=torch.arange(count, dtype=torch.int32),
    )


def covariances(gaussians: Gaussians) -> np.ndarray:  # (N, 3, 3)
    axes = matrix_from_quaternion(gaussians.quats.double().numpy())
    return (axes * np.exp(2 * gaussians.log_scales.double().numpy())[:, None]) @ axes.transpose(0, 2, 1)


def rotation(seed: int) -> np.ndarray:
    return matrix_from_quaternion(np.random.default_rng(seed).normal(size=4))


def test_a_stretched_sphere_of_splats_has_the_analytic_covariances() -> None:
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(200, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    half = np.stack([1 + normals[:, 2], -normals[:, 1], normals[:, 0], 0 * normals[:, 0]], axis=1)
    thin = some_gaussians(200)
    radius, flat = 0.004, 0.0008
    sphere = Gaussians(
        torch.tensor(0.03 * normals, dtype=torch.float32),
        torch.tensor(half, dtype=torch.float32),
        torch.log(torch.tensor([radius, radius, flat])).repeat(200, 1),
        thin.opacity_logits,
        thin.sh,
    )
    stretch = np.diag([1.4, 1.0, 0.7])
    jacobians = np.broadcast_to(stretch, (200, 3, 3))
    carried = carried_gaussians(sphere, 0.03 * normals @ stretch, jacobians)
    tangent = np.eye(3) - normals[:, :, None] * normals[:, None]
    before = radius**2 * tangent + flat**2 * normals[:, :, None] * normals[:, None]
    np.testing.assert_allclose(covariances(carried), stretch @ before @ stretch, atol=1e-10, rtol=1e-4)
    np.testing.assert_allclose(carried.means.numpy(), 0.03 * normals @ stretch, atol=1e-8)
    assert torch.equal(carried.opacity_logits, sphere.opacity_logits)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_covariances_of_any_deformation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gaussians = some_gaussians(50, seed)
    jacobians = np.eye(3) + rng.uniform(-0.25, 0.25, (50, 3, 3))
    carried = carried_gaussians(gaussians, gaussians.means.double().numpy(), jacobians)
    expected = jacobians @ covariances(gaussians) @ jacobians.transpose(0, 2, 1)
    size = np.abs(expected).max((1, 2), keepdims=True)
    assert (np.abs(covariances(carried) - expected) / size).max() < 1e-4
    assert torch.equal(carried.object_ids, gaussians.object_ids)  # type: ignore[arg-type]


def test_no_deformation_changes_nothing_not_even_the_order_of_axes() -> None:
    gaussians = some_gaussians(50)
    same = carried_gaussians(gaussians, gaussians.means.double().numpy(), np.broadcast_to(np.eye(3), (50, 3, 3)))
    np.testing.assert_allclose(same.log_scales.numpy(), gaussians.log_scales.numpy(), atol=1e-5)
    np.testing.assert_allclose(same.sh.numpy(), gaussians.sh.numpy(), atol=1e-5)
    dots = (torch.nn.functional.normalize(gaussians.quats, dim=1) * same.quats).sum(1).abs()
    np.testing.assert_allclose(dots.numpy(), 1, atol=1e-5)


def test_factors_of_thin_and_of_turned_matrices() -> None:
    rng = np.random.default_rng(5)
    matrices = np.concatenate(
        [rotation(1)[None], rng.normal(size=(300, 3, 3)), rng.normal(size=(300, 3, 3)) * [1, 1e-3, 1e-5]]
    )
    left, lengths, right = orthogonal_factors(matrices)
    np.testing.assert_allclose((left * lengths[:, None]) @ right.transpose(0, 2, 1), matrices, atol=1e-12)
    np.testing.assert_allclose(left.transpose(0, 2, 1) @ left, np.broadcast_to(np.eye(3), left.shape), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(right), 1)
    np.testing.assert_allclose(np.linalg.det(left), np.sign(np.linalg.det(matrices)), atol=1e-6)
    np.testing.assert_allclose(
        np.sort(lengths, axis=1), np.linalg.svd(matrices, compute_uv=False)[:, ::-1], rtol=1e-6, atol=1e-12
    )


def test_harmonics_turn_as_whole_functions_do() -> None:
    for degree in (0, 1, 2, 3):
        sh = some_gaussians(20, degree=degree).sh
        turns = np.stack([rotation(seed) for seed in range(20)])
        turned = turned_sh(sh, turns)
        for k in range(20):
            np.testing.assert_allclose(turned[k].numpy(), rotate_sh(sh[k : k + 1], turns[k])[0].numpy(), atol=2e-4)
    directions = torch.nn.functional.normalize(torch.randn(20, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    seen = evaluate_sh(turned, torch.einsum("nij,nj->ni", torch.from_numpy(turns).float(), directions), 3)
    np.testing.assert_allclose(seen.numpy(), evaluate_sh(sh, directions, 3).numpy(), atol=2e-4)


def test_a_stretch_turns_no_colours() -> None:
    gaussians = some_gaussians(30)
    stretch = rotation(2) @ np.diag([1.5, 1.0, 0.8]) @ rotation(2).T  # symmetric: no rotation in it
    carried = carried_gaussians(gaussians, np.zeros((30, 3)), np.broadcast_to(stretch, (30, 3, 3)))
    np.testing.assert_allclose(carried.sh.numpy(), gaussians.sh.numpy(), atol=1e-4)
