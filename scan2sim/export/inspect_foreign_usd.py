"""A program of its own: look at anybody's USD stage and write what is in it and what is wrong with it.

``python inspect_foreign_usd.py STAGE RESULT.json MEMORY``.  Nothing is composed before every path in every layer was
found to stay in the stage's folder.
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

import json
import resource
import sys
from pathlib import Path
from typing import Any

from pxr import Usd, UsdGeom, UsdPhysics, UsdValidation, UsdVol

from scan2sim.errors import ExportError
from scan2sim.export.usd.safety import refuse_unsafe_usd

SOLID = ("convexHull", "convexDecomposition", "boundingCube", "boundingSphere", "sdf")  # what may collide and move
MOST = 50  # sentences of one kind


def main() -> None:
    """Inspect the stage that the command line names."""
    stage_path, result_path, memory = sys.argv[1:4]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    path = Path(stage_path)
    try:
        refuse_unsafe_usd(path, path.parent)
        figures = _figures(Usd.Stage.Open(str(path)))
    except ExportError as problem:
        figures = {"refused": str(problem)}
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(figures, file)


def _figures(stage: Usd.Stage) -> dict[str, Any]:
    prims = list(stage.Traverse())
    bodies = [prim for prim in prims if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
    pieces = [prim for prim in prims if prim.HasAPI(UsdPhysics.CollisionAPI)]
    scenes = [prim for prim in prims if prim.IsA(UsdPhysics.Scene)]
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    errors = UsdValidation.ValidationContext(validators).Validate(stage)
    wrong = UsdValidation.ValidationErrorType.Error
    invalid = sorted({f"{e.GetName()}: {e.GetMessage()}" for e in errors if e.GetType() == wrong})
    return {
        "default_prim": str(stage.GetDefaultPrim().GetPath()) if stage.GetDefaultPrim() else "",
        "up_axis": str(UsdGeom.GetStageUpAxis(stage)),
        "metres_per_unit": UsdGeom.GetStageMetersPerUnit(stage),
        "kilograms_per_unit": UsdPhysics.GetStageKilogramsPerUnit(stage),
        "prims": len(prims),
        "bodies": [str(body.GetPath()) for body in bodies],
        "collision_pieces": len(pieces),
        "splats": sum(prim.IsA(UsdVol.ParticleField3DGaussianSplat) for prim in prims),
        "physics_scene": str(scenes[0].GetPath()) if scenes else "",
        "problems": [f"OpenUSD: {text}" for text in invalid[:MOST]] + _problems(bodies, pieces),
    }


def _problems(bodies: list[Usd.Prim], pieces: list[Usd.Prim]) -> list[str]:
    """What a simulator would guess, or refuse."""
    found = []
    for body in bodies[:MOST]:
        path, mass = body.GetPath(), UsdPhysics.MassAPI(body)
        own = [piece for piece in pieces if piece.GetPath().HasPrefix(path)]
        kinematic = UsdPhysics.RigidBodyAPI(body).GetKinematicEnabledAttr().Get()
        if not own:
            found.append(f"{path}: a rigid body without anything that collides")
        if not body.HasAPI(UsdPhysics.MassAPI) or not (mass.GetMassAttr().Get() or mass.GetDensityAttr().Get()):
            found.append(f"{path}: no mass and no density, so that every simulator makes one up")
        for piece in own:
            how = UsdPhysics.MeshCollisionAPI(piece).GetApproximationAttr().Get() or "none"
            if piece.IsA(UsdGeom.Mesh) and how not in SOLID and not kinematic:
                found.append(f"{piece.GetPath()}: collides as a surface ({how}), which nothing that moves can do")
    return found


if __name__ == "__main__":
    main()
