"""Scene → MuJoCo model: the one place that does it, for settling, tasks, cousins and the MJCF export alike."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterable

import mujoco
import numpy as np
import trimesh

from scan2sim.bodies import vertex_colors
from scan2sim.errors import SceneError
from scan2sim.geometry import inverse_transform
from scan2sim.scene import Scene, SceneObject, require_consistent
from scan2sim.sim.contact import CONTACT, OBJECT_PRIORITY, ContactTable

__all__ = ["COLLISION_GROUP", "VISUAL_GROUP", "collision_model", "compile_scene", "mujoco_spec"]

VISUAL_GROUP = 2
COLLISION_GROUP = 3
_INTEGRATORS = {
    "euler": mujoco.mjtIntegrator.mjINT_EULER,
    "implicitfast": mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
}
_CONES = {"elliptic": mujoco.mjtCone.mjCONE_ELLIPTIC, "pyramidal": mujoco.mjtCone.mjCONE_PYRAMIDAL}
_JOINTS = {"revolute": mujoco.mjtJoint.mjJNT_HINGE, "prismatic": mujoco.mjtJoint.mjJNT_SLIDE}


def mujoco_spec(scene: Scene, contact: ContactTable = CONTACT) -> mujoco.MjSpec:
    """The scene as an editable MuJoCo model whose meshes are OBJ files in ``spec.assets``.

    * Each object is a body of its name; the body's frame is the object's frame, mass and inertia are explicit.
    * Each convex piece is one geom of class ``collision`` (group 3); one geom of class ``visual`` (group 2) shows
      the mesh in its mean colour.  Pieces of one body do not collide with each other.
    * ``free`` objects have a free joint, ``joint`` objects a hinge or slide, ``fixed`` ones none; joints are named like
      their object.
    * Background pieces are static geoms of the world.
    * MuJoCo has no coefficient of restitution; contacts are damped as ``ContactTable`` says.

    Raises:
        SceneError: the scene is not consistent.
    """
    require_consistent(scene)
    assets: dict[str, bytes] = {}
    spec = _spec(scene, contact, assets)
    spec.worldbody.add_light(
        name="sun", pos=[0, 0, 2], dir=[0.2, 0.3, -1], type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
    )
    spec.assets = assets
    _add_home(spec)
    return spec


def compile_scene(scene: Scene, contact: ContactTable = CONTACT) -> mujoco.MjModel:
    """The scene as a compiled MuJoCo model.

    Raises:
        SceneError: the scene is not consistent, or MuJoCo refuses it.
    """
    try:
        return mujoco_spec(scene, contact).compile()
    except ValueError as problem:
        raise SceneError(f"MuJoCo cannot use this scene: {problem}") from problem


def collision_model(scene: Scene, contact: ContactTable = CONTACT) -> mujoco.MjModel:
    """The scene compiled for stepping alone, ten times as quickly: nothing to be seen, no keyframe, no files of meshes.

    The scene is taken to be consistent.

    Raises:
        SceneError: MuJoCo refuses the scene.
    """
    try:
        return _spec(scene, contact, None).compile()
    except ValueError as problem:
        raise SceneError(f"MuJoCo cannot use this scene: {problem}") from problem


def _spec(scene: Scene, contact: ContactTable, assets: dict[str, bytes] | None) -> mujoco.MjSpec:
    """Options, classes and bodies; meshes go into ``assets`` as OBJ, or, if that is None, only those that collide go
    into the model as they are."""
    if any(obj.name == "world" for obj in scene.objects):
        raise SceneError("an object is called “world”, which MuJoCo reserves", todo="rename the object")
    spec = mujoco.MjSpec()
    spec.modelname = "scan2sim"
    _set_options(spec, contact)
    _add_classes(spec, contact)
    for i, piece in enumerate(scene.background_collision):
        name = f"background-{i}"
        _add_mesh(spec, assets, name, piece)
        _add_geom(spec, spec.worldbody, "collision", name, friction=contact.ground_friction, priority=0)
        if assets is not None:
            _add_geom(spec, spec.worldbody, "visual", name, color=_background_color(scene))
    bodies = {0: spec.worldbody}
    for obj in _parents_first(scene.objects):
        parent = obj.joint.parent if obj.joint else 0
        bodies[obj.id] = _add_body(spec, assets, bodies[parent], _world_from(scene, parent), obj)
    return spec


def _set_options(spec: mujoco.MjSpec, contact: ContactTable) -> None:
    spec.option.timestep = contact.timestep
    spec.option.integrator = _INTEGRATORS[contact.integrator]
    spec.option.cone = _CONES[contact.cone]


def _add_classes(spec: mujoco.MjSpec, contact: ContactTable) -> None:
    visual = spec.add_default("visual", spec.default)
    visual.geom.type = mujoco.mjtGeom.mjGEOM_MESH
    visual.geom.group = VISUAL_GROUP
    visual.geom.contype = visual.geom.conaffinity = 0
    visual.geom.mass = 0
    collision = spec.add_default("collision", spec.default)
    collision.geom.type = mujoco.mjtGeom.mjGEOM_MESH
    collision.geom.group = COLLISION_GROUP
    collision.geom.condim = contact.condim
    collision.geom.solref[:2] = contact.solref
    collision.geom.solimp[:3] = contact.solimp
    collision.geom.friction = [contact.ground_friction, contact.torsion, contact.rolling]


def _add_body(
    spec: mujoco.MjSpec,
    assets: dict[str, bytes] | None,
    parent: mujoco.MjsBody,
    world_from_parent: np.ndarray,  # (4, 4)
    obj: SceneObject,
) -> mujoco.MjsBody:
    parent_from_object = inverse_transform(world_from_parent) @ obj.world_from_object
    body = parent.add_body(name=obj.name, pos=parent_from_object[:3, 3])
    mujoco.mju_mat2Quat(body.quat, np.ascontiguousarray(parent_from_object[:3, :3]).ravel())
    if obj.mobility == "free":
        body.add_freejoint(name=obj.name)
    elif obj.joint is not None:
        object_from_world = inverse_transform(obj.world_from_object)
        body.add_joint(
            name=obj.name,
            type=_JOINTS[obj.joint.type],
            pos=object_from_world[:3, :3] @ obj.joint.position + object_from_world[:3, 3],
            axis=object_from_world[:3, :3] @ obj.joint.axis,
            range=[obj.joint.lower, obj.joint.upper],
            limited=mujoco.mjtLimited.mjLIMITED_TRUE,
            damping=obj.joint.damping,
            frictionloss=obj.joint.friction,
        )
    physical = obj.physical
    inertia = physical.inertia
    body.explicitinertial = True
    body.mass = physical.mass.value
    body.ipos = physical.center_of_mass
    body.fullinertia = [inertia[0, 0], inertia[1, 1], inertia[2, 2], inertia[0, 1], inertia[0, 2], inertia[1, 2]]
    for i, piece in enumerate(obj.collision):
        name = f"{obj.name}-collision-{i}"
        _add_mesh(spec, assets, name, piece)
        _add_geom(spec, body, "collision", name, friction=physical.friction.value, priority=OBJECT_PRIORITY)
    if assets is not None:
        name = f"{obj.name}-visual"
        _add_mesh(spec, assets, name, obj.visual)
        _add_geom(spec, body, "visual", name, color=_mean_color(obj.visual))
    return body


def _add_mesh(spec: mujoco.MjSpec, assets: dict[str, bytes] | None, name: str, mesh: trimesh.Trimesh) -> None:
    shell = (
        mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
    )  # inertias are explicit; as a shell, one without volume is no error
    if assets is None:
        spec.add_mesh(name=name, uservert=mesh.vertices.ravel(), userface=mesh.faces.ravel(), inertia=shell)
        return
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in mesh.faces.tolist()]
    file = f"assets/{name}.obj"  # names differ, since MuJoCo may drop the folders when it looks one up
    assets[file] = ("\n".join(lines) + "\n").encode()
    spec.add_mesh(name=name, file=file, inertia=shell)


def _add_geom(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    kind: str,
    mesh: str,
    friction: float | None = None,
    priority: int = 0,
    color: tuple[float, ...] | None = None,
) -> None:
    geom = body.add_geom(spec.find_default(kind), name=f"{mesh}-seen" if kind == "visual" else mesh, meshname=mesh)
    geom.priority = priority
    if friction is not None:
        geom.friction[0] = friction
    if color is not None:
        geom.rgba = color


def _parents_first(objects: Iterable[SceneObject]) -> list[SceneObject]:
    """Links after what they hang on; the order is otherwise kept."""
    waiting, placed, order = list(objects), {0}, []
    while waiting:
        ready = [o for o in waiting if (o.joint.parent if o.joint else 0) in placed]
        if not ready:
            raise SceneError("joints hang on each other in a circle: " + ", ".join(o.name for o in waiting))
        order += ready
        placed |= {o.id for o in ready}
        waiting = [o for o in waiting if o.id not in placed]
    return order


def _world_from(scene: Scene, id: int) -> np.ndarray:
    return next((o.world_from_object for o in scene.objects if o.id == id), np.eye(4))


def _add_home(spec: mujoco.MjSpec) -> None:
    """Keyframe ``home``: everything where the scene has it."""
    spec.add_key(name="home", qpos=spec.compile().qpos0)


def _mean_color(mesh: trimesh.Trimesh) -> tuple[float, ...]:
    color = vertex_colors(mesh)[:, :3].mean(0) / 255
    return (*color.tolist(), 1.0)


def _background_color(scene: Scene) -> tuple[float, ...]:
    if not len(scene.background):
        return (0.6, 0.6, 0.6, 1.0)
    return (*scene.background.base_colors.detach().mean(0).clamp(0, 1).tolist(), 1.0)
