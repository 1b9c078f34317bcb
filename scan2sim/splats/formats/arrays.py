"""Between Gaussians and the numpy arrays that a file's numbers come in; only finite numbers pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.errors import SceneError
from scan2sim.splats.gaussians import Gaussians

__all__ = ["Arrays", "arrays_of", "finite_gaussians"]


class Arrays(NamedTuple):
    """The parameters of N Gaussians, with the meaning they have in :class:`Gaussians`."""

    means: NDArray[Any]  # (N, 3) [m]
    quats: NDArray[Any]  # (N, 4) wxyz
    log_scales: NDArray[Any]  # (N, 3)
    opacity_logits: NDArray[Any]  # (N,)
    sh: NDArray[Any]  # (N, K, 3)


def arrays_of(gaussians: Gaussians, path: Path) -> Arrays:
    """The parameters as float32, to be written to ``path`` in a format that has no NaN and infinity.

    Raises:
        SceneError: a Gaussian holds values that are not finite.
    """
    tensors = (getattr(gaussians, name) for name in Arrays._fields)
    arrays = Arrays(*(tensor.detach().to("cpu", torch.float32).numpy() for tensor in tensors))
    _refuse_not_finite(arrays, path, "leave them out")
    return arrays


def finite_gaussians(
    arrays: Arrays,
    path: Path,
    object_ids: NDArray[np.int32] | None = None,  # (N,)
) -> Gaussians:
    """Gaussians of what was read from ``path``.

    Raises:
        SceneError: values that are not finite as float32.
    """
    with np.errstate(over="ignore"):
        single = Arrays(*(np.ascontiguousarray(values, dtype=np.float32) for values in arrays))
    _refuse_not_finite(single, path, "export it again without them")
    return Gaussians(
        *(torch.from_numpy(values) for values in single),
        object_ids=None if object_ids is None else torch.from_numpy(object_ids),
    )


def _refuse_not_finite(arrays: Arrays, path: Path, todo: str) -> None:
    bad = np.zeros(len(arrays.means), dtype=bool)
    for values in arrays:
        bad |= ~np.isfinite(values).reshape(len(bad), -1).all(1) if len(bad) else bad
    if bad.any():
        raise SceneError(
            f"{int(bad.sum())} of {len(bad)} Gaussians hold values that are not finite", path=path, todo=todo
        )
