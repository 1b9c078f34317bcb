"""The ``.splat`` files of antimatter15's web viewer: 32 bytes per Gaussian, no header.

Position 3 × float32, standard deviations 3 × float32 (linear), red, green, blue and opacity as bytes, and the
quaternion wxyz as bytes ``128 + 128 q``.  Only the constant band of the spherical harmonics is kept, and no object
ids.  Coordinates are those of the PLY file that the viewer would have been given.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scan2sim.errors import SceneError
from scan2sim.files import write_bytes
from scan2sim.splats.formats.arrays import Arrays, arrays_of, finite_gaussians
from scan2sim.splats.formats.ply_header import MAX_GAUSSIANS
from scan2sim.splats.formats.quantize import logits_from_opacity_bytes, opacity_bytes, to_bytes, unit_quaternions
from scan2sim.splats.gaussians import SH_C0, Gaussians

__all__ = ["RECORD", "read_antimatter_splat", "write_antimatter_splat"]

RECORD = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("color", "u1", 3), ("opacity", "u1"), ("quat", "u1", 4)])
_SCALE_LIMITS = (float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max))


def write_antimatter_splat(gaussians: Gaussians, path: Path) -> None:
    """Write Gaussians in their order; the file is whole or absent.

    Positions are exact, scales to 1e-5 of themselves, colours (cut to 0..1) and opacities to 1/510, rotations to 1.2°.

    Raises:
        SceneError: a Gaussian holds values that are not finite.
        OutputError: it cannot be written there.
    """
    arrays = arrays_of(gaussians, path)
    records = np.zeros(len(gaussians), RECORD)
    records["mean"] = arrays.means
    with np.errstate(over="ignore"):
        records["scale"] = np.clip(np.exp(arrays.log_scales.astype(np.float64)), *_SCALE_LIMITS)
    records["color"] = to_bytes((arrays.sh[:, 0].astype(np.float64) * SH_C0 + 0.5) * 255)
    records["opacity"] = opacity_bytes(arrays.opacity_logits)
    records["quat"] = to_bytes(unit_quaternions(arrays.quats) * 128 + 128)
    write_bytes(path, records.tobytes())


def read_antimatter_splat(path: Path) -> Gaussians:
    """Read Gaussians of SH degree 0; a scale of 0 becomes the smallest float32, a zero quaternion the identity.

    Raises:
        SceneError: the file is missing, its size is no multiple of 32 bytes, or it holds values that are not finite.
    """
    try:
        size = path.stat().st_size
        if size % RECORD.itemsize or size > MAX_GAUSSIANS * RECORD.itemsize:
            raise SceneError(
                f"{size} bytes, expected a multiple of {RECORD.itemsize} for a .splat file, "
                f"at most {MAX_GAUSSIANS} Gaussians",
                path=path,
                todo="copy it again, or choose the suffix that says what it is",
            )
        with path.open("rb") as file:
            records = np.fromfile(file, RECORD, size // RECORD.itemsize)
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None
    scales = records["scale"]
    with np.errstate(invalid="ignore"):  # the logarithm of a negative number is refused below
        log_scales = np.log(np.where(scales == 0, _SCALE_LIMITS[0], scales))
    return finite_gaussians(
        Arrays(
            means=records["mean"],
            quats=unit_quaternions(records["quat"].astype(np.float64) - 128),
            log_scales=log_scales,
            opacity_logits=logits_from_opacity_bytes(records["opacity"]),
            sh=((records["color"] / 255 - 0.5) / SH_C0)[:, None],
        ),
        path,
    )
