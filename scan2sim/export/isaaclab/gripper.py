"""The free-flying parallel gripper as an articulation in OpenUSD, as `scan2sim.sim` has it in MuJoCo."""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from pathlib import Path

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics, UsdShade

from scan2sim.export.isaaclab.joints import (
    CARRIER_INERTIA,
    CARRIER_MASS,
    add_drive,
    add_hinge,
    add_link,
    add_slide,
)
from scan2sim.export.usd.bodies import add_contact_material, new_layer
from scan2sim.sim import CONTACT, GRIPPER_PARTS, Gripper

__all__ = ["FINGER_LINKS", "gripper_servos", "gripper_start", "write_gripper"]

ROOT = "/Gripper"
FLIGHT = ("gripper_x", "gripper_y", "gripper_z")
YAW = "gripper_yaw"
FINGER_LINKS = ("gripper_left", "gripper_right")  # of the links and the joints


def write_gripper(gripper: Gripper, path: Path) -> None:
    """Write ``/Gripper``: joints ``gripper_x``, ``_y``, ``_z`` and ``_yaw`` whose values are the grip point's place in
    the scene and its heading, and the slides ``gripper_left`` and ``gripper_right``, how far each finger is from the
    middle.  Nothing pulls its links down, and the fingers do not touch each other.
    """
    stage = new_layer(path, ROOT[1:])
    UsdPhysics.ArticulationRootAPI.Apply(stage.GetDefaultPrim())
    parts, (width, thickness, length) = GRIPPER_PARTS, gripper.finger
    contact = add_contact_material(stage, f"{ROOT}/Contact", CONTACT.gripper_friction, 0.0)
    carriers = [f"{ROOT}/{name}" for name in ("base", "carrier_x", "carrier_y", "carrier_z")]
    for carrier in carriers:
        add_link(stage, carrier, CARRIER_MASS, CARRIER_INERTIA)
    span, top = gripper.opening / 2 + thickness, length - gripper.tip + parts.palm[1] / 2
    half = (parts.palm[0] / 2, span, parts.palm[1] / 2)
    palm = add_link(stage, f"{ROOT}/palm", parts.palm_mass, _box_inertia(parts.palm_mass, half), (0, 0, top))
    _add_box(stage, f"{palm}/Shape", half, (0, 0, top), contact)
    UsdPhysics.FixedJoint.Define(stage, f"{ROOT}/fixed").CreateBody1Rel().SetTargets([Sdf.Path(carriers[0])])
    for i, (name, axis) in enumerate(zip(FLIGHT, "XYZ", strict=True)):
        joint = f"{ROOT}/Joints/{name}"
        add_slide(stage, joint, axis, (carriers[i], carriers[i + 1]), (gripper.low[i], gripper.high[i]))
        add_drive(stage, joint, "linear", 0.0, *parts.flight)
    add_hinge(stage, f"{ROOT}/Joints/{YAW}", "Z", (carriers[-1], palm), (-parts.yaw, parts.yaw))
    add_drive(stage, f"{ROOT}/Joints/{YAW}", "angular", 0.0, *parts.turn)
    half = (width / 2, thickness / 2, length / 2)
    for name, side in zip(FINGER_LINKS, (1, -1), strict=True):
        at = (0.0, side * thickness / 2, length / 2 - gripper.tip)
        mass = parts.finger_mass
        finger = add_link(stage, f"{ROOT}/{name}", mass, _box_inertia(mass, half), at)
        _add_box(stage, f"{finger}/Shape", half, at, contact)
        joint = f"{ROOT}/Joints/{name}"
        add_slide(stage, joint, "Y", (palm, finger), (0.0, gripper.opening / 2), turned=side < 0)
        add_drive(stage, joint, "linear", *parts.grip)
    left, right = (f"{ROOT}/{name}" for name in FINGER_LINKS)
    filtered = UsdPhysics.FilteredPairsAPI.Apply(stage.GetPrimAtPath(left))
    filtered.CreateFilteredPairsRel().SetTargets([Sdf.Path(right)])
    for prim in stage.Traverse():
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            prim.AddAppliedSchema("PhysxRigidBodyAPI")  # by name, so that its schema need not be installed
            prim.CreateAttribute("physxRigidBody:disableGravity", Sdf.ValueTypeNames.Bool, custom=False).Set(True)
            prim.CreateAttribute("mjc:gravcomp", Sdf.ValueTypeNames.Double, custom=False).Set(1.0)  # Newton's
    stage.GetRootLayer().Save()


def gripper_servos() -> dict[str, dict[str, object]]:
    """What drives the joints, as Isaac Lab's actuators want it: stiffness, damping, greatest force, and drag."""
    parts = GRIPPER_PARTS
    names = "stiffness", "damping", "force", "drag"
    return {
        "flight": {"joints": list(FLIGHT), **dict(zip(names, (0.0, *parts.flight, 0.0), strict=True))},
        "turn": {"joints": [YAW], **dict(zip(names, (0.0, *parts.turn, 0.0), strict=True))},
        "grip": {"joints": list(FINGER_LINKS), **dict(zip(names, (*parts.grip, parts.drag), strict=True))},
    }


def gripper_start(gripper: Gripper) -> dict[str, float]:
    """Values of the joints with the gripper open in the middle of its workspace."""
    places = {name: (low + high) / 2 for name, low, high in zip(FLIGHT, gripper.low, gripper.high, strict=True)}
    return places | {YAW: 0.0} | dict.fromkeys(FINGER_LINKS, gripper.opening / 2)


def _add_box(
    stage: Usd.Stage,
    path: str,
    half: tuple[float, float, float],  # [m]
    at: tuple[float, float, float],  # [m]
    contact: UsdShade.Material,
) -> None:
    shape = UsdGeom.Cube.Define(stage, path)
    shape.CreateSizeAttr(2.0)
    shape.AddTranslateOp().Set(Gf.Vec3d(*at))
    shape.AddScaleOp().Set(Gf.Vec3f(*half))
    shape.CreateDisplayColorAttr([Gf.Vec3f(0.3, 0.3, 0.35)])
    UsdPhysics.CollisionAPI.Apply(shape.GetPrim())
    binding = UsdShade.MaterialBindingAPI.Apply(shape.GetPrim())
    binding.Bind(contact, UsdShade.Tokens.weakerThanDescendants, "physics")


def _box_inertia(mass: float, half: tuple[float, float, float]) -> tuple[float, float, float]:
    squares = np.square(half)
    x, y, z = (mass / 3 * (squares.sum() - squares)).tolist()
    return x, y, z
