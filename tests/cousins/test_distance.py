from dataclasses import replace

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from scan2sim.cousins import Distance, distance_between
from scan2sim.cousins.colors import mapped
from scan2sim.cousins.distance import UNITS
from scan2sim.cousins.ground import moved
from scan2sim.geometry import inverse_transform, quaternion_from_matrix, transform, transform_points
from scan2sim.scene import SceneObject
from tests.cousins.scenes import at_rest, thing, with_object


def test_each_part_alone_moves_the_whole() -> None:
    assert Distance.of_parts().combined == 0
    for part, unit in UNITS.items():
        near, far = (Distance.of_parts(**{part: share * unit}) for share in (0.5, 1.0))
        assert 0 < near.combined < far.combined == pytest.approx(1 - np.exp(-(1 - np.exp(-1)) / 2))
    assert Distance.of_parts(**{part: 100 * unit for part, unit in UNITS.items()}).combined < 1


def test_a_longer_box_differs_in_shape_and_size() -> None:
    box = thing(at_rest(), "box")
    longer = box.visual.copy()
    longer.apply_scale([1.5, 1, 1])
    found = distance_between(with_object(at_rest(), replace(box, visual=longer)), at_rest())
    assert found.size == pytest.approx(np.log(1.5) / 3 / 3)  # one of three sides, one of three objects
    assert 0 < found.geometry < 0.25 * 0.03 / np.linalg.norm(box.visual.extents)
    assert found.layout == found.physics == found.appearance == 0


def test_the_same_surface_with_other_triangles_is_near() -> None:
    ball = thing(at_rest(), "ball")
    finer = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    found = distance_between(with_object(at_rest(), replace(ball, visual=finer)), at_rest())
    assert found.geometry < 0.01


def test_the_distance_of_colours_is_that_of_their_means_where_all_shift_alike() -> None:
    """Black to white are 100 apart; along the other directions nothing, and two see 1/√2 of it."""
    black = mapped(thing(at_rest(), "box").gaussians, np.zeros((3, 3)))
    white = replace(black, sh=-black.sh)
    twin = with_object(at_rest(), replace(thing(at_rest(), "box"), gaussians=black))
    found = distance_between(with_object(twin, replace(thing(twin, "box"), gaussians=white)), twin)
    assert found.appearance == pytest.approx(100 / 5 / 4, rel=1e-3)  # 1 of 5 directions, 1 of 3 objects and background


def test_a_new_object_counts_as_clutter() -> None:
    extra = replace(thing(at_rest(), "box"), id=9, name="another")
    found = distance_between(replace(at_rest(), objects=(*at_rest().objects, extra)), at_rest())
    assert found.clutter == pytest.approx(1 / 4)
    assert found.combined > 0


def test_a_bowl_that_becomes_a_box_affords_less() -> None:
    """It no longer contains or rolls, and now something can stand on it and a gripper takes it: four of four uses."""
    box = thing(at_rest(), "box")
    boxed = replace(thing(at_rest(), "bowl"), visual=box.visual, collision=box.collision)
    cousin = with_object(at_rest(), boxed)
    assert distance_between(cousin, at_rest()).affordance == pytest.approx(1 / 3)
    assert distance_between(cousin, at_rest(), {}).affordance == 0


def in_another_frame(obj: SceneObject) -> SceneObject:
    """The very same thing standing there, its files in axes and about an origin of their own."""
    rotation, offset = Rotation.from_rotvec([0.7, -1.1, 0.4]), np.array([0.02, -0.05, 0.03])
    turn = np.eye(4)
    turn[:3, :3], turn[:3, 3] = rotation.as_matrix(), offset
    pose = obj.world_from_object @ inverse_transform(turn)
    physical = replace(
        obj.physical,
        center_of_mass=transform_points(turn, obj.physical.center_of_mass[None])[0],
        inertia=turn[:3, :3] @ obj.physical.inertia @ turn[:3, :3].T,
    )
    return replace(
        obj,
        position=pose[:3, 3],
        wxyz=quaternion_from_matrix(pose[:3, :3]),
        visual=obj.visual.copy().apply_transform(turn),
        collision=tuple(piece.copy().apply_transform(turn) for piece in obj.collision),
        physical=physical,
    )


@pytest.mark.parametrize("stand_in", ["box", "bowl"])
def test_how_far_an_exchanged_thing_is_does_not_depend_on_its_own_frame(stand_in: str) -> None:
    twin = at_rest()
    ball = thing(twin, "ball")
    asset = replace(thing(twin, stand_in), id=ball.id, name="asset-2", position=ball.position)
    expected, found = (distance_between(with_object(twin, each), twin, {}) for each in (asset, in_another_frame(asset)))
    assert expected.geometry > 0.03
    assert expected.size > 0
    for part in ("geometry", "size", "layout", "physics"):
        assert getattr(found, part) == pytest.approx(getattr(expected, part), rel=0.02), part


def test_an_exchanged_thing_of_the_same_shape_is_near_however_it_is_turned() -> None:
    twin = at_rest()
    box = thing(twin, "box")
    turned = replace(in_another_frame(box), name="asset-1")
    spun = moved(turned, transform([0, 0, 0], (np.cos(0.55), 0, 0, np.sin(0.55))))
    found = distance_between(with_object(twin, spun), twin, {})
    assert found.geometry < 0.002
    assert found.size < 0.01
