"""A small synthetic scene with known truth: a table slab with a box, a ball and a hollow bowl on it.

``make_scene()`` takes about two seconds the first time and is cached.  ``make_scene(tmp_path)`` also writes four small
photos (flat shaded discs are enough) into that folder, so that the scene has images.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
import trimesh
from PIL import Image
from trimesh.visual import ColorVisuals

from scan2sim.bodies import ConvexConfig
from scan2sim.cameras import Camera, CameraFrame, Intrinsics
from scan2sim.geometry import look_at, rotation_between
from scan2sim.scene import Label, ObjectConfig, Scene, SceneObject, Support, object_from_mesh
from scan2sim.splats import SH_C0, Gaussians

TABLE = (0.6, 0.5, 0.04)  # size of the slab [m]; its top is z = 0
BOX = (0.06, 0.04, 0.05)
BALL_RADIUS = 0.03
COLORS = {"table": (150, 111, 75), "box": (200, 40, 40), "ball": (40, 160, 60), "bowl": (60, 80, 190)}


def make_scene(images: Path | None = None) -> Scene:
    """The scene; with a folder given, its photos are written there as PNG."""
    scene = _scene()
    if images is None:
        return scene
    images.mkdir(parents=True, exist_ok=True)
    paths = []
    for frame in scene.cameras:
        path = images / Path(frame.file).name
        Image.fromarray(_picture(scene, frame.camera)).save(path)
        paths.append(path)
    return replace(scene, images=tuple(paths))


def colored(mesh: trimesh.Trimesh, rgb: tuple[int, int, int]) -> trimesh.Trimesh:
    """A copy with one colour on all vertices."""
    mesh = mesh.copy()
    mesh.visual = ColorVisuals(mesh, vertex_colors=np.tile([*rgb, 255], (len(mesh.vertices), 1)))
    return mesh


def splats_on(mesh: trimesh.Trimesh, count: int, rgb: tuple[int, int, int], seed: int = 0) -> Gaussians:
    """Flat Gaussians spread over a mesh, shortest axis along the normal."""
    rng = np.random.default_rng(seed)
    corners = mesh.vertices[mesh.faces]
    faces = rng.choice(len(corners), count, p=mesh.area_faces / mesh.area_faces.sum())
    u, v = rng.random((2, count, 1))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    a, b, c = corners[faces].transpose(1, 0, 2)
    radius = float(np.sqrt(mesh.area / count / np.pi))
    normals = mesh.face_normals[faces]
    half = np.stack([1 + normals[:, 2], -normals[:, 1], normals[:, 0], 0 * normals[:, 0]], axis=1)  # z to the normal
    down = half[:, 0] < 1e-6
    half[down] = (0, 1, 0, 0)
    sh = np.tile((np.array(rgb) / 255 - 0.5) / SH_C0, (count, 1, 1))
    return Gaussians(
        means=torch.tensor(a + u * (b - a) + v * (c - a), dtype=torch.float32),
        quats=torch.tensor(half / np.linalg.norm(half, axis=1, keepdims=True), dtype=torch.float32),
        log_scales=torch.log(torch.tensor([radius, radius, radius / 5])).repeat(count, 1),
        opacity_logits=torch.full((count,), 3.0),
        sh=torch.tensor(sh, dtype=torch.float32),
    )


def bowl_mesh(radius: float = 0.06, height: float = 0.05, wall: float = 0.005, sections: int = 24) -> trimesh.Trimesh:
    """A closed, hollow bowl standing on z = 0, open upwards."""
    outline = [
        [0, 0],
        [radius / 2, 0],
        [radius, height],
        [radius - wall, height],
        [radius / 2 - wall / 2, wall],
        [0, wall],
    ]
    return trimesh.creation.revolve(np.array(outline), sections=sections)


@cache
def _scene() -> Scene:
    table = trimesh.creation.box(TABLE)
    table.apply_translation([0, 0, -TABLE[2] / 2])
    box = trimesh.creation.box(BOX)
    box.apply_translation([-0.12, 0.05, BOX[2] / 2])
    ball = trimesh.creation.icosphere(subdivisions=2, radius=BALL_RADIUS)
    turn = np.eye(4)
    turn[:3, :3] = rotation_between(ball.face_normals[0], [0, 0, -1])  # it lies on a face and does not roll
    ball.apply_transform(turn)
    ball.apply_translation([0.0, -0.1, -ball.bounds[0, 2]])
    bowl = bowl_mesh()
    bowl.apply_translation([0.1, 0.06, 0])
    objects = (
        _object(1, "box", box, "wood"),
        _object(2, "ball", ball, "rubber"),
        _object(3, "bowl", bowl, "ceramic"),
    )
    x, y = TABLE[0] / 2, TABLE[1] / 2
    cameras = tuple(
        CameraFrame(
            f"images/view-{i}.png",
            Camera(
                Intrinsics(96, 72, 90.0, 90.0, 48.0, 36.0),
                look_at([0.5 * np.cos(i * np.pi / 2), 0.5 * np.sin(i * np.pi / 2), 0.4], [0, 0, 0.02]),
            ),
        )
        for i in range(4)
    )
    points = np.vstack([o.gaussians.means.numpy()[::10] + o.position for o in objects]).astype(np.float64)
    return Scene(
        background=splats_on(table, 1500, COLORS["table"]),
        background_collision=(table,),
        objects=objects,
        supports=(
            Support("table", np.zeros(3), np.array([1.0, 0, 0, 0]), np.array([[-x, -y], [x, -y], [x, y], [-x, y]])),
        ),
        scale={"source": "length", "relative_sigma": 0.01},
        gravity={"source": "support", "sigma_deg": 1.0},
        cameras=cameras,
        points=points,
        point_colors=np.full((len(points), 3), 128, np.uint8),
        quality={"psnr": 30.0, "views": 4},
        provenance={"made_by": "tests/scene/factory.py"},
    )


def _object(id: int, name: str, mesh: trimesh.Trimesh, material: str) -> SceneObject:
    color = COLORS[name]
    return object_from_mesh(
        id,
        name,
        Label(name, 1.0, "person"),
        colored(mesh, color),
        splats_on(mesh, 400, color, seed=id),
        ObjectConfig(texture=64, convex=ConvexConfig(faces=600)),
        material=material,
        scale_sigma=0.01,
        unseen_fraction=0.1,
    )


def _picture(scene: Scene, camera: Camera) -> np.ndarray:
    """Splat centres as dots, nearest last: enough of a photo for tests."""
    k = camera.intrinsics
    picture = np.full((k.height, k.width, 3), 225, np.uint8)
    parts = [(scene.background, np.zeros(3)), *((o.gaussians, o.position) for o in scene.objects)]
    means = np.vstack([g.means.numpy() + offset for g, offset in parts])
    colors = np.vstack([g.base_colors.numpy() for g, _ in parts]) * 255
    pixels, depth = camera.project(means)
    for i in np.argsort(-depth):
        x, y = pixels[i].astype(int)
        if depth[i] > 0 and 0 <= x < k.width and 0 <= y < k.height:
            picture[y : y + 2, x : x + 2] = colors[i].clip(0, 255)
    return picture
