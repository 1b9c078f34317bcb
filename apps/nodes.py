"""What the viewer shows in 3D: splats, meshes and collision pieces of background and objects, and the cameras."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import trimesh
import viser
from numpy.typing import NDArray

from scan2sim.bodies import split_at_seams
from scan2sim.cameras import CameraFrame
from scan2sim.errors import SceneError
from scan2sim.geometry import matrix_from_quaternion, quaternion_from_matrix, transform
from scan2sim.report import id_color, load_picture
from scan2sim.scene import Scene, SceneObject
from scan2sim.splats import Gaussians

__all__ = ["ObjectNodes", "SceneNodes", "add_scene"]

Array = NDArray[np.float64]

UNITS_PER_METRE = 32.0  # viser keeps covariances in 16-bit floats; in metres those of small splats would vanish
MAX_SIGMA = 6.0  # [m] the largest extent of a splat that then still fits
MAX_CAMERAS = 200  # frustums; of longer captures every n-th is shown
THUMBNAIL_SIDE = 160
BACKGROUND_PIECE_COLOR = (120, 124, 130)


@dataclass
class ObjectNodes:
    """The nodes of one object; all hang below ``frame``, so they move together."""

    thing: SceneObject
    color: tuple[int, int, int]
    frame: viser.FrameHandle
    gizmo: viser.TransformControlsHandle
    splats: viser.GaussianSplatHandle | None
    visual: viser.GlbHandle
    collision: list[viser.MeshHandle]

    @property
    def world_from_object(self) -> Array:
        """(4, 4) where the object stands now."""
        return transform(self.frame.position, self.frame.wxyz)

    def place(self, world_from_object: Array) -> None:
        """Move the object and its gizmo."""
        wxyz = quaternion_from_matrix(world_from_object[:3, :3])
        for node in (self.frame, self.gizmo):
            node.position = world_from_object[:3, 3]
            node.wxyz = wxyz


@dataclass
class SceneNodes:
    """All nodes of a scene."""

    background: viser.GaussianSplatHandle | None
    background_collision: list[viser.MeshHandle]
    objects: dict[str, ObjectNodes]
    cameras: list[viser.CameraFrustumHandle]
    colors: dict[str, NDArray[np.uint8]] = field(default_factory=dict)  # of the splats, by node name

    def color_by_id(self, on: bool) -> None:
        """Paint every object's splats in the object's colour with the photo's light and shade, or as they are."""
        for nodes in self.objects.values():
            if nodes.splats is not None:
                own = self.colors[nodes.splats.name]
                shade = own.mean(1, keepdims=True) / 255
                painted = (np.array(nodes.color) * (0.6 + 0.6 * shade)).clip(0, 255).astype(np.uint8)
                nodes.splats.rgbs = painted if on else own


def add_scene(server: viser.ViserServer, scene: Scene) -> SceneNodes:
    """Add a scene's nodes; collision pieces, meshes, cameras and gizmos start hidden."""
    nodes = SceneNodes(
        background=_add_splats(server, "/background/splats", scene.background),
        background_collision=_add_pieces(
            server, "/background/collision", scene.background_collision, BACKGROUND_PIECE_COLOR
        ),
        objects={thing.name: _add_object(server, index, thing) for index, thing in enumerate(scene.objects)},
        cameras=_add_cameras(server, scene),
    )
    for splats in (nodes.background, *(thing.splats for thing in nodes.objects.values())):
        if splats is not None:
            nodes.colors[splats.name] = splats.rgbs.copy()
    return nodes


def _add_splats(server: viser.ViserServer, name: str, gaussians: Gaussians) -> viser.GaussianSplatHandle | None:
    if not len(gaussians):
        return None
    gaussians = gaussians.detached().to("cpu")
    axes = matrix_from_quaternion(gaussians.quats.numpy())  # (N, 3, 3)
    sigmas = gaussians.scales.numpy().clip(max=MAX_SIGMA) * UNITS_PER_METRE
    return server.scene.add_gaussian_splats(
        name,
        centers=gaussians.means.numpy() * UNITS_PER_METRE,
        covariances=np.einsum("nij,nj,nkj->nik", axes, sigmas**2, axes),
        rgbs=gaussians.base_colors.clamp(0, 1).numpy(),
        opacities=gaussians.opacities[:, None].numpy(),
        scale=1 / UNITS_PER_METRE,
    )


