"""Cousins of a scene as variants of its stage: one variant set, in each variant what stands where and how it moves.

A thing of a cousin that looks and collides as the twin's does refers to the twin's layer, and the variant says what it
weighs and how it slides; one of another shape has a layer of its own below ``cousins/<name>/``.
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pxr import Usd

from scan2sim.errors import ExportError
from scan2sim.export.usd.bodies import CUSTOM, restate_object, write_object
from scan2sim.export.usd.content import BACKGROUND_LAYER, add_content, facts, write_background
from scan2sim.export.usd.names import identifiers
from scan2sim.scene import Scene, require_consistent, same_gaussians, same_mesh, same_shape

__all__ = ["CHECKED_COUSINS", "CHOICE", "TWIN", "add_variants", "write_cousin_layers"]

CHOICE, TWIN = "cousin", "twin"  # the variant set, and the variant that is the scene itself
CHECKED_COUSINS = 10  # which a check opens and lets settle
FOLDER = "cousins"
NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")  # what a variant, and a folder, may be called


def add_variants(
    stage: Usd.Stage,
    folder: Path,
    twin: Scene,
    layers: Mapping[str, str],  # the twin's, by the objects' names
    background: str,  # the twin's layer
    cousins: Iterable[tuple[str, Scene]],  # read one at a time
) -> tuple[str, ...]:
    """Add the variant set to the default prim, and write the layers that cousins need; returns the variants' names.

    Without cousins nothing is added.

    Raises:
        ExportError: two cousins have the same name, or one has none that a variant can have.
        SceneError: a cousin is not consistent.
    """
    root, names = stage.GetDefaultPrim(), []
    for name, cousin in cousins:
        if name in names:
            raise ExportError(f"two cousins are called “{name}”")
        names.append(name)
        own, its_background = write_cousin_layers(cousin, twin, layers, background, folder, name)
        variants = root.GetVariantSets().AddVariantSet(CHOICE)
        variants.AddVariant(name)
        variants.SetVariantSelection(name)
        before = {obj.id: obj for obj in twin.objects}
        with variants.GetVariantEditContext():
            bodies = add_content(stage, cousin, own, its_background)
            for obj in cousin.objects:
                if own[obj.name] == layers.get(obj.name) and obj is not before[obj.id]:
                    restate_object(stage, bodies[obj.name], obj)
            root.SetCustomDataByKey(CUSTOM, {"scene": facts(cousin)})
    if names:
        variants = root.GetVariantSet(CHOICE)
        variants.AddVariant(TWIN)
        variants.SetVariantSelection(TWIN)
        with variants.GetVariantEditContext():
            add_content(stage, twin, layers, background)
    return (TWIN, *names) if names else ()


def write_cousin_layers(
    cousin: Scene, twin: Scene, layers: Mapping[str, str], background: str, folder: Path, name: str
) -> tuple[dict[str, str], str]:
    """The layers of a cousin's objects, by name, and of its background: the twin's, or new ones in a folder of its own.

    They are relative to ``folder``, as the twin's are.

    Raises:
        ExportError: the cousin has no name that a variant can have.
        SceneError: the cousin is not consistent.
    """
    if not NAME.fullmatch(name) or name == TWIN:
        raise ExportError(f"a cousin called “{name}”, which is no new name of a-z, 0-9 and _")
    require_consistent(cousin)
    home = folder / FOLDER / name
    before, own = {obj.id: obj for obj in twin.objects}, {}
    identifier = identifiers(obj.name for obj in cousin.objects)
    for obj in cousin.objects:
        old = before.get(obj.id)
        if old is not None and old.name == obj.name and same_shape(obj, old):
            own[obj.name] = layers[obj.name]
            continue
        home.mkdir(parents=True, exist_ok=True)
        own[obj.name] = f"./{FOLDER}/{name}/{write_object(obj, identifier[obj.name], home).name}"
    if same_gaussians(cousin.background, twin.background) and _same_pieces(cousin, twin):
        return own, background
    home.mkdir(parents=True, exist_ok=True)
    write_background(cousin, home / BACKGROUND_LAYER)
    return own, f"./{FOLDER}/{name}/{BACKGROUND_LAYER}"


def _same_pieces(a: Scene, b: Scene) -> bool:
    pieces = a.background_collision, b.background_collision
    return len(pieces[0]) == len(pieces[1]) and all(map(same_mesh, *pieces))
