"""Which frames were taken through the same lens: these share one set of intrinsics, stated or to be found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scan2sim.cameras import Distortion, Intrinsics
from scan2sim.capture import Frame
from scan2sim.errors import PosesError

__all__ = ["LENS_MODELS", "Lens", "group_by_lens", "lens_parameters"]

SAME_FOCAL = 1.02  # focal lengths within 2 % are the same lens at the same zoom
ONE_FOCAL = 0.01  # relative difference of fx and fy up to which a model of one focal length fits
# COLMAP's models: how many focal lengths, how many coefficients
LENS_MODELS = {
    "PINHOLE": (2, 0),
    "SIMPLE_PINHOLE": (1, 0),
    "SIMPLE_RADIAL": (1, 1),
    "RADIAL": (1, 2),
    "OPENCV": (2, 4),
    "OPENCV_FISHEYE": (2, 4),
    "FULL_OPENCV": (2, 8),
    "SIMPLE_RADIAL_FISHEYE": (1, 1),
    "RADIAL_FISHEYE": (1, 2),
}


@dataclass(frozen=True)
class Lens:
    """Frames with one image size and focal length."""

    width: int
    height: int
    focal_length: float | None  # [pixels] from EXIF or stated
    frames: tuple[int, ...]  # indices, ascending
    model: str = "SIMPLE_RADIAL"  # one of LENS_MODELS
    parameters: tuple[float, ...] | None = None  # of that model, where a sensor or a data set states them


def group_by_lens(frames: Sequence[Frame]) -> list[Lens]:
    """One lens per image size and focal length; frames without EXIF join if their size has one focal length only.

    Frames whose intrinsics are stated make lenses of their own, with the median of what is stated for each.

    Raises:
        PosesError: distortion of an unknown model is stated.
    """
    sizes: dict[tuple[int, int], list[int]] = defaultdict(list)
    stated: dict[tuple[int, int, Distortion | None], list[tuple[float, int]]] = defaultdict(list)
    for index, frame in enumerate(frames):
        if frame.intrinsics is None:
            sizes[frame.width, frame.height].append(index)
        else:
            stated[frame.width, frame.height, frame.distortion].append((frame.intrinsics.fx, index))
    lenses = []
    for (width, height), indices in sizes.items():
        unknown = [i for i in indices if frames[i].focal_length is None]
        groups = _alike([(focal, i) for i in indices if (focal := frames[i].focal_length) is not None])
        if len(groups) == 1:
            groups[0][1].extend(unknown)
        elif unknown:
            lenses.append(Lens(width, height, None, tuple(unknown)))
        lenses += [Lens(width, height, focal, tuple(sorted(group))) for focal, group in groups]
    for (_, _, distortion), known in stated.items():
        lenses += [_stated(frames, sorted(group), distortion) for _, group in _alike(known)]
    return sorted(lenses, key=lambda lens: lens.frames)


def _alike(focals: list[tuple[float, int]]) -> list[tuple[float, list[int]]]:
    """Groups of indices by focal length, each with its smallest one."""
    groups: list[tuple[float, list[int]]] = []
    for focal, index in sorted(focals):
        if groups and focal <= groups[-1][0] * SAME_FOCAL:
            groups[-1][1].append(index)
        else:
            groups.append((focal, [index]))
    return groups


def _stated(frames: Sequence[Frame], group: list[int], distortion: Distortion | None) -> Lens:
    known = [k for i in group if (k := frames[i].intrinsics) is not None]
    fx, fy, cx, cy = (float(np.median([getattr(k, name) for k in known])) for name in ("fx", "fy", "cx", "cy"))
    first = frames[group[0]]
    if distortion is None or LENS_MODELS.get(distortion.model, (0, 0))[1] == 0:  # what little there is is found
        distortion = Distortion("SIMPLE_RADIAL", (0.0,))
        if abs(fx / fy - 1) > ONE_FOCAL:
            distortion = Distortion("OPENCV", (0.0,) * 4)
    elif LENS_MODELS[distortion.model][0] == 1 and abs(fx / fy - 1) > ONE_FOCAL:
        raise PosesError(f"{first.name}: {distortion.model} has one focal length, but fx {fx:g} and fy {fy:g}")
    k = Intrinsics(first.width, first.height, fx, fy, cx, cy)
    return Lens(k.width, k.height, (fx + fy) / 2, tuple(group), distortion.model, lens_parameters(k, distortion))


def lens_parameters(k: Intrinsics, distortion: Distortion) -> tuple[float, ...]:
    """Parameters of COLMAP's camera in its order: focal lengths, centre, coefficients."""
    focal = (k.fx, k.fy) if LENS_MODELS[distortion.model][0] == 2 else ((k.fx + k.fy) / 2,)
    return (*focal, k.cx, k.cy, *distortion.params)
