"""Pictures of a scene that are drawn from its splats, and the cameras that show it well."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from skimage.measure import approximate_polygon, find_contours

from scan2sim.bodies import vertices_seen
from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import inverse_transform, look_at, transform_points
from scan2sim.scene import Scene, SceneObject
from scan2sim.splats import SH_C0, Gaussians, rasterize

__all__ = [
    "Outline",
    "colored_by_id",
    "id_color",
    "marked_unseen",
    "nearest_view_angle",
    "object_camera",
    "orbit_cameras",
    "outlines",
    "portrait_camera",
    "render",
    "scene_focus",
]

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

PALETTE = (  # far apart from each other, about equally light, and told apart by most colour-blind people
    (255, 140, 26), (38, 166, 255), (61, 204, 122), (240, 82, 156), (250, 208, 46),
    (150, 118, 255), (20, 196, 190), (235, 84, 70), (178, 214, 60), (204, 150, 110),
)  # fmt: skip
GOLDEN_RATIO = 0.6180339887498949  # of a full turn of hue: neighbours in number are far apart in colour
INVENTED_COLOR = (226, 30, 180)  # magenta: hardly any thing has it
DEFAULT_FIELD_OF_VIEW = 50.0  # degrees, horizontally, for scenes without cameras


def render(gaussians: Gaussians, camera: Camera) -> Picture:  # (H, W, 4)
    """RGBA picture, not premultiplied: where no Gaussian is, the page shows through."""
    with torch.no_grad():
        drawn = rasterize(gaussians, [camera])
    alpha = drawn.alphas[0].reshape(*drawn.colors.shape[1:3], 1).clamp(0, 1)
    color = (drawn.colors[0] / alpha.clamp_min(1e-4)).clamp(0, 1)
    return (torch.cat([color, alpha], -1) * 255).round().byte().cpu().numpy()


def id_color(index: int) -> tuple[int, int, int]:
    """A strong colour for the index-th object, the same in every picture, table and viewer."""
    if index < len(PALETTE):
        return PALETTE[index]
    r, g, b = colorsys.hls_to_rgb(index * GOLDEN_RATIO % 1.0, 0.6, 0.75)
    return round(r * 255), round(g * 255), round(b * 255)


def colored_by_id(gaussians: Gaussians, ids: list[int]) -> Gaussians:
    """The same Gaussians, each object in its colour with the photo's light and shade, the background in grey."""
    owner = gaussians.object_ids
    if owner is None:
        raise ValueError("the Gaussians carry no object ids")
    shade = gaussians.base_colors.clamp(0, 1).mean(-1, keepdim=True)
    color = (0.25 + 0.5 * shade).expand(-1, 3).clone()
    for index, number in enumerate(ids):
        mine = owner == number
        color[mine] = torch.tensor(id_color(index)) / 255 * (0.6 + 0.6 * shade[mine])
    return _painted(gaussians, color)


def marked_unseen(thing: SceneObject) -> Gaussians:
    """An object's Gaussians in its frame; those next to surface that no photo saw in one striking colour."""
    seen = vertices_seen(thing.visual)
    nearest = KDTree(thing.visual.vertices).query(thing.gaussians.means.numpy())[1]
    shade = thing.gaussians.base_colors.clamp(0, 1).mean(-1, keepdim=True)
    tint = torch.tensor(INVENTED_COLOR) / 255 * (0.6 + 0.6 * shade)
    color = torch.where(torch.from_numpy(seen[nearest])[:, None], thing.gaussians.base_colors, tint)
    return _painted(thing.gaussians, color)


def _painted(gaussians: Gaussians, color: torch.Tensor) -> Gaussians:  # (N, 3) 0..1, from all sides alike
    return replace(gaussians, sh=((color - 0.5) / SH_C0)[:, None, :])


@dataclass(frozen=True)
class Outline:
    """Where an object is seen in a picture."""

    id: int
    rings: tuple[Array, ...]  # closed (V, 2) pixel polygons
    top: tuple[float, float]  # pixel of its upper edge, for the name


def outlines(gaussians: Gaussians, ids: list[int], camera: Camera) -> list[Outline]:
    """Outlines of the objects' visible parts: where an object's blended weight exceeds one half."""
    owner = gaussians.object_ids
    if owner is None:
        raise ValueError("the Gaussians carry no object ids")
    if not ids:
        return []
    member = owner[:, None] == torch.tensor(ids, dtype=owner.dtype)
    with torch.no_grad():
        weights = rasterize(gaussians, [camera], features=member.float()).features
    if weights is None:
        raise ValueError("the rasterizer returned no features")
    found = [_outline(number, weights[0, ..., k].cpu().numpy()) for k, number in enumerate(ids)]
    return [outline for outline in found if outline is not None]


