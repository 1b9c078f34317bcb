"""The main layer: what stands in the scene, or in each cousin, lights, gravity, and what is known of the scene."""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pxr import Gf, Kind, Usd, UsdGeom, UsdLux, UsdPhysics

from scan2sim.export.usd.bodies import CUSTOM, QCODE, new_layer
from scan2sim.export.usd.content import BACKGROUND_LAYER, add_content, facts, write_layers
from scan2sim.export.usd.names import identifiers
from scan2sim.export.usd.runtimes import RUNTIMES, add_runtimes
from scan2sim.export.usd.variants import add_variants
from scan2sim.geometry import quaternion_from_matrix, rotation_between
from scan2sim.scene import Scene

__all__ = ["GRAVITY", "write_stage"]

GRAVITY = 9.81  # [m/s²] as in MuJoCo
SUN_DEG = 0.53  # across, as the sun is
OBJECTS = "objects"


def write_stage(
    scene: Scene,
    folder: Path,
    stem: str,
    cousins: Iterable[tuple[str, Scene]] = (),
) -> Path:
    """Write ``<stem>.usda`` with its objects, background, textures and runtime payloads; returns its path.

    With cousins, by their names, all that differs between them and the scene lies in the variants of one set
    (`variants.py`), of which the scene itself is chosen.
    """
    root = identifiers([stem])[stem]
    path = folder / f"{stem}.usda"
    stage = new_layer(path, root)
    Usd.ModelAPI(stage.GetDefaultPrim()).SetKind(Kind.Tokens.assembly)
    (folder / OBJECTS).mkdir()
    layers = {name: f"./{OBJECTS}/{file}" for name, file in write_layers(scene, folder / OBJECTS).items()}
    gravity = UsdPhysics.Scene.Define(stage, f"/{root}/PhysicsScene")
    gravity.CreateGravityDirectionAttr(Gf.Vec3f(0, 0, -1))
    gravity.CreateGravityMagnitudeAttr(GRAVITY)
    background = f"./{OBJECTS}/{BACKGROUND_LAYER}"
    choices = add_variants(stage, folder, scene, layers, background, cousins)
    if not choices:
        add_content(stage, scene, layers, background)
    _add_lights(stage, f"/{root}/Lights", scene.light)
    add_runtimes(stage, folder, choices)
    stage.GetRootLayer().customLayerData = _layer_data(scene, stage, stem)
    stage.GetRootLayer().Save()
    return path


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
            "scene": facts(scene),
        },
    }
