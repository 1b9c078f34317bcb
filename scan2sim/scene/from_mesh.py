"""A mesh becomes a SceneObject: own frame, convex pieces, physics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import trimesh

from scan2sim.bodies import (
    ConvexConfig,
    close_mesh,
    convex_pieces,
    decimate,
    estimate_physical,
    material_named,
)
from scan2sim.scene.types import Array, Label, Physical, RestsOn, SceneObject
from scan2sim.splats import Gaussians

__all__ = ["ObjectConfig", "moved_gaussians", "object_from_mesh"]


@dataclass(frozen=True)
class ObjectConfig:
    """How a mesh becomes an object."""

    faces: int = 8000
    """The visual mesh is reduced to at most this many faces."""
    convex: ConvexConfig = field(default_factory=ConvexConfig)
    """How the collision pieces are cut."""
    shape_sigma: float = 0.03
    """Relative standard deviation of the volume of a mesh whose scale is known."""
    seed: int = 0
    """Seed of the convex decomposition."""


def object_from_mesh(
    id: int,
    name: str,
    label: Label,
    mesh_world: trimesh.Trimesh,  # scene frame, vertex colours
    gaussians_world: Gaussians,  # scene frame
    config: ObjectConfig = ObjectConfig(),
    *,
    material: str | None = None,
    scale_sigma: float = 0.0,
    mobility: Literal["free", "fixed"] = "free",
    rests_on: RestsOn | None = RestsOn(0),  # noqa: B008 (frozen)
    unseen_fraction: float = 0.0,
) -> SceneObject:
    """Build a scene object; its frame has its origin at the centre of mass and the axes of the scene.

    Because the frame is only moved and not turned, the Gaussians' rotations and spherical harmonics stay as they are.

    Args:
        id: unique, > 0.
        name: unique, of [a-z0-9-].
        label: what it is called.
        mesh_world: the surface; holes are filled.
        gaussians_world: the object's splats.
        config: mesh size and convex pieces.
        material: a name of the material table; None makes wide guesses.
        scale_sigma: relative standard deviation of the scene's scale.
        mobility: whether it can move.
        rests_on: what it stands on.
        unseen_fraction: part of the surface that no photo saw.

    Raises:
        SceneError: the mesh cannot be closed.
        UsageError: there is no such material.
    """
    visual = decimate(close_mesh(mesh_world), config.faces)
    estimate = estimate_physical(
        visual, None if material is None else material_named(material), scale_sigma, config.shape_sigma
    )
    origin = estimate.center_of_mass
    pieces = convex_pieces(visual, config.convex, config.seed)
    return SceneObject(
        id=id,
        name=name,
        label=label,
        position=origin,
        wxyz=np.array([1.0, 0.0, 0.0, 0.0]),
        gaussians=moved_gaussians(gaussians_world, -origin),
        visual=_moved(visual, -origin),
        collision=tuple(_moved(piece, -origin) for piece in pieces),
        physical=Physical(
            mass=estimate.mass,
            friction=estimate.friction,
            restitution=estimate.restitution,
            volume=estimate.volume,
            center_of_mass=np.zeros(3),
            inertia=estimate.inertia,
        ),
        mobility=mobility,
        rests_on=rests_on,
        unseen_fraction=unseen_fraction,
    )


def moved_gaussians(gaussians: Gaussians, offset: Array) -> Gaussians:
    """The same Gaussians moved by ``offset`` (3,) [m]."""
    return replace(gaussians, means=gaussians.means + gaussians.means.new_tensor(np.asarray(offset)))


def _moved(mesh: trimesh.Trimesh, offset: Array) -> trimesh.Trimesh:
    moved = mesh.copy()
    moved.apply_translation(offset)
    return moved
