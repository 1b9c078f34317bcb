"""Meshes, pieces and masses of deformed things, against volumes and inertias that are known."""

from __future__ import annotations

import numpy as np
import trimesh

from scan2sim.bodies import is_convex, mass_properties
from scan2sim.cousins.shape.axis_warp import CHANNELS, AxisWarp, knot_places
from scan2sim.cousins.shape.carry_bodies import carried_physical
from scan2sim.cousins.shape.carry_pieces import Piece, carried_pieces, hull_of
from scan2sim.cousins.shape.refine import Skin, with_short_edges
from scan2sim.cousins.shape.solid import solid_of
from scan2sim.cousins.shape.warp import Linear
from scan2sim.scene import Estimate, Physical
from tests.scene.factory import bowl_mesh


def physical(mass: float, inertia: np.ndarray, centre: np.ndarray) -> Physical:
    weight = Estimate(mass, 0.8 * mass, 1.3 * mass, "measured")
    half = Estimate(0.5, 0.4, 0.6, "guess")
    return Physical(weight, half, half, Estimate(1e-4, 0.9e-4, 1.1e-4, "measured"), centre, inertia)


def test_volumes_under_an_affine_map_grow_by_its_determinant() -> None:
    mesh = bowl_mesh()
    matrix = np.array([[1.2, 0.1, 0.3], [0.0, 0.9, -0.2], [0.0, 0.0, 1.4]])
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    before, after = solid_of(vertices, faces), solid_of(Linear(matrix)(vertices)[0], faces)
    assert np.isclose(before.volume, mesh.volume)
    assert np.isclose(after.volume, np.linalg.det(matrix) * before.volume)
    np.testing.assert_allclose(after.mean, matrix @ before.mean)
    np.testing.assert_allclose(after.covariance, matrix @ before.covariance @ matrix.T)


def test_a_stretched_box_has_the_inertia_of_a_box_and_keeps_its_density() -> None:
    size, factor = np.array([0.06, 0.04, 0.05]), np.array([1.5, 0.8, 1.0])
    before, after = trimesh.creation.box(size), trimesh.creation.box(size * factor)
    given = mass_properties(before, 700)
    carried, centre = carried_physical(
        physical(given.mass, given.inertia, np.zeros(3)),
        solid_of(before.vertices, before.faces),
        solid_of(after.vertices, after.faces),
    )
    expected = mass_properties(after, 700)
    np.testing.assert_allclose(carried.inertia, expected.inertia, rtol=1e-9, atol=1e-15)
    assert np.isclose(carried.mass.value, expected.mass)
    assert np.isclose(carried.mass.low, 0.8 * expected.mass)
    assert np.isclose(carried.mass.high, 1.3 * expected.mass)
    assert np.isclose(carried.volume.high, 1.1e-4 * 1.2)
    np.testing.assert_allclose(centre, 0, atol=1e-12)


def test_what_is_heavy_below_stays_heavy_below() -> None:
    box = trimesh.creation.box([0.04, 0.04, 0.1])
    given = mass_properties(box, 700)
    centre = np.array([0.0, 0.0, -0.02])
    taller = box.vertices * [1, 1, 1.5]
    carried, found = carried_physical(
        physical(given.mass, 0.5 * given.inertia, centre),
        solid_of(box.vertices, box.faces),
        solid_of(taller, box.faces),
    )
    np.testing.assert_allclose(found, [0, 0, -0.03], atol=1e-12)
    even = mass_properties(trimesh.Trimesh(taller, box.faces, process=False), 700).inertia
    np.testing.assert_allclose(carried.inertia, 0.5 * even, rtol=1e-9, atol=1e-15)


def test_short_edges_keep_a_mesh_closed_and_its_picture_in_place() -> None:
    box = trimesh.creation.box([0.1, 0.02, 0.03])
    corners = np.asarray(box.vertices)
    skin = Skin(corners, np.asarray(box.faces), corners[:, :1], corners[box.faces][:, :, :2] * 3)
    fine = with_short_edges(skin, 0.008)
    mesh = trimesh.Trimesh(fine.vertices, fine.faces, process=False)
    assert mesh.is_volume
    assert np.isclose(mesh.volume, box.volume)
    assert np.isclose(mesh.area, box.area)
    assert mesh.edges_unique_length.max() <= 0.008
    np.testing.assert_allclose(fine.attributes[:, 0], fine.vertices[:, 0])  # what is linear stays linear
    assert fine.uv is not None
    np.testing.assert_allclose(fine.uv, fine.vertices[fine.faces][:, :, :2] * 3, atol=1e-12)


def piece_of(mesh: trimesh.Trimesh) -> Piece:
    fine = with_short_edges(Skin(np.asarray(mesh.vertices), np.asarray(mesh.faces), np.zeros((8, 0))), 0.02)
    return Piece(fine.vertices, fine.faces, 8)


def bend(slope: float) -> AxisWarp:
    knots = np.zeros((len(knot_places()), 6))
    knots[:, CHANNELS.index("offset_1")] = slope * 0.1 * knot_places().clip(0) ** 2
    return AxisWarp(2, 0.0, 0.1, knots)


def test_a_piece_that_bends_is_cut_until_it_fits() -> None:
    box = trimesh.creation.box([0.02, 0.02, 0.1])
    box.apply_translation([0, 0, 0.05])
    pieces = [piece_of(box)]
    straight = carried_pieces(pieces, bend(0.0), 1e-9)
    assert straight is not None
    assert len(straight) == 1
    bent = carried_pieces(pieces, bend(0.4), 0.04 * box.volume)
    assert bent is not None
    assert len(bent) > 1
    assert all(is_convex(trimesh.Trimesh(hull.points, hull.faces, process=False)) for hull in bent)
    assert 1.0 <= sum(hull.volume for hull in bent) / box.volume < 1.04  # a shear keeps the volume
    assert carried_pieces(pieces, bend(3.0), 1e-3 * box.volume) is None


def test_points_in_a_plane_have_no_hull() -> None:
    assert hull_of(np.random.default_rng(0).random((20, 3)) * [1, 1, 0]) is None
