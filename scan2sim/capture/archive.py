"""Zips from strangers: everything is checked in the central directory before anything is written."""

from __future__ import annotations

import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from scan2sim.capture.config import CaptureConfig
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["unpacked_zip"]

_END_RECORD, _END_RECORD_BYTES, _MAX_COMMENT = b"PK\x05\x06", 22, 65535
_LOCATOR64, _LOCATOR64_BYTES = b"PK\x06\x07", 20
_END_RECORD64, _END_RECORD64_BYTES = b"PK\x06\x06", 56
_ENTRY_BYTES = 1024  # of the central directory per file, far above what real zips need
_CHUNK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError, OverflowError)
_TODO = "unpack it yourself and give the folder, or zip the photos again"


@contextmanager
def unpacked_zip(path: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Iterator[Path]:
    """Check a zip and unpack it below ``folder`` for as long as the context lasts; also ``.r3d``, which is a zip.

    Errors that are raised inside about an unpacked file speak of the zip.

    Raises:
        CaptureError: damaged, encrypted, too many or too large files, a bomb, or an entry that points outside.
    """
    unpacked = folder / ".unpacked"
    try:
        with path.open("rb") as file:
            _check_directory_size(file, path, config)
            with zipfile.ZipFile(file) as archive:
                entries = _checked_entries(archive, path, config)
                for i, entry in enumerate(entries):
                    report("unpacking the zip", i, len(entries))
                    _extract(archive, entry, unpacked, path)
                report("unpacking the zip", len(entries), len(entries))
        unpacked.mkdir(exist_ok=True)
        yield unpacked
    except _DAMAGE as problem:
        raise CaptureError(f"not a whole zip ({problem})", path=path, todo="copy or download it again") from None
    except CaptureError as error:
        if error.path is None or not error.path.is_relative_to(unpacked):
            raise
        inner = error.path.relative_to(unpacked).as_posix()  # speak of what the person gave
        problem = error.problem if inner == "." else f"{inner}: {error.problem}"
        raise CaptureError(problem, todo=error.todo, path=path) from None
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _check_directory_size(file: BinaryIO, path: Path, config: CaptureConfig) -> None:
    """Refuse central directories that are too large to be read, from the records at the file's end.

    PKWARE APPNOTE 6.3.10, 4.3.14 to 4.3.16.
    """
    size = file.seek(0, 2)
    tail_at = max(0, size - _END_RECORD_BYTES - _MAX_COMMENT - _LOCATOR64_BYTES)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(_END_RECORD)
    record = tail[at : at + _END_RECORD_BYTES]
    if at < 0 or len(record) < _END_RECORD_BYTES:
        raise CaptureError("not a whole zip (its directory is missing)", path=path, todo="copy or download it again")
    count, directory = int.from_bytes(record[10:12], "little"), int.from_bytes(record[12:16], "little")
    locator = tail[max(0, at - _LOCATOR64_BYTES) : at]
    if locator.startswith(_LOCATOR64):
        file.seek(min(int.from_bytes(locator[8:16], "little"), size))
        record64 = file.read(_END_RECORD64_BYTES)
        if record64.startswith(_END_RECORD64):
            count = max(count % 0xFFFF, int.from_bytes(record64[32:40], "little"))
            directory = max(directory % 0xFFFFFFFF, int.from_bytes(record64[40:48], "little"))
    if count > config.max_files or directory > config.max_files * _ENTRY_BYTES:
        raise CaptureError(f"more than {config.max_files} files in the zip", path=path, todo=_TODO)
    file.seek(0)


def _checked_entries(archive: zipfile.ZipFile, path: Path, config: CaptureConfig) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > config.max_files:
        raise CaptureError(f"more than {config.max_files} files in the zip", path=path, todo=_TODO)
    seen: set[PurePosixPath] = set()
    size = path.stat().st_size
    for entry in entries:
        reason = _objection(entry, config)
        if not 0 <= entry.header_offset < size:
            reason = "is damaged"
        where = PurePosixPath(entry.filename)
        if reason is None and where in seen:
            reason = "is there twice"
        if reason is not None:
            raise CaptureError(f"the zip's entry “{_shown(entry)}” {reason}", path=path, todo=_TODO)
        seen.add(where)
    for entry in entries:
        parents = PurePosixPath(entry.filename).parents
        if any(parent in seen and not _is_folder_of(archive, parent) for parent in parents):
            raise CaptureError(f"the zip's entry “{_shown(entry)}” lies in a file", path=path, todo=_TODO)
    total = sum(entry.file_size for entry in entries)
    if total > config.max_unpacked_gib * (1 << 30):
        gib = total / (1 << 30)
        raise CaptureError(f"unpacks to {gib:.1f} GiB; at most {config.max_unpacked_gib:g}", path=path, todo=_TODO)
    if total > _CHUNK and total > config.max_ratio * size:  # entries that share their data
        raise CaptureError("unpacks to far more than photos would, like a zip bomb", path=path, todo=_TODO)
    return [entry for entry in entries if not entry.is_dir()]


def _is_folder_of(archive: zipfile.ZipFile, parent: PurePosixPath) -> bool:
    return f"{parent}/" in archive.NameToInfo


def _objection(entry: zipfile.ZipInfo, config: CaptureConfig) -> str | None:
    """What speaks against an entry, or None."""
    name = entry.orig_filename
    parts = name.replace("\\", "/").split("/")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        return "has an absolute path"
    if ".." in parts:
        return "points outside the zip (“..”)"
    if "\\" in name or any(ord(c) < 32 for c in name) or any(len(p.encode("utf-8", "replace")) > 255 for p in parts):
        return "has a name that is no file name"
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a device or another special file"
    if entry.flag_bits & 1:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed with a method other than deflate"
    if entry.file_size > _CHUNK and entry.file_size > config.max_ratio * max(1, entry.compress_size):
        return f"unpacks to {entry.file_size / max(1, entry.compress_size):.0f} times its size, like a zip bomb"
    return None


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, unpacked: Path, path: Path) -> None:
    """Unpack one checked entry, never more than its declared size."""
    target = unpacked / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    try:
        with archive.open(entry) as source, target.open("wb") as out:
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise CaptureError(f"the zip's entry “{_shown(entry)}” is larger than it says", path=path)
                out.write(chunk)
    except _DAMAGE as problem:
        message = f"the zip's entry “{_shown(entry)}” is damaged ({problem})"
        raise CaptureError(message, path=path, todo="copy or download it again") from None


def _shown(entry: zipfile.ZipInfo) -> str:
    """An entry's name that is safe to print."""
    return "".join(c if c.isprintable() else "?" for c in entry.orig_filename)[:120]
