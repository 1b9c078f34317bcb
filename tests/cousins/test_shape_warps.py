"""The maps of space: derivatives, invertibility, and what each does to a shape whose measures are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.cousins.shape.axis_warp import CHANNELS, KNOTS, AxisWarp, knot_places
from scan2sim.cousins.shape.bump_warp import BumpWarp
from scan2sim.cousins.shape.wall_warp import WallWarp
from scan2sim.cousins.shape.warp import Chain, Linear, Warp

HEIGHT = 0.1  # [m]


def knots(rng: np.random.Generator, lying: bool = False) -> np.ndarray:
    """Smooth profiles of all channels."""
    t = knot_places()[:, None]
    waves = np.sin(t * rng.uniform(1, 6, len(CHANNELS)) + rng.uniform(0, 6, len(CHANNELS)))
    values = waves * [0.4, 0.4, 0.5, 0.8, 0.02, 0.02]
    if lying:
        values[:, [CHANNELS.index("turn"), CHANNELS.index("offset_2")]] = 0
    return values


def walls() -> WallWarp:
    levels = np.linspace(0.002, HEIGHT - 0.002, 24)
    outer, inward = 0.03 + 0.2 * levels, 0.002 * np.ones(24)
    return WallWarp(np.array([1.2, 1 / 1.2]), levels, outer - 0.005, outer, inward)


def bumps(rng: np.random.Generator) -> BumpWarp:
    still = BumpWarp(rng.uniform(-0.05, 0.1, (4, 3)), rng.normal(size=(4, 3)), 0.03, 0.05)
    return BumpWarp(still.centres, still.pushes * 0.6 / still.lipschitz, 0.03, 0.05)


def every_warp(seed: int) -> dict[str, Warp]:
    rng = np.random.default_rng(seed)
    upright = AxisWarp(2, 0.0, HEIGHT, knots(rng))
    lying = AxisWarp(0, -0.05, 0.1, knots(rng, lying=True))
    lean = Linear(np.array([[1, 0, 0.2], [0, 1, -0.1], [0, 0, 1.0]]))
    return {
        "upright": upright,
        "lying": lying,
        "wall": walls(),
        "bumps": bumps(rng),
        "chain": Chain([walls(), upright, lying, bumps(rng), lean]),
    }


@pytest.mark.parametrize("name", ["upright", "lying", "wall", "bumps", "chain"])
def test_jacobians_are_those_of_finite_differences(name: str) -> None:
    warp = every_warp(0)[name]
    points = np.random.default_rng(1).uniform([-0.04, -0.04, 0.001], [0.04, 0.04, 0.099], (500, 3))
    step = 1e-7
    told = warp(points)[1]
    for axis in range(3):
        ahead, behind = points.copy(), points.copy()
        ahead[:, axis] += step
        behind[:, axis] -= step
        found = (warp(ahead)[0] - warp(behind)[0]) / (2 * step)
        off = np.abs(found - told[:, :, axis]).max(1)
        assert np.quantile(off, 0.98) < 1e-5  # a difference across a knot sees both sides of a kink
        assert off.max() < 0.05


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_warps_keep_the_ground_and_never_turn_space_over(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.2, 0.3, (400, 3))
    points[:200, 2] = 0
    for name, warp in every_warp(seed).items():
        moved, jacobians = warp(points)
        assert np.abs(moved[:200, 2]).max() < 1e-12, name
        assert (moved[200:, 2] * points[200:, 2] > 0).all(), name
        assert np.linalg.det(jacobians).min() > 0, name


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_bumps_push_less_than_their_lipschitz_constant_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    warp = bumps(rng)
    a = rng.uniform(-0.1, 0.15, (2000, 3))
    b = a + rng.normal(size=a.shape) * rng.choice([1e-4, 0.01, 0.05], (2000, 1))
    change = np.linalg.norm((warp(a)[0] - a) - (warp(b)[0] - b), axis=1)
    assert (change <= warp.lipschitz * np.linalg.norm(a - b, axis=1) + 1e-12).all()
    assert warp.lipschitz == pytest.approx(0.6)


def test_a_stretch_and_a_twist_do_what_they_say() -> None:
    values = np.zeros((KNOTS, 6))
    values[:, CHANNELS.index("log_slope")] = np.log(1.5)
    values[:, CHANNELS.index("log_scale_1")] = np.log(0.8)
    values[:, CHANNELS.index("turn")] = np.pi / 2
    moved, jacobians = AxisWarp(2, 0.0, HEIGHT, values)(np.array([[0.02, 0.01, 0.04], [0.02, 0.01, 0.4]]))
    np.testing.assert_allclose(moved, [[-0.01, 0.016, 0.06], [-0.01, 0.016, 0.6]], atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(jacobians), 1.2)


def test_the_inner_wall_moves_and_the_outer_one_stays() -> None:
    warp, level = walls(), 0.05
    outer = 0.03 + 0.2 * level
    angle = np.linspace(0, 2 * np.pi, 7)
    ring = np.stack([1.2 * np.cos(angle), np.sin(angle) / 1.2, 0 * angle], axis=1)
    inside, outside = ring * (outer - 0.005) + [0, 0, level], ring * outer + [0, 0, level]
    np.testing.assert_allclose(warp(outside)[0], outside, atol=1e-12)
    np.testing.assert_allclose(warp(inside)[0], ring * (outer - 0.007) + [0, 0, level], atol=1e-7)
    least, most = WallWarp.limits(np.array([0.03]), np.array([0.035]))
    assert -1 < least < 0 < most
