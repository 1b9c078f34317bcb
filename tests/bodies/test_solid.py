"""Solids joined and cut keep their volume, their closedness and their colours."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.bodies import is_closed, nearest_parts, union, vertex_colors
from scan2sim.errors import SceneError


def ball(centre: tuple[float, float, float], color: tuple[int, int, int], radius: float = 0.05) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    mesh.apply_translation(centre)
    mesh.visual.vertex_colors = np.tile([*color, 255], (len(mesh.vertices), 1))
    return mesh


def test_two_balls_that_overlap_count_once() -> None:
    a, b = ball((0, 0, 0), (255, 0, 0)), ball((0.06, 0, 0), (0, 0, 255))
    joined = union([a, b])
    assert is_closed(joined)
    # two caps of height h = r - d/2 overlap: V = π h² (3 r - h) / 3 each
    lens = 2 * np.pi * 0.02**2 * (0.15 - 0.02) / 3
    assert joined.volume == pytest.approx(a.volume + b.volume - lens, rel=0.01)
    colors = vertex_colors(joined)
    assert (colors[joined.vertices[:, 0] < 0.029][:, :3] == [255, 0, 0]).all()
    assert (colors[joined.vertices[:, 0] > 0.031][:, :3] == [0, 0, 255]).all()


def test_solids_apart_stay_two_shells() -> None:
    a, b = ball((0, 0, 0), (255, 0, 0)), ball((0.3, 0, 0), (0, 0, 255))
    joined = union([a, b])
    assert is_closed(joined)
    assert joined.volume == pytest.approx(a.volume + b.volume, rel=1e-5)
    assert joined.body_count == 2


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.floats(-0.04, 0.04)] * 3), min_size=2, max_size=5, unique=True))
def test_parts_make_up_the_whole_and_lie_nearest_to_their_seeds(seeds: list[tuple[float, float, float]]) -> None:
    points = np.array(seeds)
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)[np.triu_indices(len(points), 1)]
    if gaps.min() < 1e-3:
        return
    whole = ball((0, 0, 0), (10, 200, 30))
    parts = nearest_parts(whole, points)
    assert sum(part.volume for part in parts if part is not None) == pytest.approx(whole.volume, rel=1e-4)
    for k, part in enumerate(parts):
        if part is None:
            continue
        assert is_closed(part)
        distances = np.linalg.norm(part.vertices[:, None] - points[None], axis=2)
        assert (distances[:, k] <= distances.min(1) + 1e-6).all()
        assert np.abs(vertex_colors(part)[:, :3].astype(int) - [10, 200, 30]).max() <= 1


def test_a_seed_with_nothing_near_gets_nothing_and_open_meshes_are_refused() -> None:
    parts = nearest_parts(ball((0, 0, 0), (1, 2, 3)), [[0, 0, 0], [1.0, 0, 0]])
    assert parts[0] is not None
    assert parts[1] is None
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    with pytest.raises(SceneError, match="no solid"):
        union([sheet, ball((0, 0, 0), (1, 2, 3))])
