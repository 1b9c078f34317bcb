"""Directions around a ring from relative rotations, against poses that are known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from scan2sim.coach.links import Link
from scan2sim.coach.ring import find_ring
from scan2sim.geometry import look_at


def orbit(azimuths: np.ndarray, elevations: np.ndarray) -> list[np.ndarray]:
    """Rotations camera_from_world of cameras that look at the origin."""
    around, up = np.radians(azimuths), np.radians(elevations)
    places = np.column_stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])
    return [look_at(0.5 * place, [0, 0, 0])[:3, :3].T for place in places]


def linked(rotations: list[np.ndarray], pairs: list[tuple[int, int]], noise_deg: float, seed: int = 0) -> list[Link]:
    rng = np.random.default_rng(seed)
    errors = Rotation.from_rotvec(np.radians(noise_deg) * rng.normal(size=(len(pairs), 3))).as_matrix()
    return [
        Link(i, j, int(rng.integers(20, 200)), error @ rotations[j] @ rotations[i].T, 15.0)
        for (i, j), error in zip(pairs, errors, strict=True)
    ]


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs((a - b + 180) % 360 - 180)


@pytest.mark.parametrize("span", [360.0, 90.0])
def test_cameras_stand_where_they_stand(span: float) -> None:
    azimuths = 20 + np.arange(24) * span / 24
    elevations = 35 + 15 * np.sin(np.arange(24))
    pairs = [(i, i + k) for i in range(24) for k in (1, 2) if i + k < 24] + ([(23, 0)] if span == 360 else [])
    ring = find_ring(linked(orbit(azimuths, elevations), pairs, noise_deg=0.5), 24)
    assert ring.frames == tuple(range(24))
    assert apart(ring.azimuth, azimuths - azimuths[0]).max() < 4
    assert np.abs(ring.elevation - elevations).max() < 4


def test_only_the_largest_group_is_placed() -> None:
    rotations = orbit(np.arange(9) * 40.0, np.full(9, 30.0))
    ring = find_ring(linked(rotations, [(0, 1), (2, 3), (3, 4), (4, 5), (5, 6), (7, 8)], 0.0), 9)
    assert ring.frames == (2, 3, 4, 5, 6)
    assert ring.second == 2
    assert apart(ring.azimuth, np.arange(5) * 40.0).max() < 1e-6


def test_frames_without_any_link_are_one_frame() -> None:
    ring = find_ring([], 4)
    assert len(ring.frames) == 1
    assert ring.second == 1
    assert ring.azimuth.tolist() == [0.0]
