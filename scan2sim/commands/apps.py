"""Programs with a face that installed packages offer."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

__all__ = ["find_app"]


def find_app(name: str) -> Callable[..., Any] | None:
    """The function that an installed package offers under ``scan2sim.apps``; None if there is none."""
    for entry in entry_points(group="scan2sim.apps", name=name):
        return entry.load()
    return None
