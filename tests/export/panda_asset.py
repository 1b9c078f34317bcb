"""A Panda for tests, since Isaac Lab's lies on a server: Franka's joints and masses, and boxes for hand and fingers."""

# MuJoCo and OpenUSD are compiled and carry no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
from pxr import Gf, Sdf, UsdGeom, UsdPhysics

from scan2sim.export.usd.bodies import new_layer

__all__ = ["panda_model", "write_panda"]

LINKS = (  # place [m] and rotation in the link before, mass [kg], as in MuJoCo Menagerie's model
    ((0, 0, 0.333), (1, 0, 0, 0), 4.97),
    ((0, 0, 0), (1, -1, 0, 0), 0.647),
    ((0, -0.316, 0), (1, 1, 0, 0), 3.228),
    ((0.0825, 0, 0), (1, 1, 0, 0), 3.588),
    ((-0.0825, 0.384, 0), (1, -1, 0, 0), 1.226),
    ((0, 0, 0), (1, 1, 0, 0), 1.667),
    ((0.088, 0, 0), (1, 1, 0, 0), 0.736),
)
RANGES = ((-2.8973, 2.8973), (-1.7628, 1.7628), (-2.8973, 2.8973), (-3.0718, -0.0698))
RANGES += ((-2.8973, 2.8973), (-0.0175, 3.7525), (-2.8973, 2.8973))


def panda_model() -> mujoco.MjModel:
    """Bodies ``panda_link0`` to ``7``, ``panda_hand`` and both fingers, and a site at the grip point."""
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    body = _body(spec.worldbody, "panda_link0", (0, 0, 0), (1, 0, 0, 0), 3.0, 0.05)
    for i, (place, turn, mass) in enumerate(LINKS, start=1):
        body = _body(body, f"panda_link{i}", place, turn, mass, 0.05)
        body.add_joint(name=f"panda_joint{i}", axis=[0, 0, 1], range=RANGES[i - 1], limited=True)
    hand = _body(body, "panda_hand", (0, 0, 0.107), (0.92388, 0, 0, -0.382683), 0.73, 0.04)
    hand.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.03, 0.1, 0.03], pos=[0, 0, 0.03], mass=0)
    hand.add_site(name="grip", pos=[0, 0, 0.1034])
    for number, (side, way) in enumerate((("left", 1), ("right", -1)), start=1):
        finger = _body(hand, f"panda_{side}finger", (0, 0, 0.0584), (1, 0, 0, 0), 0.05, 0.01)
        finger.add_joint(
            name=f"panda_finger_joint{number}",
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=[0, way, 0],
            range=[0, 0.04],
            limited=True,
        )
        box = {"size": [0.009, 0.006, 0.027], "pos": [0, 0.006 * way, 0.027]}
        finger.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, mass=0, **box)
    return spec.compile()


def write_panda(path: Path) -> None:
    """Write it as Isaac Lab's asset is laid out: links nested below ``Geometry``, joints with drives."""
    model = panda_model()
    data = mujoco.MjData(model)
    stage = new_layer(path, "Panda")
    paths = {0: "/Panda/Geometry"}
    UsdGeom.Xform.Define(stage, paths[0])
    for i in range(1, model.nbody):
        paths[i] = f"{paths[model.body_parentid[i]]}/{model.body(i).name}"
        link = UsdGeom.Xform.Define(stage, paths[i])
        link.AddTranslateOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Vec3d(*model.body_pos[i].tolist()))
        link.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(*model.body_quat[i].tolist()))
        UsdPhysics.RigidBodyAPI.Apply(link.GetPrim())
        mass = UsdPhysics.MassAPI.Apply(link.GetPrim())
        mass.CreateMassAttr(float(model.body_mass[i]))
        mass.CreateCenterOfMassAttr(Gf.Vec3f(*model.body_ipos[i].tolist()))
        mass.CreateDiagonalInertiaAttr(Gf.Vec3f(*model.body_inertia[i].tolist()))
    for i in range(model.ngeom):
        box = UsdGeom.Cube.Define(stage, f"{paths[model.geom_bodyid[i]]}/Shape")
        box.CreateSizeAttr(2.0)
        box.AddTranslateOp().Set(Gf.Vec3d(*model.geom_pos[i].tolist()))
        box.AddScaleOp().Set(Gf.Vec3f(*model.geom_size[i].tolist()))
        UsdPhysics.CollisionAPI.Apply(box.GetPrim())
    root = stage.GetPrimAtPath(paths[1])
    UsdPhysics.ArticulationRootAPI.Apply(stage.GetDefaultPrim())
    fixed = UsdPhysics.FixedJoint.Define(stage, "/Panda/Joints/root")
    fixed.CreateBody1Rel().SetTargets([root.GetPath()])
    mujoco.mj_forward(model, data)
    for i in range(model.njnt):
        _add_joint(stage, model, i, paths)
    hand = model.body("panda_hand").id
    weld = UsdPhysics.FixedJoint.Define(stage, "/Panda/Joints/panda_hand")
    weld.CreateBody0Rel().SetTargets([Sdf.Path(paths[model.body_parentid[hand]])])
    weld.CreateBody1Rel().SetTargets([Sdf.Path(paths[hand])])
    weld.CreateLocalPos0Attr(Gf.Vec3f(*model.body_pos[hand].tolist()))
    weld.CreateLocalRot0Attr(Gf.Quatf(*model.body_quat[hand].tolist()))
    stage.GetRootLayer().Save()


def _add_joint(stage: object, model: mujoco.MjModel, i: int, paths: dict[int, str]) -> None:
    body, hinge = model.jnt_bodyid[i], model.jnt_type[i] == mujoco.mjtJoint.mjJNT_HINGE
    kind = UsdPhysics.RevoluteJoint if hinge else UsdPhysics.PrismaticJoint
    joint = kind.Define(stage, f"/Panda/Joints/{model.joint(i).name}")
    joint.CreateBody0Rel().SetTargets([Sdf.Path(paths[model.body_parentid[body]])])
    joint.CreateBody1Rel().SetTargets([Sdf.Path(paths[body])])
    joint.CreateAxisAttr("Z" if hinge else "Y")
    half = Gf.Quatf(0, 0, 0, 1) if model.jnt_axis[i].sum() < 0 else Gf.Quatf(1, 0, 0, 0)
    joint.CreateLocalPos0Attr(Gf.Vec3f(*model.body_pos[body].tolist()))
    joint.CreateLocalRot0Attr(Gf.Quatf(*model.body_quat[body].tolist()) * half)
    joint.CreateLocalRot1Attr(half)
    low, high = (np.degrees(model.jnt_range[i]) if hinge else model.jnt_range[i]).tolist()
    joint.CreateLowerLimitAttr(low)
    joint.CreateUpperLimitAttr(high)
    drive = UsdPhysics.DriveAPI.Apply(joint.GetPrim(), "angular" if hinge else "linear")
    drive.CreateStiffnessAttr(10.0 if hinge else 1000.0)
    drive.CreateDampingAttr(1.0 if hinge else 100.0)
    drive.CreateMaxForceAttr(87.0 if hinge else 70.0)


def _body(
    parent: mujoco.MjsBody,
    name: str,
    place: tuple[float, ...],  # [m]
    turn: tuple[float, ...],
    mass: float,  # [kg]
    size: float,  # [m] of a solid ball of that mass and inertia
) -> mujoco.MjsBody:
    body = parent.add_body(name=name, pos=list(place), quat=list(turn), explicitinertial=True)
    body.mass, body.inertia = mass, [0.4 * mass * size**2] * 3
    return body
