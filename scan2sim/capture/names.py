"""Names of frames: the photo's own, made unique by stem and safe as a file name."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PurePosixPath

__all__ = ["capture_order", "frame_names", "safe_name", "video_frame_name"]

_SUFFIXES = {"jpeg": (".jpg", ".jpeg"), "png": (".png",), "webp": (".webp",)}  # others are written as .jpg


def capture_order(path: PurePosixPath) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts IMG_2 before IMG_10, folder by folder."""
    pieces = re.findall(r"(\d{1,18})|(\D+|\d+)", "\0".join(path.parts))
    return tuple((0, int(number), "") if number else (1, 0, text) for number, text in pieces)


def safe_name(text: str, limit: int = 120) -> str:
    """``text`` as one visible file name: no separators, control characters, leading dots; at most ``limit`` long."""
    kept = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in text).strip().lstrip(".")
    while len(kept.encode("utf-8", "replace")) > limit:
        kept = kept[:-1]
    return kept.encode("utf-8", "replace").decode() or "_"


def frame_names(files: list[tuple[PurePosixPath, str]]) -> list[str]:
    """One name for each (path relative to the capture, kind): the photo's own, unique by stem, case ignored.

    Photos with equal stems get their folder as a prefix (``left/IMG_1.jpg`` → ``left-IMG_1.jpg``); if that is not
    enough, a number.  A suffix that does not say what the file is gives way to one that does, and those of HEIC and
    AVIF to ``.jpg``, because that is what later stages can read and write.
    """
    stems = [safe_name(path.stem) for path, _ in files]
    counts = Counter(stem.casefold() for stem in stems)
    taken: set[str] = set()
    names = []
    for (path, kind), own in zip(files, stems, strict=True):
        folder = "-".join(path.parts[:-1])
        stem = safe_name(f"{folder}-{own}", 160) if folder and counts[own.casefold()] > 1 else own
        unique, number = stem, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{stem}-{number}"
        taken.add(unique.casefold())
        suffixes = _SUFFIXES.get(kind, (".jpg",))
        suffix = path.suffix if path.suffix.lower() in suffixes else suffixes[0]
        names.append(unique + suffix)
    return names


def video_frame_name(video: Path, number: int) -> str:
    """``<video>-000123.jpg`` for the frame with this number, counted from 0."""
    return f"{safe_name(video.stem)}-{number:06d}.jpg"
