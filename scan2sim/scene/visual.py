"""An object's visual mesh as GLB: colours and flags of its vertices, and its texture.

A textured mesh is split along the seams of its picture, as viewers want it; ``_VERTEX`` says which vertex of the closed
mesh each of the file's is.  Viewers multiply ``COLOR_0`` with the picture, so beside a picture the vertices' colours
are called ``_COLOR``.  ``_SEEN`` is 1 where some photo saw the surface and 0 where it is invented.

The reader takes files that anybody may have made: sizes are bounded and every index and number is checked.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.exchange.gltf import export_glb
from trimesh.visual import ColorVisuals, TextureVisuals

from scan2sim.bodies import Texture, mark_seen, split_at_seams, vertex_colors, vertices_seen
from scan2sim.errors import SceneError
from scan2sim.scene.parts import checked_mesh, read_bounded
from scan2sim.scene.visual_parts import BESIDE

__all__ = ["encode_visual", "read_visual", "write_visual"]

MAX_PIXELS = 64 << 20  # of all pictures of a file together
PICTURES = (
    "image",
    "baseColorTexture",
    "emissiveTexture",
    "normalTexture",
    "occlusionTexture",
    "metallicRoughnessTexture",
)


def write_visual(mesh: trimesh.Trimesh, path: Path, texture: Texture | None = None) -> None:
    """Write a mesh as GLB with the colours and flags of its vertices, vertices as they are (z up)."""
    path.write_bytes(encode_visual(mesh, texture))


def encode_visual(mesh: trimesh.Trimesh, texture: Texture | None = None) -> bytes:
    """What :func:`write_visual` writes."""
    if texture is None:
        written = trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=vertex_colors(mesh), process=False)
        origin = np.arange(len(mesh.vertices))
    else:
        written, origin = split_at_seams(mesh, texture)
        written.vertex_attributes["_COLOR"] = vertex_colors(mesh)[origin]
        written.vertex_attributes["_VERTEX"] = origin.astype(np.float32)  # the format forbids 32-bit integers here
    seen = vertices_seen(mesh)
    if not seen.all():
        written.vertex_attributes["_SEEN"] = seen[origin].astype(np.float32)
    return export_glb(trimesh.Scene({"mesh": written}), include_normals=False)


def read_visual(path: Path) -> tuple[trimesh.Trimesh, Texture | None]:
    """Read the GLB file of one mesh, and its texture if it has one.

    Raises:
        SceneError: missing, too large, damaged or without faces.
    """
    data = read_bounded(path)
    try:
        scene = trimesh.load_scene(io.BytesIO(data), file_type="glb", process=False, resolver=_beside(path))
        _check_pictures(scene, path)
        found = scene.to_mesh()
        picture = _picture(found.visual)
        colors, attributes = _colors(found), dict(found.vertex_attributes)
    except SceneError:
        raise
    except Exception as problem:  # the parser raises whatever its input makes it trip over
        raise SceneError(f"the mesh cannot be read ({type(problem).__name__})", path=path) from None
    split = checked_mesh(found.vertices, found.faces, path)
    seen = (
        np.asarray(attributes.get("_SEEN", np.ones(len(split.vertices)))).reshape(len(split.vertices), -1)[:, 0] > 0.5
    )
    origin = _origin(attributes.get("_VERTEX"), split, picture is not None, path)
    first = np.unique(origin, return_index=True)[1]
    mesh = checked_mesh(split.vertices[first], origin[split.faces], path)
    mesh.visual = ColorVisuals(mesh, vertex_colors=colors[first])
    if not seen.all():
        mark_seen(mesh, seen[first])
    if picture is None:
        return mesh, None
    uv = np.asarray(found.visual.uv, dtype=np.float64)[:, :2]
    if not np.isfinite(uv).all():
        raise SceneError("places in the picture that are not finite", path=path)
    return mesh, Texture(picture, np.column_stack([uv[:, 0], 1 - uv[:, 1]])[split.faces])


def _beside(path: Path) -> dict[str, bytes]:
    """The only other files that a GLB may take data from."""
    files = {name: path.with_name(name) for name in BESIDE}
    home = path.resolve().parent
    return {
        name: read_bounded(file) for name, file in files.items() if file.is_file() and file.resolve().parent == home
    }


def _check_pictures(scene: trimesh.Scene, path: Path) -> None:
    """Before any picture is unpacked: are they of sensible size?"""
    pixels = 0
    for mesh in scene.geometry.values():
        material = getattr(getattr(mesh, "visual", None), "material", None)
        for picture in (getattr(material, name, None) for name in PICTURES):
            if isinstance(picture, Image.Image):
                pixels += picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise SceneError(f"the mesh's pictures have {pixels >> 20} million pixels", path=path)


def _picture(visual: Any) -> NDArray[np.uint8] | None:  # (H, W, 3)
    if not isinstance(visual, TextureVisuals) or visual.uv is None:
        return None
    image = getattr(visual.material, "baseColorTexture", None) or getattr(visual.material, "image", None)
    return None if image is None else np.array(image.convert("RGB"))


def _colors(mesh: trimesh.Trimesh) -> NDArray[np.uint8]:  # (V, 4)
    stored = mesh.vertex_attributes.get("_COLOR")
    if stored is None or np.shape(stored) != (len(mesh.vertices), 4):
        return vertex_colors(mesh)
    return np.asarray(stored).clip(0, 255).astype(np.uint8)


def _origin(
    stored: Any, mesh: trimesh.Trimesh, textured: bool, path: Path
) -> NDArray[np.int64]:  # (V,) vertex of the closed mesh
    """From the file, or, in a textured one of another program's, by place: it is split along its seams too."""
    count = len(mesh.vertices)
    if stored is None:
        if not textured:
            return np.arange(count)
        return np.unique(mesh.vertices, axis=0, return_inverse=True)[1].reshape(-1)
    numbers = np.asarray(stored, dtype=np.float64).reshape(-1)
    if len(numbers) != count or not np.isfinite(numbers).all() or numbers.min() < 0 or numbers.max() >= count:
        raise SceneError("the numbers of its vertices are damaged", path=path)
    return np.unique(numbers.astype(np.int64), return_inverse=True)[1].reshape(-1)
