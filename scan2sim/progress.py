"""How long work reports that it advances, without knowing who watches.

A reporter is any callable ``report(what, done, total)``; the command line draws bars with an ETA from it and
the tests pass :func:`silent`.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Reporter", "silent"]


class Reporter(Protocol):
    """Called with a short description, the number of finished units and their total (0 = unknown)."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` units of ``what`` are finished."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""
