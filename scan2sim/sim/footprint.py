"""Where things stand on the table: corners, the discs they need, the workspace about them, and what is not known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from scan2sim.errors import UsageError
from scan2sim.geometry import transform, transform_points
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.tasks import Spread

__all__ = ["footprint_disc", "footprint_rectangle", "object_corners", "spreads_of", "standing_alone", "workspace"]

Array = NDArray[np.float64]
REACH = 0.3  # [m] the workspace is at most this far from the target on each side


def object_corners(obj: SceneObject) -> Array:  # (N, 3) [m] scene frame
    """Corners of an object's collision pieces."""
    return transform_points(obj.world_from_object, np.vstack([piece.vertices for piece in obj.collision]))


def footprint_disc(obj: SceneObject) -> tuple[float, float, float]:
    """Centre and radius [m] of a circle that holds the footprint."""
    corners = object_corners(obj)[:, :2]
    centre = (corners.min(0) + corners.max(0)) / 2
    return float(centre[0]), float(centre[1]), float(np.linalg.norm(corners - centre, axis=1).max())


def footprint_rectangle(obj: SceneObject) -> tuple[float, float, Array]:  # [m], [m], (2,)
    """Length and width of the smallest rectangle that holds the footprint, and the direction of its length."""
    corners = object_corners(obj)[:, :2]
    rim = corners[ConvexHull(corners).vertices]
    edges = np.roll(rim, -1, axis=0) - rim  # one side of the smallest rectangle lies along an edge
    along = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    lengths, widths = np.ptp(rim @ along.T, axis=0), np.ptp(rim @ across.T, axis=0)
    best = int(np.argmin(lengths * widths))
    if lengths[best] >= widths[best]:
        return float(lengths[best]), float(widths[best]), along[best]
    return float(widths[best]), float(lengths[best]), across[best]


def workspace(scene: Scene, position: Array) -> tuple[Array, Array]:  # (2,), (2,) [m]
    """The bounds of the support under a place, at most 30 cm from it on each side."""
    low, high = position[:2] - REACH, position[:2] + REACH
    for support in scene.supports:
        if support.object is None:
            corners = np.column_stack([support.polygon, np.zeros(len(support.polygon))])
            flat = transform_points(transform(support.position, support.wxyz), corners)[:, :2]
            if (flat.min(0) <= position[:2]).all() and (position[:2] <= flat.max(0)).all():
                return np.maximum(low, flat.min(0)), np.minimum(high, flat.max(0))
    return low, high


def standing_alone(scene: Scene, name: str | None = None) -> list[SceneObject]:
    """The free objects that stand on the main support and carry nothing, the smallest first; or the one of that name.

    Raises:
        UsageError: there is no free object of that name.
    """
    free = [o for o in scene.objects if o.mobility == "free"]
    if name is not None:
        chosen = [o for o in free if o.name == name]
        if not chosen:
            names = ", ".join(o.name for o in free) or "none"
            raise UsageError(f"no movable object “{name}” in this scene", todo=f"choose one of: {names}")
        return chosen
    carrying = {o.rests_on.id for o in scene.objects if o.rests_on}
    alone = [o for o in free if o.id not in carrying and (o.rests_on is None or o.rests_on.id == 0)]
    return sorted(alone, key=lambda o: (footprint_disc(o)[2], o.id))


def spreads_of(scene: Scene) -> tuple[Spread, ...]:
    """What the scene does not know of its free objects: the intervals of their masses and frictions."""
    return tuple(
        Spread(
            o.name,
            (o.physical.mass.value, o.physical.mass.low, o.physical.mass.high),
            (o.physical.friction.value, o.physical.friction.low, o.physical.friction.high),
        )
        for o in scene.objects
        if o.mobility == "free"
    )
