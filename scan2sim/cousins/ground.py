"""What things stand on: groups that move together, the support under each, and footprints on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from scan2sim.geometry import inverse_transform, quaternion_from_matrix, transform, transform_points
from scan2sim.scene import Scene, SceneObject, Support

__all__ = [
    "Array",
    "Ground",
    "Group",
    "carried_support",
    "corners_of",
    "ground_of",
    "ground_under",
    "groups_of",
    "largest_ground",
    "moved",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """A support of the background, flat."""

    name: str
    world_from_support: Array  # (4, 4), z along the normal
    polygon: Polygon  # in the support's frame [m]

    def flat(self, points: Array) -> Array:  # (N, 3) in the scene → (N, 3), z = height above it
        """Points in the support's frame."""
        return transform_points(inverse_transform(self.world_from_support), points)

    def footprint(self, corners: Array) -> Polygon:  # (N, 3) in the scene
        """The convex outline of what stands over the support."""
        return cast(Polygon, shapely.LineString(self.flat(corners)[:, :2]).convex_hull)

    def reach(self, point: Array) -> float:  # (3,) in the scene
        """How far from a point the farthest place of the support is [m]."""
        corners = np.asarray(self.polygon.exterior.coords)
        return float(np.linalg.norm(corners - self.flat(point[None])[0, :2], axis=1).max())

    def world_motion(self, about: Array, shift: Array, yaw: float) -> Array:  # (3,), (2,) [m], [rad] → (4, 4)
        """The motion in the scene that turns by ``yaw`` about the normal through a point, then shifts in the plane."""
        centre = self.flat(about[None])[0]
        turn = transform(np.zeros(3), (np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)))
        motion = transform([*(centre[:2] + shift), 0]) @ turn @ transform([*-centre[:2], 0])
        return self.world_from_support @ motion @ inverse_transform(self.world_from_support)


@dataclass(frozen=True)
class Group:
    """Objects that stand on or in each other and move together; the first one stands on the ground."""

    ids: tuple[int, ...]
    ground: Ground


def groups_of(scene: Scene) -> tuple[Group, ...]:
    """The free objects that stand on a support of the background, each with all that it carries.

    What stands on something fixed or jointed, or on nothing, is in no group: it stays.
    """
    by_id = {obj.id: obj for obj in scene.objects}
    members: dict[int, list[int]] = {}
    for obj in scene.objects:
        root = _root(obj, by_id)
        if root is not None:
            members.setdefault(root, []).append(obj.id)
    groups = []
    for root, ids in members.items():
        ground = ground_under(scene, by_id[root])
        if ground is not None:
            groups.append(Group((root, *(i for i in ids if i != root)), ground))
    return tuple(groups)


def ground_under(scene: Scene, obj: SceneObject) -> Ground | None:
    """The support of the background that an object stands over, the nearest to its foot; None without any."""
    best, least = None, np.inf
    for support in scene.supports:
        if support.object is None:
            ground = ground_of(support)
            if not ground.polygon.area:
                continue
            flat = ground.flat(corners_of(obj))
            middle = ground.flat(obj.position[None])[0, :2]
            away = abs(flat[:, 2].min()) + float(ground.polygon.distance(shapely.Point(middle)))
            if away < least:
                best, least = ground, away
    return best


def largest_ground(scene: Scene) -> Ground | None:
    """The largest support of the background; None without any."""
    grounds = [ground_of(support) for support in scene.supports if support.object is None]
    return max((g for g in grounds if g.polygon.area), key=lambda ground: ground.polygon.area, default=None)


def corners_of(*objects: SceneObject) -> Array:  # (N, 3) [m] scene frame
    """Corners of the objects' collision pieces."""
    return np.vstack(
        [
            transform_points(obj.world_from_object, np.vstack([piece.vertices for piece in obj.collision]))
            for obj in objects
        ]
    )


def moved(obj: SceneObject, motion: Array) -> SceneObject:  # (4, 4) in the scene
    """The object after a rigid motion."""
    pose = motion @ obj.world_from_object
    return replace(obj, position=pose[:3, 3].copy(), wxyz=quaternion_from_matrix(pose[:3, :3]))


def carried_support(support: Support, before: SceneObject, after: SceneObject) -> Support:
    """A support that belongs to an object, where that stands and as large as that is now.

    Its corners keep their places in the box about the object's mesh.
    """
    world_from_support = transform(support.position, support.wxyz)
    corners = np.column_stack([support.polygon, np.zeros(len(support.polygon))])
    corners = np.vstack([corners, np.zeros((1, 3))])  # and its origin
    in_object = transform_points(inverse_transform(before.world_from_object) @ world_from_support, corners)
    low, low_now = before.visual.bounds[0], after.visual.bounds[0]
    scaled = (in_object - low) * (after.visual.extents / before.visual.extents) + low_now
    motion = after.world_from_object @ inverse_transform(before.world_from_object) @ world_from_support
    world = transform_points(after.world_from_object, scaled)
    motion[:3, 3] = world[-1]
    polygon = transform_points(inverse_transform(motion), world[:-1])[:, :2]
    return replace(support, position=world[-1], wxyz=quaternion_from_matrix(motion[:3, :3]), polygon=polygon)


def ground_of(support: Support) -> Ground:
    """A support as a ground."""
    sound = Polygon(support.polygon).buffer(0)  # without crossings
    largest = max(getattr(sound, "geoms", [sound]), key=lambda part: part.area, default=Polygon())
    return Ground(support.name, transform(support.position, support.wxyz), largest)


def _root(obj: SceneObject, by_id: dict[int, SceneObject]) -> int | None:
    """The id of what carries an object and itself stands on the background."""
    seen: set[int] = set()
    while obj.mobility == "free" and obj.rests_on is not None and obj.id not in seen:
        seen.add(obj.id)
        if obj.rests_on.id == 0:
            return obj.id
        obj = by_id[obj.rests_on.id]
    return None
