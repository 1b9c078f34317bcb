"""Parts of the tools as articulations in OpenUSD: links, slides, hinges and their drives."""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

__all__ = ["CARRIER_INERTIA", "CARRIER_MASS", "add_drive", "add_hinge", "add_link", "add_slide"]

CARRIER_MASS = 1e-3  # [kg] of what hangs between two joints
CARRIER_INERTIA = (1e-6, 1e-6, 1e-6)  # [kg m²]


def add_link(
    stage: Usd.Stage,
    path: str,
    mass: float,  # [kg]
    inertia: tuple[float, float, float],  # [kg m²]
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0),  # [m]
) -> str:
    """A rigid body; returns its path."""
    prim = UsdGeom.Xform.Define(stage, path).GetPrim()
    UsdPhysics.RigidBodyAPI.Apply(prim)
    api = UsdPhysics.MassAPI.Apply(prim)
    api.CreateMassAttr(mass)
    api.CreateCenterOfMassAttr(Gf.Vec3f(*centre))
    api.CreateDiagonalInertiaAttr(Gf.Vec3f(*inertia))
    return path


def add_slide(
    stage: Usd.Stage,
    path: str,
    axis: str,
    bodies: tuple[str, str],
    limits: tuple[float, float],
    *,
    turned: bool = False,
) -> None:
    """A slide [m] along X, Y or Z of both bodies' frames; ``turned``, along the other way of it, half about Z."""
    _define(UsdPhysics.PrismaticJoint.Define(stage, path), axis, bodies, limits, turned)


def add_hinge(stage: Usd.Stage, path: str, axis: str, bodies: tuple[str, str], limits: tuple[float, float]) -> None:
    """A hinge [rad] about X, Y or Z of both bodies' frames."""
    low, high = np.degrees(limits).tolist()
    _define(UsdPhysics.RevoluteJoint.Define(stage, path), axis, bodies, (low, high), False)


def add_drive(stage: Usd.Stage, path: str, kind: str, stiffness: float, damping: float, force: float) -> None:
    """The servo of a joint, ``linear`` or ``angular``; of these USD counts in degrees."""
    scale = float(np.radians(1)) if kind == "angular" else 1.0
    drive = UsdPhysics.DriveAPI.Apply(stage.GetPrimAtPath(path), kind)
    drive.CreateTypeAttr("force")
    drive.CreateStiffnessAttr(stiffness * scale)
    drive.CreateDampingAttr(damping * scale)
    drive.CreateMaxForceAttr(force)


def _define(
    joint: UsdPhysics.PrismaticJoint | UsdPhysics.RevoluteJoint,
    axis: str,
    bodies: tuple[str, str],
    limits: tuple[float, float],
    turned: bool,
) -> None:
    joint.CreateBody0Rel().SetTargets([Sdf.Path(bodies[0])])
    joint.CreateBody1Rel().SetTargets([Sdf.Path(bodies[1])])
    joint.CreateAxisAttr(axis)
    joint.CreateLowerLimitAttr(limits[0])
    joint.CreateUpperLimitAttr(limits[1])
    if turned:
        joint.CreateLocalRot0Attr(Gf.Quatf(0, 0, 0, 1))
        joint.CreateLocalRot1Attr(Gf.Quatf(0, 0, 0, 1))
