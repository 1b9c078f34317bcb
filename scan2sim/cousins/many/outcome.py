"""What comes back from a worker about one cousin: a small record, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from scan2sim.cousins.many.folder import CousinEntry

__all__ = ["ATTEMPTS", "Outcome"]

ATTEMPTS = 3  # of a cousin whose worker dies


@dataclass(frozen=True)
class Outcome:
    """One cousin was made, or why it was not."""

    index: int
    entry: CousinEntry | None = None
    reason: str = ""
