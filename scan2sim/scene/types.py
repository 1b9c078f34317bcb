"""The Scene: the artifact everything meets at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import Estimate, Texture
from scan2sim.cameras import CameraFrame
from scan2sim.geometry import transform
from scan2sim.splats import Gaussians

__all__ = ["Estimate", "Joint", "Label", "Physical", "RestsOn", "Scene", "SceneObject", "Support"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Physical:
    """Physical properties of one object."""

    mass: Estimate  # [kg]
    friction: Estimate  # Coulomb coefficient
    restitution: Estimate  # 0..1
    volume: Estimate  # [m³]
    center_of_mass: Array  # (3,) [m] object frame
    inertia: Array  # (3, 3) [kg m²] about the centre of mass, object frame axes


@dataclass(frozen=True)
class Label:
    """What the thing is called, never assumed to be right."""

    text: str
    confidence: float  # 0..1
    source: str  # geometry | clip | person | …


@dataclass(frozen=True)
class RestsOn:
    """What an object stands on: id 0 is the main support."""

    id: int
    relation: Literal["on", "in", "against"] = "on"


@dataclass(frozen=True)
class Joint:
    """How a link moves relative to its parent (0 = the world); position and axis in the scene frame."""

    parent: int
    type: Literal["revolute", "prismatic"]
    position: Array  # (3,) [m]
    axis: Array  # (3,)
    lower: float
    upper: float
    damping: float
    friction: float


@dataclass(frozen=True)
class SceneObject:
    """One separate thing: splats, mesh and collision in its own frame, physics, and where it stands."""

    id: int  # > 0, unique, stable over rebuilds
    name: str  # unique identifier made of [a-z0-9-]
    label: Label
    position: Array  # (3,) [m] of the object frame in the scene
    wxyz: Array  # (4,)
    gaussians: Gaussians  # in the object frame
    visual: trimesh.Trimesh  # closed, vertex colours and flags of what was seen, object frame
    collision: tuple[trimesh.Trimesh, ...]  # convex pieces, object frame
    physical: Physical
    mobility: Literal["free", "joint", "fixed"] = "free"
    joint: Joint | None = None
    rests_on: RestsOn | None = field(default_factory=lambda: RestsOn(0))
    unseen_fraction: float = 0.0  # of the surface that no photo saw
    texture: Texture | None = None  # of the visual mesh
    figures: dict[str, float] = field(default_factory=dict)  # how well it came out; names end in their units

    @property
    def world_from_object(self) -> Array:
        """(4, 4) the object's frame in the scene."""
        return transform(self.position, self.wxyz)


@dataclass(frozen=True)
class Support:
    """A flat piece that things stand on; its frame has z along the normal."""

    name: str
    position: Array  # (3,) [m]
    wxyz: Array  # (4,)
    polygon: Array  # (V, 2) [m] counter-clockwise, in the support's frame
    object: int | None = None  # the object it belongs to, None = background


@dataclass(frozen=True)
class Scene:
    """A capture turned into a background, supports and separate objects; metres, z up."""

    background: Gaussians
    background_collision: tuple[trimesh.Trimesh, ...]  # convex pieces, scene frame
    objects: tuple[SceneObject, ...]
    supports: tuple[Support, ...]
    scale: dict[str, Any]  # {"source", "relative_sigma"}
    gravity: dict[str, Any]  # {"source", "sigma_deg"}
    cameras: tuple[CameraFrame, ...] = ()  # `file` is relative to the scene folder: images/<name>
    images: tuple[Path, ...] = ()  # where the undistorted photos lie now, in the order of cameras
    points: Array = field(default_factory=lambda: np.zeros((0, 3)))  # (P, 3) [m]
    point_colors: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 3), np.uint8))
    light: dict[str, Any] = field(default_factory=dict)  # {"source", "explained", "dome", "sun"}: docs/scene-format.md
    quality: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    corrections: tuple[dict[str, Any], ...] = ()

    @property
    def scale_sigma(self) -> float:
        """One standard deviation of the scale, relative; 0 where it is not known."""
        return float(self.scale.get("relative_sigma") or 0.0)
