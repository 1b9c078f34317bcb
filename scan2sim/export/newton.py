"""Where Newton and Isaac Lab are: both want a MuJoCo and an OpenUSD of their own, so an environment of their own."""

from __future__ import annotations

from pathlib import Path

import scan2sim

__all__ = ["ENVIRONMENT", "newton_python"]

ENVIRONMENT = ".venv-isaaclab"


def newton_python() -> Path | None:
    """The interpreter of ``.venv-isaaclab`` in this checkout, where ``make test-isaaclab`` puts it; None if not there.

    The working folder is not looked into: it may be somebody else's export, which must not bring its own interpreter.
    """
    python = Path(scan2sim.__file__).parents[1] / ENVIRONMENT / "bin" / "python"
    return python if python.is_file() else None
