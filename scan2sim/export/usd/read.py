"""A stage of ours back as a Scene."""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pxr import Gf, Tf, Usd, UsdGeom, UsdPhysics, UsdShade, UsdVol

from scan2sim.errors import ExportError
from scan2sim.export.usd.bodies import CUSTOM
from scan2sim.export.usd.content import BACKGROUND
from scan2sim.export.usd.meshes import read_mesh, read_painted_mesh
from scan2sim.export.usd.splats import read_splats
from scan2sim.export.usd.variants import CHOICE
from scan2sim.geometry import matrix_from_quaternion, quaternion_from_matrix, transform
from scan2sim.scene import Estimate, Joint, Label, Physical, RestsOn, Scene, SceneObject, Support
from scan2sim.splats import Gaussians

__all__ = ["choose_cousin", "open_stage", "read_stage", "read_usd"]

LISTED = 5  # names in a message

Array = NDArray[np.float64]


def open_stage(path: Path) -> Usd.Stage:
    """Open a stage.

    Raises:
        ExportError: it does not open, or says nothing of its size.
    """
    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as problem:
        raise ExportError(f"USD cannot open it ({str(problem).strip().splitlines()[-1]})", path=path) from None
    root = stage.GetDefaultPrim()
    if not root:
        raise ExportError("the stage has no default prim", path=path)
    if UsdGeom.GetStageUpAxis(stage) != UsdGeom.Tokens.z or UsdGeom.GetStageMetersPerUnit(stage) != 1.0:
        raise ExportError("the stage is not in metres with z up", path=path)
    return stage


def read_usd(path: Path, cousin: str | None = None) -> Scene:
    """Read a stage that :func:`write_usd` wrote, as far as USD holds a scene: all but cameras, photos and points.

    Of a stage with variants ``cousin`` says which to read; None reads the one that is chosen in the file.

    Masses, inertias, frictions, poses, meshes and splats are read from USD's own schemas, intervals of estimates,
    labels, supports and provenance from custom data.  The stage is composed and trusted: of what others sent,
    :func:`check_usd` opens first in a process of its own.

    Raises:
        ExportError: it does not open, is not ours, is damaged, or has no such cousin.
    """
    stage = open_stage(path)
    if cousin is not None:
        choose_cousin(stage, cousin, path)
    return read_stage(stage, path)


def choose_cousin(stage: Usd.Stage, cousin: str, path: Path) -> None:
    """Show another cousin, in this process alone.

    Raises:
        ExportError: there is none of this name.
    """
    choice = stage.GetDefaultPrim().GetVariantSet(CHOICE)
    names = choice.GetVariantNames()
    if cousin not in names:
        some = ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "") or "there are none"
        raise ExportError(f"the stage has no cousin “{cousin}”", path=path, todo=f"choose from: {some}")
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        choice.SetVariantSelection(cousin)


