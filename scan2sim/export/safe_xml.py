"""Is an MJCF or URDF file harmless to open?  MuJoCo itself reads absolute paths, ``../``, URLs and includes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from scan2sim.errors import ExportError

__all__ = ["refuse_unsafe_model"]

MAX_XML_BYTES = 64 << 20
FORBIDDEN = {"include", "plugin", "extension", "model", "attach"}  # they load other files or code


def refuse_unsafe_model(path: Path) -> None:
    """Refuse a model file that is too large, declares a document type, or names files outside its folder.

    Raises:
        ExportError: with what is wrong.
    """
    try:
        if path.stat().st_size > MAX_XML_BYTES:
            raise ExportError(f"larger than {MAX_XML_BYTES >> 20} MiB", path=path)
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ExportError("no such model file", path=path, todo="export the scene again") from None
    except UnicodeDecodeError:
        raise ExportError("the model file is not UTF-8 text", path=path) from None
    if "\0" in text or "<!" in text.replace("<!--", ""):
        raise ExportError("the model file declares a document type or entities, which is refused", path=path)
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, RecursionError) as problem:
        raise ExportError(f"the model file is not XML ({problem})", path=path) from None
    for element in root.iter():
        if element.tag in FORBIDDEN:
            raise ExportError(f"the model file has a <{element.tag}>, which is refused", path=path)
    folders = [""] + [v for e in root.iter("compiler") for k, v in e.attrib.items() if k.endswith("dir")]
    for element in root.iter():
        for key, value in element.attrib.items():
            if key.startswith("file"):
                for folder in folders:
                    _refuse_outside(path, PurePosixPath(folder) / value)


def _refuse_outside(model: Path, file: PurePosixPath) -> None:
    inside = not file.is_absolute() and ".." not in file.parts and not set("\\:") & set(str(file))
    if not inside or not (model.parent / file).resolve().is_relative_to(model.parent.resolve()):
        raise ExportError(f"the model names {str(file)!r}, which lies outside its folder", path=model)
