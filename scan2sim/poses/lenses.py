"""Which frames were taken through the same lens: these share one set of intrinsics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scan2sim.capture import Frame

__all__ = ["Lens", "group_by_lens"]

SAME_FOCAL = 1.02  # focal lengths within 2 % are the same lens at the same zoom


@dataclass(frozen=True)
class Lens:
    """Frames with one image size and focal length."""

    width: int
    height: int
    focal_length: float | None  # [pixels] from EXIF
    frames: tuple[int, ...]  # indices, ascending


def group_by_lens(frames: Sequence[Frame]) -> list[Lens]:
    """One lens per image size and focal length; frames without EXIF join if their size has one focal length only."""
    sizes: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, frame in enumerate(frames):
        sizes[frame.width, frame.height].append(index)
    lenses = []
    for (width, height), indices in sizes.items():
        groups: list[tuple[float, list[int]]] = []
        unknown = []
        for index in sorted(indices, key=lambda i: (frames[i].focal_length or 0.0, i)):
            focal = frames[index].focal_length
            if focal is None:
                unknown.append(index)
            elif groups and focal <= groups[-1][0] * SAME_FOCAL:
                groups[-1][1].append(index)
            else:
                groups.append((focal, [index]))
        if len(groups) == 1:
            groups[0][1].extend(unknown)
        elif unknown:
            lenses.append(Lens(width, height, None, tuple(unknown)))
        lenses += [Lens(width, height, focal, tuple(sorted(group))) for focal, group in groups]
    return sorted(lenses, key=lambda lens: lens.frames)
