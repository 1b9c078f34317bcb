"""What lies in a folder: photos, videos, the licence, and what is left out and why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scan2sim.capture.frames import DroppedFile
from scan2sim.capture.magic import PHOTO_KINDS, describe_kind, file_kind
from scan2sim.capture.names import capture_order
from scan2sim.errors import CaptureError

__all__ = ["Listing", "licence_of", "list_folder", "visible_files"]

_HIDDEN = {"__macosx", "thumbs.db", "desktop.ini"}
_MAX_LICENCE_BYTES = 1 << 16


@dataclass(frozen=True)
class Listing:
    """Every file of a folder, in capture order, under exactly one heading."""

    photos: tuple[tuple[PurePosixPath, str], ...]  # relative path, kind
    videos: tuple[PurePosixPath, ...]
    dropped: tuple[DroppedFile, ...]
    licence: str | None  # the first line of a LICENSE file


def list_folder(root: Path, max_files: int) -> Listing:
    """Sort the files below ``root``; where a folder ``images`` holds photos, only those are the capture's.

    Raises:
        CaptureError: more than ``max_files`` files.
    """
    dropped: list[DroppedFile] = []
    kinds: dict[PurePosixPath, str] = {}
    for file in sorted(visible_files(root, max_files, dropped), key=capture_order):
        try:
            kinds[file] = file_kind(root / file)
        except CaptureError as error:
            dropped.append(DroppedFile(str(file), error.problem))
    photos = [file for file, kind in kinds.items() if kind in PHOTO_KINDS]
    videos = [file for file, kind in kinds.items() if kind == "video"] if not photos else []
    images = _images_folder(photos)
    stems = {_stem(file) for file in photos}
    licence = None
    for file, kind in kinds.items():
        if kind == "text" and file.stem.casefold() in ("license", "licence"):
            licence = licence or _first_line(root / file)
            dropped.append(DroppedFile(str(file), "the licence, not an image"))
        elif kind == "video" and _stem(file) in stems:
            dropped.append(DroppedFile(str(file), "the moving part of a Live Photo, whose picture is used"))
        elif kind not in PHOTO_KINDS and file not in videos:
            dropped.append(DroppedFile(str(file), describe_kind(kind)))
        elif images and not file.is_relative_to(images):
            dropped.append(DroppedFile(str(file), f"not in {images}/, which holds this capture's photos"))
    chosen = tuple((file, kinds[file]) for file in photos if images is None or file.is_relative_to(images))
    return Listing(chosen, tuple(videos), tuple(dropped), licence)


def visible_files(root: Path, max_files: int, dropped: list[DroppedFile]) -> Iterator[PurePosixPath]:
    """The files below ``root`` that are not hidden, relative to it; what is left out joins ``dropped``.

    Raises:
        CaptureError: more than ``max_files`` files.
    """

    def unreadable(problem: OSError) -> None:
        dropped.append(
            DroppedFile(str(Path(problem.filename).relative_to(root)), f"cannot be read ({problem.strerror})")
        )

    count = 0
    for where, folders, files in os.walk(root, onerror=unreadable):
        relative = PurePosixPath(Path(where).relative_to(root))
        for name in sorted(folders):
            if _is_hidden(name):
                folders.remove(name)
                dropped.append(DroppedFile(str(relative / name), "a hidden folder"))
        for name in sorted(files):
            count += 1
            if count > max_files:
                todo = "give the folder that holds this capture's photos"
                raise CaptureError(f"more than {max_files} files", path=root, todo=todo)
            if _is_hidden(name):
                dropped.append(DroppedFile(str(relative / name), "a hidden file"))
            elif not (root / relative / name).is_file():
                dropped.append(DroppedFile(str(relative / name), "not a regular file"))
            else:
                yield relative / name


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _HIDDEN


def licence_of(root: Path, files: Sequence[PurePosixPath]) -> str | None:
    """The first line of a LICENSE file among these."""
    named = [file for file in files if file.stem.casefold() in ("license", "licence")]
    texts = [file for file in named if file_kind(root / file) == "text"]
    return next((line for file in texts if (line := _first_line(root / file))), None)


def _stem(file: PurePosixPath) -> str:
    return str(file.with_suffix("")).casefold()


def _images_folder(photos: list[PurePosixPath]) -> PurePosixPath | None:
    """The shallowest folder called ``images`` with photos in it, for captures with masks or depth beside them."""
    folders = {parent for file in photos for parent in file.parents if parent.name.casefold() == "images"}
    return min(folders, key=lambda folder: (len(folder.parts), folder), default=None)


def _first_line(path: Path) -> str | None:
    if path.stat().st_size > _MAX_LICENCE_BYTES:
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip()[:200] for line in lines if line.strip()), None)
