import numpy as np
import pytest
import trimesh

from scan2sim.bodies import Surface, outer_points, piece_fit


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> trimesh.Trimesh:
    return trimesh.creation.box(bounds=[low, high])


def test_distances_from_a_surface_are_exact() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.05)
    directions = np.random.default_rng(0).normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for radius in (0.04, 0.05, 0.07):
        assert Surface(ball).distances(radius * directions) == pytest.approx(abs(radius - 0.05), abs=1e-4)


def test_pieces_that_are_the_solid_fit_it() -> None:
    whole = box((0, 0, 0), (0.1, 0.05, 0.05))
    halves = [box((0, 0, 0), (0.05, 0.05, 0.05)), box((0.05, 0, 0), (0.1, 0.05, 0.05))]
    fit = piece_fit(whole, halves)
    assert fit.farthest < 1e-4  # the cut between the two is no surface
    assert fit.volume_ratio == pytest.approx(1)
    cut = outer_points(halves, 2000, 0.0002)
    assert not ((np.abs(cut[:, 0] - 0.05) < 1e-6) & (cut[:, 1:] > 0.001).all(1) & (cut[:, 1:] < 0.049).all(1)).any()


def test_a_piece_that_is_too_large_is_told() -> None:
    whole = box((0, 0, 0), (0.1, 0.1, 0.1))
    fit = piece_fit(whole, [box((0, 0, 0), (0.1, 0.1, 0.11))])
    assert fit.farthest == pytest.approx(0.01, abs=1e-4)
    assert 0.001 < fit.mean < 0.004  # a sixth of it all, and some of the sides
    assert fit.volume_ratio == pytest.approx(1.1)
    missing = piece_fit(whole, [box((0, 0, 0), (0.1, 0.1, 0.05))])
    assert missing.farthest == pytest.approx(0.05, abs=1e-3)
    assert missing.volume_ratio == pytest.approx(0.5)
