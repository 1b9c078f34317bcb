"""A mesh becomes a SceneObject: own frame, convex pieces, physics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import trimesh

from scan2sim.bodies import (
    ColorsAt,
    ConvexConfig,
    close_mesh,
    colors_of,
    convex_pieces,
    decimate,
    estimate_physical,
    material_named,
    piece_fit,
    shape_sigma,
    texture_mesh,
    unseen_share,
)
from scan2sim.scene.types import Array, Label, Physical, RestsOn, SceneObject
from scan2sim.splats import Gaussians

__all__ = ["ObjectConfig", "moved_gaussians", "object_from_mesh"]

SURFACE_SIGMA = 0.004  # of the longest side


@dataclass(frozen=True)
class ObjectConfig:
    """How a mesh becomes an object."""

    faces: int = 8000
    """The visual mesh is reduced to at most this many faces."""
    convex: ConvexConfig = field(default_factory=ConvexConfig)
    """How the collision pieces are cut."""
    texture: int = 512
    """Side of the picture on the visual mesh [pixels], about; 0 for none."""
    surface_sigma: float | None = None
    """Standard deviation of where the surface lies along its normal, on the whole [m]; None for 0.4 % of the size."""
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
    unseen_fraction: float | None = None,
    colors_at: ColorsAt | None = None,
    pieces: Sequence[trimesh.Trimesh] | None = None,
) -> SceneObject:
    """Build a scene object; its frame has its origin at the centre of mass and the axes of the scene.

    Because the frame is only moved and not turned, the Gaussians' rotations and spherical harmonics stay as they are.

    Args:
        id: unique, > 0.
        name: unique, of [a-z0-9-].
        label: what it is called.
        mesh_world: the surface; holes are filled.  What no photo saw may be marked in it (``bodies.mark_seen``).
        gaussians_world: the object's splats.
        config: mesh size and convex pieces.
        material: a name of the material table; None makes wide guesses.
        scale_sigma: relative standard deviation of the scene's scale.
        mobility: whether it can move.
        rests_on: what it stands on.
        unseen_fraction: part of the surface that no photo saw; None asks the marks of the mesh.
        colors_at: colours of points of the surface, in the scene frame, for the texture; None takes the mesh's own.
        pieces: the convex pieces in the scene frame, where they are known; None cuts the mesh.

    Raises:
        SceneError: the mesh cannot be closed.
        UsageError: there is no such material.
    """
    closed = close_mesh(mesh_world)
    visual = decimate(closed, config.faces)
    unseen = unseen_share(visual) if unseen_fraction is None else unseen_fraction
    offset = config.surface_sigma or SURFACE_SIGMA * float(visual.extents.max())
    row = None if material is None else material_named(material)
    estimate = estimate_physical(visual, row, scale_sigma, shape_sigma(visual, offset, unseen))
    origin = estimate.center_of_mass
    pieces = convex_pieces(visual, config.convex, config.seed) if pieces is None else pieces
    fit = piece_fit(visual, pieces)
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
        unseen_fraction=unseen,
        figures={
            "collision_mm": 1000 * fit.mean,
            "collision_farthest_mm": 1000 * fit.farthest,
            "collision_volume_ratio": fit.volume_ratio,
        },
        texture=texture_mesh(visual, colors_at or colors_of(closed), config.texture) if config.texture else None,
    )


def moved_gaussians(gaussians: Gaussians, offset: Array) -> Gaussians:
    """The same Gaussians moved by ``offset`` (3,) [m]."""
    return replace(gaussians, means=gaussians.means + gaussians.means.new_tensor(np.asarray(offset)))


def _moved(mesh: trimesh.Trimesh, offset: Array) -> trimesh.Trimesh:
    moved = mesh.copy()
    moved.apply_translation(offset)
    return moved
