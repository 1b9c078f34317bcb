"""Is a USD file harmless to compose?  USD follows references, payloads and textures wherever they point.

To be called in a process with limits: a text file of 200 KB, all opening brackets, costs USD's parser 4.5 GB.
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from pxr import Sdf, Tf, UsdUtils

from scan2sim.errors import ExportError

__all__ = ["refuse_large_layer", "refuse_large_usd", "refuse_unsafe_usd"]

MAX_TEXT_BYTES = 64 << 20
MAX_BYTES = 4 << 30  # of all files of an asset together
MAX_LAYERS = 10_000
LAYERS = (".usd", ".usda", ".usdc")
OTHERS = (".png", ".jpg", ".jpeg", ".exr")
BRACKETS = re.compile(rb"(?:[(\[{<]\s*){64}")  # deeper than any layer of ours by far


def refuse_large_usd(path: Path, folder: Path) -> None:
    """Look at the sizes of the files and for brackets upon brackets, without USD.

    Raises:
        ExportError: the file is missing or too large, or the folder is.
    """
    refuse_large_layer(path)
    total = 0
    for file in folder.rglob("*"):
        total += file.stat().st_size if file.is_file() else 0
        if file.suffix.lower() in LAYERS and file.is_file():
            refuse_large_layer(file)
    if total > MAX_BYTES:
        raise ExportError(f"more than {MAX_BYTES >> 30} GiB of files", path=folder)


def refuse_large_layer(path: Path) -> None:
    """The same for one layer, whatever else lies beside it.

    Raises:
        ExportError: the file is missing, no layer, or too large.
    """
    if path.suffix.lower() not in LAYERS:
        raise ExportError(f"not one of {', '.join(LAYERS)}", path=path)
    if not path.is_file():
        raise ExportError("no such USD file", path=path, todo="export the scene again")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ExportError(f"larger than {MAX_BYTES >> 30} GiB", path=path)
    with path.open("rb") as stream:
        start = stream.read(8)
        if start != b"PXR-USDC":
            if size > MAX_TEXT_BYTES:
                raise ExportError(f"a text layer larger than {MAX_TEXT_BYTES >> 20} MiB", path=path)
            if BRACKETS.search(start + stream.read()):
                raise ExportError("brackets nested too deeply", path=path)


def refuse_unsafe_usd(path: Path, folder: Path) -> None:
    """Refuse a stage any layer of which names a file outside ``folder``, or of a kind that is not of this business.

    Each layer is read by itself, and its references, payloads, sublayers, clips and asset attributes, in whatever
    variant, are looked at before anything is composed.

    Raises:
        ExportError: with what is wrong.
    """
    waiting, seen, home = [path.resolve()], set(), folder.resolve()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        if len(seen) > MAX_LAYERS:
            raise ExportError(f"more than {MAX_LAYERS} layers", path=path)
        try:
            layer = Sdf.Layer.FindOrOpen(str(file))
        except Tf.ErrorException as problem:
            raise ExportError(f"not a USD layer ({str(problem).strip().splitlines()[-1]})", path=file) from None
        if layer is None:
            raise ExportError("not a USD layer", path=file)
        for asset in _assets(layer):
            target = _inside(asset, file, home)
            if target.suffix.lower() in LAYERS:
                waiting.append(target)
            elif target.suffix.lower() not in OTHERS:
                raise ExportError(f"names {asset!r}, which is neither a layer nor a picture", path=file)


def _assets(layer: Sdf.Layer) -> list[str]:
    """All asset paths that a layer names."""
    copy, found = Sdf.Layer.CreateAnonymous(), []
    copy.TransferContent(layer)

    def note(asset: str) -> str:
        found.append(asset)
        return asset

    UsdUtils.ModifyAssetPaths(copy, note)
    return [asset for asset in dict.fromkeys(found) if asset]


def _inside(asset: str, layer: Path, home: Path) -> Path:
    relative = PurePosixPath(asset)
    strange = any(mark in asset for mark in ("\\", ":", "`", "[", "$", "\0"))
    target = (layer.parent / relative).resolve()
    if strange or relative.is_absolute() or not target.is_relative_to(home):
        raise ExportError(f"names {asset!r}, which lies outside its folder", path=layer)
    if not target.is_file():
        raise ExportError(f"names {asset!r}, which is not there", path=layer, todo="export the scene again")
    return target
