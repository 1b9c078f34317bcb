"""URDF: the whole scene in one file, and each object in a file and a folder of its own.

URDF knows rigid links with an explicit inertia and joints between them (wiki.ros.org/urdf/XML).  It has no standard
for friction: Gazebo reads ``<gazebo reference=…><mu1>``, PyBullet ``<contact><lateral_friction>``; both are written.
Isaac Sim's importer takes neither and ignores densities, which is why every mass and inertia is explicit.  The
``<mujoco>`` element lets MuJoCo find the meshes and keep what it would drop; others skip it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from scan2sim.bodies import Texture, vertex_colors
from scan2sim.errors import ExportError
from scan2sim.export.record import export_folder, write_record
from scan2sim.geometry import inverse_transform
from scan2sim.scene import Scene, SceneObject, require_consistent, write_obj

__all__ = ["URDF", "write_urdf"]

Array = NDArray[np.float64]
URDF = "scene.urdf"
BASE = "world"
STRONG = {"effort": "1000", "velocity": "100"}  # URDF wants limits of what moves the joint; nothing does


def write_urdf(scene: Scene, folder: Path, *, overwrite: bool = False) -> Path:
    """Write ``scene.urdf``, ``objects/<name>/<name>.urdf`` with meshes and ``export.json``; returns ``scene.urdf``.

    Link ``world`` has the scene's frame and its static parts; what is fixed is welded to it, what is free hangs on it
    by a ``floating`` joint.  A link has its object's name and frame; a hinge needs a massless link ``<name>-axis``.

    Raises:
        ExportError: the folder exists and may not be overwritten, or an object has a name that is needed.
        SceneError: the scene is not consistent.
        OutputError: it cannot be written.
    """
    require_consistent(scene)
    hinges = [o.name for o in scene.objects if o.joint]
    taken = {BASE, *(f"{name}-{end}" for name in hinges for end in ("axis", "weld"))} & {o.name for o in scene.objects}
    if taken:
        raise ExportError(f"an object is called “{min(taken)}”, a name the export needs", todo="rename the object")
    with export_folder(folder, overwrite) as fresh:
        for obj in scene.objects:
            _write_object(obj, fresh / "objects" / obj.name)
        (fresh / "background").mkdir()
        for i, piece in enumerate(scene.background_collision):
            write_obj(piece, fresh / "background" / f"background-{i}.obj")
        _write_robot(_scene_robot(scene), fresh / URDF)
        write_record(scene, fresh, "urdf", model=URDF)
    return folder / URDF


def _write_object(obj: SceneObject, folder: Path) -> None:
    (folder / "meshes").mkdir(parents=True)
    for i, piece in enumerate(obj.collision):
        write_obj(piece, folder / "meshes" / f"{obj.name}-collision-{i}.obj")
    _write_visual(obj.visual, obj.texture, folder / "meshes", f"{obj.name}-visual")
    robot = _robot(obj.name)
    _add_link(robot, obj, "meshes")
    _write_robot(robot, folder / f"{obj.name}.urdf")


def _scene_robot(scene: Scene) -> Element:
    robot = _robot("scene")
    base = SubElement(robot, "link", name=BASE)
    for i in range(len(scene.background_collision)):
        for kind, name in (("visual", f"background-{i}-seen"), ("collision", f"background-{i}")):
            _add_mesh(base, kind, name, f"background/background-{i}.obj")
    by_id = {obj.id: obj for obj in scene.objects}
    for obj in scene.objects:
        _add_link(robot, obj, f"objects/{obj.name}/meshes")
    for obj in scene.objects:
        parent = by_id.get(obj.joint.parent) if obj.joint else None
        _add_joint(robot, obj, BASE if parent is None else parent.name, _frame(parent))
    return robot


def _robot(name: str) -> Element:
    robot = Element("robot", name=name)
    kept = {"strippath": "false", "discardvisual": "false", "fusestatic": "false", "balanceinertia": "false"}
    SubElement(SubElement(robot, "mujoco"), "compiler", kept)
    return robot


def _add_link(robot: Element, obj: SceneObject, meshes: str) -> None:
    physical, link = obj.physical, SubElement(robot, "link", name=obj.name)
    inertial = SubElement(link, "inertial")
    SubElement(inertial, "origin", xyz=_numbers(physical.center_of_mass), rpy="0 0 0")
    SubElement(inertial, "mass", value=_numbers([physical.mass.value]))
    pairs = {"ixx": (0, 0), "ixy": (0, 1), "ixz": (0, 2), "iyy": (1, 1), "iyz": (1, 2), "izz": (2, 2)}
    SubElement(inertial, "inertia", {key: _numbers([physical.inertia[at]]) for key, at in pairs.items()})
    visual = _add_mesh(link, "visual", f"{obj.name}-seen", f"{meshes}/{obj.name}-visual.obj")
    color = (*(vertex_colors(obj.visual)[:, :3].mean(0) / 255), 1.0)
    SubElement(SubElement(visual, "material", name=f"{obj.name}-color"), "color", rgba=_numbers(color))
    for i in range(len(obj.collision)):
        name = f"{obj.name}-collision-{i}"
        _add_mesh(link, "collision", name, f"{meshes}/{name}.obj")
    friction = _numbers([physical.friction.value])
    contact = SubElement(link, "contact")
    SubElement(contact, "lateral_friction", value=friction)
    SubElement(contact, "restitution", value=_numbers([physical.restitution.value]))
    gazebo = SubElement(robot, "gazebo", reference=obj.name)
    for tag in ("mu1", "mu2"):
        SubElement(gazebo, tag).text = friction


def _add_mesh(link: Element, kind: str, name: str, file: str) -> Element:
    element = SubElement(link, kind, name=name)
    SubElement(element, "origin", xyz="0 0 0", rpy="0 0 0")
    SubElement(SubElement(element, "geometry"), "mesh", filename=file)
    return element


def _add_joint(robot: Element, obj: SceneObject, parent: str, world_from_parent: Array) -> None:
    parent_from_object = inverse_transform(world_from_parent) @ obj.world_from_object
    joint = obj.joint
    if joint is None:
        kind = "floating" if obj.mobility == "free" else "fixed"
        _connect(robot, obj.name, kind, parent, obj.name, parent_from_object)
        return
    turn = obj.world_from_object[:3, :3]
    parent_from_child, child = parent_from_object, obj.name
    if joint.type == "revolute":  # a joint's frame is its child's: the hinge gets a link of its own
        object_from_axis = np.eye(4)
        object_from_axis[:3, 3] = turn.T @ (joint.position - obj.position)
        parent_from_child, child = parent_from_object @ object_from_axis, f"{obj.name}-axis"
        SubElement(robot, "link", name=child)
        _connect(robot, f"{obj.name}-weld", "fixed", child, obj.name, inverse_transform(object_from_axis))
    element = _connect(robot, obj.name, joint.type, parent, child, parent_from_child)
    SubElement(element, "axis", xyz=_numbers(turn.T @ joint.axis / np.linalg.norm(joint.axis)))
    SubElement(element, "limit", {"lower": _numbers([joint.lower]), "upper": _numbers([joint.upper]), **STRONG})
    SubElement(element, "dynamics", damping=_numbers([joint.damping]), friction=_numbers([joint.friction]))


def _connect(robot: Element, name: str, kind: str, parent: str, child: str, parent_from_child: Array) -> Element:
    joint = SubElement(robot, "joint", name=name, type=kind)
    SubElement(joint, "parent", link=parent)
    SubElement(joint, "child", link=child)
    rpy = _roll_pitch_yaw(parent_from_child[:3, :3])
    SubElement(joint, "origin", xyz=_numbers(parent_from_child[:3, 3]), rpy=_numbers(rpy))
    return joint


def _write_robot(robot: Element, path: Path) -> None:
    ElementTree.indent(robot)
    path.write_bytes(ElementTree.tostring(robot, encoding="utf-8", xml_declaration=True))


def _write_visual(mesh: trimesh.Trimesh, texture: Texture | None, folder: Path, name: str) -> None:
    """An OBJ in the object's frame, with a material file and a picture if it has a texture."""
    if texture is None:
        write_obj(mesh, folder / f"{name}.obj")
        return
    places, corner = np.unique(texture.uv.reshape(-1, 2), axis=0, return_inverse=True)
    lines = [f"mtllib {name}.mtl", "usemtl skin"]
    lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"vt {u:.9g} {1 - v:.9g}" for u, v in places.tolist()]
    faces = np.stack([mesh.faces, corner.reshape(-1, 3)], axis=2) + 1
    lines += [f"f {a}/{p} {b}/{q} {c}/{r}" for (a, p), (b, q), (c, r) in faces.tolist()]
    (folder / f"{name}.obj").write_text("\n".join(lines) + "\n", encoding="ascii")
    material = f"newmtl skin\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nmap_Kd {name}.png\n"
    (folder / f"{name}.mtl").write_text(material, encoding="ascii")
    Image.fromarray(texture.image).save(folder / f"{name}.png")


def _frame(obj: SceneObject | None) -> Array:
    return np.eye(4) if obj is None else obj.world_from_object


def _roll_pitch_yaw(rotation: Array) -> tuple[float, float, float]:
    """Angles [rad] about the fixed axes x, y and z in turn, as URDF has them; looking straight up or down, yaw is 0."""
    m, level = rotation, float(np.hypot(rotation[0, 0], rotation[1, 0]))
    pitch = float(np.arctan2(-m[2, 0], level))
    if level < 1e-9:
        return float(np.arctan2(-m[1, 2], m[1, 1])), pitch, 0.0
    return float(np.arctan2(m[2, 1], m[2, 2])), pitch, float(np.arctan2(m[1, 0], m[0, 0]))


def _numbers(values: Iterable[Any]) -> str:
    return " ".join(f"{float(value):.12g}" for value in values)
