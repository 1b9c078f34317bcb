"""One family of errors that a person can act on.

Every message says what was given, what was expected, which file it concerns and what to do next.  The
command line turns any :class:`Scan2SimError` into one short message and exit code 2; any other exception is
our own bug (exit code 1, traceback in the build log only).
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "CaptureError",
    "ExportError",
    "FitError",
    "ObjectsError",
    "OutOfMemoryError",
    "OutputError",
    "PosesError",
    "SceneError",
    "Scan2SimError",
    "UsageError",
]


class Scan2SimError(Exception):
    """Base of all errors caused by input or usage.

    Args:
        problem: what was given and what was expected, in one sentence.
        todo: what to do next, in one sentence; printed after the problem.
        path: the file or folder that it concerns.
    """

    def __init__(self, problem: str, *, todo: str = "", path: Path | str | None = None) -> None:
        self.problem = problem
        self.todo = todo
        self.path = None if path is None else Path(path)
        where = "" if path is None or str(path) in problem else f"{path}: "
        super().__init__(where + problem + (f" → {todo}" if todo else ""))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.todo, self.path)


def _rebuild(kind: type[Scan2SimError], problem: str, todo: str, path: Path | None) -> Scan2SimError:
    return kind(problem, todo=todo, path=path)


class UsageError(Scan2SimError):
    """A command or function was called with something that cannot work."""


class CaptureError(Scan2SimError):
    """The photos or the video cannot be read or are too few."""


class PosesError(Scan2SimError):
    """Camera poses could not be found, or a cameras file is wrong."""


class FitError(Scan2SimError):
    """Gaussians could not be trained."""


class OutOfMemoryError(FitError):
    """Memory does not suffice or ran out in training; what was reached is kept, and the same call goes on from it."""


class ObjectsError(Scan2SimError):
    """Objects could not be separated."""


class SceneError(Scan2SimError):
    """A scene folder, a splat file or a mesh is missing, damaged or inconsistent."""


class ExportError(Scan2SimError):
    """An export could not be written, or does not open in its simulator."""


class OutputError(Scan2SimError):
    """The output cannot be written: read-only, full, or in use by another build."""
