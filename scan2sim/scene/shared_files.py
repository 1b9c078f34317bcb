"""Files of the same content, written once and linked wherever they come again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from scan2sim.files import link_or_copy, whole_file

__all__ = ["SharedFiles"]


class SharedFiles:
    """A folder that knows files by the hash of their content; several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes, path: Path) -> None:
        """Make ``path`` a file with this content.

        Raises:
            OutputError: it cannot be written.
        """
        kept = self._folder / hashlib.sha256(data).hexdigest()
        try:
            os.link(kept, path)
        except OSError:  # new, or there are no links here
            if not kept.exists():
                self._folder.mkdir(exist_ok=True)
                with whole_file(kept) as file:
                    file.write(data)
            link_or_copy(kept, path)
