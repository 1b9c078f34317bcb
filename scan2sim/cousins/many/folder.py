"""The folder that holds many cousins: what lies in it, whose cousins they are, and its index.

``0000/ 0001/ …`` are scene folders with a ``cousin.json`` each; ``cousins.json`` lists them and is made from them, so
it may be lost.  A cousin in the making is a hidden folder beside them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from scan2sim.errors import OutputError
from scan2sim.files import finite, output_errors, read_json, write_json

__all__ = [
    "COUSIN_FILE",
    "FORMAT",
    "INDEX_FILE",
    "LOG_FILE",
    "SHARED_FOLDER",
    "VERSION",
    "CousinEntry",
    "CousinsFolder",
    "Failure",
    "cousin_name",
    "hidden_name",
    "measure",
    "require_for_cousins",
]

FORMAT, VERSION = "scan2sim.cousins", 1
INDEX_FILE, COUSIN_FILE, LOG_FILE, SHARED_FOLDER = "cousins.json", "cousin.json", "cousins.log", ".shared"
LISTED = 5  # names in a message
_NAME = re.compile(r"\d{4,}")
_HIDDEN = re.compile(r"\.\d{4,}\..*\.new")


@dataclass(frozen=True)
class CousinEntry:
    """What the index says of one cousin."""

    index: int
    folder: str  # its scene folder, below that of all
    slider: float  # 0..1, what was asked for
    distance: float  # 0..1, what came out
    parts: dict[str, float]  # the distance by part
    changes: int
    rejected: tuple[str, ...]  # why samples before this one were not handed out

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """From the content of a cousin.json.

        Raises:
            KeyError, TypeError, ValueError: it is damaged.
        """
        distance = {str(part): float(value) for part, value in record["distance"].items()}
        return cls(
            index=int(record["index"]),
            folder=cousin_name(int(record["index"])),
            slider=float(record["slider"]),
            distance=distance.pop("combined"),
            parts=distance,
            changes=len(record["changes"]),
            rejected=tuple(map(str, record["rejected"])),
        )


@dataclass(frozen=True)
class Failure:
    """Why a cousin could not be made."""

    reason: str
    rejected: tuple[str, ...] = ()  # why each of its samples was


def cousin_name(index: int) -> str:
    """The folder of a cousin."""
    return f"{index:04d}"


def hidden_name(index: int, owner: str) -> str:
    """The folder in which ``owner`` makes a cousin."""
    return f".{cousin_name(index)}.{owner}.new"


def measure(folder: Path) -> dict[str, int]:
    """Number and size of a cousin's files but its cousin.json: tells whether one is missing or cut short."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.name != COUSIN_FILE and path.is_file()]
    return {"files": len(sizes), "bytes": sum(sizes)}


def require_for_cousins(path: Path) -> None:
    """Refuse a folder that holds something else than cousins; nothing in it is touched.

    One without an index and a log, as a killed run may leave it, holds nothing but folders of cousins and what is
    hidden.

    Raises:
        OutputError: it does, or it is no folder.
    """
    with output_errors(path):
        entries = list(path.iterdir()) if path.exists() else []
    if {INDEX_FILE, LOG_FILE} & {entry.name for entry in entries}:
        return
    for entry in entries:
        cousin = _NAME.fullmatch(entry.name) and (entry / COUSIN_FILE).is_file()
        if not (cousin or entry.name.startswith(".")):
            raise OutputError(
                f"this folder holds something else than cousins (“{entry.name}”)",
                path=path,
                todo="choose another with -o",
            )


class CousinsFolder:
    """The cousins of one plan on disk."""

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        """Open a folder that one process at a time works in; what a killed one left is swept away.

        Args:
            path: the folder.
            identity: of the plan, see ``CousinsPlan.identity``.

        Raises:
            OutputError: it holds other cousins, cousins that are not as they were made, or something else.
        """
        self.path = path
        self._identity = finite(identity)
        with output_errors(path):
            require_for_cousins(path)
            for name in sorted(entry.name for entry in path.iterdir()):
                if _HIDDEN.fullmatch(name):
                    shutil.rmtree(path / name)
        self.entries: dict[int, CousinEntry] = {}
        self.take_in()

    def take_in(self) -> None:
        """Add those to ``entries`` that lie in the folder by now and are not among them.

        Raises:
            OutputError: one of them is another plan's, or not as it was made.
        """
        with output_errors(self.path):
            names = {entry.name for entry in self.path.iterdir() if _NAME.fullmatch(entry.name)}
            known = {entry.folder for entry in self.entries.values()}
            self.entries |= {entry.index: entry for entry in self._read(sorted(names - known))}

    def write_index(self, wanted: int, failed: Mapping[int, Failure]) -> None:
        """Write cousins.json; ``failed`` by index."""
        cousins = [asdict(self.entries[index]) for index in sorted(self.entries)]
        content = {
            "format": FORMAT,
            "version": VERSION,
            "plan": self._identity,
            "wanted": wanted,
            "made": len(cousins),
            "failed": [{"index": index} | asdict(failed[index]) for index in sorted(failed)],
            "cousins": cousins,
        }
        write_json(self.path / INDEX_FILE, content)

    def _read(self, names: Sequence[str]) -> Iterator[CousinEntry]:
        others, changed = [], []
        for name in names:
            folder = self.path / name
            record = read_json(folder / COUSIN_FILE, OutputError)
            try:
                if record["plan"] != self._identity:
                    others.append((name, record["plan"]))
                    continue
                entry = CousinEntry.from_record(record)
                whole = entry.folder == name and measure(folder) == {key: record[key] for key in ("files", "bytes")}
            except (KeyError, TypeError, ValueError, AttributeError) as problem:
                raise OutputError(
                    f"not the record of a cousin ({problem!r})",
                    path=folder / COUSIN_FILE,
                    todo="remove this cousin's folder to have it made again, or choose another with -o",
                ) from None
            if not whole:
                changed.append(name)
            yield entry
        if others:
            raise OutputError(
                f"holds {len(others)} other cousins ({_some([name for name, _ in others])}): "
                + "; ".join(_differences(others[0][1], self._identity)[:LISTED]),
                path=self.path,
                todo="choose another folder with -o, or give what they were made with",
            )
        if changed:
            raise OutputError(
                f"{len(changed)} cousins are not as they were made, changed by hand or cut short by a power failure: "
                + _some(changed),
                path=self.path,
                todo="move or remove these folders; they are made again",
            )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def _differences(there: Any, wanted: Any, name: str = "") -> list[str]:
    """What two plans do not have in common, each in a few words."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        keys = [key for key in wanted if there.get(key) != wanted[key]]
        return [text for key in keys for text in _differences(there.get(key), wanted[key], f"{name} {key}".strip())]
    if name in ("twin", "assets"):
        return ["another scene" if name == "twin" else "other assets"]
    return [f"{name} {_words(there)} instead of {_words(wanted)}"]


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
