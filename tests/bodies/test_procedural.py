"""Procedural shapes against what they claim to be: solid, made of their pieces, hollow where they are, at rest."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from scan2sim.bodies import (
    FAMILIES,
    ProceduralShape,
    is_closed,
    is_convex,
    mass_properties,
    piece_fit,
    procedural_shape,
)
from scan2sim.errors import UsageError

UPRIGHT = ("bottle", "bowl", "bracket", "can", "cup", "frustum", "jar", "mug", "plate", "tray", "box", "wedge")
VESSELS = ("bowl", "cup", "jar", "mug", "plate", "tray")
ROUND = ("can", "capsule", "ellipsoid", "frustum", "lemon", "pear", "potato")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_shape_is_a_solid_made_of_its_pieces(family: str) -> None:
    shape = procedural_shape(family, np.random.default_rng(1))
    size = shape.mesh.extents.max()
    assert is_closed(shape.mesh)
    assert shape.mesh.body_count == 1
    assert 0.03 <= size <= 0.2
    assert size == pytest.approx(shape.parameters["size"])
    assert shape.mesh.bounds[0, 2] == pytest.approx(0, abs=1e-6)
    assert all(is_convex(piece) for piece in shape.pieces)
    if family in ROUND:
        assert max(len(piece.vertices) for piece in shape.pieces) >= 200
    if len(shape.pieces) == 1:
        assert shape.pieces[0].volume == pytest.approx(shape.mesh.volume, rel=0.002)
        return
    fit = piece_fit(shape.mesh, shape.pieces)
    assert fit.farthest <= min(0.002, 0.012 * size) + 0.001  # the measure itself is off by up to 1/300 of the size
    assert fit.mean <= 0.003 * size
    assert 0.99 < fit.volume_ratio < 1.15


@pytest.mark.parametrize("family", VESSELS)
def test_a_vessel_is_hollow(family: str) -> None:
    shape = procedural_shape(family, np.random.default_rng(3))
    low, high = shape.mesh.bounds
    up = np.linspace(low[2], high[2], 200)[:, None] * [0, 0, 1]
    inside = np.any([piece.contains(up) for piece in shape.pieces], axis=0)
    assert 0 < inside.mean() < 0.5, "the axis runs through the floor and then through air"
    assert not inside[100:].any()
    assert (inside == shape.mesh.contains(up)).mean() > 0.97


def test_the_ring_has_a_hole() -> None:
    shape = procedural_shape("ring", np.random.default_rng(0))
    assert not any(piece.contains(shape.mesh.bounds.mean(0)[None])[0] for piece in shape.pieces)
    assert shape.mesh.euler_number == 0
    assert procedural_shape("mug", np.random.default_rng(0)).mesh.euler_number == 0  # one handle


@pytest.mark.parametrize("family", FAMILIES)
def test_a_shape_stays_as_it_stands(family: str) -> None:
    shape = procedural_shape(family, np.random.default_rng(4))
    moved, turned = drop(shape)
    assert abs(moved[2]) < 0.002
    assert turned < np.deg2rad(2 if family in UPRIGHT else 6)
    assert np.linalg.norm(moved[:2]) < 0.004


def test_the_same_seed_makes_the_same_shape() -> None:
    one, two = (procedural_shape("mug", np.random.default_rng(7), 0.1) for _ in range(2))
    other = procedural_shape("mug", np.random.default_rng(8), 0.1)
    assert np.array_equal(one.mesh.vertices, two.mesh.vertices)
    assert one.parameters == two.parameters
    assert one.mesh.extents.max() == pytest.approx(0.1) == other.mesh.extents.max()
    assert one.parameters != other.parameters


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(UsageError, match="no family of shapes called 'sofa'"):
        procedural_shape("sofa", np.random.default_rng(0))
    with pytest.raises(UsageError, match="positive"):
        procedural_shape("bowl", np.random.default_rng(0), 0.0)


def drop(shape: ProceduralShape, height: float = 0.0005) -> tuple[np.ndarray, float]:
    """How far it moves [m] and turns [rad] in a second after it is let go just over a plane."""
    spec = mujoco.MjSpec()
    spec.option.timestep = 0.002
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[1, 1, 0.1])
    solid = mass_properties(shape.mesh, 600)
    body = spec.worldbody.add_body(
        pos=[0, 0, height],
        mass=solid.mass,
        ipos=solid.center_of_mass,
        fullinertia=[*np.diag(solid.inertia), solid.inertia[0, 1], solid.inertia[0, 2], solid.inertia[1, 2]],
        explicitinertial=True,
    )
    body.add_freejoint()
    for k, piece in enumerate(shape.pieces):
        spec.add_mesh(name=str(k), uservert=piece.vertices.ravel(), userface=piece.faces.ravel())
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH, meshname=str(k), condim=6, friction=[0.6, 0.005, 0.001], solref=[0.005, 1]
        )
    model = spec.compile()
    data = mujoco.MjData(model)
    for _ in range(500):
        mujoco.mj_step(model, data)
    turn = 2 * np.arccos(np.clip(abs(data.qpos[3]), 0, 1))
    return data.qpos[:3] - [0, 0, height], float(turn)
