"""Gaussians become a Scene: separate objects on a support, and the background without them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from scipy.spatial import KDTree
from torch import Tensor

from scan2sim.cameras import CameraFrame
from scan2sim.objects.background import fill_support, support_slab
from scan2sim.objects.coloring import color_mesh, unseen_fraction
from scan2sim.objects.config import ObjectsConfig
from scan2sim.objects.describe import describe
from scan2sim.objects.photos import exposed_photos
from scan2sim.objects.refine import Outline, refine_surfaces
from scan2sim.objects.relations import Resting, find_relations
from scan2sim.objects.separate import (
    coherence,
    label_gaussians,
    label_pixels,
    relabel_gaussians,
    repaint,
    separate,
    separating_height,
)
from scan2sim.objects.support import SupportPlane, find_support
from scan2sim.objects.surface import object_surface
from scan2sim.objects.touching import Apart, take_apart
from scan2sim.objects.views import View, render_views
from scan2sim.poses import PosedCapture
from scan2sim.progress import Reporter, silent
from scan2sim.scene import Label, ObjectConfig, RestsOn, Scene, SceneObject, Support, object_from_mesh
from scan2sim.splats import Gaussians

__all__ = ["build_scene"]

MIN_WEIGHT = 5.0  # what painted less than this many pixels in all views was hardly seen
FOOT_NOISE = 2.0  # what is less than this many standard deviations of the support's surface above it is support
FRINGE = 0.015  # what hovers this near to an object's surface is its fringe [camera distances]
OUTLIER = 0.03  # an object's Gaussians lie this near to its surface [camera distances]


@dataclass(frozen=True)
class _Part:
    """One object before it has a name."""

    mesh: trimesh.Trimesh
    gaussians: Gaussians
    members: Tensor  # (N,) bool: which of all Gaussians these are
    unseen: float


def build_scene(
    posed: PosedCapture,
    gaussians: Gaussians,  # scene frame
    config: ObjectsConfig = ObjectsConfig(),  # noqa: B008  (frozen)
    report: Reporter = silent,
) -> Scene:
    """Separate what stands on the main support from it and from each other.

    Every Gaussian becomes part of one object or of the background; each object gets a closed, coloured mesh, convex
    pieces and physical estimates; the support's surface is continued under the objects.  A support with nothing on
    it gives a scene without objects.

    Raises:
        ObjectsError: no support is seen.
    """
    unit = posed.camera_distance
    views = render_views(gaussians, [frame.camera for frame in posed.frames], config.view_size, report)
    plane = find_support(views, unit, config.seed)
    grid = separate(views, plane, unit, config, report)
    pixels = [label_pixels(view, grid, plane, separating_height(plane, unit, config)) for view in views]
    labels, weight, own = label_gaussians(gaussians, views, pixels, grid.count, report)
    pixels = repaint(gaussians, labels, views, grid.count, report)
    real = [
        n
        for n in range(1, grid.count + 1)
        if own[n] >= config.min_own and coherence([p == n for p in pixels]) >= config.min_coherence
    ]
    apart = take_apart(real, views, pixels, grid, plane, unit, config, report)
    if apart.territories:
        labels = relabel_gaussians(gaussians, labels, apart.whole, views, apart.pixels, report)
        apart = replace(apart, pixels=repaint(gaussians, labels, views, apart.grid.count, report))
    numbers = [n for n in range(1, apart.grid.count + 1) if int(apart.whole[n]) in real]
    meshes = _surfaces(numbers, apart, views, exposed_photos(posed.frames, views), plane, unit, config, report)
    parts = []
    for number in range(1, apart.grid.count + 1):
        part = None
        if number in meshes:
            part = _part(number, meshes[number], apart, views, gaussians, labels, plane, unit, config)
        if part is None:
            labels[labels == number] = 0
        else:
            parts.append(part)
            labels[part.members] = number
        report("meshing objects", number, apart.grid.count)
    resting = find_relations([part.mesh for part in parts], plane, unit)
    objects = _named(parts, resting, posed.scale.relative_sigma, config, report)
    footprints = [torch.tensor(part.mesh.vertices, dtype=torch.float32) for part in parts]
    background = _background(gaussians, labels, weight, parts)
    under = torch.cat(footprints) if footprints else torch.zeros(0, 3)
    background, discs = fill_support(background, under, plane, [frame.camera.position for frame in posed.frames], unit)
    return Scene(
        background=background,
        background_collision=(support_slab(plane, unit),),
        objects=tuple(objects),
        supports=(Support("support", plane.position, plane.wxyz, plane.polygon),),
        scale={"source": posed.scale.source, "relative_sigma": posed.scale.relative_sigma},
        gravity={"source": posed.gravity.source, "sigma_deg": posed.gravity.sigma_deg},
        cameras=tuple(CameraFrame(f"images/{frame.name}", frame.camera) for frame in posed.frames),
        images=tuple(frame.image for frame in posed.frames),
        points=posed.points,
        point_colors=posed.point_colors,
        quality={
            "objects": len(objects),
            "support_noise_mm": plane.noise * 1e3,
            "filled_discs": discs,
            "camera_distance_m": unit,
        },
    )


def _surfaces(
    numbers: list[int],
    apart: Apart,
    views: list[View],
    photos: list[Tensor],
    plane: SupportPlane,
    unit: float,
    config: ObjectsConfig,
    report: Reporter,
) -> dict[int, trimesh.Trimesh]:
    """The surface of each object that is large enough to be one."""
    meshes, outlines = {}, {}
    for number in numbers:
        low, high = apart.grid.box(number, plane)
        masks, territory = [picture == number for picture in apart.pixels], apart.territories.get(number)
        outlines[number] = Outline(masks, territory and territory.holds)
        mesh = object_surface(views, masks, low, high, plane, config.mesh_cells, outlines[number].belongs)
        if mesh is not None and float(np.ptp(mesh.vertices, axis=0).max()) >= config.min_size * unit:
            meshes[number] = mesh
    found = list(meshes)
    refined = refine_surfaces(
        [meshes[n] for n in found],
        [outlines[n] for n in found],
        views,
        photos,
        plane,
        unit,
        config.mesh_cells,
        config.stereo,
        report,
    )
    return dict(zip(found, refined, strict=True))


def _part(
    number: int,
    mesh: trimesh.Trimesh,
    apart: Apart,
    views: list[View],
    gaussians: Gaussians,
    labels: Tensor,
    plane: SupportPlane,
    unit: float,
    config: ObjectsConfig,
) -> _Part | None:
    grid = apart.grid
    masks = [numbers == number for numbers in apart.pixels]
    seen = color_mesh(mesh, views, masks, tolerance=2 * grid.cell)
    unseen = unseen_fraction(mesh, seen)
    if unseen > config.max_unseen:
        return None
    # pixels near the support are the support's, so the object's foot is claimed by where it is
    mine = labels == number
    height = plane.height(gaussians.means)
    foot = (labels == 0) & (height > FOOT_NOISE * plane.noise)
    fringe = foot & (height > separating_height(plane, unit, config))
    distance = torch.from_numpy(KDTree(mesh.vertices).query(gaussians.means.numpy())[0])
    members = mine & (distance < OUTLIER * unit) | foot & (distance < grid.cell) | fringe & (distance < FRINGE * unit)
    return _Part(mesh, gaussians[members], members, unseen)


def _named(
    parts: list[_Part], resting: list[Resting], scale_sigma: float, config: ObjectsConfig, report: Reporter
) -> list[SceneObject]:
    objects = []
    used: Counter[str] = Counter()
    for number, (part, rest) in enumerate(zip(parts, resting, strict=True), start=1):
        color, shape, length, confidence = describe(part.mesh)
        stem = f"{color}-{shape}"
        used[stem] += 1
        text = f"{color} {shape.replace('-', ' ')}, {100 * length:.0f} cm"
        objects.append(
            object_from_mesh(
                number,
                f"{stem}-{used[stem]}",
                Label(text, confidence, "geometry"),
                part.mesh,
                part.gaussians,
                ObjectConfig(faces=config.mesh_faces, seed=config.seed),
                scale_sigma=scale_sigma,
                rests_on=RestsOn(0 if rest.on is None else rest.on + 1, rest.relation),
                unseen_fraction=part.unseen,
            )
        )
        report("making bodies", number, len(parts))
    return objects


def _background(gaussians: Gaussians, labels: Tensor, weight: Tensor, parts: list[_Part]) -> Gaussians:
    """What belongs to no object; without the Gaussians in objects, and those under them that no view ever saw."""
    keep = labels == 0
    hidden = keep & (weight < MIN_WEIGHT)
    for part in parts:
        low, high = torch.tensor(part.mesh.bounds, dtype=torch.float32)
        around = ((gaussians.means > low - 0.1 * (high - low)) & (gaussians.means < high)).all(1)
        keep &= ~(hidden & around)
        near = (keep & around).nonzero()[:, 0]
        keep[near[_inside(part.mesh, gaussians.means[near])]] = False
    return gaussians[keep]


def _inside(mesh: trimesh.Trimesh, points: Tensor) -> Tensor:  # (N, 3) to (N,) bool
    """Which points lie behind the surface, by the normal of the vertex next to them."""
    if not len(points):
        return torch.zeros(0, dtype=torch.bool)
    positions = points.double().numpy()
    nearest = KDTree(mesh.vertices).query(positions)[1]
    offsets = positions - mesh.vertices[nearest]
    return torch.from_numpy((offsets * mesh.vertex_normals[nearest]).sum(1) < 0)