def _outline(number: int, weight: NDArray[np.float32]) -> Outline | None:
    padded = np.pad(weight, 1)
    rings = [ring[:, ::-1] - 0.5 for ring in find_contours(padded, 0.5) if len(ring) > 24]
    if not rings:
        return None
    rows, columns = np.nonzero(weight > 0.5)
    top = rows.min()
    return Outline(
        number,
        tuple(approximate_polygon(ring, 0.6) for ring in rings),
        (float(columns[rows <= top + 0.1 * np.ptp(rows)].mean()), float(top)),
    )


def scene_focus(scene: Scene) -> tuple[Array, float]:  # centre (3,) [m], radius [m]
    """The ball that what matters fits in: the objects, else the supports, else the middle of the background."""
    corners = [transform_points(o.world_from_object, o.visual.bounds) for o in scene.objects]
    if not corners:
        corners = [np.pad(s.polygon, ((0, 0), (0, 1))) + s.position for s in scene.supports]
    if not corners and len(scene.background):
        means = scene.background.means.detach().cpu().double().numpy()
        corners = [np.quantile(means, [0.2, 0.8], axis=0)]
    if not corners:
        return np.zeros(3), 0.5
    points = np.concatenate(corners)
    low, high = points.min(0), points.max(0)
    return (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-3)


def portrait_camera(scene: Scene, long_side: int) -> Camera:
    """The capture's camera that shows most objects, nearest to its middle; an orbit camera if there is none."""
    centre, _ = scene_focus(scene)
    if not scene.cameras:
        return orbit_cameras(scene, 1, long_side, long_side * 3 // 4)[0]
    points = np.concatenate([o.position[None] for o in scene.objects] or [centre[None]])

    def worth(camera: Camera) -> float:
        pixels, depth = camera.project(points)
        k = camera.intrinsics
        off = np.abs(pixels / [k.width, k.height] - 0.5).max(1)  # 0 in the middle, 0.5 on the edge
        seen = (depth > 0) & (off < 0.45)
        return float(seen.sum() - off[seen].mean() if seen.any() else -1.0)

    best = max((frame.camera for frame in scene.cameras), key=worth)
    k = best.intrinsics
    shrink = min(1.0, long_side / max(k.width, k.height))
    return best.resized(round(k.width * shrink), round(k.height * shrink))


def orbit_cameras(scene: Scene, count: int, width: int, height: int) -> list[Camera]:
    """Cameras evenly around the objects, as high and as far away as the photos were on the median."""
    centre, radius = scene_focus(scene)
    field_of_view, distance, elevation, azimuth = (
        np.radians(DEFAULT_FIELD_OF_VIEW),
        3.2 * radius,
        np.radians(35),
        -np.pi / 2,
    )
    if scene.cameras:
        offsets = np.stack([frame.camera.position for frame in scene.cameras]) - centre
        lengths = np.linalg.norm(offsets, axis=1)
        k = scene.cameras[0].camera.intrinsics
        field_of_view = 2 * np.arctan(k.width / (2 * k.fx))
        distance = max(float(np.median(lengths)), 1.5 * radius)
        elevation = float(np.clip(np.median(np.arcsin(offsets[:, 2] / lengths)), np.radians(15), np.radians(70)))
        first = portrait_camera(scene, width).position - centre
        azimuth = float(np.arctan2(first[1], first[0]))
    focal = width / (2 * np.tan(field_of_view / 2))
    intrinsics = Intrinsics(width, height, focal, focal, width / 2, height / 2)
    cameras = []
    for angle in azimuth + np.linspace(0, 2 * np.pi, count, endpoint=False):
        flat = np.cos(elevation)
        eye = centre + distance * np.array([flat * np.cos(angle), flat * np.sin(angle), np.sin(elevation)])
        cameras.append(Camera(intrinsics, look_at(eye, centre)))
    return cameras


def nearest_view_angle(scene: Scene, camera: Camera) -> float | None:
    """Angle [degrees], seen from the objects, between a camera and the nearest one of the capture."""
    if not scene.cameras:
        return None
    centre, _ = scene_focus(scene)
    rays = np.stack([frame.camera.position for frame in scene.cameras] + [camera.position]) - centre
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return float(np.degrees(np.arccos(np.clip((rays[:-1] @ rays[-1]).max(), -1, 1))))


def object_camera(thing: SceneObject, eye: Array, side: int) -> Camera:
    """A square portrait of one object in its own frame, as seen from the point ``eye`` (3,) [m] of the scene."""
    low, high = thing.visual.bounds
    centre, radius = (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-4)
    object_from_world = inverse_transform(thing.world_from_object)
    towards = transform_points(object_from_world, eye[None])[0] - centre
    focal = 3.0 * side  # a long lens, so that near and far parts keep their proportions
    distance = radius * np.hypot(focal / (side / 2), 1.0) * 1.06
    camera = look_at(centre + distance * towards / np.linalg.norm(towards), centre, up=object_from_world[:3, 2])
    return Camera(Intrinsics(side, side, focal, focal, side / 2, side / 2), camera)