def _add_pieces(
    server: viser.ViserServer, name: str, pieces: tuple[trimesh.Trimesh, ...], color: tuple[int, int, int]
) -> list[viser.MeshHandle]:
    """Convex pieces, each a little lighter or darker than its neighbour."""
    handles = []
    for number, piece in enumerate(pieces):
        tint = (np.array(color) * (0.75 + 0.12 * (number % 5))).clip(0, 255).astype(np.uint8)
        handles.append(
            server.scene.add_mesh_simple(
                f"{name}/{number}",
                piece.vertices,
                piece.faces,
                color=tint,
                opacity=0.6,
                flat_shading=True,
                side="double",
                visible=False,
            )
        )
    return handles


def _shown(thing: SceneObject) -> trimesh.Trimesh:
    """The visual mesh with its texture, as browsers want it."""
    return thing.visual if thing.texture is None else split_at_seams(thing.visual, thing.texture)[0]


def _add_object(server: viser.ViserServer, index: int, thing: SceneObject) -> ObjectNodes:
    pose: dict[str, Any] = {"position": thing.position, "wxyz": thing.wxyz}
    path, color = f"/objects/{thing.name}", id_color(index)
    frame = server.scene.add_frame(path, show_axes=False, **pose)
    radius = float(np.linalg.norm(thing.visual.extents)) / 2
    nodes = ObjectNodes(
        thing=thing,
        color=color,
        frame=frame,
        gizmo=server.scene.add_transform_controls(
            f"/handles/{thing.name}", scale=1.8 * radius, depth_test=False, visible=False, **pose
        ),
        splats=_add_splats(server, f"{path}/splats", thing.gaussians),
        visual=server.scene.add_mesh_trimesh(f"{path}/visual", _shown(thing), visible=False),
        collision=_add_pieces(server, f"{path}/collision", thing.collision, color),
    )

    @nodes.gizmo.on_update
    async def _(event: viser.TransformControlsEvent) -> None:
        frame.position, frame.wxyz = event.target.position, event.target.wxyz

    return nodes


def _add_cameras(server: viser.ViserServer, scene: Scene) -> list[viser.CameraFrustumHandle]:
    every = max(1, -(-len(scene.cameras) // MAX_CAMERAS))
    chosen = range(0, len(scene.cameras), every)
    middle = np.median([scene.cameras[i].camera.position for i in chosen], axis=0) if chosen else np.zeros(3)
    spread = float(np.median([np.linalg.norm(scene.cameras[i].camera.position - middle) for i in chosen] or [0.5]))
    handles = []
    for i in chosen:
        frame = scene.cameras[i]
        k, pose = frame.camera.intrinsics, frame.camera.world_from_camera
        handle = server.scene.add_camera_frustum(
            f"/cameras/{i:05d}",
            fov=float(2 * np.arctan(k.height / (2 * k.fy))),
            aspect=k.width / k.height,
            scale=max(0.06 * spread, 0.01),
            thickness=max(0.001 * spread, 0.0005),
            color=(70, 110, 200),
            image=_thumbnail(scene, i),
            wxyz=quaternion_from_matrix(pose[:3, :3]),
            position=pose[:3, 3],
            visible=False,
        )
        handle.on_click(_stand_at(frame))
        handles.append(handle)
    return handles


def _stand_at(frame: CameraFrame) -> Any:
    async def fly(event: viser.SceneNodePointerEvent[Any]) -> None:
        pose = frame.camera.world_from_camera
        with event.client.atomic():
            event.client.camera.wxyz = quaternion_from_matrix(pose[:3, :3])
            event.client.camera.position = pose[:3, 3]

    return fly


def _thumbnail(scene: Scene, index: int) -> NDArray[np.uint8] | None:
    """The photo in small; None where it is missing or unreadable, so that only its frustum is drawn."""
    if index >= len(scene.images):
        return None
    try:
        return load_picture(scene.images[index], THUMBNAIL_SIDE)
    except SceneError:
        return None