def read_stage(stage: Usd.Stage, path: Path) -> Scene:
    """As :func:`read_usd`, of an open stage.

    Raises:
        ExportError: it is not ours, or is damaged.
    """
    data = stage.GetRootLayer().customLayerData.get(CUSTOM)
    if not isinstance(data, dict) or data.get("format") != "scan2sim.usd":
        raise ExportError("not a stage that scan2sim wrote", path=path)
    root = stage.GetDefaultPrim()
    prims = [prim for prim in root.GetChildren() if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
    background = root.GetChild(BACKGROUND)
    try:
        known = json.loads((root.GetCustomDataByKey(CUSTOM) or data)["scene"])
        ids = {prim.GetPath(): int(prim.GetCustomDataByKey(CUSTOM)["id"]) for prim in prims}
        joints = dict(_joint(prim, ids) for prim in Usd.PrimRange(root) if prim.IsA(UsdPhysics.Joint))
        return Scene(
            background=_splats(background),
            background_collision=_pieces(background),
            objects=tuple(_object(prim, joints.get(ids[prim.GetPath()])) for prim in prims),
            supports=tuple(
                Support(s["name"], np.array(s["position"]), np.array(s["wxyz"]), np.array(s["polygon"]), s["object"])
                for s in known["supports"]
            ),
            scale=known["scale"],
            gravity=known["gravity"],
            light=known["light"],
            quality=known["quality"],
            provenance=known["provenance"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as problem:
        raise ExportError(f"the stage is damaged ({type(problem).__name__}: {problem})", path=path) from None


def _object(prim: Usd.Prim, joint: Joint | None) -> SceneObject:
    custom = prim.GetCustomDataByKey(CUSTOM)
    estimates = json.loads(custom["estimates"])
    position, wxyz = _pose(prim)
    visual, texture = read_painted_mesh(prim.GetChild("Visual"))
    rests_on = json.loads(custom["rests_on"])
    return SceneObject(
        id=int(custom["id"]),
        name=str(custom["name"]),
        label=Label(**json.loads(custom["label"])),
        position=position,
        wxyz=wxyz,
        gaussians=_splats(prim),
        visual=visual,
        collision=_pieces(prim),
        physical=_physical(prim, estimates),
        mobility=custom["mobility"],
        joint=joint,
        rests_on=rests_on and RestsOn(**rests_on),
        unseen_fraction=float(custom["unseen_fraction"]),
        texture=texture,
        figures=json.loads(custom["figures"]),
    )


def _physical(prim: Usd.Prim, estimates: dict[str, Any]) -> Physical:
    """Values from UsdPhysics; intervals and sources from custom data."""
    mass = UsdPhysics.MassAPI(prim)
    axes = matrix_from_quaternion(_wxyz(mass.GetPrincipalAxesAttr().Get()))
    inertia = axes @ np.diag(np.array(mass.GetDiagonalInertiaAttr().Get(), dtype=float)) @ axes.T
    contact = UsdPhysics.MaterialAPI(UsdShade.Material(prim.GetChild("Materials").GetChild("Contact")))
    values = {
        "mass": mass.GetMassAttr().Get(),
        "friction": contact.GetStaticFrictionAttr().Get(),
        "restitution": contact.GetRestitutionAttr().Get(),
        "volume": estimates["volume"]["value"],
    }
    return Physical(
        **{name: Estimate(**{**estimates[name], "value": float(value)}) for name, value in values.items()},
        center_of_mass=np.array(mass.GetCenterOfMassAttr().Get(), dtype=float),
        inertia=inertia,
    )


def _joint(prim: Usd.Prim, ids: dict[Any, int]) -> tuple[int, Joint]:
    """The joint, in the scene's frame, of the child with this id."""
    turning = prim.IsA(UsdPhysics.RevoluteJoint)
    found = UsdPhysics.RevoluteJoint(prim) if turning else UsdPhysics.PrismaticJoint(prim)
    parent, child = (rel.GetTargets()[0] for rel in (found.GetBody0Rel(), found.GetBody1Rel()))
    body_from_joint = transform(
        np.array(found.GetLocalPos1Attr().Get(), dtype=float), _wxyz(found.GetLocalRot1Attr().Get())
    )
    world_from_joint = transform(*_pose(prim.GetStage().GetPrimAtPath(child))) @ body_from_joint
    limits = np.array([found.GetLowerLimitAttr().Get(), found.GetUpperLimitAttr().Get()], dtype=float)
    damping = UsdPhysics.DriveAPI(prim, "angular" if turning else "linear").GetDampingAttr().Get()
    lower, upper = (np.radians(limits) if turning else limits).tolist()
    return ids[child], Joint(
        parent=ids.get(parent, 0),
        type="revolute" if turning else "prismatic",
        position=world_from_joint[:3, 3],
        axis=world_from_joint[:3, 0],
        lower=lower,
        upper=upper,
        damping=float(np.degrees(damping)) if turning else float(damping),
        friction=float(prim.GetCustomDataByKey(CUSTOM)["friction"]),
    )


def _pose(prim: Usd.Prim) -> tuple[Array, Array]:
    """Position and wxyz in the frame of the root; Gf's matrices act on rows."""
    matrix = np.array(UsdGeom.Xformable(prim).GetLocalTransformation(), dtype=float).T
    return matrix[:3, 3], quaternion_from_matrix(matrix[:3, :3])


def _wxyz(quaternion: Gf.Quatf) -> Array:
    return np.array([quaternion.GetReal(), *quaternion.GetImaginary()], dtype=float)


def _splats(prim: Usd.Prim) -> Gaussians:
    child = prim.GetChild("Splats")
    return read_splats(child) if child and child.IsA(UsdVol.ParticleField3DGaussianSplat) else Gaussians.empty()


def _pieces(prim: Usd.Prim) -> tuple:
    scope = prim.GetChild("Collision")
    return tuple(read_mesh(piece) for piece in scope.GetChildren()) if scope else ()
