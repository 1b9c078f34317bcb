from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.capture.selection import choose_frames


def unit_thumbnails(count: int, seed: int = 0) -> np.ndarray:
    thumbnails = np.random.default_rng(seed).normal(size=(count, 64))
    thumbnails -= thumbnails.mean(1, keepdims=True)
    return (thumbnails / np.linalg.norm(thumbnails, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 1000))
def test_choices_are_ascending_bounded_and_spread(frames: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.01, 0.2, frames))
    chosen = choose_frames(times, rng.uniform(90, 110, frames), unit_thumbnails(frames, seed), count)
    assert 1 <= len(chosen) <= min(count, frames)
    assert chosen == sorted(set(chosen))
    windows = {min(int((t - times[0]) / max(times[-1] - times[0], 1e-9) * count), count - 1) for t in times}
    assert len(chosen) == len(windows)  # all alike sharp and all different: one for each window that has a frame


def test_motion_blur_is_left_out() -> None:
    sharpness = np.full(100, 100.0)
    sharpness[40:50] = 20.0
    chosen = choose_frames(np.arange(100) / 10, sharpness, unit_thumbnails(100), 10)
    assert len(chosen) == 9
    assert not any(40 <= i < 50 for i in chosen)


def test_a_resting_camera_gives_one_frame_the_sharpest() -> None:
    thumbnails = unit_thumbnails(100)
    thumbnails[20:60] = thumbnails[20]
    sharpness = np.full(100, 100.0)
    sharpness[47] = 130.0
    chosen = choose_frames(np.arange(100) / 10, sharpness, thumbnails, 10)
    assert [i for i in chosen if 20 <= i < 60] == [47]


def test_no_frames() -> None:
    assert choose_frames(np.zeros(0), np.zeros(0), np.zeros((0, 64), np.float32), 10) == []
