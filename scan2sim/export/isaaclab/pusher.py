"""The round pusher as an articulation in OpenUSD: two slides whose values are scene coordinates, and their servos."""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from pathlib import Path

from pxr import Gf, Sdf, UsdGeom, UsdPhysics, UsdShade

from scan2sim.export.isaaclab.joints import CARRIER_INERTIA, CARRIER_MASS, add_drive, add_link, add_slide
from scan2sim.export.usd.bodies import add_contact_material, new_layer
from scan2sim.sim import CONTACT, PUSHER_SERVO, PushTask

__all__ = ["write_pusher"]


def write_pusher(task: PushTask, path: Path) -> None:
    """Write ``/Pusher``, at its height: links ``base``, ``carrier``, ``tip``, joints ``pusher_x`` and ``pusher_y``."""
    stage = new_layer(path, "Pusher")
    UsdPhysics.ArticulationRootAPI.Apply(stage.GetDefaultPrim())
    mass = PUSHER_SERVO.mass
    across = mass * (3 * task.pusher_radius**2 + task.pusher_height**2) / 12
    add_link(stage, "/Pusher/base", CARRIER_MASS, CARRIER_INERTIA)
    add_link(stage, "/Pusher/carrier", CARRIER_MASS, CARRIER_INERTIA)
    centre = (0.0, 0.0, task.pusher_bottom + task.pusher_height / 2)
    tip = add_link(stage, "/Pusher/tip", mass, (across, across, mass * task.pusher_radius**2 / 2), centre)
    shape = UsdGeom.Cylinder.Define(stage, f"{tip}/Shape")
    shape.AddTranslateOp().Set(Gf.Vec3d(*centre))
    shape.CreateRadiusAttr(task.pusher_radius)
    shape.CreateHeightAttr(task.pusher_height)
    shape.CreateAxisAttr(UsdGeom.Tokens.z)
    shape.CreateDisplayColorAttr([Gf.Vec3f(0.9, 0.5, 0.1)])
    UsdPhysics.CollisionAPI.Apply(shape.GetPrim())
    contact = add_contact_material(stage, "/Pusher/Contact", CONTACT.pusher_friction, 0.0)
    binding = UsdShade.MaterialBindingAPI.Apply(shape.GetPrim())
    binding.Bind(contact, UsdShade.Tokens.weakerThanDescendants, "physics")
    UsdPhysics.FixedJoint.Define(stage, "/Pusher/fixed").CreateBody1Rel().SetTargets([Sdf.Path("/Pusher/base")])
    limits = zip(task.table.low, task.table.high, strict=True)
    links = (("pusher_x", "X", "base", "carrier"), ("pusher_y", "Y", "carrier", "tip"))
    for (name, axis, first, second), reach in zip(links, limits, strict=True):
        add_slide(stage, f"/Pusher/{name}", axis, (f"/Pusher/{first}", f"/Pusher/{second}"), reach)
        add_drive(stage, f"/Pusher/{name}", "linear", 0.0, PUSHER_SERVO.gain, PUSHER_SERVO.force)
    stage.GetRootLayer().Save()
