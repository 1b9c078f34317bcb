"""``export.json``, which every exported folder carries: what it is, and what the scene said, to be held against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scan2sim.errors import ExportError
from scan2sim.files import new_folder, output_errors, read_json, write_json
from scan2sim.scene import Scene

__all__ = ["RECORD", "export_folder", "object_records", "read_record", "refuse_other_programs", "write_record"]

RECORD = "export.json"
FORMAT = "scan2sim.export"


@contextmanager
def export_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a folder to fill, which takes the place of ``folder`` at once when it is complete.

    Raises:
        ExportError: the folder is there already and may not be overwritten, or holds something else than an export.
        OutputError: it cannot be written there.
    """
    with output_errors(folder):
        if folder.exists() and not folder.is_dir():
            raise ExportError("a file stands where the export shall go", path=folder, todo="choose another folder")
        if folder.is_dir() and any(folder.iterdir()):
            if not overwrite:
                raise ExportError(
                    "the folder exists already", path=folder, todo="give another folder, or --overwrite to replace it"
                )
            if not (folder / RECORD).is_file():
                raise ExportError(
                    "the folder holds something that is not an export, and is not overwritten",
                    path=folder,
                    todo="choose another folder",
                )
    with new_folder(folder) as fresh:
        yield fresh


def write_record(scene: Scene, folder: Path, kind: str, **more: Any) -> None:
    """Write ``export.json``: the kind of export, the scene's scale, and the physics and pose of each object."""
    objects = object_records(scene)
    record = {"format": FORMAT, "version": 1, "kind": kind, "scale": scene.scale, "objects": objects, **more}
    write_json(folder / RECORD, record)


def object_records(scene: Scene) -> list[dict[str, Any]]:
    """What ``export.json`` says of each object."""
    return [
        {
            "name": obj.name,
            "id": obj.id,
            "mobility": obj.mobility,
            "position": obj.position,
            "wxyz": obj.wxyz,
            "mass": obj.physical.mass.value,
            "center_of_mass": obj.physical.center_of_mass,
            "inertia": obj.physical.inertia,
            "friction": obj.physical.friction.value,
            "pieces": len(obj.collision),
        }
        for obj in scene.objects
    ]


def read_record(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """Read ``export.json``.

    Raises:
        ExportError: it is missing, damaged, or of another kind.
    """
    record = read_json(folder / RECORD, ExportError)
    if not isinstance(record, dict) or record.get("format") != FORMAT or not isinstance(record.get("objects"), list):
        raise ExportError("not the record of an export", path=folder / RECORD, todo="export the scene again")
    if record.get("version") != 1:
        raise ExportError(f"an export of version {record.get('version')!r}; 1 is read", path=folder / RECORD)
    if kind is not None and record.get("kind") != kind:
        raise ExportError(f"an export of kind {record.get('kind')!r}, not {kind!r}", path=folder / RECORD)
    return record


def refuse_other_programs(folder: Path, texts: Mapping[str, str]) -> None:
    """Hold an exported folder's programs, by path, letter for letter against what this program writes.

    Raises:
        ExportError: one is missing or another; whoever sends a folder cannot have it run their code.
    """
    for file, text in texts.items():
        path, expected = folder / file, text.encode()
        if not path.is_file() or path.stat().st_size != len(expected) or path.read_bytes() != expected:
            raise ExportError("not what scan2sim writes, so it is not run", path=path, todo="export it again")
