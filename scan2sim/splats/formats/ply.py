"""Splats as PLY files in the layout of Kerbl et al. 2023 (INRIA), which most viewers and trainers read.

Binary little endian, one vertex per Gaussian: ``x y z nx ny nz f_dc_0..2 f_rest_0.. opacity scale_0..2 rot_0..3``;
logit opacities, log scales, wxyz quaternions, SH of the higher bands channel by channel.  An ``int object_id`` may
follow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.errors import SceneError
from scan2sim.files import write_bytes
from scan2sim.splats.formats.arrays import Arrays, finite_gaussians
from scan2sim.splats.formats.ply_header import read_ply_element, read_ply_header
from scan2sim.splats.formats.quantize import LOGIT_LIMIT
from scan2sim.splats.gaussians import Gaussians

__all__ = ["read_ply", "write_ply"]

_MEANS = ("x", "y", "z")
_COLORS = tuple(f"f_dc_{i}" for i in range(3))
_SCALES = tuple(f"scale_{i}" for i in range(3))
_QUATS = tuple(f"rot_{i}" for i in range(4))


def write_ply(gaussians: Gaussians, path: Path) -> None:
    """Write Gaussians; the file is whole or absent.

    Raises:
        OutputError: it cannot be written there.
    """
    n, rest = len(gaussians), 3 * (gaussians.sh.shape[1] - 1)
    names = [*_MEANS, "nx", "ny", "nz", *_COLORS, *(f"f_rest_{i}" for i in range(rest)), "opacity", *_SCALES, *_QUATS]
    fields: list[tuple[str, str]] = [(name, "<f4") for name in names]
    if gaussians.object_ids is not None:
        fields.append(("object_id", "<i4"))
    vertices = np.zeros(n, dtype=fields)
    columns = {
        _MEANS: gaussians.means,
        _COLORS: gaussians.sh[:, 0],
        tuple(f"f_rest_{i}" for i in range(rest)): gaussians.sh[:, 1:].transpose(1, 2).flatten(1),
        ("opacity",): gaussians.opacity_logits[:, None],
        _SCALES: gaussians.log_scales,
        _QUATS: gaussians.quats,
    }
    for group, values in columns.items():
        block = values.detach().to("cpu", torch.float32).numpy()
        for i, name in enumerate(group):
            vertices[name] = block[:, i]
    if gaussians.object_ids is not None:
        vertices["object_id"] = gaussians.object_ids.detach().cpu().numpy()
    kinds = {"<f4": "float", "<i4": "int"}
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {n}"]
    lines += [f"property {kinds[kind]} {name}" for name, kind in fields]
    write_bytes(path, ("\n".join([*lines, "end_header"]) + "\n").encode("ascii") + vertices.tobytes())


def read_ply(path: Path) -> Gaussians:
    """Read Gaussians; properties may stand in any order, ones that are not needed are skipped.

    An infinite logit opacity, which converters write for an opacity of 0 or 1, becomes that of 1e-6 or 1 - 1e-6.

    Raises:
        SceneError: the file is missing, not such a PLY, cut off, or holds values that are not finite.
    """
    header = read_ply_header(path)
    element = header.find("vertex")
    if element is not None and not element.has_lists:
        _check_names(element.names, path)
    vertices = read_ply_element(path, header, "vertex")

    def block(names: tuple[str, ...]) -> NDArray[Any]:  # (N, len(names))
        with np.errstate(over="ignore"):  # of doubles; what is infinite then is refused
            columns = [vertices[name].astype(np.float32) for name in names]
        return np.stack(columns, -1) if columns else np.zeros((len(vertices), 0), np.float32)

    logits = block(("opacity",))[:, 0]
    rest = _rest(vertices.dtype.names or ())
    others = block(tuple(f"f_rest_{i}" for i in range(rest))).reshape(len(vertices), 3, rest // 3).transpose(0, 2, 1)
    ids = None
    if "object_id" in (vertices.dtype.names or ()):
        if vertices["object_id"].dtype.kind not in "iu":
            raise SceneError("object_id is not a whole number, expected an int property", path=path)
        ids = vertices["object_id"].astype(np.int32)
    return finite_gaussians(
        Arrays(
            means=block(_MEANS),
            quats=block(_QUATS),
            log_scales=block(_SCALES),
            opacity_logits=np.where(np.isinf(logits), np.copysign(LOGIT_LIMIT, logits), logits),
            sh=np.concatenate([block(_COLORS)[:, None], others], 1),
        ),
        path,
        ids,
    )


def _check_names(names: tuple[str, ...], path: Path) -> None:
    missing = [n for n in (*_MEANS, *_COLORS, "opacity", *_SCALES, *_QUATS) if n not in names]
    if missing:
        raise SceneError(
            f"no Gaussian splats: the properties {', '.join(missing)} are missing",
            path=path,
            todo="export splats in the INRIA layout (f_dc_*, opacity, scale_*, rot_*)",
        )
    rest = _rest(names)
    if rest not in (0, 9, 24, 45) or any(f"f_rest_{i}" not in names for i in range(rest)):
        raise SceneError(f"{rest} properties f_rest_*, expected f_rest_0 to f_rest_N of 0, 9, 24 or 45", path=path)


def _rest(names: tuple[str, ...]) -> int:
    return sum(name.startswith("f_rest_") for name in names)
