"""The main layer: objects where they stand, the background, joints, lights, gravity, and what is known of the scene."""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Kind, Sdf, Usd, UsdGeom, UsdLux, UsdPhysics

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
from scan2sim.export.usd.runtimes import RUNTIMES, add_runtimes
from scan2sim.export.usd.splats import define_splats
from scan2sim.files import finite
from scan2sim.geometry import inverse_transform, quaternion_from_matrix, rotation_between
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim import CONTACT

__all__ = ["BACKGROUND", "GRAVITY", "write_layers", "write_stage"]

GRAVITY = 9.81  # [m/s²] as in MuJoCo
BACKGROUND = "Background"
SUN_DEG = 0.53  # across, as the sun is
OBJECTS = "objects"
BACKGROUND_LAYER = "background.usdc"


def write_stage(scene: Scene, folder: Path, stem: str) -> Path:
    """Write ``<stem>.usda`` with its objects, background, textures and runtime payloads; returns its path."""
    root = identifiers([stem])[stem]
    path = folder / f"{stem}.usda"
    stage = new_layer(path, root)
    Usd.ModelAPI(stage.GetDefaultPrim()).SetKind(Kind.Tokens.assembly)
    (folder / OBJECTS).mkdir()
    layers = write_layers(scene, folder / OBJECTS)
    gravity = UsdPhysics.Scene.Define(stage, f"/{root}/PhysicsScene")
    gravity.CreateGravityDirectionAttr(Gf.Vec3f(0, 0, -1))
    gravity.CreateGravityMagnitudeAttr(GRAVITY)
    background = UsdGeom.Xform.Define(stage, f"/{root}/{BACKGROUND}").GetPrim()
    background.GetReferences().AddReference(f"./{OBJECTS}/{BACKGROUND_LAYER}")
    names = identifiers(obj.name for obj in scene.objects)
    for obj in scene.objects:
        name = names[obj.name]
        body = UsdGeom.Xform.Define(stage, f"/{root}/{name}")
        body.GetPrim().GetReferences().AddReference(f"./{OBJECTS}/{layers[obj.name]}")
        body.AddTranslateOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Vec3d(*np.asarray(obj.position).tolist()))
        w, x, y, z = (np.asarray(obj.wxyz) / np.linalg.norm(obj.wxyz)).tolist()
        body.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(w, x, y, z))
    paths = {obj.id: f"/{root}/{names[obj.name]}" for obj in scene.objects} | {0: f"/{root}/{BACKGROUND}"}
    frames = {obj.id: obj.world_from_object for obj in scene.objects} | {0: np.eye(4)}
    for obj in scene.objects:
        if obj.joint is not None:
            _add_joint(stage, f"/{root}/Joints/{names[obj.name]}", obj, paths, frames)
    _add_lights(stage, f"/{root}/Lights", scene.light)
    add_runtimes(stage, folder)
    stage.GetRootLayer().customLayerData = _layer_data(scene, stage, stem)
    stage.GetRootLayer().Save()
    return path


def write_layers(scene: Scene, folder: Path) -> dict[str, str]:
    """Write a layer for each object and one for the background into a folder; returns the objects' files by name."""
    names = identifiers(obj.name for obj in scene.objects)
    _write_background(scene, folder / BACKGROUND_LAYER)
    return {obj.name: write_object(obj, names[obj.name], folder).name for obj in scene.objects}


def _write_background(scene: Scene, path: Path) -> None:
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


def _add_lights(stage: Usd.Stage, path: str, light: dict[str, Any]) -> None:
    """The capture's light: a dome, and a distant light where the scene knows a direction.

    ``light["dome"]`` and ``light["sun"]`` have ``color`` and ``intensity``, the sun also ``direction``, in which it
    shines, and ``spread_deg``, by how much light strays from it; its intensity is what falls on a surface across it.
    """
    UsdGeom.Scope.Define(stage, path)
    dome, sun = UsdLux.DomeLight.Define(stage, f"{path}/Dome"), light.get("sun")
    _set_light(dome, light.get("dome") or {}, 1000.0)
    if sun is not None:
        found = UsdLux.DistantLight.Define(stage, f"{path}/Sun")
        _set_light(found, sun, 1000.0)
        found.CreateNormalizeAttr(True)
        found.CreateAngleAttr(min(2 * float(sun.get("spread_deg", SUN_DEG / 2)), 180.0))
        w, x, y, z = quaternion_from_matrix(rotation_between([0, 0, -1], sun["direction"])).tolist()
        found.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(w, x, y, z))


def _set_light(light: Any, given: dict[str, Any], intensity: float) -> None:
    light.CreateColorAttr(Gf.Vec3f(*given.get("color", (1.0, 1.0, 1.0))))
    light.CreateIntensityAttr(float(given.get("intensity", intensity)))


def _layer_data(scene: Scene, stage: Usd.Stage, stem: str) -> dict[str, Any]:
    root = stage.GetDefaultPrim()
    purposes = [UsdGeom.Tokens.default_, UsdGeom.Tokens.proxy, UsdGeom.Tokens.guide]
    size = UsdGeom.BBoxCache(Usd.TimeCode.Default(), purposes).ComputeWorldBound(root).ComputeAlignedRange().GetSize()
    supports = [
        {"name": s.name, "object": s.object, "position": s.position, "wxyz": s.wxyz, "polygon": s.polygon}
        for s in scene.supports
    ]
    known = {
        "scale": scene.scale,
        "gravity": scene.gravity,
        "light": scene.light,
        "quality": scene.quality,
        "provenance": scene.provenance,
        "supports": supports,
    }
    about = {
        "asset_name": stem,
        "asset_type": "prop",
        "source_file": str(scene.provenance.get("capture") or stem),
        "usd_date_generated": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    return {
        **about,  # where older rules of SimReady look
        "SimReady_Metadata": {
            **about,
            "author": "scan2sim",
            "asset_license": str(scene.provenance.get("licence") or "unknown"),
            "category": "scene",
            "qcode": QCODE,
            "rigid_body_count": len(scene.objects),
            "asset_extents": Gf.Vec3f(size),
            "mass": float(sum(obj.physical.mass.value for obj in scene.objects)),
            "Variants": {
                "Physics": {
                    name: {"prim": str(root.GetPath()), "variantSetName": name, "activateOption": "Enabled"}
                    for name in RUNTIMES
                }
            },
        },
        CUSTOM: {
            "format": "scan2sim.usd",
            "version": 1,
            "scale_source": str(scene.scale.get("source", "unknown")),
            "scale_relative_sigma": scene.scale_sigma,
            "light": "estimated" if {"dome", "sun"} & set(scene.light) else "no estimate: a plain dome",
            "scene": json.dumps(finite(known), ensure_ascii=False),
        },
    }
