"""Triangles drawn in C++ are what each pixel's ray hits first, whatever the number of threads."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from scan2sim.errors import UsageError
from scan2sim.splats import draw_triangles, set_threads, threads

SIZE = 23, 31


@pytest.fixture(autouse=True)
def as_many_threads_as_before() -> Iterator[None]:
    before = threads()
    yield
    set_threads(before)


def soup(seed: int, count: int = 40) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    middle = rng.uniform([-5, -5], [SIZE[1] + 5, SIZE[0] + 5], (count, 1, 2))
    pixels = (middle + rng.normal(0, 6, (count, 3, 2))).reshape(-1, 2)
    return pixels, rng.uniform(-0.2, 3, 3 * count), np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


def first_hits(
    pixels: NDArray[np.float64], depths: NDArray[np.float64], faces: NDArray[np.int32], nearest: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """By barycentric coordinates, solved for every pixel and face."""
    centres = np.stack(np.meshgrid(np.arange(SIZE[1]) + 0.5, np.arange(SIZE[0]) + 0.5), -1).reshape(-1, 2)
    inverse = np.zeros((len(faces), len(centres)))
    for f, face in enumerate(faces):
        a, b, c = np.pad(pixels[face], ((0, 0), (0, 1)))
        if (depths[face] <= nearest).any() or np.cross(b - a, c - a)[2] >= 0:
            continue
        shares = np.linalg.solve(np.vstack([pixels[face].T, np.ones(3)]), np.vstack([centres.T, np.ones(len(centres))]))
        inverse[f] = np.where((shares >= 0).all(0), shares.T @ (1 / depths[face]), 0)
    best = inverse.max(0)
    return np.where(best > 0, inverse.argmax(0), -1).reshape(SIZE), best.reshape(SIZE)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("nearest", [0.0, 0.7])
def test_each_pixel_shows_what_is_in_front(seed: int, nearest: float) -> None:
    pixels, depths, faces = soup(seed)
    face, inverse = draw_triangles(pixels, depths, faces, SIZE, nearest)
    expected, near = first_hits(pixels, depths, faces, nearest)
    assert (face >= 0).any()
    assert np.array_equal(face, expected)
    assert inverse == pytest.approx(near, rel=1e-9)


def test_the_number_of_threads_changes_nothing() -> None:
    found = []
    for count in (1, 2, 7, 64):
        set_threads(count)
        found.append(draw_triangles(*soup(3, 400), SIZE))
    assert all(np.array_equal(a, b) for each in found[1:] for a, b in zip(each, found[0], strict=True))


def test_the_later_of_two_equally_near_faces_is_shown() -> None:
    pixels, depths = np.array([[0.0, 0.0], [0.0, 40.0], [40.0, 0.0]]), np.ones(3)
    face, _ = draw_triangles(pixels, depths, np.array([[0, 1, 2], [0, 1, 2]], np.int32), SIZE)
    assert set(face.ravel()) == {1, -1} or set(face.ravel()) == {1}


def test_corners_that_are_nowhere_draw_nothing() -> None:
    pixels = np.array([[0.0, 0.0], [np.nan, 20.0], [20.0, np.inf]])
    face, inverse = draw_triangles(pixels, np.ones(3), np.array([[0, 1, 2], [2, 1, 0]], np.int32), SIZE)
    assert (face == -1).all()
    assert (inverse == 0).all()


@pytest.mark.parametrize("faces", [[[0, 1, 3]], [[0, -1, 2]]])
def test_faces_of_vertices_that_are_not_there_are_refused(faces: list[list[int]]) -> None:
    with pytest.raises(UsageError, match="no such vertex"):
        draw_triangles(np.zeros((3, 2)), np.ones(3), np.array(faces, np.int32), SIZE)


def test_arrays_of_other_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match="pixels: 6 values, expected 8"):
        draw_triangles(np.zeros((3, 2)), np.ones(4), np.zeros((1, 3), np.int32), SIZE)
