"""What shapes afford, against what is known of how they were made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import procedural_shape
from scan2sim.cousins.affordances import Affordances, affordances, measure_affordances
from scan2sim.geometry import quaternion_multiply
from tests.cousins.shapes import shaped

CONTAIN = {"bowl", "cup", "jar", "mug", "plate", "tray"}
ROLL = {"can", "capsule", "lemon", "pear", "frustum", "bottle", "cup"}
STACK = {"box", "book", "can", "tee"}
OTHERS = {"wedge", "bracket", "potato"}


@pytest.mark.parametrize("family", sorted(CONTAIN | ROLL | STACK | OTHERS))
def test_families_afford_what_they_are_for(family: str) -> None:
    shape = procedural_shape(family, np.random.default_rng(12), 0.1)
    found = measure_affordances(shape.mesh, shape.pieces)
    assert found.can_contain == (family in CONTAIN)
    if family not in ("bowl", "jar"):  # the deep and the slender of those lie on their side too
        assert found.can_roll == (family in ROLL)
    assert found.can_stack == (family in STACK)


def test_the_cavity_holds_what_it_should() -> None:
    """A cylinder with a cylindrical hole, in sectors: π r² h."""
    radius, wall, height, floor = 0.03, 0.004, 0.08, 0.005
    pieces = [disc(0, radius + wall, 0, floor, 0, 2 * np.pi)]
    pieces += [disc(radius, radius + wall, floor, height, k * np.pi / 16, (k + 1) * np.pi / 16) for k in range(32)]
    mesh = trimesh.creation.cylinder(radius + wall, height)  # only its outside is asked for
    mesh.apply_translation([0, 0, height / 2])
    truth = np.pi * radius**2 * (height - floor)
    assert measure_affordances(mesh, pieces).cavity == pytest.approx(truth, rel=0.12)
    turned = [piece.copy().apply_transform(upside_down(height)) for piece in pieces]
    assert measure_affordances(mesh, turned).cavity == 0.0


@pytest.mark.parametrize(("width", "grasped"), [(0.076, True), (0.084, False)])
def test_a_gripper_opens_eight_centimetres(width: float, grasped: bool) -> None:
    block = trimesh.creation.box([width, 0.12, 0.05])
    found = measure_affordances(block, [block])
    assert found.graspable == grasped
    assert found.grip == pytest.approx(width, abs=0.001)
    assert found.top == pytest.approx(0.12 * width, rel=1e-6)


def test_fingers_do_not_pass_what_is_wider_above() -> None:
    stem, hat = trimesh.creation.box([0.03, 0.03, 0.06]), trimesh.creation.box([0.12, 0.12, 0.01])
    hat.apply_translation([0, 0, 0.035])
    mushroom = trimesh.util.concatenate([stem, hat])
    assert measure_affordances(stem, [stem]).graspable
    assert not measure_affordances(mushroom, [stem, hat]).graspable


def test_an_object_is_measured_as_it_stands() -> None:
    bowl = shaped("bowl")
    assert affordances(bowl).can_contain
    over = replace(bowl, wxyz=quaternion_multiply([0.0, 1, 0, 0], bowl.wxyz))
    assert not affordances(over).can_contain


@pytest.mark.parametrize("family", ["bowl", "ring", "lemon"])
def test_turning_about_the_vertical_changes_no_affordance(family: str) -> None:
    shape = procedural_shape(family, np.random.default_rng(1), 0.07)
    found = []
    for yaw in (0.0, 0.3, 1.1):
        turn = trimesh.transformations.rotation_matrix(yaw, [0, 0, 1])
        turned = [part.copy().apply_transform(turn) for part in (shape.mesh, *shape.pieces)]
        found.append(measure_affordances(turned[0], turned[1:]))
    assert found[0].differing(found[1]) == found[0].differing(found[2]) == ()


def test_scaled_affordances_are_those_of_the_scaled_thing() -> None:
    shape = procedural_shape("cup", np.random.default_rng(1), 0.09)
    found = measure_affordances(shape.mesh, shape.pieces)
    for factor in (0.5, 1.4):
        larger = [part.copy().apply_scale(factor) for part in (shape.mesh, *shape.pieces)]
        measured, told = measure_affordances(larger[0], larger[1:]), found.scaled(factor)
        assert told.differing(measured) == ()
        assert told.cavity == pytest.approx(measured.cavity, rel=0.01)
        assert told.grip == pytest.approx(measured.grip, rel=0.02)
    assert found.graspable
    assert not found.scaled(1.4).graspable


def test_differing_names_what_is_not_the_same() -> None:
    one = Affordances(can_contain=True, can_roll=False, can_stack=False, graspable=True, cavity=1.0)
    other = Affordances(can_contain=False, can_roll=False, can_stack=True, graspable=True)
    assert one.differing(other) == ("can_contain", "can_stack")
    assert one.differing(one) == ()


def disc(inner: float, outer: float, low: float, high: float, start: float, end: float) -> trimesh.Trimesh:
    """The hull of a sector of a ring."""
    angles = np.linspace(start, end, 3 if inner else 48)
    flat = np.concatenate([r * np.column_stack([np.cos(angles), np.sin(angles)]) for r in (inner, outer)])
    return trimesh.convex.convex_hull(np.vstack([np.column_stack([flat, np.full(len(flat), z)]) for z in (low, high)]))


def upside_down(height: float) -> np.ndarray:
    return np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, height], [0, 0, 0, 1]])
