"""A Scene and the paths of its parts become the content of ``scene.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from scan2sim.scene.manifest import FORMAT, VERSION
from scan2sim.scene.types import Scene, SceneObject, Support

__all__ = ["CAMERAS", "CORRECTIONS", "MANIFEST", "POINTS", "PartPaths", "background_paths", "describe", "object_paths"]

MANIFEST, CAMERAS, POINTS, CORRECTIONS = "scene.json", "cameras.json", "points.ply", "corrections.json"


@dataclass(frozen=True)
class PartPaths:
    """Where the files of the background or of one object lie, relative to the scene folder."""

    splats: str
    collision: tuple[str, ...]
    visual: str = ""  # an object's


def background_paths(scene: Scene, suffix: str = ".ply") -> PartPaths:
    """The custom of where a background's files lie; ``suffix`` is that of its splats."""
    return PartPaths(f"background/splats{suffix}", _pieces("background", len(scene.background_collision)))


def object_paths(obj: SceneObject, suffix: str = ".ply") -> PartPaths:
    """The custom of where an object's files lie; ``suffix`` is that of its splats."""
    home = f"objects/{obj.name}"
    return PartPaths(f"{home}/splats{suffix}", _pieces(home, len(obj.collision)), f"{home}/visual.glb")


def describe(
    scene: Scene,
    background: PartPaths,
    objects: list[PartPaths],  # in the order of the scene's
) -> dict[str, Any]:
    """What ``scene.json`` holds."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "units": "m",
        "up": "z",
        "quaternion": "wxyz",
        "scale": scene.scale,
        "gravity": scene.gravity,
        "background": {"splats": background.splats, "collision": background.collision},
        "supports": [_support(support) for support in scene.supports],
        "regions": [],
        "objects": [_object(obj, paths) for obj, paths in zip(scene.objects, objects, strict=True)],
        "cameras": CAMERAS if scene.cameras else None,
        "points": POINTS if len(scene.points) else None,
        "light": scene.light,
        "quality": scene.quality,
        "provenance": scene.provenance,
    }


def _pieces(home: str, count: int) -> tuple[str, ...]:
    return tuple(f"{home}/collision/{i}.obj" for i in range(count))


def _object(obj: SceneObject, paths: PartPaths) -> dict[str, Any]:
    physical = obj.physical
    return {
        "id": obj.id,
        "name": obj.name,
        "label": asdict(obj.label),
        "mobility": obj.mobility,
        "rests_on": obj.rests_on and asdict(obj.rests_on),
        "joint": obj.joint and asdict(obj.joint),
        "position": obj.position,
        "wxyz": obj.wxyz,
        "splats": paths.splats,
        "visual": paths.visual,
        "collision": paths.collision,
        "mass": asdict(physical.mass),
        "friction": asdict(physical.friction),
        "restitution": asdict(physical.restitution),
        "volume": asdict(physical.volume),
        "center_of_mass": physical.center_of_mass,
        "inertia": physical.inertia,
        "unseen_fraction": obj.unseen_fraction,
        "figures": obj.figures,
    }


def _support(support: Support) -> dict[str, Any]:
    return {
        "name": support.name,
        "object": support.object,
        "position": support.position,
        "wxyz": support.wxyz,
        "polygon": support.polygon,
    }
