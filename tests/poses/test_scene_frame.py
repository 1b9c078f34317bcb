from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scan2sim.geometry import look_at, matrix_from_quaternion
from scan2sim.poses import SceneFrame, find_scene_frame

Array = NDArray[np.float64]


def rectangle(rng: np.random.Generator, count: int, low: list[float], high: list[float], noise: float = 5e-4) -> Array:
    """Points on an axis-aligned rectangle or box-shaped cloud [m]."""
    return rng.uniform(low, high, (count, 3)) + rng.normal(0, noise, (count, 3))


def orbit(count: int, radius: float, height: float, target: tuple[float, float, float]) -> list[Array]:
    """Cameras all around, looking at a target, none perfectly."""
    rng = np.random.default_rng(9)
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    eyes = np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(count, height)], 1)
    return [look_at(eye, np.array(target) + rng.normal(0, 0.02, 3)) for eye in eyes + rng.normal(0, 0.02, eyes.shape)]


def tabletop(rng: np.random.Generator) -> Array:
    """A sparsely textured table with richly textured objects, above a larger floor and before a wall."""
    return np.concatenate(
        [
            rectangle(rng, 400, [-0.4, -0.3, 0], [0.4, 0.3, 0]),
            rectangle(rng, 600, [0.02, -0.05, 0.001], [0.12, 0.05, 0.09]),  # something round
            rectangle(rng, 500, [-0.15, -0.1, 0.05], [0.05, 0.1, 0.05]),  # the flat top of a box
            rectangle(rng, 200, [-0.15, -0.1, 0.0], [-0.15, 0.1, 0.05]),
            rectangle(rng, 3000, [-2, -2, -0.75], [2, 2, -0.75]),  # the floor
            rectangle(rng, 2000, [1.5, -2, -0.75], [1.5, 2, 1.5]),  # a wall
        ]
    )


def moved(points: Array, poses: list[Array], scale: float, rotation: Array, shift: Array) -> tuple[Array, list[Array]]:
    """The same scene in another frame, as structure from motion would give it."""
    turned = []
    for pose in poses:
        other = np.eye(4)
        other[:3, :3] = rotation @ pose[:3, :3]
        other[:3, 3] = scale * rotation @ pose[:3, 3] + shift
        turned.append(other)
    return scale * points @ rotation.T + shift, turned


def check(frame: SceneFrame, scale: float, rotation: Array, shift: Array, degrees: float, height: float) -> Array:
    """z against truth [degrees], the plane's height [m]; returns the origin in the true frame [m]."""
    up = rotation.T @ frame.rotation.T @ [0.0, 0.0, 1.0]
    assert np.degrees(np.arccos(min(1.0, up[2]))) < degrees
    origin_in_reconstruction = -frame.rotation.T @ frame.translation / frame.scale
    origin = rotation.T @ (origin_in_reconstruction - shift) / scale
    assert abs(origin[2]) < height
    return origin


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.2),
    st.floats(0.05, 20),
    st.tuples(*[st.floats(-50, 50)] * 3),
    st.integers(0, 99),
)
def test_the_table_is_found_in_any_frame(
    wxyz: tuple[float, ...], scale: float, shift: tuple[float, ...], seed: int
) -> None:
    rotation = matrix_from_quaternion(wxyz)
    points, poses = moved(
        tabletop(np.random.default_rng(seed)), orbit(20, 0.4, 0.3, (0, 0, 0.03)), scale, rotation, np.array(shift)
    )
    observers = np.full(len(points), 4)
    frame = find_scene_frame(points, observers, poses, 0.5, seed)
    origin = check(frame, scale, rotation, np.array(shift), 0.5, 1e-3)
    assert np.linalg.norm(origin[:2]) < 0.1
    assert frame.gravity.source == "support"
    assert 2.0 <= frame.gravity.sigma_deg < 2.5
    centres = frame.points(np.array([pose[:3, 3] for pose in poses]))
    assert (centres[:, 2] > 0.1).all()
    right = frame.rotation @ poses[0][:3, 0]
    assert right[0] > 0  # x points to the first camera's right
    assert abs(right[1]) < 1e-9
    assert np.linalg.det(frame.rotation) == pytest.approx(1.0)


def test_the_median_distance_to_the_subject_is_the_guess() -> None:
    rng = np.random.default_rng(0)
    subject = rectangle(rng, 500, [-0.03, -0.03, 0.02], [0.03, 0.03, 0.08])
    points = np.concatenate([subject, rectangle(rng, 500, [-0.4, -0.4, 0], [0.4, 0.4, 0])])
    poses = orbit(16, 0.8, 0.6, (0, 0, 0.05))
    frame = find_scene_frame(points, np.full(len(points), 4), poses, 0.5)
    centres = frame.points(np.array([pose[:3, 3] for pose in poses]))
    middle = frame.points(np.median(subject, 0)[None])[0]
    assert np.median(np.linalg.norm(centres - middle, axis=1)) == pytest.approx(0.5, rel=0.02)
    assert np.linalg.norm(middle[:2]) < 0.01  # the origin is below it


def test_photos_from_one_side_against_a_textured_wall() -> None:
    rng = np.random.default_rng(1)
    points = np.concatenate(
        [
            rectangle(rng, 300, [-0.3, -0.3, 0], [0.3, 0.3, 0]),
            rectangle(rng, 300, [-0.05, -0.05, 0], [0.05, 0.05, 0.1]),
            rectangle(rng, 3000, [-1, 0.6, -0.3], [1, 0.6, 1.0]),
        ]
    )
    angles = np.radians(np.linspace(-140, -40, 15))
    poses = [look_at([0.5 * np.cos(a), 0.5 * np.sin(a), 0.35], [0, 0, 0.05]) for a in angles]
    frame = find_scene_frame(points, np.full(len(points), 4), poses, 0.5)
    check(frame, 1.0, np.eye(3), np.zeros(3), 0.5, 1e-3)


def test_photos_straight_from_above() -> None:
    rng = np.random.default_rng(2)
    points = tabletop(rng)[:1700]
    poses = [look_at([x, y, 0.6], [x * 0.3, y * 0.3, 0], up=(0, 1, 0)) for x in (-0.2, 0, 0.2) for y in (-0.2, 0, 0.2)]
    frame = find_scene_frame(points, np.full(len(points), 4), poses, 0.5)
    check(frame, 1.0, np.eye(3), np.zeros(3), 0.5, 1e-3)


def test_without_a_plane_up_is_guessed_from_the_cameras() -> None:
    points = np.random.default_rng(3).normal(0, 0.1, (12, 3))
    poses = orbit(12, 0.5, 0.3, (0, 0, 0))
    frame = find_scene_frame(points, np.full(len(points), 3), poses, 0.5)
    assert frame.gravity.source == "guess"
    assert frame.gravity.sigma_deg > 10
    assert (frame.rotation @ [0, 0, 1])[2] > np.cos(np.radians(10))


def test_the_same_seed_gives_the_same_frame() -> None:
    points = tabletop(np.random.default_rng(4))
    poses = orbit(12, 0.4, 0.3, (0, 0, 0))
    frames = [find_scene_frame(points, np.full(len(points), 4), poses, 0.5, seed=5) for _ in range(2)]
    np.testing.assert_array_equal(frames[0].rotation, frames[1].rotation)
    np.testing.assert_array_equal(frames[0].translation, frames[1].translation)
