"""Contacts against truth: separating axes of boxes, MuJoCo's distances, planes."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import itertools

import mujoco
import numpy as np
import pytest
import torch

from scan2sim.geometry import matrix_from_quaternion
from splatwm.config import PhysicsConfig
from splatwm.model import contact_geometry, find_contacts
from splatwm.model.rigid import rotation_matrix
from splatwm.shapes import BodyShape, box, capsule, cylinder, sphere
from splatwm.simulate import simulate
from tests.splatwm.physics_worlds import in_space, on_the_ground

UNIT = [np.eye(3) * 1e-4] * 2


def random_quaternion(rng: np.random.Generator) -> np.ndarray:
    q = rng.normal(size=4)
    return q / np.linalg.norm(q)


def gap_of(shapes: list[BodyShape], position: np.ndarray, wxyz: np.ndarray, margin: float) -> tuple[float, np.ndarray]:
    """The smallest gap and its normal from the first to the second body."""
    start = in_space(shapes, position, [1.0, 1.0], UNIT, wxyz=wxyz)
    found = find_contacts(start.state, start.shapes, 1e-6, PhysicsConfig(margin=margin))
    if not len(found):
        return np.inf, np.zeros(3)
    rotation = rotation_matrix(start.state.wxyz[0])
    at = contact_geometry(found, start.state.position[0], rotation)
    assert torch.allclose(at.gap, found.gap, atol=2e-6)
    least = int(at.gap.argmin())
    normal = at.frame[least, 0].numpy()
    return float(at.gap[least]), normal if int(found.a[least]) == 0 else -normal


def box_depth(half: list[np.ndarray], position: np.ndarray, turned: np.ndarray) -> float:
    """The least way out of each other, over all 15 axes; negative if they are apart along one."""
    axes = [*turned[0].T, *turned[1].T]
    axes += [np.cross(a, b) for a, b in itertools.product(turned[0].T, turned[1].T)]
    depths = []
    for axis in axes:
        if np.linalg.norm(axis) > 1e-6:
            n = axis / np.linalg.norm(axis)
            reach = sum(np.abs(turned[i].T @ n) @ half[i] for i in (0, 1))
            depths.append(reach - abs((position[1] - position[0]) @ n))
    return min(depths)


def test_boxes_in_each_other_are_as_deep_as_the_separating_axes_say() -> None:
    rng = np.random.default_rng(0)
    seen = 0
    while seen < 80:
        half = [rng.uniform(0.01, 0.04, 3) for _ in range(2)]
        wxyz = np.array([random_quaternion(rng) for _ in range(2)])
        position = np.array([np.zeros(3), rng.uniform(-0.06, 0.06, 3)])
        turned = matrix_from_quaternion(wxyz)
        depth = box_depth(half, position, turned)
        if not 0 < depth < 0.008:
            continue
        seen += 1
        gap, normal = gap_of([box(h) for h in half], position, wxyz, 0.001)
        assert gap == pytest.approx(-depth, abs=2e-5)
        apart = position + np.array([np.zeros(3), normal * (depth + 2e-5)])
        assert box_depth(half, apart, turned) < 0, "the normal leads out"


@pytest.mark.parametrize("kind", ["box", "sphere", "capsule", "cylinder"])
def test_gaps_are_those_of_mujoco(kind: str) -> None:
    rng = np.random.default_rng(1)
    sizes = {"box": ".02 .03 .015", "sphere": ".02", "capsule": ".015 .03", "cylinder": ".02 .03"}
    ours = {
        "box": box([0.02, 0.03, 0.015]),
        "sphere": sphere(0.02),
        "capsule": capsule(0.015, 0.03),
        "cylinder": cylinder(0.02, 0.03),
    }
    model = mujoco.MjModel.from_xml_string(
        f"""<mujoco><worldbody><body><freejoint/><geom type="{kind}" size="{sizes[kind]}"/></body>
        <body><freejoint/><geom type="box" size=".03 .02 .025"/></body></worldbody></mujoco>"""
    )
    data = mujoco.MjData(model)
    seen = 0
    for _ in range(250):
        wxyz = np.array([random_quaternion(rng) for _ in range(2)])
        position = np.array([np.zeros(3), rng.uniform(-0.08, 0.08, 3)])
        data.qpos[:] = np.concatenate([position[0], wxyz[0], position[1], wxyz[1]])
        mujoco.mj_forward(model, data)
        truth = mujoco.mj_geomDistance(model, data, 0, 1, 0.05, None)
        if 1e-4 < truth < 0.02:
            seen += 1
            gap, _ = gap_of([ours[kind], box([0.03, 0.02, 0.025])], position, wxyz, 0.021)
            assert gap == pytest.approx(truth, abs=2e-4 if kind == "cylinder" else 2e-5)
    assert seen > 20


def test_a_box_touches_the_ground_with_its_corners_alone() -> None:
    half = (0.03, 0.02, 0.025)
    start = on_the_ground([box(half)], [[0.1, 0.2, half[2] + 0.0004]], [0.2], [np.eye(3) * 1e-4])
    found = find_contacts(start.state, start.shapes, 1 / 60)
    assert len(found) == 4
    assert found.gap.numpy() == pytest.approx(0.0004, abs=1e-6)
    corners = {tuple(c) for c in np.round(found.on_b.numpy(), 4).tolist()}
    assert len(corners) == 4
    assert (found.a == 0).all()
    assert (found.normal - torch.tensor([0, 0, 1.0])).abs().max() < 1e-6


def test_crossed_boxes_touch_where_their_edges_cross() -> None:
    long, wxyz = (0.05, 0.01, 0.01), [[1.0, 0, 0, 0], [np.cos(np.pi / 4), 0, 0, np.sin(np.pi / 4)]]
    start = in_space([box(long), box(long)], [[0, 0, 0], [0, 0, 0.0199]], [1.0, 1.0], UNIT, wxyz=wxyz)
    found = find_contacts(start.state, start.shapes, 1e-6)
    places = found.on_a[:, :2].abs().numpy()
    assert len(found) == 4
    assert np.abs(places - 0.01).max() < 1e-5


def test_what_is_fast_is_seen_from_afar_and_what_is_slow_is_not() -> None:
    start = on_the_ground([sphere(0.02)], [[0, 0, 0.05]], [0.1], [np.eye(3) * 1e-5])
    assert len(find_contacts(start.state, start.shapes, 1 / 120)) == 0
    start.state.linear[0, 1, 2] = -4.0
    assert len(find_contacts(start.state, start.shapes, 1 / 120)) == 1


def test_pairs_keep_at_most_as_many_contacts_as_asked_and_keep_the_support() -> None:
    rim = cylinder(0.05, 0.01)
    start = on_the_ground([rim], [[0, 0, 0.0099]], [0.2], [np.eye(3) * 1e-4])
    for most in (4, 12):
        found = find_contacts(start.state, start.shapes, 1 / 60, PhysicsConfig(contacts_per_pair=most))
        assert len(found) == most
        places = found.on_b.numpy()
        angles = np.sort(np.arctan2(places[:, 1], places[:, 0]))
        assert np.diff(np.append(angles, angles[0] + 2 * np.pi)).max() < 2 * 2 * np.pi / most


@pytest.mark.parametrize(
    ("shapes", "at"),
    [
        ([capsule(0.01, 0.03), capsule(0.01, 0.03)], [0.0, 0, 0]),
        ([capsule(0.01, 0.03), sphere(0.01)], [0.0, 0, 0.01]),
        ([sphere(0.01), sphere(0.01)], [0.0, 0, 0]),
        ([box([0.02] * 3), box([0.02] * 3)], [0.0, 0, 0]),
    ],
)
def test_cores_that_cross_still_touch(shapes: list[BodyShape], at: list[float]) -> None:
    turned = np.array([[1.0, 0, 0, 0], [np.cos(np.pi / 4), np.sin(np.pi / 4), 0, 0]])
    gap, normal = gap_of(shapes, np.array([[0.0, 0, 0], at]), turned, 0.001)
    assert gap == pytest.approx(-0.02 if shapes[0].pieces[0].radius else -0.04, abs=1e-5)
    assert np.linalg.norm(normal) == pytest.approx(1, abs=1e-5)
    start = in_space(shapes, [[0.0, 0, 0], at], [0.1, 0.1], [np.eye(3) * 1e-5] * 2, wxyz=turned)
    after = simulate(start.state, start.shapes, None, 1 / 60, 90, PhysicsConfig(gravity=(0, 0, 0), sleep_after=0))
    freed, _ = gap_of(shapes, after.position[0, -1].double().numpy(), after.wxyz[0, -1].double().numpy(), 0.2)
    assert freed > gap / 2, "they part"
