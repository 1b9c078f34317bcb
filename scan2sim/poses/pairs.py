"""Which photos are matched with which."""

from __future__ import annotations

__all__ = ["choose_pairs"]

NEIGHBOURS = 10  # on either side in capture order
KEY_PHOTOS = 40  # all matched with each other, which closes loops


def choose_pairs(count: int, exhaustive_up_to: int) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, sorted: all of them for small captures.

    Larger ones are matched with their neighbours in capture order, with photos 16, 32, 64, … later, and through a net
    of evenly spread key photos that are all matched with each other.  The number of pairs grows linearly.
    """
    if count <= exhaustive_up_to:
        return [(i, j) for i in range(count) for j in range(i + 1, count)]
    offsets = [*range(1, NEIGHBOURS + 1)]
    step = 16
    while step < count:
        offsets.append(step)
        step *= 2
    pairs = {(i, i + offset) for offset in offsets for i in range(count - offset)}
    keys = sorted({round(k * (count - 1) / (KEY_PHOTOS - 1)) for k in range(KEY_PHOTOS)})
    pairs |= {(i, j) for i in keys for j in keys if i < j}
    return sorted(pairs)
