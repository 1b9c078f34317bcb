"""Content hashes: what a stage was made from, and what it made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scan2sim.errors import UsageError

__all__ = [
    "FolderDigest",
    "digest_file",
    "digest_folder",
    "digest_inputs",
    "digest_json",
    "input_names",
    "measure_folder",
]

FolderDigest = tuple[str, int, int]  # hash over names and contents, number of files, bytes


def digest_file(path: Path) -> str:
    """SHA-256 of a file's content.

    Raises:
        UsageError: the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise UsageError(f"cannot be read ({problem.strerror})", path=path, todo="check the path") from None


def digest_inputs(path: Path) -> dict[str, str]:
    """SHA-256 of every file of a capture, by name relative to it; a single file is named by its own name.

    Hidden files and folders do not count.

    Raises:
        UsageError: there is nothing at ``path``, or something in it cannot be read.
    """
    if path.is_dir():
        return {name: digest_file(path / name) for name in input_names(path)}
    return {path.name: digest_file(path)}


def input_names(folder: Path) -> list[str]:
    """Names, relative to a capture's folder, of its files that are not hidden."""
    return [name for name in _files(folder) if not any(part.startswith(".") for part in name.split("/"))]


def digest_folder(folder: Path, leave_out: tuple[str, ...] = ()) -> FolderDigest:
    """One hash over the names and contents of all files in ``folder`` but ``leave_out``, their number and size."""
    names = [name for name in _files(folder) if name not in leave_out]
    whole = digest_json({name: digest_file(folder / name) for name in names})
    return whole, len(names), sum((folder / name).stat().st_size for name in names)


def measure_folder(folder: Path, leave_out: tuple[str, ...] = ()) -> tuple[int, int]:
    """Number and total size of the files in ``folder``: tells cheaply whether something is missing or cut short."""
    names = [name for name in _files(folder) if name not in leave_out]
    return len(names), sum((folder / name).stat().st_size for name in names)


def digest_json(data: Mapping[str, Any]) -> str:
    """SHA-256 of JSON data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
