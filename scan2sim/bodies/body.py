"""A rigid body with its mass, and how one is written in a word: ``box:0.1x0.1x0.1,mass=0.37``, or as a file's name."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray

from scan2sim.bodies.closed import close_mesh
from scan2sim.bodies.convex import bounded_hull, convex_pieces
from scan2sim.bodies.mass import inertia_problem, mass_properties
from scan2sim.bodies.materials import UNKNOWN
from scan2sim.bodies.named_solid import LARGEST, solid_of_word
from scan2sim.errors import SceneError, UsageError

__all__ = ["MESHES", "Body", "body_of_mesh", "body_of_word", "is_plausible", "read_mesh"]

Array = NDArray[np.float64]
MESHES = (".obj", ".stl", ".ply", ".glb")
MAX_MESH_BYTES = 64 << 20
EXAMPLE = "as in box:0.1048x0.1048x0.1048,mass=0.37,inertia=0.00081 in metres, kg and kg m²"


@dataclass(frozen=True)
class Body:
    """One rigid body in its own frame."""

    name: str
    surface: trimesh.Trimesh  # closed
    pieces: tuple[trimesh.Trimesh, ...]  # convex
    mass: float  # [kg]
    center_of_mass: Array  # (3,) [m]
    inertia: Array  # (3, 3) [kg m²] about the centre of mass
    friction: float | None = None  # Coulomb coefficient; None where nothing was said of it


def body_of_word(word: str) -> Body:
    """A body of ``SOLID[,mass=KG][,inertia=I|IXX/IYY/IZZ][,center=X/Y/Z][,friction=MU]``.

    Without a mass it weighs what a thing of unknown material typically does (700 kg/m³); without an inertia it is
    filled evenly.  The inertia is about the centre of mass, along the solid's axes.

    Raises:
        UsageError: with what is wrong in it.
    """
    solid, *assignments = word.split(",")
    body = body_of_mesh(solid_of_word(solid), solid.partition(":")[0])
    given = dict(_assignment(text, word) for text in assignments)
    if len(given) < len(assignments):
        raise UsageError(f"“{word}” says something twice", todo=EXAMPLE)
    if "mass" in given:
        mass = _positive(given["mass"], word)
        body = replace(body, mass=mass, inertia=body.inertia * (mass / body.mass))
    if "inertia" in given:
        moments = [_positive(value, word) for value in given["inertia"].split("/")]
        if len(moments) not in (1, 3):
            raise UsageError(f"“{word}”: an inertia has one or three numbers", todo=EXAMPLE)
        body = replace(body, inertia=np.diag(np.broadcast_to(moments, 3)).copy())
    if "center" in given:
        center = [_number(value, word) for value in given["center"].split("/")]
        if len(center) != 3:
            raise UsageError(f"“{word}”: a centre of mass has three numbers", todo="as in center=0/0/0.01")
        body = replace(body, center_of_mass=np.array(center))
    if "friction" in given:
        body = replace(body, friction=_positive(given["friction"], word))
    if problem := inertia_problem(body.inertia):
        raise UsageError(f"“{word}”: its inertia is {problem}", todo=EXAMPLE)
    if (np.abs(body.center_of_mass) > body.surface.extents / 2).any():
        raise UsageError(f"“{word}”: its centre of mass lies outside it", todo="give it in metres from the middle")
    if not is_plausible(body):
        raise UsageError(f"“{word}”: no solid of this size and mass has this inertia", todo=EXAMPLE)
    return body


def body_of_mesh(mesh: trimesh.Trimesh, name: str, density: float = UNKNOWN.density.value, seed: int = 0) -> Body:
    """A solid of even density [kg/m³] in the mesh's own frame; holes are filled.

    Raises:
        SceneError: the mesh cannot be closed.
    """
    surface = close_mesh(mesh)
    solid = mass_properties(surface, density)
    whole = bounded_hull(surface.vertices, len(surface.vertices)) if surface.is_convex else None
    pieces = (whole,) if whole is not None else convex_pieces(surface, seed=seed)
    return Body(name, surface, pieces, solid.mass, solid.center_of_mass, solid.inertia)


def read_mesh(path: Path, scale: ArrayLike = 1.0) -> trimesh.Trimesh:
    """A mesh in metres from an OBJ, STL, PLY or GLB file.

    Args:
        path: the file.
        scale: metres a unit of it, one number or one for each axis.

    Raises:
        SceneError: it is missing, too large, of another kind, damaged, or not in metres.
    """
    if path.suffix.lower() not in MESHES:
        raise SceneError(f"a mesh is one of {', '.join(MESHES)}", path=path)
    try:
        if path.stat().st_size > MAX_MESH_BYTES:
            raise SceneError(f"larger than {MAX_MESH_BYTES >> 20} MiB", path=path)
        mesh = trimesh.load(path, force="mesh", skip_materials=True)
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror or problem})", path=path) from None
    except Exception as problem:  # the readers of these formats raise whatever a damaged file makes them
        raise SceneError(f"is no readable mesh ({type(problem).__name__})", path=path) from None
    if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) < 4 or not np.isfinite(mesh.vertices).all():
        raise SceneError("holds no solid of finite numbers", path=path)
    mesh.apply_scale(scale)
    if not 0 < mesh.extents.max() < np.inf:
        raise SceneError("the mesh has no size", path=path)
    if mesh.extents.max() > LARGEST:
        size = f"{mesh.extents.max():.4g}"
        raise SceneError(f"the mesh is {size} m large: its unit is not metres", path=path, todo="write it in metres")
    return mesh


def is_plausible(body: Body) -> bool:
    """No mass lies outside the body: moments are at most mass times the squared distance of its farthest corner."""
    farthest = float(np.linalg.norm(body.surface.vertices - body.center_of_mass, axis=1).max())
    return float(np.linalg.eigvalsh(body.inertia)[-1]) <= body.mass * farthest**2


def _assignment(text: str, word: str) -> tuple[str, str]:
    found = re.fullmatch(r"(mass|inertia|center|friction)=(.+)", text.strip())
    if not found:
        raise UsageError(
            f"“{text}” in “{word}” is not understood", todo=f"mass=, inertia=, center=, friction=, {EXAMPLE}"
        )
    return found[1], found[2]


def _positive(text: str, word: str) -> float:
    value = _number(text, word)
    if value <= 0:
        raise UsageError(f"“{text}” in “{word}” is not positive", todo=EXAMPLE)
    return value


def _number(text: str, word: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"“{text}” in “{word}” is no number", todo=EXAMPLE)
    return value
