"""What is really there: cameras, meshes, masks and views of the empty support, read from a truth file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from scan2sim.cameras import Camera, read_cameras
from scan2sim.errors import UsageError
from scan2sim.files import read_json

__all__ = ["TrueObject", "Truth", "read_truth"]

MAX_OBJECTS = 1000
MAX_MESH_BYTES = 1 << 30


@dataclass(frozen=True)
class TrueObject:
    """One thing as it is."""

    id: int  # in the masks
    name: str
    mesh: trimesh.Trimesh  # in the world of the truth [m]


@dataclass(frozen=True)
class Truth:
    """Everything known about a capture; lengths in metres, z up."""

    cameras: dict[str, Camera]  # by stem of the photo
    objects: tuple[TrueObject, ...]
    masks: dict[str, Path]  # by stem; 8-bit pictures of ids, 0 = no object
    empty: dict[str, Path]  # by stem; the view without the objects

    def mask(self, stem: str) -> NDArray[np.uint8]:  # (H, W)
        """Ids of a view.

        Raises:
            UsageError: the picture cannot be read or has another size than the camera.
        """
        return _picture(self.masks[stem], "L", self.cameras[stem])

    def empty_view(self, stem: str) -> NDArray[np.uint8]:  # (H, W, 3)
        """The view without the objects.

        Raises:
            UsageError: as :meth:`mask`.
        """
        return _picture(self.empty[stem], "RGB", self.cameras[stem])


def read_truth(path: Path) -> Truth:
    """Read ``truth.json`` with the ``meshes/``, ``masks/`` and ``empty/`` beside it; masks and empty views may lack.

    The file is a ``cameras.json`` with ``objects``: ``[{"id", "name", "mesh": "meshes/….ply"}]``.

    Raises:
        PosesError: the file is missing or its cameras are damaged.
        UsageError: its objects are damaged, or a mesh is.
    """
    cameras = {Path(frame.file).stem: frame.camera for frame in read_cameras(path)}
    entries = read_json(path, UsageError).get("objects")
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_OBJECTS:
        raise UsageError("no list “objects” in the truth file", path=path, todo="see docs/evaluation.md")
    objects = tuple(_object(entry, path) for entry in entries)
    if len({thing.id for thing in objects}) < len(objects):
        raise UsageError("two objects of the truth have the same id", path=path)
    return Truth(cameras, objects, _pictures(path.parent / "masks"), _pictures(path.parent / "empty"))


def _object(entry: Any, path: Path) -> TrueObject:
    try:
        number, name, file = int(entry["id"]), str(entry["name"]), path.parent / str(entry["mesh"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"an object of the truth is not complete ({error})", path=path) from None
    if not 0 < number < 256:
        raise UsageError(f"object “{name}” has the id {number}, expected 1 to 255 as in the masks", path=path)
    if not file.resolve().is_relative_to(path.parent.resolve()) or not file.is_file():
        raise UsageError(f"the mesh of “{name}” is not there", path=file)
    if file.stat().st_size > MAX_MESH_BYTES:
        raise UsageError(f"the mesh of “{name}” is larger than 1 GiB", path=file)
    try:
        mesh = trimesh.load(file, force="mesh", process=False)
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise UsageError(f"the mesh of “{name}” cannot be read ({error})", path=file) from None
    if not isinstance(mesh, trimesh.Trimesh) or not len(mesh.faces) or not np.isfinite(mesh.vertices).all():
        raise UsageError(f"the mesh of “{name}” has no triangles or infinite corners", path=file)
    return TrueObject(number, name, mesh)


def _pictures(folder: Path) -> dict[str, Path]:
    return {file.stem: file for file in sorted(folder.iterdir())} if folder.is_dir() else {}


def _picture(path: Path, mode: str, camera: Camera) -> NDArray[np.uint8]:
    size = camera.intrinsics.width, camera.intrinsics.height
    try:
        with Image.open(path) as file:
            if file.size != size:
                raise UsageError(f"picture of {file.size}, its camera has {size}", path=path)
            return np.array(file.convert(mode))
    except OSError as problem:
        raise UsageError(f"picture cannot be read ({problem})", path=path) from None
