"""One object, another shape: everything of it carried along by a deformation, and handed out only if it is valid."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import inertia_problem
from scan2sim.cousins.change import Change
from scan2sim.cousins.shape.anatomy import Anatomy, anatomy_of
from scan2sim.cousins.shape.carry_bodies import carried_physical, mesh_of
from scan2sim.cousins.shape.carry_pieces import carried_pieces
from scan2sim.cousins.shape.carry_splats import carried_gaussians
from scan2sim.cousins.shape.check import folded
from scan2sim.cousins.shape.config import ShapeConfig
from scan2sim.cousins.shape.draw import Refused, drawn_deformation
from scan2sim.cousins.shape.footing import Footing, support_margin
from scan2sim.cousins.shape.solid import solid_of
from scan2sim.cousins.shape.warp import Chain, Linear, Warp
from scan2sim.errors import SceneError, UsageError
from scan2sim.geometry import transform_points
from scan2sim.scene import Physical, SceneObject

__all__ = ["vary_shape"]

Array = NDArray[np.float64]


def vary_shape(
    obj: SceneObject,
    amount: float,  # 0..1
    rng: np.random.Generator,
    config: ShapeConfig = ShapeConfig(),  # noqa: B008 (frozen)
    anatomy: Anatomy | None = None,
) -> tuple[SceneObject, tuple[Change, ...]]:
    """The object in another shape, standing on the same plane at the same place, and what was changed.

    A direction among the deformations that the shape allows is drawn, and the way along it is as long as it takes to
    make the surfaces ``amount * config.largest`` of the size apart.  Each deformation is a diffeomorphism that keeps
    the plane under the object, so nothing turns inside out, runs through itself or loses its foot; that is checked on
    the result, with the collision pieces, the inertia and the weight's place over the support.  What fails is drawn
    again.

    Args:
        obj: free or fixed; its mesh is closed.
        amount: 0 for the object itself, 1 for the boldest.
        rng: the same state gives the same object.
        config: what to draw from, and how valid is meant.
        anatomy: of this object with this config, to save the time to find it again.

    Raises:
        UsageError: the amount is not in 0..1, or the object moves on a joint, which a deformation would displace.
        SceneError: no valid shape was found in ``config.tries``.
    """
    if not 0 <= amount <= 1:
        raise UsageError(f"a shape is varied by an amount in 0..1, not by {amount}")
    if obj.joint is not None:
        raise UsageError(f"“{obj.name}” moves on a joint, which a deformation would displace", todo="leave it as it is")
    if amount == 0:
        return obj, ()
    anatomy = anatomy or anatomy_of(obj, config)
    reasons: dict[str, int] = {}
    for _ in range(config.tries):
        try:
            drawn = drawn_deformation(anatomy, amount, rng, config)
            varied, shear = _carried(obj, anatomy, drawn.warp, config)
        except Refused as why:
            reasons[str(why)] = reasons.get(str(why), 0) + 1
            continue
        parts = zip(drawn.modes, drawn.strengths, strict=True)
        changes = [Change("shape", mode.kind, obj.name, mode.values(strength)) for mode, strength in parts]
        if shear.any():
            changes.append(Change("shape", "balance", obj.name, {"shear": [float(s) for s in shear]}))
        return varied, tuple(changes)
    counted = "; ".join(f"{count} times {why}" for why, count in reasons.items())
    raise SceneError(
        f"no valid shape of “{obj.name}” was found in {config.tries} tries: {counted}", todo="lower the amount"
    )


def _carried(obj: SceneObject, anatomy: Anatomy, warp: Warp, config: ShapeConfig) -> tuple[SceneObject, Array]:
    """Everything of the object under a warp, and the shear (2,) by which its weight was brought back over its foot."""
    footing, skin = anatomy.footing, anatomy.skin
    vertices, jacobians = warp(skin.vertices)
    corners, corner_jacobians = warp(np.concatenate([piece.points for piece in anatomy.pieces]))
    physical, centre = _mass(obj, anatomy, vertices, config)
    shear = _balance(corners, footing.points(centre[None])[0], footing, config)
    if shear.any():
        lean = Linear(np.array([[1, 0, shear[0]], [0, 1, shear[1]], [0, 0, 1.0]]))
        warp, vertices, corners = Chain([warp, lean]), lean(vertices)[0], lean(corners)[0]
        jacobians = lean.matrix @ jacobians
        physical, centre = _mass(obj, anatomy, vertices, config)
    means, splat_jacobians = warp(footing.points(obj.gaussians.means.double().numpy()))
    if min(np.linalg.det(each).min(initial=1.0) for each in (jacobians, corner_jacobians, splat_jacobians)) <= 0:
        raise Refused("space turned inside out")
    if folded(anatomy, vertices, jacobians):
        raise Refused("its surface folded")
    hulls = carried_pieces(anatomy.pieces, warp, config.excess * physical.volume.value)
    if hulls is None:
        raise Refused("its collision pieces no longer fit")
    turn = footing.standing_from_object[:3, :3]
    varied = replace(
        obj,
        position=transform_points(obj.world_from_object, centre[None])[0],
        gaussians=carried_gaussians(obj.gaussians, footing.in_object(means) - centre, turn.T @ splat_jacobians @ turn),
        visual=mesh_of(skin, footing.in_object(vertices) - centre),
        collision=tuple(
            trimesh.Trimesh(footing.in_object(hull.points) - centre, hull.faces, process=False) for hull in hulls
        ),
        physical=physical,
        texture=None if obj.texture is None or skin.uv is None else replace(obj.texture, uv=skin.uv),
        figures={},  # they tell of the twin
    )
    return varied, shear


def _mass(obj: SceneObject, anatomy: Anatomy, vertices: Array, config: ShapeConfig) -> tuple[Physical, Array]:
    """Mass and inertia with the surface at ``vertices`` (V, 3), and the centre of mass in the object's old frame."""
    before, after = anatomy.solid, solid_of(anatomy.footing.in_object(vertices), anatomy.skin.faces)
    if after.volume <= 0:
        raise Refused("its surface turned inside out")
    if abs(math.log(after.volume / before.volume)) > math.log(config.growth):
        raise Refused("it became too large or too small")
    physical, centre = carried_physical(obj.physical, before, after)
    if problem := inertia_problem(physical.inertia):
        raise Refused(f"its inertia is {problem}")
    return physical, centre


def _balance(corners: Array, centre: Array, footing: Footing, config: ShapeConfig) -> Array:  # (2,)
    """The shear x += s z that brings the weight far enough inside the support polygon; 0 where it lies there, or where
    the twin itself is held by something else.

    Along the way to the polygon's middle the margin is concave, so linear interpolation goes far enough.
    """
    needed = min(config.margin, footing.margin / 2)
    margin, way = support_margin(corners, centre, footing)
    if footing.margin <= 0 or margin >= needed:
        return np.zeros(2)
    most = support_margin(corners, centre + np.append(way, 0), footing)[0]
    if most <= needed:
        raise Refused("it lost its foot")
    shear = (needed - margin) / (most - margin) * way / centre[2]
    if np.linalg.norm(shear) > config.lean:
        raise Refused("it would tip")
    return shear
