"""Triangle meshes as ``UsdGeom.Mesh``, with colours or a picture, and back.

Colours of vertices are stored linear, as USD's ``displayColor`` is; pictures stay as the eye sees them (sRGB).
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from pxr import Sdf, Usd, UsdGeom, UsdShade, Vt
from trimesh.visual import ColorVisuals

from scan2sim.bodies import Texture, mark_seen, vertex_colors, vertices_seen
from scan2sim.errors import ExportError

__all__ = ["bind_surface", "define_mesh", "linear_from_srgb", "paint", "read_mesh", "read_painted_mesh"]

MAX_PIXELS = 64 << 20
SEEN = "scan2sim:seen"  # 1 where a photo saw the surface
FACE_VARYING = UsdGeom.Tokens.faceVarying
VERTEX = UsdGeom.Tokens.vertex


def define_mesh(stage: Usd.Stage, path: str, mesh: trimesh.Trimesh) -> UsdGeom.Mesh:
    """Write the triangles of a mesh and its normals, in the frame of the prim above."""
    found = UsdGeom.Mesh.Define(stage, path)
    points = np.asarray(mesh.vertices, dtype=np.float32)
    found.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    found.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(mesh.faces), 3, np.int32)))
    found.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(mesh.faces.reshape(-1).astype(np.int32)))
    found.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    found.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(np.asarray(mesh.vertex_normals, dtype=np.float32)))
    found.SetNormalsInterpolation(VERTEX)
    found.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([points.min(0), points.max(0)])))
    return found


def paint(found: UsdGeom.Mesh, mesh: trimesh.Trimesh, texture: Texture | None) -> None:
    """Add the colours of a mesh's vertices, flags of what was seen, and places in the picture."""
    colors = vertex_colors(mesh)
    linear = linear_from_srgb(colors[:, :3] / 255)
    found.CreateDisplayColorPrimvar(VERTEX).Set(Vt.Vec3fArray.FromNumpy(linear.astype(np.float32)))
    if (colors[:, 3] < 255).any():
        alpha = (colors[:, 3] / 255).astype(np.float32)
        found.CreateDisplayOpacityPrimvar(VERTEX).Set(Vt.FloatArray.FromNumpy(alpha))
    primvars = UsdGeom.PrimvarsAPI(found)
    seen = vertices_seen(mesh)
    if not seen.all():
        flags = primvars.CreatePrimvar(SEEN, Sdf.ValueTypeNames.IntArray, VERTEX)
        flags.Set(Vt.IntArray.FromNumpy(seen.astype(np.int32)))
    if texture is not None:
        places = np.stack([texture.uv[..., 0], 1 - texture.uv[..., 1]], -1).reshape(-1, 2).astype(np.float32)
        st = primvars.CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, FACE_VARYING)
        st.Set(Vt.Vec2fArray.FromNumpy(places))


def bind_surface(stage: Usd.Stage, path: str, mesh: UsdGeom.Mesh, picture: str | None) -> UsdShade.Material:
    """A matt ``UsdPreviewSurface`` in the colours of the picture (a relative path) or of the vertices."""
    material = UsdShade.Material.Define(stage, path)
    surface = UsdShade.Shader.Define(stage, f"{path}/Surface")
    surface.CreateIdAttr("UsdPreviewSurface")
    surface.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(1.0)
    surface.CreateInput("metallic", Sdf.ValueTypeNames.Float).Set(0.0)
    reader = UsdShade.Shader.Define(stage, f"{path}/Reader")
    color = UsdShade.Shader.Define(stage, f"{path}/Picture") if picture else reader
    if picture:
        reader.CreateIdAttr("UsdPrimvarReader_float2")
        reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("st")
        places = reader.CreateOutput("result", Sdf.ValueTypeNames.Float2)
        color.CreateIdAttr("UsdUVTexture")
        color.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath(picture))
        color.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
        color.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(places)
        shown = color.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
    else:
        color.CreateIdAttr("UsdPrimvarReader_float3")
        color.CreateInput("varname", Sdf.ValueTypeNames.String).Set("displayColor")
        shown = color.CreateOutput("result", Sdf.ValueTypeNames.Float3)
    surface.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).ConnectToSource(shown)
    material.CreateSurfaceOutput().ConnectToSource(surface.CreateOutput("surface", Sdf.ValueTypeNames.Token))
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)
    return material


