"""One object, another shape: draw a deformation, carry everything along, and hand out only what is valid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
from scan2sim.cousins.shape.footing import Footing, support_margin
from scan2sim.cousins.shape.modes import Mode, mixed, with_bumps
from scan2sim.cousins.shape.solid import solid_of
from scan2sim.cousins.shape.warp import Chain, Linear, Warp
from scan2sim.errors import SceneError, UsageError
from scan2sim.geometry import transform_points
from scan2sim.scene import Physical, SceneObject

__all__ = ["vary_shape"]

Array = NDArray[np.float64]

PRECISION = 0.02  # of the distance that is asked for
STEPS = 6
DRAWS = 6
FAINT = 0.3  # the weakest deformation drawn, over the strongest


class _Refused(Exception):  # noqa: N818 (no error: the next draw may do)
    """Why a deformation gives no valid object."""


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
            modes, strengths, warp = _drawn(anatomy, amount, rng, config)
            varied, shear = _carried(obj, anatomy, warp, config)
        except _Refused as why:
            reasons[str(why)] = reasons.get(str(why), 0) + 1
            continue
        changes = [Change("shape", m.kind, obj.name, m.values(s)) for m, s in zip(modes, strengths, strict=True)]
        if shear.any():
            changes.append(Change("shape", "balance", obj.name, {"shear": [float(s) for s in shear]}))
        return varied, tuple(changes)
    counted = "; ".join(f"{count} times {why}" for why, count in reasons.items())
    raise SceneError(
        f"no valid shape of “{obj.name}” was found in {config.tries} tries: {counted}", todo="lower the amount"
    )


def _drawn(
    anatomy: Anatomy, amount: float, rng: np.random.Generator, config: ShapeConfig
) -> tuple[list[Mode], list[float], Warp]:
    """Modes in a random order, as many as are needed to reach the largest distance, and how far to go along them.

    Which ones these are does not depend on the amount.  Signs that cancel each other are drawn again; of a shape that
    cannot be changed so much, the best of a few draws is taken.
    """
    best: tuple[float, list[Mode], list[float]] = (0.0, [], [])
    for _ in range(DRAWS):
        modes = [with_bumps(anatomy.modes[k], anatomy.sample.points, rng) for k in rng.permutation(len(anatomy.modes))]
        weights = rng.uniform(FAINT, 1, len(modes)) * rng.choice([-1.0, 1.0], len(modes))
        ends = [float(abs(w) * (mode.high if w > 0 else mode.low)) for mode, w in zip(modes, weights, strict=True)]
        reach, count = 0.0, min(config.mix, len(modes))
        while (reach := anatomy.distance(_warp(anatomy, modes[:count], ends[:count]))) < config.largest:
            if count == len(modes):
                break
            count = min(count + 2, len(modes))
        if reach > best[0]:
            best = (reach, modes[:count], ends[:count])
        if reach >= config.largest:
            break
    reach, modes, ends = best
    if reach == 0:
        raise _Refused("nothing changed")
    goal = amount * min(config.largest, reach)
    share = _share(lambda s: anatomy.distance(_warp(anatomy, modes, [s * end for end in ends])), goal, reach)
    strengths = [share * end for end in ends]
    return modes, strengths, _warp(anatomy, modes, strengths)


def _warp(anatomy: Anatomy, modes: Sequence[Mode], strengths: Sequence[float]) -> Warp:
    return mixed(modes, strengths, anatomy.outline, anatomy.span)


def _share(distance: Callable[[float], float], target: float, reach: float) -> float:
    """How much of the whole way gives the distance that is asked for: regula falsi (Illinois)."""
    (low, under), (high, over) = (0.0, -target), (1.0, reach - target)
    share = target / reach
    for _ in range(STEPS):
        off = distance(share) - target
        if abs(off) <= PRECISION * target:
            break
        if off < 0:
            (low, under), over = (share, off), over / 2
        else:
            (high, over), under = (share, off), under / 2
        share = (low * over - high * under) / (over - under)
    return share


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
        raise _Refused("space turned inside out")
    if folded(anatomy, vertices, jacobians):
        raise _Refused("its surface folded")
    hulls = carried_pieces(anatomy.pieces, warp, config.excess * physical.volume.value)
    if hulls is None:
        raise _Refused("its collision pieces no longer fit")
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
        raise _Refused("its surface turned inside out")
    if abs(math.log(after.volume / before.volume)) > math.log(config.growth):
        raise _Refused("it became too large or too small")
    physical, centre = carried_physical(obj.physical, before, after)
    if problem := inertia_problem(physical.inertia):
        raise _Refused(f"its inertia is {problem}")
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
        raise _Refused("it lost its foot")
    shear = (needed - margin) / (most - margin) * way / centre[2]
    if np.linalg.norm(shear) > config.lean:
        raise _Refused("it would tip")
    return shear
