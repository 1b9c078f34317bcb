"""A body from a URDF file with one rigid link that has mass (http://wiki.ros.org/urdf/XML/link)."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies.body import Body, body_of_mesh, is_plausible, read_mesh
from scan2sim.bodies.mass import inertia_problem
from scan2sim.bodies.named_solid import solid_of_word
from scan2sim.bodies.solid import union
from scan2sim.errors import SceneError, UsageError

__all__ = ["read_urdf"]

Array = NDArray[np.float64]
MAX_XML_BYTES = 1 << 20
MOMENTS = (("ixx", "ixy", "ixz"), ("ixy", "iyy", "iyz"), ("ixz", "iyz", "izz"))


def read_urdf(path: Path) -> Body:
    """The one link with mass of a URDF file, in the link's frame.

    Shapes are the link's collision elements; meshes are cut into convex pieces where they are not convex.  The surface
    is the union of the shapes.

    Raises:
        SceneError: the file is missing, no URDF, not safe to open (document types, files outside its folder), has
            several links with mass, or numbers that no solid has.
    """
    link = _only_link(_root(path), path)
    parts = [_collision(element, path) for element in link.iter("collision")]
    if not parts:
        raise SceneError("the link has no collision shape", path=path, todo="add a <collision> with its geometry")
    bodies = [body_of_mesh(part, "part") for part in parts]
    surface = bodies[0].surface if len(bodies) == 1 else union([body.surface for body in bodies])
    inertial = link.find("inertial")
    assert inertial is not None  # _only_link has seen it
    mass = _floats(inertial.find("mass"), "value", 1, path)[0]
    tensor = inertial.find("inertia")
    turned = _origin(inertial, path)
    moments = np.array([[_floats(tensor, name, 1, path)[0] for name in row] for row in MOMENTS])
    inertia = turned[:3, :3] @ moments @ turned[:3, :3].T
    if mass <= 0:
        raise SceneError(f"the mass {mass:g} kg is not positive", path=path)
    if problem := inertia_problem(inertia):
        raise SceneError(f"the inertia is {problem}", path=path)
    slides = link.find("contact/lateral_friction")
    friction = None if slides is None else float(_floats(slides, "value", 1, path)[0])
    if friction is not None and not (np.isfinite(friction) and friction >= 0):
        raise SceneError(f"the friction {friction:g} is negative", path=path)
    pieces = tuple(piece for body in bodies for piece in body.pieces)
    body = Body(link.get("name", path.stem), surface, pieces, float(mass), turned[:3, 3], inertia, friction)
    if not is_plausible(body):
        raise SceneError("no solid of this size and mass has this inertia", path=path)
    return body


def _root(path: Path) -> Element:
    try:
        if path.stat().st_size > MAX_XML_BYTES:
            raise SceneError(f"larger than {MAX_XML_BYTES >> 20} MiB", path=path)
        text = path.read_bytes().decode("utf-8")
        if "<!" in text.replace("<!--", ""):
            raise SceneError("declares a document type or entities, which is refused", path=path)
        root = ElementTree.fromstring(text)
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None
    except (UnicodeDecodeError, ElementTree.ParseError, RecursionError) as problem:
        raise SceneError(f"is no XML ({problem})", path=path) from None
    if root.tag != "robot":
        raise SceneError(f"is no URDF: it begins with <{root.tag}>", path=path)
    return root


def _only_link(root: Element, path: Path) -> Element:
    links = [link for link in root.iter("link") if link.find("inertial") is not None]
    if len(links) != 1:
        names = ", ".join(link.get("name", "?") for link in links) or "none"
        raise SceneError(f"a body is one link with mass, not {len(links)} ({names})", path=path)
    return links[0]


def _collision(element: Element, path: Path) -> trimesh.Trimesh:
    geometry = element.find("geometry")
    shape = geometry[0] if geometry is not None and len(geometry) else None
    if shape is None or shape.tag not in ("box", "sphere", "cylinder", "mesh"):
        raise SceneError("a collision has no box, sphere, cylinder or mesh", path=path)
    if shape.tag == "mesh":
        scale = _floats(shape, "scale", 3, path) if shape.get("scale") else np.ones(3)
        if not (np.isfinite(scale) & (scale > 0)).all():
            raise SceneError("the scale of a mesh is not positive", path=path)
        mesh = read_mesh(_inside(shape.get("filename", ""), path), scale)
    else:
        names = {"box": [("size", 3)], "sphere": [("radius", 1)], "cylinder": [("radius", 1), ("length", 1)]}
        sizes = [size for name, count in names[shape.tag] for size in _floats(shape, name, count, path)]
        try:
            mesh = solid_of_word(f"{shape.tag}:{'x'.join(f'{size:.17g}' for size in sizes)}")
        except UsageError as problem:
            raise SceneError(problem.problem, path=path) from None
    mesh.apply_transform(_origin(element, path))
    return mesh


def _inside(name: str, path: Path) -> Path:
    """The file that a URDF names, which lies below its own folder."""
    relative = PurePosixPath(name.removeprefix("file://"))
    inside = name and not relative.is_absolute() and ".." not in relative.parts and ":" not in str(relative)
    file = path.parent / relative
    if not inside or not file.resolve().is_relative_to(path.parent.resolve()):
        raise SceneError(f"names {name!r}, which lies outside its folder", path=path, todo="put the mesh beside it")
    return file


def _origin(element: Element, path: Path) -> Array:  # (4, 4)
    at, origin = np.eye(4), element.find("origin")
    if origin is not None:
        roll, pitch, yaw = _floats(origin, "rpy", 3, path) if origin.get("rpy") else np.zeros(3)
        at = trimesh.transformations.euler_matrix(roll, pitch, yaw, "sxyz")
        at[:3, 3] = _floats(origin, "xyz", 3, path) if origin.get("xyz") else 0.0
    return at


def _floats(element: Element | None, name: str, count: int, path: Path) -> Array:
    text = "" if element is None else element.get(name, "")
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError:
        values = np.zeros(0)
    if len(values) != count or not np.isfinite(values).all():
        raise SceneError(f"“{name}” should be {count} finite number{'s' * (count > 1)}, not {text!r}", path=path)
    return values
