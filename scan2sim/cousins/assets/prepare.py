"""A program of its own: files of meshes or splats, which anybody may have made, become scenes with one object each.

``python prepare.py JOBS.json RESULT.json MEMORY``; beside the jobs it leaves a folder for each mesh.  Readers of mesh
formats and decoders of pictures trip over damaged files in many ways; whatever they do ends with this process.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from scipy.spatial import ConvexHull, KDTree
from trimesh.visual import ColorVisuals, TextureVisuals

from scan2sim.bodies import ColorsAt, Texture, close_mesh, colors_of, lying_turn, vertex_colors
from scan2sim.cousins.assets.config import AssetConfig
from scan2sim.cousins.assets.preparing import ENDED, PREPARED, SCENE
from scan2sim.cousins.assets.sources import splats_in
from scan2sim.cousins.assets.splat_solid import solid_of_splats
from scan2sim.errors import Scan2SimError, SceneError
from scan2sim.scene import Label, ObjectConfig, RestsOn, Scene, object_from_mesh, save_scene, surface_splats
from scan2sim.splats import Gaussians, read_splats, rotate_gaussians

UP = {  # turned so that z is up
    "z": np.eye(4),
    "y": np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]),
    "-y": np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]),
}
STEEP = np.cos(np.radians(10))  # a side of the hull that leans less against the ground may be what it stands on
TRIED = 20  # of those, the largest
FOOT = 0.003  # of the size: what is no higher touches the ground


def prepare(path: Path, folder: Path, config: AssetConfig) -> None:
    """Write the scene of a mesh, or of splats.

    Raises:
        SceneError: it is nothing that can be used; the message says why.
    """
    thing = _of_mesh(path, config) if splats_in(path) is None else _of_splats(path, config)
    size = float(thing.mesh.extents.max())
    if not config.smallest <= size <= config.largest:
        raise SceneError(
            f"its longest side is {size:.3g} m; {config.smallest:g} to {config.largest:g} m are taken",
            todo="say how many metres its unit has (--asset.metres)",
        )
    closed = close_mesh(thing.mesh)
    turn = _upright(closed)
    turned = closed.copy().apply_transform(turn)
    down = -np.append(turned.bounds.mean(0)[:2], turned.bounds[0, 2])
    stand = trimesh.transformations.translation_matrix(down) @ turn
    mesh, painted = closed.apply_transform(stand), thing.painted.apply_transform(stand)
    colors: ColorsAt = colors_of(painted, thing.texture)
    splats = surface_splats(mesh, colors, config.splats)
    if thing.splats is not None:
        splats = rotate_gaussians(thing.splats, stand)
    obj = object_from_mesh(
        1,
        PREPARED,
        Label(path.stem, 0.5, "file name"),
        mesh,
        splats,
        ObjectConfig(faces=config.kept_faces, texture=config.texture),
        rests_on=RestsOn(0),
        colors_at=colors,
    )
    nothing, given = Gaussians.empty(), {"source": "given", "relative_sigma": 0.0}
    save_scene(Scene(nothing, (), (obj,), (), given, {"source": "given", "sigma_deg": 0.0}), folder)


@dataclass(frozen=True)
class _Thing:
    """What a file shows, in metres, z up, and somewhere."""

    mesh: trimesh.Trimesh  # with colours of its vertices; may have holes
    painted: trimesh.Trimesh  # what the colours are taken from, with the texture
    texture: Texture | None = None
    splats: Gaussians | None = None  # those of the file


def _of_mesh(path: Path, config: AssetConfig) -> _Thing:
    painted, texture = _read(path, config)
    y_up = path.suffix.lower() in (".glb", ".gltf")
    painted.apply_transform(UP[("y" if y_up else "z") if config.up == "auto" else config.up])
    painted.apply_scale(config.metres)
    colors = vertex_colors(painted)
    return _Thing(
        trimesh.Trimesh(painted.vertices, painted.faces, vertex_colors=colors, process=False), painted, texture
    )


def _of_splats(path: Path, config: AssetConfig) -> _Thing:
    turned = UP[("y" if path.suffix.lower() == ".spz" else "-y") if config.up == "auto" else config.up].copy()
    turned[:3, :3] *= config.metres
    mesh, splats = solid_of_splats(rotate_gaussians(read_splats(path).with_ids(None), turned))
    nearest = KDTree(splats.means.numpy()).query(mesh.vertices)[1]
    rgb = splats.base_colors.clamp(0, 1).numpy()[nearest] * 255
    colors = np.column_stack([rgb.round(), np.full(len(rgb), 255)]).astype(np.uint8)
    mesh.visual = ColorVisuals(mesh, vertex_colors=colors)
    return _Thing(mesh, mesh.copy(), splats=splats)


def _read(path: Path, config: AssetConfig) -> tuple[trimesh.Trimesh, Texture | None]:
    """Everything in a file as one mesh, in its own units, with its picture if it has just one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = trimesh.load_scene(path, process=False).to_mesh()
    except Exception as problem:  # readers raise whatever their input makes them trip over
        raise SceneError(f"the mesh cannot be read ({type(problem).__name__})", path=path) from None
    vertices, faces = np.asarray(found.vertices, np.float64), np.asarray(found.faces)
    if not len(faces):
        raise SceneError("the file holds no faces", path=path)
    if len(faces) > config.faces:
        raise SceneError(f"{len(faces)} faces; at most {config.faces} are taken", todo="reduce the mesh", path=path)
    if faces.min() < 0 or faces.max() >= len(vertices) or not np.isfinite(vertices).all():
        raise SceneError("its faces name vertices that are not there, or are not finite", path=path)
    visual = found.visual
    material = getattr(visual, "material", None)
    picture = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    if isinstance(visual, TextureVisuals) and visual.uv is not None and picture is not None:
        uv = np.mod(np.asarray(visual.uv, np.float64)[:, :2], 1.0)  # pictures repeat
        if np.isfinite(uv).all():
            corners = np.column_stack([uv[:, 0], 1 - uv[:, 1]])[faces]
            return mesh, Texture(np.asarray(picture.convert("RGB"), np.uint8), corners)
    colors = vertex_colors(found)
    if isinstance(visual, TextureVisuals) and material is not None:
        colors = np.tile(np.asarray(material.main_color, np.uint8), (len(vertices), 1))
    mesh.visual = ColorVisuals(mesh, vertex_colors=colors)
    return mesh, None