def read_mesh(prim: Usd.Prim) -> trimesh.Trimesh:
    """The triangles of a mesh.

    Raises:
        ExportError: it has none, others than triangles, or its numbers are damaged.
    """
    found = UsdGeom.Mesh(prim)
    points = np.array(found.GetPointsAttr().Get() or [], dtype=np.float64).reshape(-1, 3)
    counts = np.array(found.GetFaceVertexCountsAttr().Get() or [], dtype=np.int64)
    corners = np.array(found.GetFaceVertexIndicesAttr().Get() or [], dtype=np.int64)
    if not len(counts) or (counts != 3).any() or len(corners) != 3 * len(counts):
        raise ExportError(f"{prim.GetPath()}: not a mesh of triangles")
    if not np.isfinite(points).all() or corners.min() < 0 or corners.max() >= len(points):
        raise ExportError(f"{prim.GetPath()}: the mesh is damaged")
    return trimesh.Trimesh(points, corners.reshape(-1, 3), process=False)


def read_painted_mesh(prim: Usd.Prim) -> tuple[trimesh.Trimesh, Texture | None]:
    """A mesh with the colours of its vertices, its flags and its texture.

    Raises:
        ExportError: as :func:`read_mesh`, or the picture cannot be read.
    """
    mesh, found, primvars = read_mesh(prim), UsdGeom.Mesh(prim), UsdGeom.PrimvarsAPI(prim)
    count = len(mesh.vertices)
    colors = np.full((count, 4), 255, np.uint8)
    linear = np.array(found.GetDisplayColorPrimvar().Get() or [], dtype=np.float64).reshape(-1, 3)
    if len(linear) == count:
        colors[:, :3] = np.round(255 * _srgb_from_linear(linear))
    alpha = np.array(found.GetDisplayOpacityPrimvar().Get() or [], dtype=np.float64)
    if len(alpha) == count:
        colors[:, 3] = np.round(255 * alpha.clip(0, 1))
    mesh.visual = ColorVisuals(mesh, vertex_colors=colors)
    seen = np.array(_values(primvars, SEEN), dtype=bool)
    if len(seen) == count:
        mark_seen(mesh, seen)
    places = np.array(_values(primvars, "st"), dtype=np.float64).reshape(-1, 2)
    picture = _picture(prim)
    if picture is None or len(places) != 3 * len(mesh.faces):
        return mesh, None
    return mesh, Texture(picture, np.column_stack([places[:, 0], 1 - places[:, 1]]).reshape(-1, 3, 2))


def _values(primvars: UsdGeom.PrimvarsAPI, name: str) -> Any:
    return primvars.GetPrimvar(name).Get() if primvars.HasPrimvar(name) else []


def _picture(prim: Usd.Prim) -> NDArray[np.uint8] | None:  # (H, W, 3)
    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    shader = (
        UsdShade.Shader(prim.GetStage().GetPrimAtPath(material.GetPath().AppendChild("Picture"))) if material else None
    )
    asset = shader.GetInput("file").Get() if shader and shader.GetInput("file") else None
    if asset is None:
        return None
    path = Path(asset.resolvedPath or asset.path)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ExportError(f"a picture of {image.width} × {image.height} pixels", path=path)
            return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise ExportError(f"the picture cannot be read ({problem})", path=path) from None


def linear_from_srgb(color: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours in 0..1 as the eye sees them, made linear (IEC 61966-2-1)."""
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


def _srgb_from_linear(color: NDArray[np.float64]) -> NDArray[np.float64]:
    color = color.clip(0, 1)
    return np.where(color <= 0.0031308, color * 12.92, 1.055 * color ** (1 / 2.4) - 0.055)
