"""A body as people name it: a word such as ``box:0.1x0.1x0.1,mass=0.37``, a URDF file, or a mesh file."""

from __future__ import annotations

from pathlib import Path

from scan2sim.bodies.body import MESHES, Body, body_of_mesh, body_of_word, read_mesh
from scan2sim.bodies.named_solid import SOLIDS
from scan2sim.bodies.urdf import read_urdf
from scan2sim.errors import UsageError

__all__ = ["read_body"]


def read_body(text: str) -> Body:
    """A body from ``box:…``, ``sphere:…``, ``cylinder:…``, or from a URDF or mesh file.

    A mesh has the typical density of things of unknown material (700 kg/m³), and nothing is known of its friction.

    Raises:
        UsageError: it is none of these.
        SceneError: the file is damaged, missing, or not safe to open.
    """
    if text.partition(":")[0] in SOLIDS:
        return body_of_word(text)
    path = Path(text)
    if path.suffix.lower() == ".urdf":
        return read_urdf(path)
    if path.suffix.lower() in MESHES:
        return body_of_mesh(read_mesh(path), path.stem)
    raise UsageError(f"“{text}” is no body", todo="give a URDF, a mesh, or box:AxBxC,mass=KG in metres")
