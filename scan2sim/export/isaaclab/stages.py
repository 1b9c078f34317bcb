"""The stage of an environment: background, objects and a tool in one file of references, which Isaac Lab clones.

Splats are drawn where there are any, in place of the meshes that USD viewers show: Newton's ray tracer draws what has
the purpose default or proxy, RTX what has default or render.
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdShade

from scan2sim.export.usd.bodies import new_layer, restate_object
from scan2sim.export.usd.content import BACKGROUND
from scan2sim.export.usd.names import identifiers
from scan2sim.export.usd.runtimes import state_contacts
from scan2sim.scene import Scene
from scan2sim.sim import OBJECT_PRIORITY, TOOL_PRIORITY

__all__ = ["TOOL", "level_pieces", "write_stage"]

TOOL = "tool"
SPECK = 0.1  # of a piece's size


def write_stage(
    path: Path,
    scene: Scene,
    files: tuple[Mapping[str, str], str, str | None],  # objects by name, background, tool if any; beside the stage
    restated: Collection[str],  # names of objects whose layer tells the mass and friction of another
    order: Iterable[str],  # of the objects' names, the same in all stages of a package
) -> None:
    """Write ``/Scan`` with the background, the objects where they stand, and the tool, if any, as ``tool``."""
    (layers, background, tool), stage = files, new_layer(path, "Scan")
    objects, names = {obj.name: obj for obj in scene.objects}, identifiers(order)
    ground = stage.DefinePrim(f"/Scan/{BACKGROUND}", "Xform")
    ground.GetReferences().AddReference(_beside(background))
    _draw_splats(stage, str(ground.GetPath()), "Collision")
    for name, identifier in names.items():
        obj = objects[name]
        body = UsdGeom.Xform.Define(stage, f"/Scan/{identifier}")
        body.GetPrim().GetReferences().AddReference(_beside(layers[name]))
        body.AddTranslateOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Vec3d(*np.asarray(obj.position).tolist()))
        w, x, y, z = (np.asarray(obj.wxyz) / np.linalg.norm(obj.wxyz)).tolist()
        body.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(w, x, y, z))
        if name in restated:
            restate_object(stage, body.GetPrim(), obj)
        _draw_splats(stage, f"/Scan/{identifier}", "Visual")
    if tool is not None:
        stage.DefinePrim(f"/Scan/{TOOL}", "Xform").GetReferences().AddReference(_beside(tool))
    state_contacts(stage, _priority)
    stage.GetRootLayer().Save()


def level_pieces(layers: Iterable[Path]) -> None:
    """Give the layers of one object, or of the background, the same number of collision pieces.

    Newton's MuJoCo solver wants as many shapes in every environment.  What is missing becomes a speck deep inside the
    first piece, where nothing can touch it.
    """
    stages = {path: Usd.Stage.Open(str(path)) for path in dict.fromkeys(layers)}
    pieces = {path: _pieces(stage) for path, stage in stages.items()}
    most = max(len(each) for each in pieces.values())
    for path, stage in stages.items():
        for number in range(len(pieces[path]), most if pieces[path] else 0):
            _add_speck(stage, pieces[path][0], number)
        stage.GetRootLayer().Save()


def _priority(prim: Usd.Prim) -> int:
    """As in MuJoCo: a tool's friction counts before an object's, and that before the background's."""
    part = prim.GetPath().GetPrefixes()[1].name
    return {BACKGROUND: 0, TOOL: TOOL_PRIORITY}.get(part, OBJECT_PRIORITY)


def _beside(file: str) -> str:
    """A path that USD does not search for elsewhere."""
    return f"./{file.removeprefix('./')}"


def _pieces(stage: Usd.Stage) -> list[UsdGeom.Mesh]:
    collision = stage.GetDefaultPrim().GetChild("Collision")
    return [UsdGeom.Mesh(prim) for prim in collision.GetChildren()] if collision else []


def _add_speck(stage: Usd.Stage, piece: UsdGeom.Mesh, number: int) -> None:
    points = np.asarray(piece.GetPointsAttr().Get(), dtype=np.float64)
    small = points.mean(0) + SPECK * (points - points.mean(0))
    speck = UsdGeom.Mesh.Define(stage, piece.GetPath().GetParentPath().AppendChild(f"Piece_{number}"))
    speck.CreatePointsAttr([Gf.Vec3f(*point) for point in small.tolist()])
    speck.CreateFaceVertexCountsAttr(piece.GetFaceVertexCountsAttr().Get())
    speck.CreateFaceVertexIndicesAttr(piece.GetFaceVertexIndicesAttr().Get())
    speck.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    speck.CreatePurposeAttr(UsdGeom.Tokens.guide)
    UsdPhysics.CollisionAPI.Apply(speck.GetPrim())
    UsdPhysics.MeshCollisionAPI.Apply(speck.GetPrim()).CreateApproximationAttr(UsdPhysics.Tokens.convexHull)
    material = UsdShade.MaterialBindingAPI(piece).GetDirectBinding("physics").GetMaterial()
    binding = UsdShade.MaterialBindingAPI.Apply(speck.GetPrim())
    binding.Bind(material, UsdShade.Tokens.weakerThanDescendants, "physics")


def _draw_splats(stage: Usd.Stage, path: str, instead_of: str) -> None:
    splats, meshes = stage.GetPrimAtPath(f"{path}/Splats"), stage.GetPrimAtPath(f"{path}/{instead_of}")
    if splats:
        UsdGeom.Imageable(splats).CreatePurposeAttr(UsdGeom.Tokens.default_)
        for mesh in (meshes, *meshes.GetChildren()) if meshes else ():
            UsdGeom.Imageable(mesh).CreatePurposeAttr(UsdGeom.Tokens.guide)
