"""What one physics engine alone needs, as a payload layer a engine that a variant of the root prim switches on.

The base holds UsdPhysics only.  SimReady 2026.08 wants a variant set ``PhysX``, ``Newton`` and ``MuJoCo`` on the root,
each ``Disabled`` unless somebody chooses ``Enabled``, which does nothing but load ``runnables/physics/<engine>.usda``.
The schemas are those of physx-usd-schemas, newton-usd-schemas and MuJoCo's mjcPhysics; they are written by name, so
that none of them has to be installed.
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pxr import Sdf, Usd, UsdGeom, UsdPhysics, Vt

from scan2sim.export.usd.content import BACKGROUND
from scan2sim.export.usd.hulls import MAX_CORNERS
from scan2sim.export.usd.variants import CHOICE
from scan2sim.sim import CONTACT, OBJECT_PRIORITY

__all__ = ["RUNTIMES", "add_runtimes", "state_contacts"]

RUNTIMES = {"PhysX": "physx", "Newton": "newton", "MuJoCo": "mujoco"}  # variant set → file stem
FOLDER = "runnables/physics"
INT, FLOAT, DOUBLE, BOOL, TOKEN = (
    Sdf.ValueTypeNames.Int,
    Sdf.ValueTypeNames.Float,
    Sdf.ValueTypeNames.Double,
    Sdf.ValueTypeNames.Bool,
    Sdf.ValueTypeNames.Token,
)
DOUBLES, UNSIGNED = Sdf.ValueTypeNames.DoubleArray, Sdf.ValueTypeNames.UInt

Schemas = Mapping[str, Mapping[str, tuple[Any, Any]]]  # schema → attribute → its type and value


@dataclass(frozen=True)
class _Runtime:
    """Schemas with their attributes by what they are put on."""

    scene: Schemas
    body: Schemas
    piece: Schemas
    background_piece: Schemas
    contact: Schemas  # material of an object
    ground: Schemas  # material of the background


def add_runtimes(stage: Usd.Stage, folder: Path, cousins: Sequence[str] = ()) -> None:
    """Write the payload layers below ``folder`` and add the variant sets to the stage's default prim.

    To be called last, when all that the payloads speak of is there; also in each variant of the set ``cousin``, the
    last chosen of which is chosen again.
    """
    root = stage.GetDefaultPrim()
    (folder / FOLDER).mkdir(parents=True)
    roles = _roles_in(stage, cousins)
    for variant_set, stem in RUNTIMES.items():
        _write_payload(stage, folder / FOLDER / f"{stem}.usda", _DESCRIPTIONS[variant_set], roles)
        variants = root.GetVariantSets().AddVariantSet(variant_set)
        for option in ("Disabled", "Enabled"):
            variants.AddVariant(option)
        variants.SetVariantSelection("Enabled")
        with variants.GetVariantEditContext():
            root.GetPayloads().AddPayload(f"./{FOLDER}/{stem}.usda")
        variants.SetVariantSelection("Disabled")
    if cousins:  # the first is the strongest, and what an engine wants holds in each cousin
        root.SetMetadata("variantSetNames", Sdf.StringListOp.Create(prependedItems=[*RUNTIMES, CHOICE]))


def _roles_in(stage: Usd.Stage, cousins: Sequence[str]) -> dict[Sdf.Path, str]:
    """All that simulators care about, by path: which field of `_Runtime` is for it."""
    choice = stage.GetDefaultPrim().GetVariantSet(CHOICE)
    chosen, found = choice.GetVariantSelection(), {}
    for cousin in cousins or (None,):
        if cousin is not None:
            choice.SetVariantSelection(cousin)
        found |= _roles(stage)
    if cousins:
        choice.SetVariantSelection(chosen)
    return found


def _roles(stage: Usd.Stage) -> dict[Sdf.Path, str]:
    background = stage.GetDefaultPrim().GetPath().AppendChild(BACKGROUND)
    found = {}
    for prim in stage.Traverse():
        still = prim.GetPath().HasPrefix(background)
        if prim.IsA(UsdPhysics.Scene):
            found[prim.GetPath()] = "scene"
        elif prim.HasAPI(UsdPhysics.RigidBodyAPI):
            found[prim.GetPath()] = "body"
        elif prim.HasAPI(UsdPhysics.CollisionAPI):
            found[prim.GetPath()] = "background_piece" if still else "piece"
        elif prim.HasAPI(UsdPhysics.MaterialAPI):
            found[prim.GetPath()] = "ground" if still else "contact"
    return found


def _write_payload(stage: Usd.Stage, path: Path, runtime: _Runtime, roles: Mapping[Sdf.Path, str]) -> None:
    layer = Usd.Stage.CreateNew(str(path))
    layer.SetDefaultPrim(layer.OverridePrim(stage.GetDefaultPrim().GetPath()))
    UsdGeom.SetStageUpAxis(layer, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(layer, 1.0)
    for where, role in roles.items():
        if given := getattr(runtime, role):
            _apply(layer.OverridePrim(where), given)
    layer.GetRootLayer().Save()


def state_contacts(stage: Usd.Stage, priority: Callable[[Usd.Prim], int]) -> None:
    """Write on the stage itself what Newton with its MuJoCo solver wants to know of contacts.

    Args:
        stage: with materials and what collides, in references too.
        priority: whose friction counts where two touch: that of the higher one, and of equals the larger.
    """
    for prim in stage.Traverse():
        if prim.HasAPI(UsdPhysics.CollisionAPI):
            _apply(prim, _mujoco_piece(priority(prim)))
        elif prim.HasAPI(UsdPhysics.MaterialAPI):
            _apply(prim, {**_NEWTON_MATERIAL, **_MUJOCO_MATERIAL})


def _apply(prim: Usd.Prim, given: Schemas) -> None:
    for schema, values in given.items():
        prim.AddAppliedSchema(schema)
        for name, (kind, value) in values.items():
            prim.CreateAttribute(name, kind, custom=False).Set(value)


def _mujoco_piece(priority: int) -> Schemas:
    return {
        "MjcCollisionAPI": {
            "mjc:condim": (INT, CONTACT.condim),
            "mjc:group": (INT, 3),
            "mjc:priority": (INT, priority),
            "mjc:solref": (DOUBLES, Vt.DoubleArray(CONTACT.solref)),
            "mjc:solimp": (DOUBLES, Vt.DoubleArray([*CONTACT.solimp, 0.5, 2.0])),
        }
    }


_RATE = round(1 / CONTACT.timestep)  # [Hz]
_PHYSX_PIECE: Schemas = {
    "PhysxCollisionAPI": {
        "physxCollision:contactOffset": (FLOAT, 0.002),
        "physxCollision:restOffset": (FLOAT, 0.0),
    },
    "PhysxConvexHullCollisionAPI": {
        "physxConvexHullCollision:hullVertexLimit": (INT, MAX_CORNERS),
        "physxConvexHullCollision:minThickness": (FLOAT, 0.0001),
    },
}
_NEWTON_PIECE: Schemas = {"NewtonMeshCollisionAPI": {"newton:maxHullVertices": (INT, -1)}}
_NEWTON_MATERIAL: Schemas = {
    "NewtonMaterialAPI": {
        "newton:torsionalFriction": (FLOAT, CONTACT.torsion),
        "newton:rollingFriction": (FLOAT, CONTACT.rolling),
    }
}
_MUJOCO_MATERIAL: Schemas = {
    "MjcMaterialAPI": {
        "mjc:torsionalfriction": (DOUBLE, CONTACT.torsion),
        "mjc:rollingfriction": (DOUBLE, CONTACT.rolling),
    }
}
_DESCRIPTIONS = {
    "PhysX": _Runtime(
        scene={
            "PhysxSceneAPI": {
                "physxScene:timeStepsPerSecond": (UNSIGNED, _RATE),
                "physxScene:bounceThreshold": (FLOAT, 0.2),
                # On a 20° slope a flat thing of 18 pieces crept 19 mm with the default TGS, 0.3 mm with PGS.
                "physxScene:solverType": (TOKEN, "PGS"),
            }
        },
        body={"PhysxRigidBodyAPI": {}},
        piece=_PHYSX_PIECE,
        background_piece=_PHYSX_PIECE,
        # An object slides by its own friction on the background, as in MuJoCo: of 0 and its own the larger counts.
        contact={"PhysxMaterialAPI": {"physxMaterial:frictionCombineMode": (TOKEN, "max")}},
        ground={
            "PhysxMaterialAPI": {"physxMaterial:frictionCombineMode": (TOKEN, "max")},
            "PhysicsMaterialAPI": {"physics:staticFriction": (FLOAT, 0.0), "physics:dynamicFriction": (FLOAT, 0.0)},
        },
    ),
    "Newton": _Runtime(
        scene={"NewtonSceneAPI": {"newton:timeStepsPerSecond": (INT, _RATE)}},
        body={},
        piece=_NEWTON_PIECE,
        background_piece=_NEWTON_PIECE,
        contact=_NEWTON_MATERIAL,
        ground=_NEWTON_MATERIAL,
    ),
    "MuJoCo": _Runtime(
        scene={
            "MjcSceneAPI": {
                "mjc:option:timestep": (DOUBLE, CONTACT.timestep),
                "mjc:option:integrator": (TOKEN, CONTACT.integrator),
                "mjc:option:cone": (TOKEN, CONTACT.cone),
            }
        },
        body={},
        piece=_mujoco_piece(OBJECT_PRIORITY),
        background_piece=_mujoco_piece(0),
        contact=_MUJOCO_MATERIAL,
        ground=_MUJOCO_MATERIAL,
    ),
}
