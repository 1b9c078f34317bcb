"""Masks from another source: what is asked, what is believed, and what the lifting makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from scan2sim.objects import ObjectsConfig, Prompt, build_scene
from scan2sim.objects.borders import move_borders
from scan2sim.objects.masks import ask_masks
from scan2sim.objects.prompts import prompts_for
from scan2sim.objects.rims import Rim
from scan2sim.objects.separate import VoxelLabels, label_gaussians, repaint
from scan2sim.objects.support import SupportPlane, find_support
from scan2sim.objects.things import Things, find_things
from scan2sim.objects.touching import Apart, Territories
from scan2sim.objects.views import View, render_views
from scan2sim.scene import validate_scene
from scan2sim.splats import Gaussians, concatenate
from tests.objects.sphere import PLANE
from tests.objects.test_build import cameras, posed, table
from tests.scene.factory import splats_on

CONFIG = ObjectsConfig(mesh_faces=600, mesh_cells=32)
BRIM = 0.04  # radius [m]
UNIT = 0.5  # camera distance [m]


class Answers:
    """A source that knows, for each view in turn, which pixels show what; in wrong views it says the contrary."""

    name = "answers"

    def __init__(self, pictures: list[Tensor], wrong: Sequence[int] = ()) -> None:
        self._views = iter([(picture, i in wrong) for i, picture in enumerate(pictures)])
        self.asked = 0

    def ask(self, photo: Tensor, prompts: Sequence[Prompt]) -> Tensor:
        picture, lies = next(self._views)
        assert photo.shape[:2] == picture.shape
        self.asked += len(prompts)
        masks = []
        for prompt in prompts:
            x, y = prompt.inside.long().unbind(1)
            masks.append((picture == picture[y, x].mode().values) ^ lies)
        return torch.where(torch.stack(masks), 4.0, -4.0)


def test_prompts_lie_deep_in_each_object_and_in_its_neighbours() -> None:
    picture = torch.zeros(60, 100, dtype=torch.int64)
    picture[10:40, 20:50] = 1
    picture[10:40, 50:70] = 2
    picture[50:54, 90:94] = 3  # too little to ask about
    first, second = prompts_for(picture)
    assert (first.number, second.number) == (1, 2)
    assert first.box == (20.0, 10.0, 50.0, 40.0)
    assert first.inside[0].tolist() == pytest.approx([35, 25], abs=1.1)
    assert torch.cdist(first.inside, first.inside).fill_diagonal_(9).min() > 5
    for prompt, other in ((first, 2), (second, 1)):
        column, row = prompt.inside.long().unbind(1)
        assert (picture[row, column] == prompt.number).all()
        column, row = prompt.outside.long().unbind(1)
        assert (picture[row, column] == other).all()
    assert len(first.outside) == len(second.outside) == 1


def hat() -> tuple[Gaussians, Tensor]:
    """A ball on a brim that geometry cannot tell from the table; 0, 1, 2 for Gaussians of the table, ball and brim."""
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    ball.apply_translation([0, 0, 0.032])
    brim = trimesh.creation.cylinder(radius=BRIM, height=0.002)
    brim.apply_translation([0, 0, 0.0015])
    parts = [table(), splats_on(ball, 6000, (60, 140, 50)), splats_on(brim, 6000, (200, 60, 50))]
    return concatenate(parts), torch.tensor([0] * len(parts[0]) + [1] * 6000 + [2] * 6000)


@dataclass(frozen=True)
class Hatted:
    """The hat as its cameras see it."""

    splats: Gaussians
    truth: Tensor  # (N,) which Gaussians are the hat
    views: list[View]
    pictures: list[Tensor]  # which pixels show it
    plane: SupportPlane

    def things(self, source: Answers | None = None, config: ObjectsConfig = CONFIG) -> Things:
        photos = [view.color for view in self.views]
        return find_things(self.views, photos, self.splats, self.plane, UNIT, config, source)

    def right(self, things: Things) -> float:
        """Share of the brim's Gaussians that paint something and are the hat's."""
        brim = (self.truth == 2) & (things.weight > 1)
        return (things.labels[brim] == 1).float().mean().item()

    def worst(self, things: Things) -> float:
        """Least intersection over union of a view with the truth."""
        overlaps = []
        for picture, truth in zip(things.apart.pixels, self.pictures, strict=True):
            a, b = picture == 1, truth == 1
            overlaps.append(((a & b).sum() / (a | b).sum()).item())
        return min(overlaps)


@pytest.fixture(scope="module")
def hatted() -> Hatted:
    splats, truth = hat()
    views = render_views(splats, cameras(12), CONFIG.view_size)
    pictures = repaint(splats, truth.clamp_max(1), views)
    return Hatted(splats, truth, views, pictures, find_support(views, UNIT, 0))


@pytest.fixture(scope="module")
def blind(hatted: Hatted) -> Things:
    """What geometry finds alone."""
    return hatted.things()


def test_true_masks_find_what_is_too_low_for_geometry(hatted: Hatted, blind: Things) -> None:
    source = Answers(hatted.pictures)
    things = hatted.things(source)
    assert things.masks is not None
    assert (things.masks.used, things.masks.refused) == (source.asked, 0)
    assert source.asked == len(hatted.views)
    assert hatted.worst(things) > 0.97 > 0.9 > hatted.worst(blind)
    assert hatted.right(things) > 0.95 > 0.5 > hatted.right(blind)
    table = (hatted.truth == 0) & (things.labels > 0)
    assert table.sum() < 0.01 * (hatted.truth == 0).sum()


def test_wrong_masks_are_refused_and_change_nothing(hatted: Hatted, blind: Things) -> None:
    things = hatted.things(Answers(hatted.pictures, wrong=range(12)))
    assert things.masks is not None
    assert (things.masks.used, things.masks.refused) == (0, 12)
    assert torch.equal(things.labels, blind.labels)
    assert all(torch.equal(a, b) for a, b in zip(things.apart.pixels, blind.apart.pixels, strict=True))


def test_a_few_wrong_masks_do_not_spoil_the_others(hatted: Hatted, blind: Things) -> None:
    things = hatted.things(Answers(hatted.pictures, wrong=range(0, 12, 4)))
    assert things.masks is not None
    assert (things.masks.used, things.masks.refused) == (9, 3)
    assert hatted.worst(things) > 0.95
    assert hatted.right(things) > 0.9


def test_a_mask_ends_where_the_object_is_out_of_reach(hatted: Hatted) -> None:
    """Masks that take in half of the table, in all views alike."""
    wide = [
        torch.maximum(picture, (view.points()[0][..., 0] > 0).long())
        for view, picture in zip(hatted.views, hatted.pictures, strict=True)
    ]
    things = hatted.things(Answers(wide), replace(CONFIG, mask_agreement=0.2))
    assert things.masks is not None
    assert things.masks.used == 12
    assert hatted.splats.means[things.labels > 0][:, :2].abs().max() < 0.08


TRUE_BORDER, BLIND_BORDER = 0.0, 0.008


def test_a_border_in_the_wrong_place_moves_to_where_the_masks_have_it() -> None:
    """Two blocks that touch at x = 0; geometry has cut them at x = 8 mm."""
    blocks = [trimesh.creation.box((0.05, 0.05, 0.05)) for _ in range(2)]
    for side, block in zip((-1, 1), blocks, strict=True):
        block.apply_translation([0.025 * side, 0, 0.025])
    splats = concatenate([table(), *(splats_on(block, 5000, (90, 90, 90), seed=i) for i, block in enumerate(blocks))])
    x = splats.means[:, 0]
    thing = torch.arange(len(splats)) >= len(table())
    truth = torch.where(thing, 1 + (x > TRUE_BORDER).long(), 0)
    blind = torch.where(thing, 1 + (x > BLIND_BORDER).long(), 0)
    cell, corner = 0.003, torch.tensor([-0.06, -0.06, 0.0])
    places = torch.stack(torch.meshgrid(*[torch.arange(n) for n in (40, 40, 20)], indexing="ij"), -1)
    centres = (places + 0.5) * cell + corner
    inside = (centres.abs() < torch.tensor([0.05, 0.025, 0.05])).all(-1)
    grid = VoxelLabels(torch.where(inside, 1 + (centres[..., 0] > BLIND_BORDER).long(), 0), corner, cell, 2)
    surface = np.vstack([trimesh.sample.sample_surface(block, 2000, seed=0)[0] for block in blocks])
    surface = surface[np.abs(surface[:, 0]) > 1e-6]
    rim = Rim(2, 1, np.array([1.0, 0, 0]), BLIND_BORDER, np.array([BLIND_BORDER, 0, 0.025]), 0.04, level=False)
    space = Territories(surface, 1 + (surface[:, 0] > BLIND_BORDER).astype(np.int64), (rim,), 0.002)
    views = render_views(splats, cameras(12), 320)
    pixels = repaint(splats, blind, views)
    apart = Apart(grid, pixels, torch.tensor([0, 1, 1]), {1: space, 2: space})

    pictures = repaint(splats, truth, views)
    masks = ask_masks(Answers(pictures), [v.color for v in views], views, pixels, grid, PLANE, 0.015, 0.5)
    assert masks.refused == 0
    labels, weight, _ = label_gaussians(splats, views, masks.pictures, 2)
    moved = move_borders(
        apart, repaint(splats, labels, views), splats.means, torch.where(weight > 0.5, labels, 0), 0.015
    )

    seen = thing & (weight > 0.5)
    assert (labels == truth)[seen].float().mean() > 0.98 > 0.95 > (blind == truth)[seen].float().mean()
    probes = torch.tensor([[-0.004, 0.0, 0.051], [0.004, 0.0, 0.051], [-0.004, 0, 0.025], [0.004, 0, 0.025]])
    assert space.owner(probes).tolist() == [1, 1, 1, 1]
    assert moved.territories[1] is moved.territories[2]
    assert moved.territories[1].rims[0].offset == pytest.approx(TRUE_BORDER, abs=0.002)
    assert moved.territories[1].owner(probes).tolist() == [1, 2, 1, 2]
    assert moved.grid.lookup(torch.tensor([[-0.004, 0.0, 0.049], [0.004, 0.0, 0.049]])).tolist() == [1, 2]
    now, before = (sum(int((a != b).sum()) for a, b in zip(p, pictures, strict=True)) for p in (moved.pixels, pixels))
    assert now < 0.3 * before


def test_sam_that_knows_nothing_is_believed_only_if_one_insists(hatted: Hatted, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs transformers: pip install 'scan2sim[sam]'")
    from scan2sim.objects.models import open_sam
    from tests.objects.tiny_models import save_sam

    sam = open_sam(save_sam(tmp_path))
    for agreement, used in ((0.0, 12), (0.9, 0)):
        things = hatted.things(sam, replace(CONFIG, mask_agreement=agreement))
        assert things.masks is not None
        assert (things.masks.used, things.masks.refused) == (used, 12 - used)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_a_scene_says_whose_masks_and_words_it_has(hatted: Hatted, tmp_path: Path, confidence: float) -> None:
    pytest.importorskip("transformers", reason="needs transformers: pip install 'scan2sim[sam]'")
    from tests.objects.tiny_models import save_clip, save_sam

    sam, clip = save_sam(tmp_path / "sam"), save_clip(tmp_path / "clip")
    config = replace(CONFIG, sam=sam, clip=clip, mask_agreement=0.9, label_confidence=confidence)
    scene = build_scene(posed(cameras(12)), hatted.splats, config)
    assert validate_scene(scene) == ()
    assert scene.quality["mask_source"] == "sam2"
    assert (scene.quality["masks_used"], scene.quality["masks_refused"]) == (0, 12)
    (thing,) = scene.objects
    assert thing.name.startswith("green-")  # whatever CLIP says
    assert thing.label.source == ("clip" if confidence == 0 else "geometry")
    assert ("green" in thing.label.text) == (confidence > 0)
