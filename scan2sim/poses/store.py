"""A posed capture on disk: ``cameras.json``, ``points.npz`` and ``posed.json`` beside ``images/``."""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import CameraFrame, read_cameras, write_cameras
from scan2sim.errors import PosesError
from scan2sim.files import read_json, write_bytes, write_json
from scan2sim.poses.posed import Gravity, PosedCapture, PosedFrame, Scale

__all__ = ["load_posed", "save_posed"]

FORMAT, VERSION = "scan2sim.posed", 1
TODO = "run the poses stage again"


def save_posed(posed: PosedCapture, folder: Path) -> None:
    """Write a posed capture whose images lie in ``folder``."""
    cameras = [CameraFrame(frame.image.relative_to(folder).as_posix(), frame.camera) for frame in posed.frames]
    write_cameras(folder / "cameras.json", tuple(cameras))
    arrays = BytesIO()
    named: dict[str, Any] = {"points": posed.points, "colors": posed.point_colors}
    if posed.observations is not None:
        named["observations"] = posed.observations
    np.savez_compressed(arrays, **named)
    write_bytes(folder / "points.npz", arrays.getvalue())
    write_json(
        folder / "posed.json",
        {
            "format": FORMAT,
            "version": VERSION,
            "frames": [_entry(frame, folder) for frame in posed.frames],
            "scale": vars(posed.scale),
            "gravity": vars(posed.gravity),
            "unregistered": posed.unregistered,
            "steps": posed.steps,
            "warnings": posed.warnings,
            "support_normal": posed.support_normal,
            "rendered": posed.rendered,
        },
    )


def _entry(frame: PosedFrame, folder: Path) -> dict[str, object]:
    paths = {"depth": frame.depth, "confidence": frame.confidence}
    files = {kind: path.relative_to(folder).as_posix() for kind, path in paths.items() if path is not None}
    return {"name": frame.name, "residual": frame.residual, **files}


def load_posed(folder: Path) -> PosedCapture:
    """Read what :func:`save_posed` wrote.

    Raises:
        PosesError: a file is missing, damaged, or does not fit the others.
    """
    path = folder / "posed.json"
    data = read_json(path, PosesError)
    cameras = read_cameras(folder / "cameras.json")
    points, colors, observations = _read_points(folder / "points.npz")
    try:
        if data["format"] != FORMAT or data["version"] != VERSION:
            raise ValueError(f"{data['format']} version {data['version']}, expected {FORMAT} version {VERSION}")
        if observations is not None and (observations < 0).any() | (observations >= [len(cameras), len(points)]).any():
            raise ValueError("points.npz names frames or points that do not exist")
        frames = tuple(_frame(entry, camera, folder) for entry, camera in zip(data["frames"], cameras, strict=True))
        return PosedCapture(
            frames,
            points,
            colors,
            Scale(**_with_tuple(data["scale"])),
            Gravity(**_with_tuple(data["gravity"])),
            tuple(data["unregistered"]),
            tuple(data["steps"]),
            tuple(data["warnings"]),
            observations,
            _direction(data.get("support_normal", (0.0, 0.0, 1.0))),  # older files lack it
            data.get("rendered") is True,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise PosesError(f"damaged ({problem})", path=path, todo=TODO) from problem


def _with_tuple(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "evidence": tuple(dict(each) for each in found.get("evidence", ()))}


def _direction(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    if not abs(np.linalg.norm([x, y, z]) - 1) < 1e-6:
        raise ValueError("support_normal is no unit vector")
    return x, y, z


def _frame(entry: dict[str, object], camera: CameraFrame, folder: Path) -> PosedFrame:
    residual = entry["residual"]
    depth, confidence = (entry.get(kind) for kind in ("depth", "confidence"))
    return PosedFrame(
        _inside(folder, camera.file),
        str(entry["name"]),
        camera.camera,
        float("nan") if residual is None else float(str(residual)),
        None if depth is None else _inside(folder, str(depth)),
        None if confidence is None else _inside(folder, str(confidence)),
    )


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise ValueError(f"{name} is missing")
    return path


def _read_points(path: Path) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.int32] | None]:
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            points, colors = arrays["points"], arrays["colors"]
            observations = arrays.get("observations")  # older files lack them
    except (OSError, EOFError, KeyError, ValueError, IndexError, zipfile.BadZipFile, zlib.error) as problem:
        raise PosesError(f"damaged or missing ({problem})", path=path, todo=TODO) from problem
    if points.shape != colors.shape or points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise PosesError("does not hold points and colours of shape (P, 3)", path=path, todo=TODO)
    if observations is not None:
        if observations.ndim != 2 or observations.shape[1] != 2 or observations.dtype.kind not in "iu":
            raise PosesError("does not hold observations of shape (M, 2)", path=path, todo=TODO)
        observations = observations.astype(np.int32)
    return points.astype(np.float64), colors.astype(np.uint8), observations
