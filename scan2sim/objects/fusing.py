"""Surfaces from the depth that photos agree on: fused anew, bent to the outlines, and smooth where no photo tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from scan2sim.bodies import decimate
from scan2sim.objects.fairing import fair
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.outlines import Rim, outline_shifts, rim_of
from scan2sim.objects.sensed import blend_sensed
from scan2sim.objects.stereo import StereoDepth
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import foot_of, object_surface
from scan2sim.objects.views import View

__all__ = ["Fused", "Outline", "Refined", "Setting", "above", "bent_surfaces", "fused_surfaces", "thick_enough"]

FACES = 12_000, 40_000  # of a mesh, at least and at most, …
EDGE = 0.006  # … with edges of about this length [camera distances]
MARGIN = 0.01  # around a mesh, for the next one [camera distances]
DOUBT = 0.05  # how much depth counts that no photos agree on
SENSED = 0.7  # how far a vertex is trusted on which a sensor alone tells, as if photos agreed so well
NEAR = 0.006  # a vertex is seen by a view whose depth is so near [camera distances]
AGREED = (0.2, 0.5)  # mean trust of the views that see a vertex from which, and up to which, its own trust grows
TOLD = 1.0  # outlines that hold a vertex wholly
BENDS = 2  # times that a surface is bent to its outlines, which are others then
THIN = 0.004  # of what carries something the thinnest, beneath that [camera distances]
FOOT_TRUST = 0.1  # how far what stands on the support is trusted
TOUCH = 0.004  # what lies so near to another thing's surface was cut from it there [camera distances]
STEEP = 0.5  # cosine to the vertical from which on it carries the other thing; as far below zero it lies on that


@dataclass(frozen=True)
class Outline:
    """Where one object can be."""

    masks: list[Tensor]  # per view (H, W) bool: the pixels that show it
    belongs: Callable[[Tensor], Tensor] | None = None  # (N, 3) to (N,) bool: the space that can be its
    bowl_distance: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None  # (N, 3) to (N,) [m]


@dataclass(frozen=True)
class Refined:
    """A surface, and how far each part of it may be believed."""

    mesh: trimesh.Trimesh  # closed, scene frame
    trust: NDArray[np.float64]  # (V,) 0..1: how well photos or outlines hold each vertex; 1 where none were compared
    taut: NDArray[np.bool_] | None = None  # (V,) what is hidden by another thing that lies on or beside it


@dataclass(frozen=True)
class Setting:
    """What stays the same while surfaces move."""

    views: list[View]
    outlines: list[Outline]  # of each object
    rims: list[list[Rim | None]]  # of each object, per view
    plane: SupportPlane
    unit: float  # camera distance [m]
    cells: int

    @classmethod
    def of(cls, views: list[View], outlines: list[Outline], plane: SupportPlane, unit: float, cells: int) -> Setting:
        """With the outlines' distances."""
        return cls(views, outlines, [[rim_of(mask) for mask in each.masks] for each in outlines], plane, unit, cells)


@dataclass(frozen=True)
class Fused:
    """One object's surface from new depths."""

    mesh: trimesh.Trimesh
    views: list[View]  # with the new depths
    holds: list[Tensor]  # per view (H, W) 0..1: how far they hold a vertex


def fused_surfaces(
    meshes: list[trimesh.Trimesh],
    depths: list[StereoDepth],  # per view
    setting: Setting,
) -> list[Fused]:
    """The meshes from new depths; the old one where nothing is left of it."""
    return [_fused(mesh, outline, depths, setting) for mesh, outline in zip(meshes, setting.outlines, strict=True)]


def bent_surfaces(fused: list[Fused], setting: Setting, least: float = 0.0) -> list[Refined]:
    """The surfaces bent to the outlines, smooth where neither these nor photos tell.

    What views see and no photos agree on is held by ``least`` where the views' depth has it.  Nobody sees where a thing
    stands, or lies in a bowl: there it is held a little.  Nor what touches a thing beside it or on it: there it goes
    straight across, but for the bowl.
    """
    views, near = setting.views, NEAR * setting.unit
    refined = [Refined(each.mesh, np.ones(len(each.mesh.vertices))) for each in fused]
    taut = _touched([each.mesh for each in fused], setting)
    for _ in range(BENDS):
        sights = see_meshes([each.mesh for each in refined], [view.camera for view in views])
        for i, (each, rims) in enumerate(zip(fused, setting.rims, strict=True)):
            mesh = refined[i].mesh
            shift, told = outline_shifts(mesh, sights, i + 1, rims, views, near)
            rim = np.clip(told / TOLD, 0, 1)
            texture = _texture_trust(mesh, setting.outlines[i], each, setting, least)
            target = mesh.copy()
            target.vertices += (shift * rim / np.maximum(rim + texture, 1e-9))[:, None] * mesh.vertex_normals
            trust = np.minimum(rim + texture, 1)
            refined[i] = Refined(above(fair(target, trust, taut[i]), setting.plane), trust, taut[i])
    return refined


