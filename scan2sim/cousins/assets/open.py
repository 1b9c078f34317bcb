"""A folder of meshes and scenes is opened as a library: what is new in it is prepared and measured."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import scan2sim
from scan2sim.cousins.assets.config import AssetConfig
from scan2sim.cousins.assets.form import form_of
from scan2sim.cousins.assets.index import Known, read_index, write_index
from scan2sim.cousins.assets.library import Asset, AssetLibrary
from scan2sim.cousins.assets.preparing import MESH_SCENES, PREPARED, prepare_meshes
from scan2sim.cousins.assets.sources import INDEX, Refused, Source, find_sources
from scan2sim.errors import SceneError, UsageError
from scan2sim.lock import folder_lock
from scan2sim.progress import Reporter, silent
from scan2sim.scene import RestsOn, Scene, SceneObject, load_object, require_consistent
from scan2sim.splats import Gaussians

__all__ = ["open_library", "shipped_objects"]


def shipped_objects() -> Path:
    """The folder of the small set of objects that comes with this package: scanned ones and ones made from numbers."""
    home = Path(scan2sim.__file__).parent
    installed = home / "assets" / "objects"
    return installed if installed.is_dir() else home.parent / "assets" / "objects"


def open_library(
    folder: Path | None = None,
    config: AssetConfig = AssetConfig(),  # noqa: B008 (frozen)
    report: Reporter = silent,
    *,
    again: bool = True,
) -> AssetLibrary:
    """Open a folder of meshes and scenes as a library; None opens the set that comes with the package.

    A mesh is made into an object in a process of its own, with limits; that takes seconds each, the first time.  What
    is known of the assets is kept in ``asset-index`` in the folder, by the content of each; where that cannot be
    written nothing is kept.

    What took too long, or more memory than there was, is tried again the next times, thrice in all, for that may have
    been the machine's fault; not so with ``again`` False, for those who open a library that somebody just opened.

    Raises:
        UsageError: there is no such folder, it holds too many files, or nothing in it is an asset.
        OutputError: another process is preparing the same library.
    """
    home = shipped_objects() if folder is None else folder
    sources, refused = find_sources(home, config)
    known = read_index(home / INDEX)
    scratch, store = None, home / INDEX
    missing = [source for source in sources if not _is_known(source, known, store, again)]
    if missing:
        if _may_write(store):
            with folder_lock(store):
                found = _look(missing, store, config, report, known)
                used = {source.digest for source in sources}
                known = {digest: each for digest, each in known.items() if digest in used} | found
                write_index(store, known)
        else:
            scratch = store = Path(tempfile.mkdtemp(prefix="scan2sim-assets-"))
            known = _look(sources, store, config, report, {})
    assets: dict[str, Asset] = {}
    for source in sources:
        each = known[source.digest]
        if each.form is None:
            refused.append(Refused(source.path, each.refused))
            continue
        name = _free_name(source.name, assets)
        scene, held = _place(source, store)
        assets[name] = Asset(name, scene, held, source.digest, each.form, source.licence, source.origin)
    if not assets:
        why = "; ".join(f"{each.path.name}: {each.reason}" for each in refused[:3])
        raise UsageError(
            f"nothing here is an asset{f' ({why})' if why else ''}",
            path=home,
            todo="name a folder of meshes (obj, glb, ply, stl) or of scenes",
        )
    library = AssetLibrary(home, tuple(assets.values()), tuple(refused))
    if scratch is not None:
        weakref.finalize(library, shutil.rmtree, scratch, ignore_errors=True)
    return library


def _may_write(store: Path) -> bool:
    """Whether what is known can be kept; makes the folder."""
    try:
        store.mkdir(exist_ok=True)
    except OSError:
        return False
    return os.access(store, os.W_OK)


def _look(
    sources: Sequence[Source],
    store: Path,
    config: AssetConfig,
    report: Reporter,
    before: Mapping[str, Known],
) -> dict[str, Known]:
    """Prepare what is a mesh, and measure each; ``before`` is what was known of them."""
    refused = prepare_meshes([source for source in sources if source.kind == "mesh"], store, config, report)
    found = {}
    for digest, why in refused.items():
        deaths = before[digest].died if digest in before else 0
        found[digest] = Known(None, why.reason, deaths + 1 if why.died else 0)
    for done, source in enumerate(sources):
        report("looking at assets", done, len(sources))
        if source.digest not in found:
            try:
                obj = load_object(*_place(source, store))
                _require_sound(obj)
                found[source.digest] = Known(form_of(obj))
            except SceneError as error:
                found[source.digest] = Known(None, error.problem)
    report("looking at assets", len(sources), len(sources))
    return found


def _require_sound(obj: SceneObject) -> None:
    """Refuse an object with something wrong in it, wherever it stood."""
    alone = replace(obj, rests_on=RestsOn(0))
    require_consistent(Scene(Gaussians.empty(), (), (alone,), (), {}, {}))


def _place(source: Source, store: Path) -> tuple[Path, str]:
    """The scene's folder and the object's name in it."""
    if source.kind == "mesh":
        return store / MESH_SCENES / source.digest, PREPARED
    return source.path, source.name


def _is_known(source: Source, known: Mapping[str, Known], store: Path, again: bool) -> bool:
    each = known.get(source.digest)
    if each is None or (each.form is None and again and each.doubtful):
        return False
    return each.form is None or (_place(source, store)[0] / "scene.json").is_file()


def _free_name(text: str, taken: dict[str, Asset]) -> str:
    """A name of [a-z0-9-] that no other asset has."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "asset"
    names = (base, *(f"{base}-{k}" for k in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
