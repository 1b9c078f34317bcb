"""``build.log``: what happened when, and the tracebacks of our own bugs."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

__all__ = ["LOG_FILE", "write_log"]

LOG_FILE = "build.log"


def write_log(build: Path, text: str) -> None:
    """Append lines with the time in front; a log that cannot be written never stops a build."""
    stamp = datetime.now().astimezone().isoformat(timespec="seconds")
    with (
        contextlib.suppress(OSError),
        (build / LOG_FILE).open("a", encoding="utf-8", errors="backslashreplace") as file,
    ):
        file.writelines(f"{stamp} {line}\n" for line in text.splitlines())
