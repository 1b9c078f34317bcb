"""What lies in a folder that somebody calls a library: meshes, splats, scenes; each with a digest of its content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from scan2sim.cousins.assets.beside import files_beside
from scan2sim.cousins.assets.config import AssetConfig
from scan2sim.errors import SceneError, UsageError
from scan2sim.files import read_json
from scan2sim.scene.manifest import Manifest, parse_manifest
from scan2sim.splats import SPLAT_SUFFIXES, count_splats

__all__ = ["INDEX", "MESHES", "Refused", "Source", "find_sources", "splats_in"]

INDEX = "asset-index"  # the folder in a library that holds what is known of it
MESHES = (".glb", ".gltf", ".obj", ".ply", ".stl")  # the earlier, the more of the colours they can hold
_PIECE = 1 << 20


@dataclass(frozen=True)
class Source:
    """One thing that an asset can be made of."""

    kind: Literal["mesh", "object"]
    path: Path  # the file of a mesh or of splats, of which a mesh is made; or the folder of a scene
    name: str  # the object's in its scene, or that of the file
    digest: str  # SHA-256 of its files, those that they name, and of how a mesh is made into an object
    licence: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Refused:
    """Something in a library that is no asset."""

    path: Path
    reason: str


def find_sources(folder: Path, config: AssetConfig) -> tuple[list[Source], list[Refused]]:
    """Look through a folder and those in it; a scene's folder gives its objects, a build its scene's, any other its
    files.

    Raises:
        UsageError: there is no such folder, or it holds too many files.
    """
    if not folder.is_dir():
        raise UsageError("no such folder of assets", path=folder, todo="name a folder of meshes or of scenes")
    sources, refused = [], []
    stems: dict[Path, Path] = {}
    how = json.dumps(asdict(config), sort_keys=True)
    for path in _walk(folder, config):
        try:
            if path.is_dir():
                found, left = _objects(path, config)
                sources += found
                refused += left
            elif path.suffix.lower() in (*MESHES, *SPLAT_SUFFIXES):
                count = splats_in(path)
                if count is None and path.suffix.lower() not in MESHES:
                    refused.append(Refused(path, "no splats that can be read"))
                    continue
                if count is not None and count > config.most_splats:
                    todo = "build a scene of them (scan2sim build FILE) and name that"
                    refused.append(Refused(path, f"{count} splats; at most {config.most_splats} are one thing: {todo}"))
                    continue
                if path.with_suffix("") in stems:
                    refused.append(
                        Refused(path, f"the same as {stems[path.with_suffix('')].name} beside it, by its name")
                    )
                    continue
                stems[path.with_suffix("")] = path
                size = path.stat().st_size
                if size > config.megabytes << 20:
                    refused.append(Refused(path, f"{size >> 20} MiB; at most {config.megabytes} are read"))
                else:
                    beside = files_beside(path, config.megabytes << 20)
                    digest = _digest([path], path.suffix.lower() + how, beside)
                    sources.append(Source("mesh", path, path.stem, digest, origin=path.name))
        except SceneError as error:
            refused.append(Refused(path, error.problem))
        except OSError as problem:
            refused.append(Refused(path, f"cannot be read ({problem.strerror})"))
    return sources, refused


def _walk(folder: Path, config: AssetConfig) -> Iterator[Path]:
    """The scenes' folders, and the files that belong to none, in the order of their names."""
    seen = 0
    for here, folders, files in os.walk(folder):
        home = Path(here)
        if "scene.json" in files:
            folders.clear()
            yield home
            continue
        if (home / "scene" / "scene.json").is_file():  # a build
            folders[:] = ["scene"]
            continue
        folders[:] = sorted(name for name in folders if name != INDEX and not name.startswith("."))
        seen += len(files)
        if seen > config.files:
            raise UsageError(f"more than {config.files} files", path=folder, todo="name a smaller folder of assets")
        yield from sorted((home / name for name in files if not (home / name).is_symlink()), key=_order)


def _order(path: Path) -> tuple[str, int]:
    """By name, and of files that differ only in their suffix those with colours first."""
    suffix = path.suffix.lower()
    return path.stem, MESHES.index(suffix) if suffix in MESHES else len(MESHES)


def splats_in(path: Path) -> int | None:
    """How many splats a file holds; None where it holds none.  One that nobody can make out may be a mesh.

    Raises:
        SceneError: it can only hold splats, and is damaged.
    """
    try:
        return count_splats(path) if path.suffix.lower() in SPLAT_SUFFIXES else None
    except SceneError:
        if path.suffix.lower() in MESHES:
            return None
        raise


def _objects(folder: Path, config: AssetConfig) -> tuple[list[Source], list[Refused]]:
    path = folder / "scene.json"
    manifest = parse_manifest(read_json(path, SceneError), path)
    told = _told(manifest)
    sources, refused = [], []
    for entry in manifest.objects:
        if entry.mobility != "free":
            reason = f"“{entry.name}” is {'part of a joint' if entry.mobility == 'joint' else 'fixed'}"
            refused.append(Refused(path, f"{reason}; only what is free can stand for something else"))
            continue
        visual = folder / entry.visual
        files = [folder / entry.splats, visual, *(folder / name for name in entry.collision)]
        if not all(file.resolve().is_relative_to(folder.resolve()) for file in files):
            refused.append(Refused(path, f"a path of “{entry.name}” leaves the scene folder"))
            continue
        beside = files_beside(visual, config.megabytes << 20)
        digest = _digest(files, json.dumps(entry.model_dump(mode="json"), sort_keys=True), beside)
        about = told.get(entry.name, {})
        licence, origin = (str(about.get(key, "")) for key in ("licence", "origin"))
        sources.append(Source("object", folder, entry.name, digest, licence, origin or folder.name))
    return sources, refused


def _told(manifest: Manifest) -> dict[str, dict[str, str]]:
    """Where each object comes from, where the scene's provenance says it."""
    told = manifest.provenance.get("assets")
    return {name: about for name, about in told.items() if isinstance(about, dict)} if isinstance(told, dict) else {}


def _digest(files: list[Path], text: str, beside: list[Path]) -> str:
    """Of files, a text, and what there is of further files, with their names."""
    digest = hashlib.sha256(text.encode())
    there = [path for path in beside if path.is_file()]
    for path in (*files, *there):
        if path in there:
            digest.update(f"{path.name} {path.stat().st_size} ".encode("utf-8", "replace"))
        with path.open("rb") as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
    return digest.hexdigest()
