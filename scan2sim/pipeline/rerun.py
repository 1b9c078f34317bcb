"""``--from``: which stages have to run again although nothing changed, remembered across a kill."""

from __future__ import annotations

from pathlib import Path

from scan2sim.errors import Scan2SimError
from scan2sim.files import output_errors, read_json, write_json

__all__ = ["RERUN_FILE", "Rerun"]

RERUN_FILE = ".rerun.json"


class Rerun:
    """The stages that ``--from`` asks for and that have not run yet.

    They are kept in the build folder: the same command after a kill goes on with the rest of them, any other
    command forgets them.
    """

    def __init__(self, build: Path, start: str | None, names: list[str]) -> None:
        """Ask for the stages ``names[start:]``; with ``start`` None for none of them."""
        self._file = build / RERUN_FILE
        self._request = {"from": start, "until": names[-1]}
        self.left = names[names.index(start) :] if start else []
        self.continued = False  # an earlier call has begun with it
        try:
            before = read_json(self._file, Scan2SimError)
            if {key: before[key] for key in self._request} == self._request:
                self.left = [name for name in self.left if name in before["stages"]]
                self.continued = True
        except (Scan2SimError, KeyError, TypeError):
            pass  # nothing to go on with
        self._save()

    def done(self, name: str) -> None:
        """Note that a stage has run."""
        if name in self.left:
            self.left.remove(name)
            self._save()

    def _save(self) -> None:
        if self.left:
            write_json(self._file, {**self._request, "stages": self.left})
        else:
            with output_errors(self._file):
                self._file.unlink(missing_ok=True)
