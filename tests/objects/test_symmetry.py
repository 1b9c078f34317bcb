"""Known shapes seen from one side get their backs; what is not symmetric, or known not to be, is left alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh.transformations import rotation_matrix

from scan2sim.bodies import Surface, is_closed
from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.objects.completion import complete_unseen
from scan2sim.objects.fusing import Refined
from scan2sim.objects.mesh_views import camera_rays, see_meshes
from scan2sim.objects.surface import object_surface
from scan2sim.objects.symmetry import Skin, Symmetry, find_symmetries
from scan2sim.objects.views import View
from tests.objects.fields import box, mesh_of, ring, tube, union, without
from tests.objects.sphere import PLANE

UNIT = 0.5
UP = np.array([0.0, 0, 1])
CELLS = 64


def cameras(low: float, high: float, count: int = 12) -> list[Camera]:
    """Around the origin, from one azimuth [degrees] to another."""
    k = Intrinsics(240, 180, 432.0, 432.0, 120.0, 90.0)
    found = []
    for i, angle in enumerate(np.radians(np.linspace(low, high, count, endpoint=False))):
        lift = 0.22 if i % 2 else 0.38
        eye = np.array([np.cos(angle), np.sin(angle), 0]) * np.sqrt(UNIT**2 - lift**2) + [0, 0, lift]
        found.append(Camera(k, look_at(eye, [0, 0, 0.03])))
    return found


def photograph(mesh: trimesh.Trimesh, where: list[Camera]) -> tuple[list[View], list[torch.Tensor]]:
    """Exact views of a thing on the plane z = 0, and its masks."""
    views, masks = [], []
    for camera, sight in zip(where, see_meshes([mesh], where), strict=True):
        fall = (camera_rays(camera).double() @ torch.from_numpy(camera.world_from_camera[:3, :3]).T)[..., 2]
        table = (-camera.position[2] / fall).float()
        mask = sight.number > 0
        views.append(View(camera, torch.where(mask, sight.depth, table), torch.full((*mask.shape, 3), 0.5)))
        masks.append(mask)
    return views, masks


def completed(truth: trimesh.Trimesh, where: list[Camera]):
    """The surface as it is fused, the same after completion, and the symmetries used."""
    views, masks = photograph(truth, where)
    low, high = (torch.tensor(each, dtype=torch.float32) for each in truth.bounds)
    margin = 0.5 * float((high - low).max())
    fused = object_surface(views, masks, low - margin, high + margin, PLANE, 2 * CELLS)
    assert fused is not None
    whole, used = complete_unseen(Refined(fused, np.ones(len(fused.vertices))), masks, views, [], PLANE, UNIT, CELLS)
    assert len(whole.trust) == len(whole.mesh.vertices)
    return fused, whole.mesh, used


def error(mesh: trimesh.Trimesh, truth: trimesh.Trimesh) -> float:
    """Mean distance [m] both ways."""
    a, b = Surface(mesh, 0.001), Surface(truth, 0.001)
    return float(a.distances(b.points(2000)).mean() + b.distances(a.points(2000)).mean()) / 2


def ellipsoid(axes: tuple[float, float, float], turn: float = 0.0) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(subdivisions=4)
    mesh.apply_scale(axes)
    mesh.apply_transform(rotation_matrix(turn, UP))
    return mesh.apply_translation([0, 0, axes[2]])


@cache
def mug() -> trimesh.Trimesh:
    body = without(tube((0, 0, 0.03), 0.035, 0.06), tube((0, 0, 0.04), 0.029, 0.06))
    handle = without(ring((0.035, 0, 0.032), 0.018, 0.005), tube((0, 0, 0.04), 0.033, 0.06))
    return mesh_of(union(body, handle), 0.07)


@cache
def boot() -> trimesh.Trimesh:
    foot = box((0.0, 0.0, 0.012), (0.09, 0.035, 0.024))
    leg = box((-0.028, 0.004, 0.04), (0.03, 0.026, 0.08))
    return mesh_of(union(foot, leg, box((0.03, 0.03, 0.008), (0.02, 0.04, 0.016))), 0.1)


def box_shape(sides: tuple[float, float, float], turn: float) -> trimesh.Trimesh:
    mesh = trimesh.creation.box(sides).apply_translation([0, 0, sides[2] / 2])
    return mesh.apply_transform(rotation_matrix(turn, UP))


@pytest.mark.parametrize(("axes", "turn"), [((0.045, 0.03, 0.02), 0.4), ((0.03, 0.036, 0.026), 1.3)])
def test_the_back_of_an_ellipsoid_is_the_image_of_its_front(axes: tuple[float, float, float], turn: float) -> None:
    truth = ellipsoid(axes, turn)
    fused, whole, used = completed(truth, cameras(-50, 50))
    assert used
    assert is_closed(whole)
    assert whole.vertices[:, 2].min() > -1e-5
    assert error(whole, truth) < 0.85 * error(fused, truth)
    again = completed(truth, cameras(-50, 50))[1]
    np.testing.assert_array_equal(whole.vertices, again.vertices)


def test_the_back_of_a_can_is_turned_from_its_front() -> None:
    truth = trimesh.creation.cylinder(0.03, 0.08).apply_translation([0, 0, 0.04])
    fused, whole, used = completed(truth, cameras(-50, 50))
    assert any(each.kind == "revolution" for each in used)
    assert is_closed(whole)
    assert error(whole, truth) < 0.5 * error(fused, truth)


def test_a_box_and_a_mug_that_were_seen_all_around_stay_what_they_are() -> None:
    for truth in (box_shape((0.08, 0.05, 0.04), 0.3), mug()):
        fused, whole, used = completed(truth, cameras(0, 360))
        assert is_closed(whole)
        assert all(each.kind == "mirror" for each in used)  # its handle breaks the mug's revolution
        assert error(whole, truth) < error(fused, truth) + 0.0002


@pytest.mark.parametrize("where", [(0, 360), (-90, 90)])
def test_what_is_not_symmetric_is_left_alone(where: tuple[float, float]) -> None:
    fused, whole, used = completed(boot(), cameras(*where))
    assert used == []
    assert whole is fused


def test_free_space_where_an_image_lies_refuses_the_symmetry() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    points, normals = np.array(ball.vertices), np.array(ball.vertex_normals)
    cut = points[:, 0] < -0.02  # there the surface is flat and was not seen
    points[cut, 0], normals[cut] = -0.02, [-1.0, 0, 0]
    skin = Skin(points, normals, ~cut)

    def across(free) -> list[Symmetry]:
        return [each for each in find_symmetries(skin, UP, free, 0.002) if each.kind == "mirror" and _along_x(each)]

    assert across(lambda x: np.zeros(len(x), bool))
    assert not across(lambda x: x[:, 0] < -0.021)


def _along_x(symmetry: Symmetry) -> bool:
    return abs(float(symmetry.axis[0])) > 0.9


def test_a_plane_that_nothing_seen_holds_in_place_is_refused() -> None:
    """A long bar of which no end was seen could be mirrored anywhere across."""
    bar = trimesh.creation.box((0.2, 0.03, 0.04))
    points, faces, *_ = trimesh.sample.sample_surface(bar, 6000, seed=0)
    skin = Skin(np.asarray(points), bar.face_normals[np.asarray(faces)], np.abs(points[:, 0]) < 0.06)
    found = find_symmetries(skin, UP, lambda x: np.zeros(len(x), bool), 0.002)
    assert found
    assert not any(_along_x(each) for each in found)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(turn=st.floats(0, np.pi), size=st.floats(0.02, 0.06), x=st.floats(-0.1, 0.1), flat=st.floats(0.5, 0.8))
def test_the_planes_of_an_ellipsoid_are_found_in_any_pose_and_size(
    turn: float, size: float, x: float, flat: float
) -> None:
    mesh = ellipsoid((size, flat * size, flat * flat * size), turn).apply_translation([x, 0, 0])
    normals = np.array(mesh.vertex_normals)
    skin = Skin(np.array(mesh.vertices), normals, normals[:, 2] > -0.6)
    found = find_symmetries(skin, UP, lambda x: np.zeros(len(x), bool), 0.06 * size)
    for angle in (turn, turn + np.pi / 2):
        normal = np.array([np.cos(angle), np.sin(angle), 0])
        best = max(found, key=lambda each: abs(float(each.axis @ normal)) * (each.kind == "mirror"))
        assert abs(float(best.axis @ normal)) > np.cos(np.radians(8))
        assert abs(float((best.point - mesh.bounds.mean(0)) @ normal)) < 0.05 * size
