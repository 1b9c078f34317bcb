"""A capture on disk: ``capture.json`` beside the images, with relative paths."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from scan2sim.cameras import Distortion, Intrinsics
from scan2sim.capture.frames import Capture, DroppedFile, Frame
from scan2sim.errors import CaptureError
from scan2sim.files import read_json, write_json

__all__ = ["load_capture", "save_capture"]

FILE_NAME = "capture.json"
FORMAT, VERSION = "scan2sim.capture", 2
_PATHS = ("image", "depth", "confidence")


def save_capture(capture: Capture, folder: Path) -> None:
    """Write ``folder/capture.json``; the capture's files have to lie in ``folder``."""
    entries = []
    for frame in capture.frames:
        entry: dict[str, Any] = dict(vars(frame))
        for key in _PATHS:
            if entry[key] is not None:
                entry[key] = entry[key].relative_to(folder).as_posix()
        entry["intrinsics"] = frame.intrinsics and vars(frame.intrinsics)
        entry["distortion"] = frame.distortion and vars(frame.distortion)
        entries.append(entry)
    header = {"format": FORMAT, "version": VERSION}
    header |= {"source": capture.source, "device": capture.device, "licence": capture.licence}
    dropped = [vars(file) for file in capture.dropped]
    header |= {"warnings": list(capture.warnings)}
    write_json(folder / FILE_NAME, {**header, "frames": entries, "dropped": dropped})


def load_capture(folder: Path) -> Capture:
    """Read what :func:`save_capture` wrote.

    Raises:
        CaptureError: ``capture.json`` is missing or damaged, or names a file that is missing or outside ``folder``.
    """
    path = folder / FILE_NAME
    data = read_json(path, CaptureError)
    try:
        if data["format"] != FORMAT or data["version"] != VERSION:
            raise ValueError(f"{data['format']} version {data['version']}, expected {FORMAT} version {VERSION}")
        frames = tuple(_frame(entry, folder) for entry in data["frames"])
        dropped = tuple(DroppedFile(str(entry["name"]), str(entry["reason"])) for entry in data["dropped"])
        warnings = tuple(str(warning) for warning in data["warnings"])
        return Capture(frames, str(data["source"]), dropped, data["device"], data["licence"], warnings)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise CaptureError(f"damaged ({problem})", path=path, todo="run the capture stage again") from problem


def _frame(entry: dict[str, Any], folder: Path) -> Frame:
    values = {field.name: entry[field.name] for field in fields(Frame)}
    for key in _PATHS:
        if values[key] is not None:
            file = folder / values[key]
            if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
                raise ValueError(f"{values[key]} is missing")
            values[key] = file
    values["flags"] = tuple(values["flags"])
    values["intrinsics"] = values["intrinsics"] and Intrinsics(**values["intrinsics"])
    if lens := values["distortion"]:
        values["distortion"] = Distortion(str(lens["model"]), tuple(float(value) for value in lens["params"]))
    if values["world_from_camera"] is not None:
        values["world_from_camera"] = np.array(values["world_from_camera"], dtype=np.float64)
    if values["gravity"] is not None:
        values["gravity"] = tuple(values["gravity"])
    return Frame(**values)
