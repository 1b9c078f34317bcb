"""A library of assets: things that may stand in for others, each with its form."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from scan2sim.cousins.assets.form import Form, form_distance, form_of
from scan2sim.cousins.assets.sources import Refused
from scan2sim.cousins.assets.stand import scaled, stand_at
from scan2sim.errors import UsageError
from scan2sim.scene import SceneObject, load_object

__all__ = ["Asset", "AssetLibrary", "nearest"]

Key = TypeVar("Key")
Value = TypeVar("Value")

CLUTTER = 2.0
KEPT = 256  # objects, and forms of objects asked about, that are kept in memory


@dataclass(frozen=True)
class Asset:
    """One thing of a library; :meth:`AssetLibrary.object_of` reads it."""

    name: str  # unique in the library, of [a-z0-9-]
    scene: Path  # the folder of the scene that holds it
    object: str  # its name there
    digest: str  # of its content, SHA-256
    form: Form
    licence: str  # as its scene says; empty where nobody said
    origin: str  # the file or scene that it was made of


@dataclass(frozen=True)
class AssetLibrary:
    """The assets of a folder, and what lay there and is none, each with the reason."""

    folder: Path
    assets: tuple[Asset, ...]
    refused: tuple[Refused, ...]
    _objects: dict[str, SceneObject] = field(default_factory=dict, repr=False, compare=False)
    _forms: dict[tuple[int, ...], Form] = field(default_factory=dict, repr=False, compare=False)

    def object_of(self, asset: Asset) -> SceneObject:
        """The asset as an object, standing as it stands in its scene; kept in memory for the next time.

        Raises:
            SceneError: its files were removed or damaged meanwhile.
        """
        if asset.digest not in self._objects:
            _make_room(self._objects)
            self._objects[asset.digest] = load_object(asset.scene, asset.object)
        return self._objects[asset.digest]

    def draw_clutter(self, size_range: tuple[float, float], rng: np.random.Generator) -> SceneObject:
        """Any asset, scaled to a longest side in a range [m], upright over the origin on z = 0, turned by chance.

        Assets that come into the range with a factor of at most 2 are preferred.

        Raises:
            UsageError: the range is empty or not positive.
        """
        low, high = size_range
        if not 0 < low <= high < math.inf:
            raise UsageError(f"clutter of {low:g} to {high:g} m", todo="give two lengths, the smaller one first")
        size = float(rng.uniform(low, high))
        fitting = [a for a in self.assets if 1 / CLUTTER <= size / a.form.extents.max() <= CLUTTER] or self.assets
        asset = fitting[rng.integers(len(fitting))]
        factor = size / float(asset.form.extents.max())
        return stand_at(scaled(self.object_of(asset), factor), np.zeros(3), float(rng.uniform(0, 2 * math.pi)))

    def form_of(self, obj: SceneObject) -> Form:
        """The form of any object; kept in memory by the content of its meshes, its turn and its colours."""
        colors = obj.gaussians.sh[:, 0].detach().numpy().tobytes()
        key = (hash(obj.visual), *map(hash, obj.collision), hash(obj.wxyz.tobytes()), hash(colors))
        if key not in self._forms:
            _make_room(self._forms)
            self._forms[key] = form_of(obj)
        return self._forms[key]


def nearest(library: AssetLibrary, obj: SceneObject, count: int) -> list[tuple[Asset, float]]:
    """The assets most like an object, with their distances, nearest first."""
    form = library.form_of(obj)
    ranked = sorted((form_distance(form, asset.form), asset.name, asset) for asset in library.assets)
    return [(asset, distance) for distance, _, asset in ranked[:count]]


def _make_room(kept: dict[Key, Value]) -> None:
    """Forget what came first where too much is kept."""
    while len(kept) >= KEPT:
        del kept[next(iter(kept))]