def _upright(mesh: trimesh.Trimesh) -> np.ndarray:
    """The turn that stands a mesh up: as it is, but for a few degrees, where it stands so, else laid on its side."""
    hull, centre = mesh.convex_hull, np.asarray(mesh.center_mass)
    down = np.flatnonzero(hull.face_normals[:, 2] < -STEEP)
    for face in down[np.argsort(-hull.area_faces[down])][:TRIED]:
        turn = np.asarray(trimesh.geometry.align_vectors(hull.face_normals[face], [0, 0, -1]))
        corners = (hull.vertices - centre) @ turn[:3, :3].T
        foot = corners[corners[:, 2] < corners[:, 2].min() + FOOT * mesh.extents.max(), :2]
        if len(foot) > 2 and (ConvexHull(foot, qhull_options="QJ").equations[:, 2] <= 0).all():
            return turn
    return lying_turn(mesh)


def _limit_memory(size: int) -> None:
    """Allow ``size`` bytes of address space beyond what is in use now, where the system can tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + size
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    """Prepare the meshes that the jobs name, one after the other, and leave for each whether and why not."""
    jobs_path, result, memory = sys.argv[1:4]
    jobs = json.loads(Path(jobs_path).read_text(encoding="utf-8"))
    config = AssetConfig(**jobs["config"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(int(memory))
    for k, path in enumerate(jobs["meshes"]):
        home = Path(jobs_path).with_name(str(k))
        home.mkdir()
        signal.setitimer(signal.ITIMER_REAL, config.seconds)  # ends this process, unless it is set again
        reason = None
        try:
            prepare(Path(path), home / SCENE, config)
        except Scan2SimError as error:
            reason = error.problem + (f" → {error.todo}" if error.todo else "")
        except MemoryError:
            reason = "needs more memory than it may take"
        signal.setitimer(signal.ITIMER_REAL, 0)
        (home / ENDED).write_text(json.dumps(reason), encoding="utf-8")
    Path(result).write_text("null", encoding="utf-8")


if __name__ == "__main__":
    main()
