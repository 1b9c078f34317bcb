"""Where a robot's links were while a body was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import solid_of_word
from scan2sim.sim import CONTACT

__all__ = ["RecordedLinks", "links_of"]

Array = NDArray[np.float64]
MOST = 64
ARRAYS = ("links", "shapes", "link_position", "link_wxyz", "link_friction")
UNIT_TOLERANCE = 0.01


@dataclass(frozen=True)
class RecordedLinks:
    """K links of a robot in each episode."""

    names: tuple[str, ...]
    shapes: tuple[str, ...]  # K solids: box:AxBxC, sphere:R, cylinder:RxH [m]
    position: tuple[Array, ...]  # (T, K, 3) [m] of each episode
    wxyz: tuple[Array, ...]  # (T, K, 4)
    friction: Array  # (K,) against the body


def links_of(arrays: dict[str, Any], offsets: Sequence[int]) -> RecordedLinks | str | None:
    """The links that an npz file tells: None if it tells none, or what is wrong with them.

    Raises:
        UsageError: a shape is no solid.
    """
    given = [name for name in ARRAYS if name in arrays]
    if not given:
        return None
    missing = [name for name in ARRAYS[:3] if name not in arrays]
    if missing:
        return f"it has {', '.join(given)}, but not {', '.join(missing)}"
    names, shapes = (tuple(str(word) for word in np.atleast_1d(arrays[name])) for name in ("links", "shapes"))
    if not 0 < len(names) <= MOST or len(set(names)) < len(names) or len(shapes) != len(names):
        return f"its links need 1 to {MOST} different names, and a shape each"
    for shape in shapes:
        solid_of_word(shape)
    rows = offsets[-1]
    position = arrays["link_position"]
    wxyz = arrays.get("link_wxyz", np.tile([1.0, 0, 0, 0], (rows, len(names), 1)))
    if position.shape != (rows, len(names), 3) or wxyz.shape != (rows, len(names), 4):
        return f"its links' poses have shapes {position.shape} and {wxyz.shape}, not ({rows}, {len(names)}, 3 and 4)"
    if not (np.isfinite(position).all() and np.isfinite(wxyz).all()):
        return "its links' poses are not finite everywhere"
    lengths = np.linalg.norm(wxyz, axis=-1)
    if np.abs(lengths - 1).max() > UNIT_TOLERANCE:
        return "link_wxyz holds no unit quaternions"
    friction = np.asarray(arrays.get("link_friction", np.full(len(names), CONTACT.pusher_friction)), np.float64)
    if friction.shape != (len(names),) or not (np.isfinite(friction).all() and (friction >= 0).all()):
        return "link_friction needs one number, not below 0, of each link"
    cuts = [slice(first, last) for first, last in pairwise(offsets)]
    wxyz = wxyz / lengths[..., None]
    return RecordedLinks(
        names,
        shapes,
        tuple(position[cut].astype(np.float64) for cut in cuts),
        tuple(wxyz[cut].astype(np.float64) for cut in cuts),
        friction,
    )
