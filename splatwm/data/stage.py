"""What motions begin from: bodies that rest on a support, how sure their physics is, and the room around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import Body
from scan2sim.errors import SceneError
from scan2sim.geometry import matrix_from_quaternion, transform_points
from scan2sim.scene import Scene, SceneObject

__all__ = ["Stage", "background_body", "in_single_precision", "stage_of_scene"]

Array = NDArray[np.float64]
REACH = 0.3  # [m] the room is at most this far from its middle on each side
EDGE = 0.03  # [m] that it keeps from the support's edge


@dataclass(frozen=True)
class Stage:
    """Free bodies at rest over a background that stands still; scene frame, z up."""

    name: str
    names: tuple[str, ...]  # O
    bodies: tuple[Body, ...]  # O
    background: Body  # in the scene frame, without mass
    position: Array  # (O, 3) [m] at rest
    wxyz: Array  # (O, 4) at rest
    mass: Array  # (O, 2) [kg] least and most
    friction: Array  # (O, 2) least and most
    alone: NDArray[np.bool_]  # (O,) stands on the main support and carries nothing
    low: Array  # (2,) [m] room on the support
    high: Array  # (2,)
    level: float  # [m] height of the support in the middle of the room
    up: Array  # (3,) normal of the support

    def height_at(self, place: Array) -> float:  # (2,) [m]
        """Height of the support [m] at a place."""
        middle = (self.low + self.high) / 2
        return float(self.level - (np.asarray(place) - middle) @ self.up[:2] / self.up[2])


def stage_of_scene(scene: Scene, name: str) -> Stage:
    """The free objects of a scene; fixed and jointed ones stand still with the background.

    Raises:
        SceneError: nothing in the scene is free, or it has nothing that holds things up.
    """
    free = [o for o in scene.objects if o.mobility == "free"]
    if not free:
        raise SceneError(f"nothing in the scene “{name}” can move", todo="build a scene with free objects")
    still = [piece for o in scene.objects if o.mobility != "free" for piece in _in_scene(o)]
    pieces = [*scene.background_collision, *still]
    supports = [s for s in scene.supports if s.object is None]
    if not pieces or not supports:
        raise SceneError(f"the scene “{name}” has no support with collision pieces", todo="build it again")
    support = supports[0]
    up = matrix_from_quaternion(support.wxyz)[:, 2]
    flat = np.column_stack([support.polygon, np.zeros(len(support.polygon))])
    corners = flat @ matrix_from_quaternion(support.wxyz).T + support.position
    middle = np.mean([o.position[:2] for o in free], axis=0)
    low = np.maximum(corners[:, :2].min(0) + EDGE, middle - REACH)
    high = np.maximum(np.minimum(corners[:, :2].max(0) - EDGE, middle + REACH), low + 0.05)
    centre = (low + high) / 2
    carrying = {o.rests_on.id for o in scene.objects if o.rests_on}
    return Stage(
        name=name,
        names=tuple(o.name for o in free),
        bodies=tuple(in_single_precision(_body(o)) for o in free),
        background=in_single_precision(background_body(pieces)),
        position=np.array([o.position for o in free], dtype=np.float64),
        wxyz=np.array([o.wxyz for o in free], dtype=np.float64),
        mass=np.array([[o.physical.mass.low, o.physical.mass.high] for o in free]),
        friction=np.array([[o.physical.friction.low, o.physical.friction.high] for o in free]),
        alone=np.array([o.id not in carrying and (o.rests_on is None or o.rests_on.id == 0) for o in free]),
        low=low,
        high=high,
        level=float(support.position[2] - (centre - support.position[:2]) @ up[:2] / up[2]),
        up=up,
    )


def background_body(pieces: list[trimesh.Trimesh]) -> Body:
    """Convex pieces that stand still, as a body without mass."""
    surface = trimesh.Trimesh(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.faces + first for piece, first in zip(pieces, _firsts(pieces), strict=True)]),
        process=False,
    )
    return Body("background", surface, tuple(pieces), 0.0, np.zeros(3), np.zeros((3, 3)))


def _firsts(pieces: list[trimesh.Trimesh]) -> NDArray[np.int64]:
    """The number of each mesh's first vertex among those of all."""
    return np.concatenate([[0], np.cumsum([len(piece.vertices) for piece in pieces[:-1]], dtype=np.int64)])


def in_single_precision(body: Body) -> Body:
    """The body with the numbers it will have when it is read from disk, so that what is stored is what happened."""

    def rounded(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
        return trimesh.Trimesh(_round(mesh.vertices), mesh.faces, process=False)

    friction = None if body.friction is None else float(_round(np.array(body.friction)))
    mass = float(_round(np.array(body.mass)))
    pieces = tuple(rounded(piece) for piece in body.pieces)
    center, inertia = _round(body.center_of_mass), _round(body.inertia)
    return Body(body.name, rounded(body.surface), pieces, mass, center, inertia, friction)


def _body(obj: SceneObject) -> Body:
    physical = obj.physical
    return Body(
        obj.name,
        obj.visual,
        obj.collision,
        physical.mass.value,
        physical.center_of_mass,
        physical.inertia,
        physical.friction.value,
    )


def _in_scene(obj: SceneObject) -> list[trimesh.Trimesh]:
    pieces = []
    for piece in obj.collision:
        vertices = transform_points(obj.world_from_object, piece.vertices)
        pieces.append(trimesh.Trimesh(vertices, piece.faces, process=False))
    return pieces


def _round(values: Array) -> Array:
    return np.asarray(values, dtype=np.float32).astype(np.float64)
