"""What comes back from a worker about one cousin: a small record, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from scan2sim.cousins.many.folder import CousinEntry
from scan2sim.cousins.sample import NoCousinError
from scan2sim.errors import Scan2SimError

__all__ = ["ATTEMPTS", "Outcome"]

ATTEMPTS = 3  # of a cousin whose worker dies


@dataclass(frozen=True)
class Outcome:
    """One cousin was made, or why it was not."""

    index: int
    entry: CousinEntry | None = None
    reason: str = ""
    rejected: tuple[str, ...] = ()  # why each of its samples was, where there is no cousin

    @classmethod
    def of_error(cls, index: int, error: Scan2SimError) -> Self:
        """A cousin that could not be made."""
        return cls(index, None, str(error), error.rejected if isinstance(error, NoCousinError) else ())
