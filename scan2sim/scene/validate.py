"""Is a scene consistent?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scan2sim.bodies import inertia_problem, is_closed, is_convex
from scan2sim.errors import SceneError
from scan2sim.scene.types import Estimate, Scene, SceneObject

__all__ = ["MAX_NAME", "NAME", "require_consistent", "validate_scene"]

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_NAME = 100  # characters


def validate_scene(scene: Scene) -> tuple[str, ...]:
    """Everything that is wrong with a scene, each in one sentence; empty if it is sound."""
    return tuple(_problems(scene))


def require_consistent(scene: Scene, path: Path | None = None) -> None:
    """Refuse a scene with something wrong in it; ``path`` is where it was to go.

    Raises:
        SceneError: the scene is not consistent.
    """
    problems = validate_scene(scene)
    if problems:
        raise SceneError("the scene is not consistent: " + "; ".join(problems[:5]), path=path)


def _problems(scene: Scene) -> Iterator[str]:
    ids = [o.id for o in scene.objects]
    names = [o.name for o in scene.objects]
    for repeated in sorted({i for i in ids if ids.count(i) > 1}):
        yield f"id {repeated} is used by {ids.count(repeated)} objects"
    for repeated in sorted({n for n in names if names.count(n) > 1}):
        yield f"name “{repeated}” is used by {names.count(repeated)} objects"
    if not scene.background.finite.all():
        yield "the background has Gaussians that are not finite"
    for i, piece in enumerate(scene.background_collision):
        if not is_convex(piece):
            yield f"background collision piece {i} is not convex and closed"
    for support in scene.supports:
        if not (np.isfinite(support.position).all() and _unit(support.wxyz)):
            yield f"support “{support.name}”: its pose is not finite with a unit quaternion"
        if len(support.polygon) < 3 or not np.isfinite(support.polygon).all():
            yield f"support “{support.name}”: its polygon needs at least three finite corners"
        if support.object is not None and support.object not in ids:
            yield f"support “{support.name}” belongs to object {support.object}, which does not exist"
    for obj in scene.objects:
        for problem in _object_problems(obj, set(ids)):
            yield f"{obj.name or '(no name)'}: {problem}"
    if not (np.isfinite(scene.points).all() and scene.points.shape == scene.point_colors.shape):
        yield "the sparse points are not finite or have no colour each"
    if scene.images and len(scene.images) != len(scene.cameras):
        yield f"{len(scene.images)} images for {len(scene.cameras)} cameras"


def _object_problems(obj: SceneObject, ids: set[int]) -> Iterator[str]:
    if not 0 < obj.id < 2**31:
        yield f"id {obj.id} is not in 1..2147483647"
    if not NAME.fullmatch(obj.name):
        yield f"the name {obj.name!r} is not made of a-z, 0-9 and single hyphens"
    if not np.isfinite(obj.position).all():
        yield "its position is not finite"
    if not _unit(obj.wxyz):
        yield f"its quaternion {np.asarray(obj.wxyz).tolist()} does not have length 1"
    if not obj.gaussians.finite.all():
        yield "its Gaussians are not finite"
    if not is_closed(obj.visual):
        yield "its mesh is not closed"
    if not obj.collision:
        yield "it has no collision pieces"
    for i, piece in enumerate(obj.collision):
        if not is_convex(piece):
            yield f"collision piece {i} is not convex and closed"
    yield from _physics_problems(obj)
    if obj.rests_on is not None and obj.rests_on.id not in (ids - {obj.id}) | {0}:
        yield f"it rests on object {obj.rests_on.id}, which does not exist"
    if (obj.mobility == "joint") != (obj.joint is not None):
        yield f"its mobility is “{obj.mobility}” but it has {'a' if obj.joint else 'no'} joint"
    if obj.joint is not None and obj.joint.parent not in (ids - {obj.id}) | {0}:
        yield f"its joint's parent {obj.joint.parent} does not exist"
    if not 0 <= obj.unseen_fraction <= 1:
        yield f"its unseen fraction {obj.unseen_fraction} is not in 0..1"


def _physics_problems(obj: SceneObject) -> Iterator[str]:
    physical = obj.physical
    limits = {"mass": (0, np.inf), "friction": (0, np.inf), "restitution": (0, 1), "volume": (0, np.inf)}
    for name, (lowest, highest) in limits.items():
        value: Estimate = getattr(physical, name)
        if not lowest <= value.low <= value.value <= value.high <= highest or not np.isfinite(value.high):
            yield f"its {name} {value.value:g} ({value.low:g} to {value.high:g}) is not an interval in its limits"
    if physical.mass.value <= 0:
        yield "its mass is not positive"
    if not np.isfinite(physical.center_of_mass).all():
        yield "its centre of mass is not finite"
    if problem := inertia_problem(physical.inertia):
        yield f"its inertia is {problem}"


def _unit(wxyz: np.ndarray) -> bool:
    return bool(abs(np.linalg.norm(wxyz) - 1) < 1e-4)
