"""One object as a USD layer of its own: a rigid body with mass, collision, mesh, splats, labels and materials.

``/<name>`` is the rigid body and its frame the object's frame.  Under it lie ``Visual`` (a mesh that stands in where
splats cannot be drawn: purpose proxy), ``Splats`` (purpose render), ``Collision`` (purpose guide, one convex mesh a
piece) and ``Materials``.  What UsdPhysics has no word for, as the intervals of estimates, is custom data of the body.
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from pxr import Gf, Kind, Usd, UsdGeom, UsdPhysics, UsdSemantics, UsdShade

from scan2sim.export.usd.hulls import simple_parts
from scan2sim.export.usd.meshes import bind_surface, define_mesh, paint
from scan2sim.export.usd.splats import define_splats
from scan2sim.files import finite
from scan2sim.geometry import quaternion_from_matrix
from scan2sim.scene import SceneObject

__all__ = [
    "CUSTOM",
    "QCODE",
    "add_collision",
    "add_contact_material",
    "label",
    "new_layer",
    "restate_object",
    "write_object",
]

CUSTOM = "scan2sim"  # the custom data that only we read
QCODE = "Q223557"  # Wikidata's “physical object”: nothing more is known for certain
TEXTURES = "textures"


def new_layer(path: Path, root: str) -> Usd.Stage:
    """An empty stage in metres and kilograms, z up, whose default prim is the transform ``/root``."""
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, f"/{root}").GetPrim())
    return stage


def write_object(obj: SceneObject, name: str, folder: Path) -> Path:
    """Write ``folder/<name>.usdc`` and its picture ``folder/textures/<name>.png``; returns the layer's path."""
    path = folder / f"{name.lower()}.usdc"
    stage = new_layer(path, name)
    body = stage.GetDefaultPrim()
    Usd.ModelAPI(body).SetKind(Kind.Tokens.component)
    body.SetDisplayName(obj.name)
    body.SetCustomDataByKey(CUSTOM, _custom(obj))
    label(body, "class", obj.label.text)
    label(body, "wikidata_qcode", QCODE)
    _add_physics(body, obj)
    UsdGeom.Scope.Define(stage, f"/{name}/Materials")
    visual = define_mesh(stage, f"/{name}/Visual", obj.visual)
    visual.CreatePurposeAttr(UsdGeom.Tokens.proxy)
    paint(visual, obj.visual, obj.texture)
    picture = None
    if obj.texture is not None:
        picture = f"./{TEXTURES}/{name.lower()}.png"
        (folder / TEXTURES).mkdir(exist_ok=True)
        Image.fromarray(obj.texture.image).save(folder / picture)
    label(bind_surface(stage, f"/{name}/Materials/Surface", visual, picture).GetPrim(), "material", "unknown")
    if len(obj.gaussians):
        splats = define_splats(stage, f"/{name}/Splats", obj.gaussians)
        splats.CreatePurposeAttr(UsdGeom.Tokens.render)
        UsdGeom.Imageable(splats).SetProxyPrim(visual.GetPrim())
    physical = obj.physical
    contact = add_contact_material(
        stage, f"/{name}/Materials/Contact", physical.friction.value, physical.restitution.value
    )
    add_collision(stage, f"/{name}/Collision", obj.collision, contact)
    stage.GetRootLayer().Save()
    return path


def restate_object(stage: Usd.Stage, body: Usd.Prim, obj: SceneObject) -> None:
    """Say over a referenced layer of an object of the same shape what it weighs, how it slides and what is known."""
    body.SetCustomDataByKey(CUSTOM, _custom(obj))
    _add_physics(body, obj)
    contact = UsdPhysics.MaterialAPI(stage.GetPrimAtPath(f"{body.GetPath()}/Materials/Contact"))
    _set_contact(contact, obj.physical.friction.value, obj.physical.restitution.value)


def add_contact_material(stage: Usd.Stage, path: str, friction: float, restitution: float) -> UsdShade.Material:
    """A material for contacts; static and dynamic friction are the same."""
    material = UsdShade.Material.Define(stage, path)
    api = UsdPhysics.MaterialAPI.Apply(material.GetPrim())
    _set_contact(api, friction, restitution)
    label(material.GetPrim(), "material", "unknown")
    return material


def add_collision(
    stage: Usd.Stage,
    path: str,
    pieces: Iterable[trimesh.Trimesh],
    material: UsdShade.Material,
    purpose: str = UsdGeom.Tokens.guide,
) -> list[UsdGeom.Mesh]:
    """Convex pieces as meshes that collide as their hulls; guides are not drawn.

    Pieces with too many corners for PhysX are cut into parts (:func:`simple_parts`).
    """
    UsdGeom.Xform.Define(stage, path)
    meshes = []
    for i, part in enumerate(part for piece in pieces for part in simple_parts(piece)):
        mesh = define_mesh(stage, f"{path}/Piece_{i}", part)
        mesh.CreatePurposeAttr(purpose)
        meshes.append(mesh)
        UsdPhysics.CollisionAPI.Apply(mesh.GetPrim())
        UsdPhysics.MeshCollisionAPI.Apply(mesh.GetPrim()).CreateApproximationAttr(UsdPhysics.Tokens.convexHull)
        binding = UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim())
        binding.Bind(material, UsdShade.Tokens.weakerThanDescendants, "physics")
    return meshes


def label(prim: Usd.Prim, taxonomy: str, text: str) -> None:
    """A semantic label."""
    UsdSemantics.LabelsAPI.Apply(prim, taxonomy).CreateLabelsAttr([text])


def _set_contact(api: UsdPhysics.MaterialAPI, friction: float, restitution: float) -> None:
    api.CreateStaticFrictionAttr(friction)
    api.CreateDynamicFrictionAttr(friction)
    api.CreateRestitutionAttr(restitution)


def _add_physics(body: Usd.Prim, obj: SceneObject) -> None:
    """Mass, centre and principal inertia; what is fixed is a kinematic body, which never moves by itself."""
    rigid = UsdPhysics.RigidBodyAPI.Apply(body)
    rigid.CreateKinematicEnabledAttr(obj.mobility == "fixed")
    principal, axes = np.linalg.eigh((obj.physical.inertia + obj.physical.inertia.T) / 2)
    axes[:, 2] *= np.sign(np.linalg.det(axes))  # a rotation, not a mirror
    w, x, y, z = quaternion_from_matrix(axes).tolist()
    mass = UsdPhysics.MassAPI.Apply(body)
    mass.CreateMassAttr(obj.physical.mass.value)
    mass.CreateCenterOfMassAttr(Gf.Vec3f(*obj.physical.center_of_mass.tolist()))
    mass.CreateDiagonalInertiaAttr(Gf.Vec3f(*principal.tolist()))
    mass.CreatePrincipalAxesAttr(Gf.Quatf(w, x, y, z))


def _custom(obj: SceneObject) -> dict[str, object]:
    """What only our reader needs; JSON text where a dictionary of USD would lose something."""
    estimates = ("mass", "friction", "restitution", "volume")
    return {
        "id": obj.id,
        "name": obj.name,
        "mobility": obj.mobility,
        "unseen_fraction": float(obj.unseen_fraction),
        "label": json.dumps(asdict(obj.label), ensure_ascii=False),
        "estimates": json.dumps({name: asdict(getattr(obj.physical, name)) for name in estimates}),
        "rests_on": json.dumps(obj.rests_on and asdict(obj.rests_on)),
        "figures": json.dumps(finite(obj.figures)),
    }
