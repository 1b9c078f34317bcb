"""A picture's holes are filled: smooth colours and grain go on from the rim, with grain of the picture in between."""

from __future__ import annotations

import numpy as np
from numpy.fft import irfft2, rfft2
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.fft import next_fast_len
from scipy.sparse.linalg import factorized

from scan2sim.objects.patch import grown

__all__ = ["fill_holes"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

COARSE = 8.0  # cells; structure wider than this is no grain
RIM = 10  # cells around a hole from which its grain goes on
MAX_RIM = 2000  # cells of the rim that are used, at most
NOISE = 0.05  # share of the grain's variance that is noise of its own in each cell
TEXTURE = 0.4  # share of the grain that is put where the rim tells nothing: 0 = blurred, 1 = as much as around
MISSING = 0.05  # share of a piece of texture that may be unknown


def fill_holes(
    color: Array,  # (rows, columns, 3)
    known: Mask,  # (rows, columns) cells whose colour is the picture's
    hole: Mask,  # (rows, columns) cells to be filled
) -> Array:  # (rows, columns, 3)
    """Fill holes so that neither the eye nor the mean square error minds much.

    The picture is smooth colour plus grain.  Smooth colour s minimises ``Σ_known (s - color)² + COARSE² |∇s|²``.  Grain
    g of known covariance is conditioned by kriging: the mean given the rim's grain r is ``K r``, which continues what
    has a direction or a period, and is zero far from the rim.  To it is added ``TEXTURE (e - K e_rim)``, where e is
    grain from the place of the picture whose rim is most like the hole's, so that no seam shows (Journel 1974,
    "Geostatistics for conditional simulation").  True grain that nobody saw cannot be known: grain of share t there
    costs ``1 + t²`` times the error of none, and none looks like a stain.
    """
    if not hole.any():
        return color
    known = known & ~hole
    smooth = _smooth(color, known)
    grain = np.where(known[..., None], color - smooth, 0.0)
    table = _autocovariance(grain.mean(-1), known)
    out = np.where(hole[..., None], smooth, color)
    patches, number = ndimage.label(grown(hole, 2))  # pyright: ignore[reportGeneralTypeIssues]
    for patch in range(1, number + 1):
        inner = hole & (patches == patch)
        rim = grown(inner, RIM) & known
        target, source = np.argwhere(inner), np.argwhere(rim)
        source = source[:: 1 + len(source) // MAX_RIM]
        if not len(source):
            continue
        own = _between(table, source, source)
        own[np.diag_indices_from(own)] *= 1 + NOISE
        value = grain[tuple(source.T)]
        shift = _most_alike(grain.mean(-1), known, target, source)
        other = grain[tuple((target + shift).T)] if shift is not None else np.zeros((len(target), 3))
        there = grain[tuple((source + shift).T)] if shift is not None else np.zeros_like(value)
        out[inner] += TEXTURE * other + _between(table, target, source) @ np.linalg.solve(own, value - TEXTURE * there)
    return out.clip(0, 1)


def _smooth(color: Array, known: Mask) -> Array:
    """Minimise ``Σ_known (s - color)² + COARSE² |∇s|²``: a blur where much is known, Laplace's equation elsewhere."""
    rows, columns = known.shape
    weight = known.ravel().astype(np.float64)
    steps = [sparse.eye_array(n - 1, n, k=1) - sparse.eye_array(n - 1, n) for n in (rows, columns)]
    down, right = sparse.kron(steps[0], sparse.eye_array(columns)), sparse.kron(sparse.eye_array(rows), steps[1])
    bending = COARSE**2 * (down.T @ down + right.T @ right)
    solve = factorized((sparse.diags_array(weight + 1e-9) + bending).tocsc())
    channels = [solve(weight * channel.ravel()) for channel in np.moveaxis(color, -1, 0)]
    return np.stack(channels, -1).reshape(color.shape)


def _autocovariance(grain: Array, known: Mask) -> Array:
    """Covariance of the grain by shift in rows and columns (negative ones from the end); a valid one by its making."""
    shape = _padded(grain)
    spectrum = np.abs(rfft2(np.where(known, grain, 0.0), shape)) ** 2
    return irfft2(spectrum, shape) / max(1, known.sum())


def _padded(picture: Array) -> tuple[int, int]:
    """A size at which shifted copies of a picture do not wrap around."""
    rows, columns = (int(next_fast_len(2 * n, True) or 2 * n) for n in picture.shape)
    return rows, columns


def _between(table: Array, a: NDArray[np.int64], b: NDArray[np.int64]) -> Array:  # (N, 2), (M, 2) to (N, M)
    return table[a[:, :1] - b[:, 0], a[:, 1:] - b[:, 1]]


def _most_alike(
    grain: Array, known: Mask, target: NDArray[np.int64], source: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """The shift (2,) of cells to the place where the grain around is most like the rim's; None when all is unknown."""
    rows, columns = grain.shape
    shape = _padded(grain)

    def correlate(pattern: Array, picture: Array) -> Array:  # Σ_x pattern(x) picture(x + shift)
        return irfft2(np.conj(rfft2(pattern, shape)) * rfft2(picture, shape), shape)

    wanted, rim = np.zeros(grain.shape), np.zeros(grain.shape)
    wanted[tuple(np.concatenate([target, source]).T)] = 1
    rim[tuple(source.T)] = 1
    missing = correlate(wanted, np.where(known, 0.0, 1.0))
    unlike = correlate(rim, grain * grain) - 2 * correlate(rim * grain, grain)
    cells = np.concatenate([target, source])
    low, high = -cells.min(0), np.array([rows, columns]) - 1 - cells.max(0)  # shifts that stay inside the picture
    dy, dx = (
        np.where(np.arange(n) < half, np.arange(n), np.arange(n) - n)
        for n, half in zip(shape, (rows, columns), strict=True)
    )
    inside = ((dy >= low[0]) & (dy <= high[0]))[:, None] & ((dx >= low[1]) & (dx <= high[1]))
    unlike = np.where(inside & (missing <= MISSING * len(cells)), unlike, np.inf)
    best = np.unravel_index(unlike.argmin(), unlike.shape)
    return np.array([dy[best[0]], dx[best[1]]]) if np.isfinite(unlike[best]) else None