def above(
    mesh: trimesh.Trimesh,
    plane: SupportPlane,
    least: NDArray[np.float64] | float = 0.0,  # (V,) or () [m]
) -> trimesh.Trimesh:
    """The mesh with what is lower than ``least`` above the support raised to it."""
    sunk = np.minimum(plane.height(torch.tensor(mesh.vertices)).numpy() - least, 0)
    return trimesh.Trimesh(mesh.vertices - sunk[:, None] * plane.normal, mesh.faces, process=False)


def thick_enough(surface: Refined, plane: SupportPlane, unit: float) -> Refined:
    """The surface with what carries another thing, and is hidden by it, not thinner than a plate can be."""
    if surface.taut is None:
        return surface
    carrying = surface.taut & (surface.mesh.vertex_normals @ plane.normal > STEEP)
    return replace(surface, mesh=above(surface.mesh, plane, np.where(carrying, THIN * unit, 0.0)))


def _touched(meshes: list[trimesh.Trimesh], setting: Setting) -> list[NDArray[np.bool_]]:  # of each (V,)
    """Which vertices were cut from another mesh that lies on them or beside them, but not in them as in a bowl."""
    touched = [np.zeros(len(mesh.vertices), bool) for mesh in meshes]
    for i, j in permutations(range(len(meshes)), 2):
        distance = KDTree(meshes[j].vertices).query(meshes[i].vertices, distance_upper_bound=TOUCH * setting.unit)[0]
        touched[i] |= np.isfinite(distance) & (meshes[i].vertex_normals @ setting.plane.normal > -STEEP)
    bowls = [_in_bowl(mesh, outline, setting.unit) for mesh, outline in zip(meshes, setting.outlines, strict=True)]
    return [flags & ~bowl for flags, bowl in zip(touched, bowls, strict=True)]


def _in_bowl(mesh: trimesh.Trimesh, outline: Outline, unit: float) -> NDArray[np.bool_]:  # (V,)
    """Which vertices were cut along the inside of a bowl."""
    if outline.bowl_distance is None:
        return np.zeros(len(mesh.vertices), bool)
    return outline.bowl_distance(mesh.vertices) < TOUCH * unit


def _fused(mesh: trimesh.Trimesh, outline: Outline, depths: list[StereoDepth], setting: Setting) -> Fused:
    """The object's surface from the views with its new depths, by how much these count."""
    views, counts, holds = [], [], []
    for view, mask, found in zip(setting.views, outline.masks, depths, strict=True):
        known = mask & (found.depth > 0)
        depth, sensed = blend_sensed(view, found.depth, DOUBT + found.trust, setting.unit)
        views.append(replace(view, depth=torch.where(known, depth, view.depth)))
        counts.append(torch.where(known, DOUBT + found.trust + sensed, 1.0))
        holds.append(torch.where(known, torch.maximum(found.trust, SENSED * sensed), 0.0))
    margin = MARGIN * setting.unit
    low, high = (torch.tensor(end, dtype=torch.float32) for end in mesh.bounds)
    new = object_surface(
        views, outline.masks, low - margin, high + margin, setting.plane, setting.cells, outline.belongs, counts
    )
    return Fused(mesh if new is None else decimate(new, _face_count(new, setting.unit)), views, holds)


def _face_count(mesh: trimesh.Trimesh, unit: float) -> int:
    return int(np.clip(mesh.area / (3**0.5 / 4 * (EDGE * unit) ** 2), *FACES))


def _texture_trust(
    mesh: trimesh.Trimesh, outline: Outline, fused: Fused, setting: Setting, least: float
) -> NDArray[np.float64]:  # (V,) 0..1
    """How well photos agree on each vertex, ``least`` where views see it; what carries it holds it a little."""
    points = torch.tensor(mesh.vertices, dtype=torch.float32)
    normals = torch.tensor(mesh.vertex_normals, dtype=torch.float32)
    agreement, looks = torch.zeros(len(points)), torch.zeros(len(points))
    for view, mask, trust in zip(fused.views, outline.masks, fused.holds, strict=True):
        index, facing = view.facing(points, normals, mask, NEAR * setting.unit)
        agreement += facing * trust.flatten()[index]
        looks += facing
    textured = (agreement / looks.clamp_min(1e-6) - AGREED[0]) / (AGREED[1] - AGREED[0])
    held = (textured.clamp(least, 1) * (looks / 2).clamp(0, 1)).double().numpy()
    carried = foot_of(mesh, setting.plane, setting.unit) | _in_bowl(mesh, outline, setting.unit)
    return np.where(carried, np.maximum(held, FOOT_TRUST), held)
