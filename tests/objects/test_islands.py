"""Holes in what views show of a thing: given to it where they look like it, left where one sees through."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import trimesh

from scan2sim.objects.islands import without_islands
from scan2sim.objects.views import View
from tests.objects.test_symmetry import PLANE, UNIT, cameras, photograph

WOOD, TABLE = torch.tensor([0.25, 0.15, 0.1]), torch.tensor([0.6, 0.5, 0.4])


def slab() -> tuple[View, torch.Tensor]:
    """A dark slab, 1 cm high, on a light table."""
    (view,), (mask,) = photograph(
        trimesh.creation.box(bounds=[(-0.06, -0.05, 0), (0.06, 0.05, 0.01)]), cameras(40, 50, 1)
    )
    noise = 0.02 * torch.rand((*mask.shape, 1), generator=torch.Generator().manual_seed(0))
    return replace(view, color=torch.where(mask[..., None], WOOD, TABLE) + noise), mask


def pierced(view: View, mask: torch.Tensor, behind: float, color: torch.Tensor | None) -> tuple[View, torch.Tensor]:
    """The same with a hole in the middle, which shows something so far behind the slab [m]."""
    hole = torch.zeros_like(mask)
    y, x = mask.nonzero().float().mean(0).long().tolist()
    hole[y - 6 : y + 6, x - 9 : x + 9] = True
    assert mask[hole].all()
    seen = view.color if color is None else torch.where(hole[..., None], color, view.color)
    return replace(view, depth=torch.where(hole, view.depth + behind, view.depth), color=seen), hole


@pytest.mark.parametrize("behind", [0.0, 0.004, 0.015])
def test_what_has_sunk_but_looks_like_the_thing_is_the_thing(behind: float) -> None:
    true, mask = slab()
    view, hole = pierced(true, mask, behind, None)
    (picture,), (after,), count = without_islands([(mask & ~hole).long()], [view], PLANE, UNIT)
    assert count == int(hole.sum())
    torch.testing.assert_close(picture, mask.long())
    assert (after.depth - true.depth)[hole].abs().max() < 2e-4  # on the plane through the hole's rim
    torch.testing.assert_close(after.depth[~hole], view.depth[~hole])


def test_what_is_nearer_than_the_rim_s_plane_stays_where_it_is() -> None:
    view, hole = pierced(*slab(), -0.003, None)
    mask = slab()[1]
    (picture,), (after,), _ = without_islands([(mask & ~hole).long()], [view], PLANE, UNIT)
    torch.testing.assert_close(picture, mask.long())
    torch.testing.assert_close(after.depth, view.depth)


@pytest.mark.parametrize(("behind", "color"), [(0.01, TABLE), (0.06, None)])
def test_what_looks_like_the_table_or_is_far_behind_is_seen_through_a_hole(
    behind: float, color: torch.Tensor | None
) -> None:
    view, hole = pierced(*slab(), behind, color)
    before = (slab()[1] & ~hole).long()
    (picture,), (after,), count = without_islands([before], [view], PLANE, UNIT)
    assert count == 0
    torch.testing.assert_close(picture, before)
    torch.testing.assert_close(after.depth, view.depth)


def test_another_thing_inside_and_bays_stay_as_they_are() -> None:
    view, mask = slab()
    _, hole = pierced(view, mask, 0.0, None)
    other = torch.where(hole, 2, mask.long())
    rows = torch.arange(len(mask))[:, None]
    bay = torch.where(hole | (hole.any(0) & (rows > hole.nonzero()[:, 0].max())), 0, mask.long())
    for picture in (other, bay):
        (after,), _, count = without_islands([picture], [view], PLANE, UNIT)
        assert count == 0
        torch.testing.assert_close(after, picture)


@pytest.mark.parametrize("behind", [0.0, 0.005, 0.03])
def test_what_a_thing_has_within_its_support_is_raised_to_its_rim(behind: float) -> None:
    true, mask = slab()
    view, hole = pierced(true, mask, behind, None)
    (picture,), (after,), count = without_islands([mask.long()], [view], PLANE, UNIT)
    assert count == 0
    torch.testing.assert_close(picture, mask.long())
    raised = hole & (PLANE.height(view.points()[0]) < PLANE.noise)
    assert raised.any() == (behind > 0.01)
    assert (after.depth - true.depth)[raised].abs().max() < 2e-4 if raised.any() else True
    torch.testing.assert_close(after.depth[~raised], view.depth[~raised])
