"""What is known of a library's assets, kept beside them so that it opens fast: ``index.json`` and ``forms.npz``."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scan2sim.cousins.affordances import AFFORDANCES, Affordances
from scan2sim.cousins.assets.form import COLORS, SHAPE, Form
from scan2sim.errors import SceneError
from scan2sim.files import read_json, write_bytes, write_json

__all__ = ["Known", "read_index", "write_index"]

FORMAT, VERSION = "scan2sim.assets", 1
MAX_BYTES = 256 << 20
DEATHS = 3  # of what prepares a mesh, until that is refused for good


@dataclass(frozen=True)
class Known:
    """What is known of one source: its form, or why it is no asset."""

    form: Form | None
    refused: str = ""
    died: int = 0  # how often preparing it was stopped or crashed, which need not have been its own fault

    @property
    def doubtful(self) -> bool:
        """Whether it may be worth another try."""
        return 0 < self.died < DEATHS


def read_index(folder: Path) -> dict[str, Known]:  # by digest
    """What an earlier look found; nothing where there is no index, or one of another version, or a damaged one."""
    try:
        told: Any = read_json(folder / "index.json", SceneError)
        if (told["format"], told["version"]) != (FORMAT, VERSION):
            return {}
        if (folder / "forms.npz").stat().st_size > MAX_BYTES:
            return {}
        data = (folder / "forms.npz").read_bytes()
        if hashlib.sha256(data).hexdigest() != told["forms"]:
            return {}
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            shapes, colors, extents = (arrays[name].astype(np.float64) for name in ("shape", "color", "extents"))
        rows = told["assets"]
        count = len(rows)
        if (shapes.shape, colors.shape, extents.shape) != ((count, SHAPE), (count, COLORS), (count, 3)):
            return {}
        known = {
            str(row["digest"]): Known(Form(extents[k], shapes[k], colors[k], _affordances(row["affordances"])))
            for k, row in enumerate(rows)
        }
        died = told.get("died", {})
        return known | {
            str(digest): Known(None, str(why), int(died.get(digest, 0))) for digest, why in told["refused"].items()
        }
    except (SceneError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return {}


def write_index(folder: Path, known: Mapping[str, Known]) -> None:
    """Write what is known; the two files belong together by the digest that the one holds of the other.

    Raises:
        OutputError: it cannot be written there.
    """
    forms = {digest: each.form for digest, each in known.items() if each.form is not None}
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        shape=np.array([form.shape for form in forms.values()], np.float32).reshape(-1, SHAPE),
        color=np.array([form.color for form in forms.values()], np.float32).reshape(-1, COLORS),
        extents=np.array([form.extents for form in forms.values()], np.float32).reshape(-1, 3),
    )
    data = stream.getvalue()
    write_bytes(folder / "forms.npz", data)
    write_json(
        folder / "index.json",
        {
            "format": FORMAT,
            "version": VERSION,
            "forms": hashlib.sha256(data).hexdigest(),
            "assets": [{"digest": digest, "affordances": asdict(form.affordances)} for digest, form in forms.items()],
            "refused": {digest: each.refused for digest, each in known.items() if each.form is None},
            "died": {digest: each.died for digest, each in known.items() if each.died},
        },
    )


def _affordances(told: Mapping[str, Any]) -> Affordances:
    grip = told["grip"]  # null where nothing can be gripped
    flags = {name: bool(told[name]) for name in AFFORDANCES}
    return Affordances(
        **flags, cavity=float(told["cavity"]), top=float(told["top"]), grip=math.inf if grip is None else float(grip)
    )
