"""The scale of a finished scene, corrected by a person."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from scan2sim.bodies import TWO_SIDED_95
from scan2sim.cameras import CameraFrame
from scan2sim.errors import UsageError
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene.place import frame_of
from scan2sim.scene.types import Estimate, Joint, Scene, SceneObject
from scan2sim.splats import Gaussians

__all__ = ["MESH_SIGMA", "Side", "check_sigma", "scale_factor_from_length", "scale_factor_from_object", "scale_scene"]

Side = Literal["longest", "height"]

SCALE_LIMIT = 1e4
MESH_SIGMA = 0.02  # of a thing's side: 1 to 2 mm of 7 cm


def scale_factor_from_length(
    length: float,  # [m] as measured
    a: ArrayLike,  # (3,) scene frame
    b: ArrayLike,  # (3,) scene frame
) -> float:
    """The factor that makes the distance between two points of the scene the measured length.

    Raises:
        UsageError: the length is not positive or the points coincide.
    """
    distance = float(np.linalg.norm(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)))
    if not (math.isfinite(length) and length > 0):
        raise UsageError(f"a length of {length} m was given", todo="give the measured length in metres")
    if not (math.isfinite(distance) and distance > 1e-9):
        raise UsageError("the two points coincide", todo="pick two points that are apart")
    return length / distance


def scale_factor_from_object(
    length: float,  # [m] as measured, or as its maker states it
    thing: SceneObject,
    side: Side = "longest",
) -> float:
    """The factor that gives a known object its true size.

    ``longest`` is the longest side of the smallest box about it, as a caliper finds it, ``height`` how far it reaches
    up where it lies, both of its visual mesh, which is off by some ``MESH_SIGMA`` of that.

    Raises:
        UsageError: the length is not positive.
    """
    if side == "height":
        points = thing.visual.vertices @ matrix_from_quaternion(thing.wxyz).T
        here = float(np.ptp(points[:, 2]))
    else:
        here = float(thing.visual.bounding_box_oriented.primitive.extents.max())
    return scale_factor_from_length(length, np.zeros(3), (here, 0.0, 0.0))


def scale_scene(scene: Scene, factor: float, source: str = "factor", relative_sigma: float = 0.01) -> Scene:
    """The scene made ``factor`` times larger, all of it, with the correction noted in it.

    Lengths scale with s, masses and volumes with s³, inertias with s⁵; the intervals of volume and mass exchange the
    old scale's uncertainty for the new one's.  A measured mass stays what it is, and its inertia scales with s².

    Args:
        scene: any scene.
        factor: s > 0.
        source: how the factor was found: ``length``, ``object`` or ``factor``.
        relative_sigma: one standard deviation of the new scale, relative.

    Raises:
        UsageError: the factor is not a positive number of sensible size.
    """
    if not (math.isfinite(factor) and 1 / SCALE_LIMIT <= factor <= SCALE_LIMIT):
        raise UsageError(f"a scale factor of {factor} was given", todo=f"give a number between 0 and {SCALE_LIMIT:g}")
    check_sigma(relative_sigma)
    widening = relative_sigma**2 - scene.scale_sigma**2
    note = {"kind": "scale", "factor": factor, "source": source, "relative_sigma": relative_sigma, **frame_of(scene)}
    return replace(
        scene,
        background=_scaled_gaussians(scene.background, factor),
        background_collision=tuple(_scaled_mesh(piece, factor) for piece in scene.background_collision),
        objects=tuple(_scaled_object(obj, factor, widening) for obj in scene.objects),
        supports=tuple(replace(s, position=s.position * factor, polygon=s.polygon * factor) for s in scene.supports),
        scale=_with_evidence(scene.scale, factor, source, relative_sigma),
        cameras=tuple(_scaled_camera(frame, factor) for frame in scene.cameras),
        points=scene.points * factor,
        quality=_scaled_figures(scene.quality, factor),
        corrections=(*scene.corrections, note),
    )


def _with_evidence(scale: dict[str, Any], factor: float, source: str, relative_sigma: float) -> dict[str, Any]:
    """What a person measured is believed; what was known before stays beside it, against the new size."""
    before = [each for each in scale.get("evidence", []) if isinstance(each, dict) and "factor" in each]
    kept = [{**each, "factor": round(float(each["factor"]) / factor, 6), "used": False} for each in before]
    own = {"source": source, "factor": 1.0, "relative_sigma": relative_sigma, "used": True, "details": "by a person"}
    return {**scale, "source": source, "relative_sigma": relative_sigma, "evidence": [*kept, own]}


def check_sigma(relative_sigma: float) -> None:
    """Raise a UsageError unless a relative standard deviation lies in 0..1."""
    if not (math.isfinite(relative_sigma) and 0 <= relative_sigma <= 1):
        raise UsageError(f"a relative sigma of {relative_sigma} was given", todo="give a number between 0 and 1")


def _scaled_gaussians(gaussians: Gaussians, factor: float) -> Gaussians:
    return replace(gaussians, means=gaussians.means * factor, log_scales=gaussians.log_scales + math.log(factor))


def _scaled_mesh(mesh: trimesh.Trimesh, factor: float) -> trimesh.Trimesh:
    scaled = mesh.copy()
    scaled.apply_scale(factor)
    return scaled


def _scaled_camera(frame: CameraFrame, factor: float) -> CameraFrame:
    pose = frame.camera.world_from_camera.copy()
    pose[:3, 3] *= factor
    return replace(frame, camera=replace(frame.camera, world_from_camera=pose))


def _scaled_object(obj: SceneObject, factor: float, widening: float) -> SceneObject:
    physical = obj.physical
    weighed = physical.mass.source == "measured"
    return replace(
        obj,
        position=obj.position * factor,
        gaussians=_scaled_gaussians(obj.gaussians, factor),
        visual=_scaled_mesh(obj.visual, factor),
        collision=tuple(_scaled_mesh(piece, factor) for piece in obj.collision),
        physical=replace(
            physical,
            mass=physical.mass if weighed else _scaled_estimate(physical.mass, factor**3, widening),
            volume=_scaled_estimate(physical.volume, factor**3, widening),
            center_of_mass=physical.center_of_mass * factor,
            inertia=physical.inertia * factor ** (2 if weighed else 5),
        ),
        joint=obj.joint and _scaled_joint(obj.joint, factor),
        figures=_scaled_figures(obj.figures, factor),
    )


def _scaled_figures(figures: dict[str, Any], factor: float) -> dict[str, Any]:
    """Figures are lengths where their names end in ``_mm`` or ``_m``."""

    def scaled(name: str, value: Any) -> Any:
        length = name.endswith(("_mm", "_m")) and isinstance(value, int | float) and not isinstance(value, bool)
        return value * factor if length else value

    return {name: scaled(name, value) for name, value in figures.items()}


def _scaled_estimate(estimate: Estimate, factor: float, widening: float) -> Estimate:
    """The interval's logarithmic half-widths change by the variance of the cubed scale factor."""

    def half(width: float) -> float:
        return math.sqrt(max(0.0, width**2 + (TWO_SIDED_95 * 3) ** 2 * widening))

    low, high = estimate.low, estimate.high
    if low > 0:
        low = estimate.value * math.exp(-half(math.log(estimate.value / low)))
        high = estimate.value * math.exp(half(math.log(high / estimate.value)))
    return Estimate(estimate.value * factor, low * factor, high * factor, estimate.source)


def _scaled_joint(joint: Joint, factor: float) -> Joint:
    """Limits of slides are lengths; torques and forces grow with the weight that they hold (s⁴ and s³)."""
    slide = joint.type == "prismatic"
    return replace(
        joint,
        position=joint.position * factor,
        lower=joint.lower * (factor if slide else 1),
        upper=joint.upper * (factor if slide else 1),
        damping=joint.damping * factor ** (3 if slide else 5),
        friction=joint.friction * factor ** (3 if slide else 4),
    )
