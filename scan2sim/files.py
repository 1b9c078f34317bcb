"""Files and folders that are either whole or absent.

Single files are written beside their final name and renamed; folders are built as ``.NAME.new`` and swapped in
at once.  ``sync`` makes a commit survive a power cut (file, then its folder).
"""

from __future__ import annotations

import ctypes
import errno
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from scan2sim.errors import OutputError, Scan2SimError

__all__ = [
    "finite",
    "json_bytes",
    "link_or_copy",
    "new_folder",
    "output_errors",
    "read_json",
    "recover_folder",
    "swap_in",
    "whole_file",
    "write_bytes",
    "write_json",
]

MAX_JSON_BYTES = 256 << 20
_RENAME_EXCHANGE = 2
_NUMBERS = re.compile(r"\[\n\s+([^\[\]{}\"]+?)\n\s+\]")  # in text with indents: no string holds a line's end
_BREAK = re.compile(r",\n\s+")


def read_json(path: Path, error: type[Scan2SimError]) -> Any:
    """Read a JSON file of at most 256 MiB.

    Raises:
        error: the file is missing, too large or not JSON.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise error(f"larger than {MAX_JSON_BYTES >> 20} MiB, which no file of this kind is", path=path)
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error("no such file", path=path) from None
    except (ValueError, RecursionError) as problem:
        raise error(f"not valid JSON ({problem})", path=path) from None
    except OSError as problem:
        raise error(f"cannot be read ({problem.strerror})", path=path) from None


def write_json(path: Path, data: Any) -> None:
    """Write JSON through a temporary file; NaN and infinities become null, undecodable file names are kept."""
    write_bytes(path, json_bytes(data))


def json_bytes(data: Any) -> bytes:
    """What :func:`write_json` writes: indented, a list of numbers on one line."""
    text = json.dumps(finite(data), indent=1, ensure_ascii=False, allow_nan=False)
    text = _NUMBERS.sub(lambda found: f"[{_BREAK.sub(', ', found[1])}]", text)
    return (text + "\n").encode("utf-8", "backslashreplace")  # \udc80 is JSON's own way to write it


def link_or_copy(source: Path, target: Path) -> None:
    """Make ``target`` a second name of the file ``source``; a copy where that is impossible, as across devices.

    Both names share one content, so neither may be written into in place: write beside it and rename.
    """
    try:
        os.link(source.resolve(), target)
    except FileExistsError:
        raise
    except OSError:  # another device, no hard links here, or more names than the file system allows for one file
        shutil.copyfile(source, target)


def finite(data: Any) -> Any:
    """Data as JSON can hold it: arrays become lists, paths text, NaN and infinities null."""
    if isinstance(data, dict):
        return {str(key): finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite(value) for value in data]
    if hasattr(data, "tolist"):  # numpy scalars and arrays
        return finite(data.tolist())
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, Path):
        return str(data)
    return data


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file that is whole or absent, whatever happens.

    Raises:
        OutputError: the folder is read-only, the disk full, or the path impossible.
    """
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file beside ``path`` to write into; on success it is synced and takes the place of ``path`` at once.

    On an error it is removed and ``path`` is as it was.

    Raises:
        OutputError: the folder is read-only, the disk full, or the path impossible.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with output_errors(path):
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn a full disk, a read-only folder and the like into an :class:`OutputError` a person can act on."""
    try:
        yield
    except OSError as problem:
        advice = {
            errno.ENOSPC: ("the disk is full", "free some space or choose another output folder with -o"),
            errno.EDQUOT: ("the disk quota is used up", "free some space or choose another output folder with -o"),
            errno.EFBIG: ("the file is larger than this system allows", "choose another output folder with -o"),
            errno.EROFS: ("the file system is read-only", "choose another output folder with -o"),
            errno.EACCES: ("no permission to write here", "choose another output folder with -o"),
            errno.EPERM: ("no permission to write here", "choose another output folder with -o"),
            errno.ENOTDIR: ("a file stands where a folder is needed", "choose another output folder with -o"),
            errno.EEXIST: ("a file stands where a folder is needed", "choose another output folder with -o"),
            errno.EISDIR: (
                "a folder stands where a file is needed",
                "remove it or choose another output folder with -o",
            ),
            errno.EIO: ("the disk reports an error", "check the disk, then run the command again"),
        }.get(problem.errno or 0)
        if advice is None:
            raise
        raise OutputError(advice[0], todo=advice[1], path=problem.filename or path) from problem


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty ``.NAME.new`` beside ``path``; on success it takes the place of ``path`` at once.

    On an error the new folder is removed and ``path`` is as it was.

    Raises:
        OutputError: it cannot be written there.
    """
    path = path.absolute()
    fresh = path.with_name(f".{path.name}.new")
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        recover_folder(path)
        fresh.mkdir()
        try:
            yield fresh
            swap_in(fresh, path)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def swap_in(fresh: Path, path: Path) -> None:
    """Make the finished folder ``fresh`` appear as ``path``, replacing what is there in one step."""
    for file in fresh.rglob("*"):
        if file.is_file():
            _sync(file)
    _sync(fresh)
    if not path.exists():
        fresh.rename(path)
    elif _exchange(fresh, path):
        shutil.rmtree(fresh)
    else:
        old = path.with_name(f".{path.name}.old")
        path.rename(old)
        fresh.rename(path)
        shutil.rmtree(old)
    _sync(path.parent)


def recover_folder(path: Path, *, keep_unfinished: bool = False) -> None:
    """Mend what a killed :func:`new_folder` or :func:`swap_in` left beside ``path``.

    Args:
        path: the folder's final name.
        keep_unfinished: leave ``.NAME.new`` in place, because work can go on in it.
    """
    old, fresh = path.with_name(f".{path.name}.old"), path.with_name(f".{path.name}.new")
    if old.exists() and not path.exists():
        old.rename(path)
    for leftover in (old,) if keep_unfinished else (old, fresh):
        if leftover.exists():
            shutil.rmtree(leftover)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two paths in one step with Linux's renameat2; False where that does not exist."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return renameat2(-100, os.fsencode(a), -100, os.fsencode(b), _RENAME_EXCHANGE) == 0


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno != errno.EINVAL:  # some file systems cannot sync folders
            raise
    finally:
        os.close(descriptor)
