"""What of a stage depends on where things stand: the background, the objects, and the joints between them."""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Kind, Sdf, Usd, UsdGeom, UsdPhysics

from scan2sim.export.usd.bodies import (
    CUSTOM,
    QCODE,
    add_collision,
    add_contact_material,
    label,
    new_layer,
    write_object,
)
from scan2sim.export.usd.meshes import bind_surface, linear_from_srgb
from scan2sim.export.usd.names import identifiers
from scan2sim.export.usd.splats import define_splats
from scan2sim.files import finite
from scan2sim.geometry import inverse_transform, quaternion_from_matrix, rotation_between
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim import CONTACT

__all__ = ["BACKGROUND", "BACKGROUND_LAYER", "add_content", "facts", "write_background", "write_layers"]

BACKGROUND = "Background"
BACKGROUND_LAYER = "background.usdc"


def add_content(
    stage: Usd.Stage,
    scene: Scene,
    layers: Mapping[str, str],  # by the objects' names, relative to the stage
    background_layer: str,
) -> dict[str, Usd.Prim]:
    """Reference the background and each object where it stands, and join them; returns the bodies by name."""
    root = str(stage.GetDefaultPrim().GetPath())
    background = UsdGeom.Xform.Define(stage, f"{root}/{BACKGROUND}").GetPrim()
    background.GetReferences().AddReference(background_layer)
    names, bodies = identifiers(obj.name for obj in scene.objects), {}
    for obj in scene.objects:
        body = UsdGeom.Xform.Define(stage, f"{root}/{names[obj.name]}")
        body.GetPrim().GetReferences().AddReference(layers[obj.name])
        body.AddTranslateOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Vec3d(*np.asarray(obj.position).tolist()))
        w, x, y, z = (np.asarray(obj.wxyz) / np.linalg.norm(obj.wxyz)).tolist()
        body.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(w, x, y, z))
        bodies[obj.name] = body.GetPrim()
    paths = {obj.id: f"{root}/{names[obj.name]}" for obj in scene.objects} | {0: f"{root}/{BACKGROUND}"}
    frames = {obj.id: obj.world_from_object for obj in scene.objects} | {0: np.eye(4)}
    for obj in scene.objects:
        if obj.joint is not None:
            _add_joint(stage, f"{root}/Joints/{names[obj.name]}", obj, paths, frames)
    return bodies


def facts(scene: Scene) -> str:
    """What USD has no word for, as JSON text."""
    supports = [
        {"name": s.name, "object": s.object, "position": s.position, "wxyz": s.wxyz, "polygon": s.polygon}
        for s in scene.supports
    ]
    known: dict[str, Any] = {
        "scale": scene.scale,
        "gravity": scene.gravity,
        "light": scene.light,
        "quality": scene.quality,
        "provenance": scene.provenance,
        "supports": supports,
    }
    return json.dumps(finite(known), ensure_ascii=False)


def write_layers(scene: Scene, folder: Path) -> dict[str, str]:
    """Write a layer for each object and one for the background into a folder; returns the objects' files by name."""
    names = identifiers(obj.name for obj in scene.objects)
    write_background(scene, folder / BACKGROUND_LAYER)
    return {obj.name: write_object(obj, names[obj.name], folder).name for obj in scene.objects}


def write_background(scene: Scene, path: Path) -> None:
    """Splats, and static collision whose meshes stand in where splats cannot be drawn."""
    stage = new_layer(path, BACKGROUND)
    prim = stage.GetDefaultPrim()
    Usd.ModelAPI(prim).SetKind(Kind.Tokens.component)
    label(prim, "class", "background")
    label(prim, "wikidata_qcode", QCODE)
    if len(scene.background):
        define_splats(stage, f"/{BACKGROUND}/Splats", scene.background).CreatePurposeAttr(UsdGeom.Tokens.render)
    UsdGeom.Scope.Define(stage, f"/{BACKGROUND}/Materials")
    contact = add_contact_material(stage, f"/{BACKGROUND}/Materials/Contact", CONTACT.ground_friction, 0.0)
    pieces = add_collision(stage, f"/{BACKGROUND}/Collision", scene.background_collision, contact, UsdGeom.Tokens.proxy)
    for i, mesh in enumerate(pieces):
        mesh.CreateDisplayColorAttr([_mean_color(scene)])
        surface = bind_surface(stage, f"/{BACKGROUND}/Materials/Surface_{i}", mesh, None)
        label(surface.GetPrim(), "material", "unknown")
    stage.GetRootLayer().Save()


def _mean_color(scene: Scene) -> Gf.Vec3f:
    mean = scene.background.base_colors.detach().mean(0).clamp(0, 1).numpy() if len(scene.background) else [0.6] * 3
    return Gf.Vec3f(*linear_from_srgb(np.asarray(mean, dtype=np.float64)).tolist())


def _add_joint(
    stage: Usd.Stage,
    path: str,
    obj: SceneObject,
    paths: dict[int, str],
    frames: dict[int, np.ndarray],  # world_from_object by id
) -> None:
    """A hinge or slide along x of a frame that both bodies share; it is at 0 where the scene has it."""
    joint = obj.joint
    assert joint is not None
    kinds = {"revolute": UsdPhysics.RevoluteJoint, "prismatic": UsdPhysics.PrismaticJoint}
    found = kinds[joint.type].Define(stage, path)
    turning = joint.type == "revolute"
    world_from_joint = np.eye(4)
    world_from_joint[:3, :3] = rotation_between([1, 0, 0], joint.axis)
    world_from_joint[:3, 3] = joint.position
    found.CreateBody0Rel().SetTargets([Sdf.Path(paths[joint.parent])])
    found.CreateBody1Rel().SetTargets([Sdf.Path(paths[obj.id])])
    for side, body in ((0, joint.parent), (1, obj.id)):
        body_from_joint = inverse_transform(frames[body]) @ world_from_joint
        w, x, y, z = quaternion_from_matrix(body_from_joint[:3, :3]).tolist()
        found.GetPrim().GetAttribute(f"physics:localPos{side}").Set(Gf.Vec3f(*body_from_joint[:3, 3].tolist()))
        found.GetPrim().GetAttribute(f"physics:localRot{side}").Set(Gf.Quatf(w, x, y, z))
    found.CreateAxisAttr(UsdPhysics.Tokens.x)
    found.CreateLowerLimitAttr(float(np.degrees(joint.lower)) if turning else joint.lower)
    found.CreateUpperLimitAttr(float(np.degrees(joint.upper)) if turning else joint.upper)
    drive = UsdPhysics.DriveAPI.Apply(found.GetPrim(), "angular" if turning else "linear")
    drive.CreateDampingAttr(float(np.radians(joint.damping)) if turning else joint.damping)  # per degree
    drive.CreateStiffnessAttr(0.0)
    found.GetPrim().SetCustomDataByKey(CUSTOM, {"friction": float(joint.friction)})
