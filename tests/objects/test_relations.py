"""What rests on what, told from surfaces of known things."""

from __future__ import annotations

import numpy as np
import trimesh

from scan2sim.objects.ledges import upper_side
from scan2sim.objects.relations import Resting, find_relations
from scan2sim.objects.support import SupportPlane
from tests.scene.factory import bowl_mesh

UNIT = 0.5
TABLE = SupportPlane(np.array([0.0, 0, 1]), 0.0, 0.0005, np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]))


def fine(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    vertices, faces, *_ = trimesh.remesh.subdivide_to_size(mesh.vertices, mesh.faces, 0.004)
    return trimesh.Trimesh(vertices, faces)


def box(sides: tuple[float, float, float], at: tuple[float, float, float]) -> trimesh.Trimesh:
    """A finely meshed box whose bottom is at the given place."""
    return fine(trimesh.creation.box(sides)).apply_translation([at[0], at[1], at[2] + sides[2] / 2])


def ball(radius: float, at: tuple[float, float, float]) -> trimesh.Trimesh:
    return trimesh.creation.icosphere(subdivisions=4, radius=radius).apply_translation([at[0], at[1], at[2] + radius])


def test_side_by_side_both_stand_on_the_table() -> None:
    on_table = Resting(None, "on")
    assert (
        find_relations([box((0.06, 0.06, 0.06), (0, 0, 0)), ball(0.025, (0.056, 0, 0))], TABLE, UNIT) == [on_table] * 2
    )


def test_a_tower_rests_each_on_the_next() -> None:
    tower = [
        box((0.2, 0.15, 0.008), (0, 0, 0)),
        box((0.05, 0.05, 0.05), (0.04, 0, 0.0085)),
        ball(0.02, (0.04, 0, 0.059)),
    ]
    assert find_relations(tower, TABLE, UNIT) == [Resting(None, "on"), Resting(0, "on"), Resting(1, "on")]


def test_what_lies_in_a_bowl_is_in_it() -> None:
    bowl = bowl_mesh()
    things = [ball(0.012, (0, 0, 0.008)), bowl]
    assert find_relations(things, TABLE, UNIT) == [Resting(1, "in"), Resting(None, "on")]


def test_a_leaning_book_rests_against_the_box() -> None:
    book = fine(trimesh.creation.box((0.01, 0.1, 0.12)))
    book.apply_transform(trimesh.transformations.rotation_matrix(np.radians(35), [0, 1, 0]))
    book.apply_translation([0, 0, -book.bounds[0, 2]])
    stop = box((0.05, 0.12, 0.09), (book.bounds[1, 0] + 0.012, 0, 0))
    assert find_relations([book, stop], TABLE, UNIT) == [Resting(1, "against"), Resting(None, "on")]


def test_a_tray_is_a_support_and_a_ball_is_none() -> None:
    top = upper_side(box((0.2, 0.15, 0.008), (0.1, 0, 0)), TABLE, UNIT, carries=False)
    assert top is not None
    assert abs(top.offset - 0.008) < 1e-6
    assert np.allclose(np.ptp(top.polygon, axis=0), [0.2, 0.15])
    assert top.contains(np.array([[0.1, 0, 0.05], [0.3, 0, 0.05]])).tolist() == [True, False]
    assert upper_side(ball(0.03, (0, 0, 0)), TABLE, UNIT, carries=False) is None
