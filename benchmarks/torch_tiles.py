"""A rasterizer in nothing but vectorised torch, as fast as we could make one: the peer for those who have no compiler.

The torch backend is written to be read and weighs every Gaussian at every pixel of its rows.  This one makes lists of
Gaussians per tile, pads those of tiles with lists of like length to one tensor, and blends them at once; the running
product of transmittances is an exponential of a running sum, whose gradient is cheap.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.splats import Gaussians
from scan2sim.splats.rendering import Views, make_views
from scan2sim.splats.torch_backend import MAX_ALPHA, MIN_ALPHA, MIN_TRANSMITTANCE, _project, _Splats

__all__ = ["render"]

TILE = 8  # pixels on a side; 4 was as fast, 16 slower
PAIRS_AT_ONCE = 250_000  # so that what is computed one after the other stays in the cache


def render(gaussians: Gaussians, camera: Camera) -> Tensor:  # (H, W, 3)
    """Colours with gradients, with the meaning of :func:`scan2sim.splats.rasterize`."""
    views = make_views(gaussians, [camera])
    splats, _ = _project(gaussians, views, 0, None, torch.zeros(len(gaussians), 2))
    columns, rows = -(-views.width // TILE), -(-views.height // TILE)
    tiles, blended = [], []
    for tile, lists in _batches(*_tile_lists(splats, views, columns, rows), len(splats.ids)):
        tiles.append(tile)
        blended.append(_blend(splats, lists, tile % columns * TILE, tile // columns * TILE))
    image = torch.zeros(columns * rows, TILE * TILE, 3)
    if tiles:
        image = image.index_copy(0, torch.cat(tiles), torch.cat(blended))
    image = image.unflatten(0, (rows, columns)).unflatten(2, (TILE, TILE))
    return image.transpose(1, 2).flatten(2, 3).flatten(0, 1)[: views.height, : views.width]


def _tile_lists(splats: _Splats, views: Views, columns: int, rows: int) -> tuple[Tensor, Tensor]:
    """Splats of all tiles one after the other, each by depth, and how many there are of each."""
    with torch.no_grad():
        half_height = splats.half_heights
        half_width = (half_height * (splats.conics[:, 2] / splats.conics[:, 0]).sqrt()).ceil()
        half = torch.stack([half_width, half_height], 1)
        last = torch.tensor([columns - 1, rows - 1])
        low = ((splats.means2d - half) / TILE).floor().long().clamp_min(0)
        high = ((splats.means2d + half) / TILE).floor().long().minimum(last)
        wide, tall = (high - low + 1).clamp_min(0).unbind(1)
        count = wide * tall
        splat = torch.repeat_interleave(torch.arange(len(count)), count)
        place = torch.arange(len(splat)) - torch.repeat_interleave(count.cumsum(0) - count, count)
        x, y = low[splat, 0] + place % wide[splat], low[splat, 1] + place // wide[splat]
        tile = y * columns + x
        return splat[torch.sort(tile, stable=True).indices], torch.bincount(tile, minlength=columns * rows)


def _batches(splat: Tensor, count: Tensor, padding: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Tiles (T,) and their lists (T, M), filled up with ``padding``; tiles with long lists first."""
    begin = count.cumsum(0) - count
    order = torch.sort(count, descending=True).indices[: int((count > 0).sum())]
    while len(order):
        longest = int(count[order[0]])
        tiles, order = order.split([n := min(len(order), max(1, PAIRS_AT_ONCE // (longest * TILE**2))), len(order) - n])
        place = torch.arange(longest)
        inside = place < count[tiles, None]
        lists = splat[(begin[tiles, None] + place).clamp_max(len(splat) - 1)]
        yield tiles, torch.where(inside, lists, padding)


def _blend(splats: _Splats, lists: Tensor, left: Tensor, top: Tensor) -> Tensor:  # (T, TILE², 3)
    def of(values: Tensor) -> Tensor:  # (T, M, …), zeros for the padding
        return torch.cat([values, torch.zeros_like(values[:1])])[lists]

    means, conics, channels = of(splats.means2d), of(splats.conics), of(splats.channels)
    offsets = torch.arange(TILE) + 0.5
    x = left[:, None] + offsets.repeat(TILE)
    y = top[:, None] + offsets.repeat_interleave(TILE)
    dx, dy = x[:, :, None] - means[:, None, :, 0], y[:, :, None] - means[:, None, :, 1]
    a, b, c = conics[:, None].unbind(3)
    sigma = (0.5 * a * dx + b * dy) * dx + 0.5 * c * dy * dy
    alphas = (of(splats.opacities)[:, None] * torch.exp(-sigma)).clamp_max(MAX_ALPHA)
    alphas = torch.where((alphas >= MIN_ALPHA) & (sigma >= 0), alphas, 0.0)
    steps = torch.log1p(-alphas)
    after = steps.cumsum(2)
    weights = torch.where(after.exp() > MIN_TRANSMITTANCE, alphas * torch.exp(after - steps), 0.0)
    return weights @ channels
