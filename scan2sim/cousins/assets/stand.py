"""An object scaled as a whole, and put somewhere upright."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.visual import ColorVisuals

from scan2sim.bodies import mark_seen, vertex_colors, vertices_seen
from scan2sim.geometry import matrix_from_quaternion, quaternion_multiply
from scan2sim.scene import Estimate, SceneObject

__all__ = ["lowest_middle", "scaled", "stand_at", "upright_points"]

Array = NDArray[np.float64]


def scaled(obj: SceneObject, factor: float) -> SceneObject:
    """The object ``factor`` times as large, of the same materials: masses by its cube, inertias by its fifth power.

    What was measured on it says nothing of how well the scaled one came out, and is left out, but for how near the
    collision pieces lie.
    """
    if factor == 1:
        return obj
    physical, gaussians = obj.physical, obj.gaussians
    return replace(
        obj,
        gaussians=replace(
            gaussians, means=gaussians.means * factor, log_scales=gaussians.log_scales + math.log(factor)
        ),
        visual=_scaled_skin(obj.visual, factor),
        collision=tuple(
            trimesh.Trimesh(piece.vertices * factor, piece.faces, process=False) for piece in obj.collision
        ),
        physical=replace(
            physical,
            mass=_times(physical.mass, factor**3),
            volume=_times(physical.volume, factor**3),
            center_of_mass=physical.center_of_mass * factor,
            inertia=physical.inertia * factor**5,
        ),
        figures={
            name: value * (factor if name.endswith("_mm") else 1)
            for name, value in obj.figures.items()
            if name.startswith("collision")
        },
    )


def stand_at(obj: SceneObject, place: Array, yaw: float = 0.0) -> SceneObject:  # place (3,) [m], yaw [rad]
    """The object turned about the vertical, the middle of its outline from above and its lowest point at a place."""
    turn = np.array([math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)])
    turned = replace(obj, wxyz=quaternion_multiply(turn, obj.wxyz), position=np.zeros(3))
    return replace(turned, position=np.asarray(place, np.float64) - lowest_middle(turned))


def lowest_middle(obj: SceneObject) -> Array:  # (3,) [m]
    """The middle of what is seen of an object from above, at the height of its lowest point, in the scene."""
    points = upright_points(obj) + obj.position
    low, high = points.min(0), points.max(0)
    return np.array([*(low + high)[:2] / 2, low[2]])


def upright_points(obj: SceneObject) -> Array:  # (N, 3) [m]
    """The corners of the collision pieces, turned as in the scene; what touches the support is among them."""
    corners = np.concatenate([piece.vertices for piece in obj.collision])
    return corners @ matrix_from_quaternion(obj.wxyz).T


def _scaled_skin(mesh: trimesh.Trimesh, factor: float) -> trimesh.Trimesh:
    visual = ColorVisuals(vertex_colors=vertex_colors(mesh))
    larger = trimesh.Trimesh(mesh.vertices * factor, mesh.faces, visual=visual, process=False)
    mark_seen(larger, vertices_seen(mesh))
    return larger


def _times(estimate: Estimate, factor: float) -> Estimate:
    return Estimate(estimate.value * factor, estimate.low * factor, estimate.high * factor, estimate.source)
