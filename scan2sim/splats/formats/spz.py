"""SPZ files (Niantic), about a tenth of the PLY's size: read in versions 2, 3 and 4, written in version 3.

Version 3 is what the viewers of 2025 and later read; version 4 is newer than many of them, version 2 has coarse
rotations.  Object ids are not kept.

**Axes.**  An SPZ file holds x right, y up, z back; a PLY file of splats by custom x right, y down, z forward.  As in
the reference's conversion from RDF to RUB, ``write_spz`` turns what would stand in the PLY file by 180° about x and
``read_spz`` turns it back: y and z of positions and quaternions change sign, and each spherical harmonic that is odd
in (y, z).  So a scene looks the same from both files where a viewer keeps to these customs.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import SceneError
from scan2sim.files import write_bytes
from scan2sim.splats.formats.arrays import Arrays, arrays_of, finite_gaussians
from scan2sim.splats.formats.quantize import (
    logits_from_opacity_bytes,
    opacity_bytes,
    quaternions_from_smallest_three,
    round_away,
    smallest_three,
    to_bytes,
    unit_quaternions,
)
from scan2sim.splats.formats.spz_container import SpzStreams, pack_spz, unpack_spz
from scan2sim.splats.gaussians import Gaussians

__all__ = ["encode_spz", "read_spz", "write_spz"]

VERSION = 3
COLOR_SCALE = 0.15  # of the constant harmonic, so that colours from -0.44 to 1.44 fit
STEPS = 1022  # of a rotation's component: sign and 9 bits, in the units of smallest_three
BUCKETS = np.array([8] * 3 + [16] * 12)[:, None]  # levels of 1/128 that one bucket of a harmonic spans
HALF_TURN = np.array([1, -1, -1])  # about x, on positions
HALF_TURN_QUATS = np.array([1, 1, -1, -1])  # on wxyz
HALF_TURN_SH = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1])[:, None]


def write_spz(gaussians: Gaussians, path: Path, *, fractional_bits: int = 14) -> None:
    """Write Gaussians in their order; the file is whole or absent.

    Largest errors: positions 0.03 mm (within ±511 m; twice that for each doubling), scales 3.2 % within 4.5e-5 to
    380 m, opacity 1/510, base colour 1/270 within -0.44 to 1.44, rotations 0.24°, but 0.4° where two components tie for
    the largest, harmonics 4.5/128 in degree 1 and 8.5/128 in degrees 2 and 3 within ±1; what lies beyond is cut.

    Args:
        gaussians: what to write.
        path: the file, by custom ``*.spz``.
        fractional_bits: of the 24 of a position [1/m]; fewer are taken where the scene is too large.  Niantic's library
            takes 12, steps of 0.24 mm, which on a table-top scene costs 1 dB and saves 6 % of the file.

    Raises:
        SceneError: a Gaussian holds values that are not finite, or lies more than 8000 km away.
        OutputError: it cannot be written there.
    """
    write_bytes(path, encode_spz(gaussians, path, fractional_bits=fractional_bits))


def encode_spz(gaussians: Gaussians, path: Path, *, fractional_bits: int = 14) -> bytes:
    """The bytes that :func:`write_spz` writes; ``path`` is named in errors.

    Raises:
        SceneError: a Gaussian holds values that are not finite, or lies more than 8000 km away.
    """
    arrays = arrays_of(gaussians, path)
    bits = _fitting_bits(arrays.means, fractional_bits, path)
    fixed = round_away(arrays.means * HALF_TURN * 2.0**bits).astype("<i4") << 8
    index, numbers = smallest_three((unit_quaternions(arrays.quats) * HALF_TURN_QUATS)[:, [1, 2, 3, 0]], STEPS)
    word = index.astype(np.uint32)
    for axis in range(3):
        word = (
            word << 10 | (numbers[:, axis] < 0).astype(np.uint32) << 9 | np.abs(numbers[:, axis]).astype(np.uint32) // 2
        )
    rest = round_away(arrays.sh[:, 1:] * HALF_TURN_SH[1 : arrays.sh.shape[1]] * 128.0) + 128
    buckets = BUCKETS[: rest.shape[1]]
    harmonics = np.clip((rest + buckets // 2) // buckets * buckets, 0, 255).astype(np.uint8)
    n = len(arrays.means)
    streams = SpzStreams(
        version=VERSION,
        degree=gaussians.sh_degree,
        fractional_bits=bits,
        positions=fixed.view(np.uint8).reshape(n, 3, 4)[:, :, 1:].reshape(n, 9),
        alphas=opacity_bytes(arrays.opacity_logits)[:, None],
        colors=to_bytes(arrays.sh[:, 0] * (COLOR_SCALE * 255.0) + 127.5),
        scales=to_bytes((arrays.log_scales + 10.0) * 16.0),
        rotations=word.astype("<u4").view(np.uint8).reshape(n, 4),
        harmonics=harmonics.reshape(n, 3 * rest.shape[1]),
    )
    return pack_spz(streams)


def read_spz(path: Path) -> Gaussians:
    """Read Gaussians of versions 2, 3 and 4, in the order of the file; whether it was trained antialiased is not kept.

    Raises:
        SceneError: the file is missing, not SPZ of these versions, cut off or damaged, claims more Gaussians than it
            can hold, has harmonics of degree 4, or axes other than right, up, back.
    """
    streams = unpack_spz(path)
    n = len(streams.alphas)
    fixed = np.zeros((n, 3, 4), np.uint8)
    fixed[:, :, 1:] = streams.positions.reshape(n, 3, 3)
    steps = fixed.view("<i4")[:, :, 0] >> 8  # keeps the sign
    sh = np.empty((n, (streams.degree + 1) ** 2, 3), np.float32)
    sh[:, 0] = (streams.colors / 255.0 - 0.5) / COLOR_SCALE
    sh[:, 1:] = (streams.harmonics.reshape(n, sh.shape[1] - 1, 3) - np.float32(128)) / 128
    quats = _first_three(streams.rotations) if streams.version == 2 else _largest_left_out(streams.rotations)
    return finite_gaussians(
        Arrays(
            means=steps / 2.0**streams.fractional_bits * HALF_TURN,
            quats=quats * HALF_TURN_QUATS,
            log_scales=streams.scales / 16.0 - 10.0,
            opacity_logits=logits_from_opacity_bytes(streams.alphas[:, 0]),
            sh=sh * HALF_TURN_SH[: sh.shape[1]],
        ),
        path,
    )


def _fitting_bits(means: NDArray[Any], wanted: int, path: Path) -> int:
    """As many as wanted, or as the farthest position leaves in 24 bits."""
    farthest = float(np.abs(means).max(initial=0))
    for bits in range(wanted, -1, -1):
        if math.floor(farthest * 2.0**bits + 0.5) < 1 << 23:
            return bits
    raise SceneError(
        f"a Gaussian lies {farthest:.3g} m from the origin, an SPZ file reaches {1 << 23} m",
        path=path,
        todo="leave such Gaussians out, or write a .ply",
    )


def _first_three(
    rotations: NDArray[np.uint8],  # (N, 3)
) -> NDArray[np.float64]:  # (N, 4) wxyz
    """Version 2: x, y, z over -1..1, and a w that is not negative."""
    vector = rotations / 127.5 - 1
    return np.concatenate([np.sqrt(np.maximum(0, 1 - (vector**2).sum(1, keepdims=True))), vector], 1)


def _largest_left_out(
    rotations: NDArray[np.uint8],  # (N, 4)
) -> NDArray[np.float64]:  # (N, 4) wxyz
    """Versions 3 and 4: which of x, y, z, w is left out, and sign and size of the others."""
    word = np.ascontiguousarray(rotations).view("<u4")[:, 0]
    fields = np.stack([word >> np.uint32(shift) & np.uint32(1023) for shift in (20, 10, 0)], -1).astype(np.int64)
    numbers = np.where(fields & 512, -1, 1) * (fields & 511) * 2
    return quaternions_from_smallest_three(word >> np.uint32(30), numbers, STEPS)[:, [3, 0, 1, 2]]
