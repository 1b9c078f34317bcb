"""The pictures of a scene that the page shows, drawn from its splats and encoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Camera
from scan2sim.progress import Reporter
from scan2sim.report.attachments import encode_picture
from scan2sim.report.render import (
    Outline,
    colored_by_id,
    id_color,
    marked_unseen,
    nearest_view_angle,
    object_camera,
    orbit_cameras,
    outlines,
    portrait_camera,
    render,
)
from scan2sim.scene import Scene, SceneObject, scene_gaussians
from scan2sim.splats import Gaussians

__all__ = ["OVERLAY_WIDTH", "OrbitView", "ScenePictures", "Tag", "css_color", "draw_scene"]

HERO_SIDE = 1200
ORBIT_VIEWS = 8
ORBIT_SIZE = (400, 300)
PORTRAIT_SIDE = 256
OVERLAY_WIDTH = 1124.0  # about as wide as the page shows the hero picture, so that its names have the page's size
LETTER_WIDTH = 9.2  # of the names, at 15.5 px
UNSEEN_ANGLE = 30.0  # degrees from the nearest photo, beyond which a view of the orbit is marked


@dataclass(frozen=True)
class OrbitView:
    """One picture of the walk around the scene; pictures are data URIs."""

    picture: str
    by_object: str
    degrees: int
    photo_angle: float | None  # degrees to the nearest photo, None without photos

    @property
    def unseen(self) -> bool:
        """Whether no photo looked from anywhere near here."""
        return self.photo_angle is not None and self.photo_angle > UNSEEN_ANGLE


@dataclass(frozen=True)
class Tag:
    """An object's outline and name over the hero picture, in a picture of ``OVERLAY_WIDTH``."""

    name: str
    color: str
    path: str  # SVG path data
    x: float  # the name's middle
    y: float
    half: float  # the name's width, halved


@dataclass(frozen=True)
class ScenePictures:
    """All renderings of the page; pictures are data URIs."""

    hero: str
    width: int  # of the hero picture [pixels]
    height: int
    tags: list[Tag]
    overlay_height: float  # of the tags' coordinates, whose width is ``OVERLAY_WIDTH``
    by_object: str
    emptied: str
    orbit: list[OrbitView]
    portraits: dict[int, str]  # by object id
    undersides: dict[int, str]  # by object id; surface that no photo saw is marked


def draw_scene(scene: Scene, report: Reporter) -> ScenePictures:
    """Render everything that the page shows of a scene."""
    total = 3 + 2 * ORBIT_VIEWS + 2 * len(scene.objects)
    done = 0

    def draw(gaussians: Gaussians, camera: Camera) -> str:
        nonlocal done
        report("drawing the report's pictures", done, total)
        done += 1
        return encode_picture(render(gaussians, camera))

    ids = [thing.id for thing in scene.objects]
    whole, empty = scene_gaussians(scene), scene_gaussians(scene, without=[thing.name for thing in scene.objects])
    colored = colored_by_id(whole, ids)
    camera = portrait_camera(scene, HERO_SIDE)
    pictures = ScenePictures(
        hero=draw(whole, camera),
        width=camera.intrinsics.width,
        height=camera.intrinsics.height,
        tags=_tags(scene, outlines(whole, ids, camera), camera.intrinsics.width),
        overlay_height=OVERLAY_WIDTH * camera.intrinsics.height / camera.intrinsics.width,
        by_object=draw(colored, camera),
        emptied=draw(empty, camera),
        orbit=[
            OrbitView(
                draw(whole, view), draw(colored, view), round(360 * i / ORBIT_VIEWS), nearest_view_angle(scene, view)
            )
            for i, view in enumerate(orbit_cameras(scene, ORBIT_VIEWS, *ORBIT_SIZE))
        ],
        portraits={
            thing.id: draw(thing.gaussians, object_camera(thing, camera.position, PORTRAIT_SIDE))
            for thing in scene.objects
        },
        undersides={
            thing.id: draw(marked_unseen(thing), object_camera(thing, _mirrored(camera.position, thing), PORTRAIT_SIDE))
            for thing in scene.objects
        },
    )
    report("drawing the report's pictures", total, total)
    return pictures


def _mirrored(eye: NDArray[np.float64], thing: SceneObject) -> NDArray[np.float64]:
    """The point as far below an object's middle as ``eye`` is above it."""
    middle = thing.world_from_object[:3, 3]
    return np.array([eye[0], eye[1], 2 * middle[2] - eye[2]])


def _tags(scene: Scene, found: list[Outline], picture_width: int) -> list[Tag]:
    """Names above the outlines, inside the picture; one that would cover another is moved up."""
    index = {thing.id: i for i, thing in enumerate(scene.objects)}
    scale = OVERLAY_WIDTH / picture_width
    tags: list[Tag] = []
    for outline in sorted(found, key=lambda o: -o.top[1]):
        name = scene.objects[index[outline.id]].name
        half = LETTER_WIDTH / 2 * len(name) + 14
        x, y = outline.top[0] * scale, outline.top[1] * scale - 14
        x = max(half + 4, min(x, OVERLAY_WIDTH - half - 4))
        while any(abs(tag.x - x) < tag.half + half and abs(tag.y - y) < 32 for tag in tags):
            y -= 8
        path = " ".join("M" + "L".join(f"{u:.1f} {v:.1f}" for u, v in ring * scale) + "Z" for ring in outline.rings)
        tags.append(Tag(name, css_color(index[outline.id]), path, x, max(y, 20.0), half))
    return tags


def css_color(index: int) -> str:
    """The index-th object's colour in CSS."""
    return "rgb({} {} {})".format(*id_color(index))
