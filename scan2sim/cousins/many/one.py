"""Cousin k of a plan becomes a folder: sampled, saved beside its final name, and renamed at once."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from scan2sim.cousins.many.folder import COUSIN_FILE, SHARED_FOLDER, CousinEntry, cousin_name, hidden_name, measure
from scan2sim.cousins.many.plan import CousinsPlan
from scan2sim.cousins.many.sheet import save_preview
from scan2sim.cousins.sample import sample
from scan2sim.cousins.study import study_twin
from scan2sim.files import json_bytes, output_errors
from scan2sim.scene import SharedFiles, VariantSaver

__all__ = ["CousinMaker"]


class CousinMaker:
    """Makes the cousins of one plan; one maker a process."""

    def __init__(self, plan: CousinsPlan, output: Path, identity: Mapping[str, Any]) -> None:
        """Read the twin and what its cousins are made of.

        Args:
            plan: which cousins.
            output: the folder for them.
            identity: of the plan, written into each cousin.

        Raises:
            SceneError: the twin is missing or damaged, or has no objects.
            UsageError: there are no assets in the plan's folder of them.
        """
        self._plan = plan
        self._output = output
        self._identity = identity
        self._twin = plan.open_twin()
        self._library = plan.open_assets()
        self._study = study_twin(self._twin.scene, plan.config)
        self._saver = VariantSaver(self._twin, SharedFiles(output / SHARED_FOLDER))
        self._owner = f"{socket.gethostname()}-{os.getpid()}"

    def make(self, index: int) -> CousinEntry:
        """Make one cousin: whole, or not at all.

        Raises:
            SceneError: no valid cousin was found.
            OutputError: it cannot be written.
        """
        rng = self._plan.rng(index)
        slider = float(rng.uniform(*self._plan.distance))
        cousin = sample(self._twin.scene, slider, rng, self._plan.config, self._library, self._study)
        story: dict[str, Any] = {
            "index": index,
            "plan": self._identity,
            "slider": slider,
            "distance": cousin.distance.as_json(),
            "changes": [asdict(change) for change in cousin.changes],
            "rejected": list(cousin.rejected),
        }
        scene = replace(cousin.scene, provenance=self._twin.scene.provenance | {"cousin": story})
        hidden = self._output / hidden_name(index, self._owner)
        with output_errors(self._output):
            try:
                self._saver.save(scene, hidden)
                save_preview(scene, hidden, index)
                record = story | measure(hidden)
                _commit(hidden, self._output / cousin_name(index), json_bytes(record))
            finally:
                shutil.rmtree(hidden, ignore_errors=True)
        return CousinEntry.from_record(record)


def _commit(hidden: Path, final: Path, record: bytes) -> None:
    """Write the record last, and give the folder its name."""
    with (hidden / COUSIN_FILE).open("wb") as file:
        file.write(record)
        file.flush()
        os.fsync(file.fileno())
    try:
        hidden.rename(final)
    except OSError as problem:
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise  # else another worker, given up for dead, has made it; it is the same one
