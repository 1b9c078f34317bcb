"""A table with a known pattern, a known soft shadow and a box on it: taken away, the table is as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from scipy import ndimage

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at, rotation_between
from scan2sim.objects.background import clear_support
from scan2sim.objects.inpaint import fill_holes
from scan2sim.objects.patch import patch_around
from scan2sim.objects.shadow import find_shading
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import render_views
from scan2sim.splats import SH_C0, Gaussians, concatenate, rasterize
from tests.scene.factory import splats_on

UNIT = 0.5
STEP = 0.006  # between the table's splats [m]
TILT = rotation_between([0, 0, 1], [0.1, -0.05, 1.0])
SQUARE = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


def plane(tilt: np.ndarray) -> SupportPlane:
    return SupportPlane(tilt[:, 2], 0.03, 0.0003, SQUARE)


def box(plane: SupportPlane, corner: tuple[float, float] = (-0.05, -0.04)) -> trimesh.Trimesh:
    mesh = trimesh.creation.box((0.1, 0.08, 0.06))
    mesh.apply_translation([corner[0] + 0.05, corner[1] + 0.04, 0.03])
    mesh.apply_transform(np.block([[plane.rotation, plane.position[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]]))
    return mesh


def pattern(flat: np.ndarray) -> np.ndarray:  # (..., 2) to (..., 3)
    """Stripes along x on brown, a little brighter on one side."""
    stripes = 0.06 * np.sin(2 * np.pi * flat[..., 1] / 0.05) + 0.03 * np.sin(2 * np.pi * flat[..., 1] / 0.031 + 1)
    return np.array([0.6, 0.45, 0.35]) * (1 + 0.15 * flat[..., :1]) + stripes[..., None]


def kept(flat: np.ndarray) -> np.ndarray:  # (..., 2) to (...)
    """The light of two lamps of some size on the box's surroundings, by rays through the box."""
    out = np.ones(flat.shape[:-1])
    rng = np.random.default_rng(0)
    for centre, strength in (((0.9, 0.3, 1.0), 0.4), ((-0.6, 0.8, 1.0), 0.25)):
        for jitter in rng.normal(0, 0.08, (40, 2)):
            slope = np.array(centre[:2]) / centre[2] + jitter
            heights = np.linspace(0, 0.06, 13)[:, None, None]
            along = flat.reshape(1, -1, 2) + heights * slope
            inside = (np.abs(along) < [0.05, 0.04]).all(-1).any(0).reshape(out.shape)
            out -= strength / 40 * inside
    return out


def table(plane: SupportPlane, shaded: bool) -> Gaussians:
    y, x = np.mgrid[-0.45:0.45:STEP, -0.45:0.45:STEP]
    flat = np.stack([x, y], -1).reshape(-1, 2)
    color = pattern(flat) * (kept(flat)[:, None] if shaded else 1)
    n = len(flat)
    return Gaussians(
        means=torch.from_numpy(flat @ plane.rotation[:, :2].T + plane.position).float(),
        quats=torch.from_numpy(plane.wxyz).float().repeat(n, 1),
        log_scales=torch.tensor([0.6 * STEP, 0.6 * STEP, 0.05 * STEP]).log().repeat(n, 1),
        opacity_logits=torch.full((n,), 4.0),
        sh=((torch.from_numpy(color).float() - 0.5) / SH_C0)[:, None],
    )


def cameras(plane: SupportPlane) -> list[Camera]:
    poses = []
    for i in range(16):
        angle, height = 2 * np.pi * i / 16, (0.22, 0.38)[i % 2]
        radius = np.sqrt(0.6**2 - height**2)
        eye = plane.position + plane.rotation @ [radius * np.cos(angle), radius * np.sin(angle), height]
        poses.append(look_at(eye, plane.position))
    return [Camera(Intrinsics(320, 240, 260.0, 260.0, 160.0, 120.0), pose) for pose in poses]


def cleared(plane: SupportPlane, scene: Gaussians, thing: Gaussians, meshes: list[trimesh.Trimesh]):
    views = render_views(concatenate([scene, thing]), cameras(plane), 320)
    alone = render_views(thing, cameras(plane), 320)
    owners = [(a.depth > 0).long() * ((v.depth - a.depth).abs() < 0.005) for v, a in zip(views, alone, strict=True)]
    return clear_support(scene, meshes, plane, views, [view.color for view in views], owners, UNIT)


@pytest.fixture(scope="module", params=[np.eye(3), TILT], ids=["level", "tilted"])
def swept(request: pytest.FixtureRequest):
    """A support, its true Gaussians, those with the shadow, and those after the box and its shadow were taken off."""
    support = plane(request.param)
    mesh = box(support)
    dark = table(support, shaded=True)
    flat = support.flat(dark.means.numpy().astype(float))
    dirty = dark.sh.clone()
    dirty[torch.from_numpy(np.abs(flat) < [0.05, 0.04]).all(1)] = 0.9  # what nobody saw has any colour
    dark = replace(dark, sh=dirty)
    background, discs, _ = cleared(support, dark, splats_on(mesh, 8000, (40, 60, 200)), [mesh])
    return support, table(support, shaded=False), dark, background, discs


def error(support: SupportPlane, mine: Gaussians, truth: Gaussians, inner: float, outer: float) -> float:
    """Root mean square colour error from above, between two half sides of squares around the box [m]."""
    eye = support.position + 0.8 * support.normal
    camera = Camera(
        Intrinsics(200, 200, 600.0, 600.0, 100.0, 100.0), look_at(eye, support.position, support.rotation[:, 1])
    )
    a, b = (rasterize(gaussians, [camera]).colors[0] for gaussians in (mine, truth))
    reach = np.abs(np.mgrid[:200, :200] - 99.5).max(0) * 0.8 / 600
    return float(((a - b) ** 2).mean(-1)[torch.from_numpy((reach >= inner) & (reach < outer))].mean().sqrt())


def test_the_shadow_goes_and_the_pattern_stays(swept):
    support, truth, dark, background, _ = swept
    before, after = (error(support, gaussians, truth, 0.06, 0.13) for gaussians in (dark, background))
    assert before > 0.04
    assert after < 0.35 * before


def test_under_the_object_the_pattern_goes_on(swept):
    support, truth, dark, background, discs = swept
    assert discs > 0
    assert error(support, dark, truth, 0, 0.035) > 0.2
    grain = 0.047  # of the pattern about its mean colour
    assert error(support, background, truth, 0, 0.035) < 0.75 * grain


def test_what_is_far_from_the_objects_or_no_support_stays_as_it_is(swept):
    support, _, dark, background, _ = swept
    far = np.abs(support.flat(dark.means.numpy().astype(float))).max(1) > 0.4
    still = np.abs(support.flat(background.means.numpy().astype(float))).max(1) > 0.4
    assert torch.equal(dark.means[torch.from_numpy(far)], background.means[torch.from_numpy(still)])
    change = dark.sh[torch.from_numpy(far)] - background.sh[torch.from_numpy(still)]
    assert float(change.abs().max()) < 0.05 / SH_C0


def test_things_above_the_support_are_not_touched():
    support = plane(np.eye(3))
    mesh = box(support)
    lamp = splats_on(trimesh.creation.icosphere(radius=0.03), 500, (250, 250, 250))
    lamp = replace(lamp, means=lamp.means + torch.tensor([0.0, 0.2, 0.2]))
    scene = concatenate([table(support, shaded=True), lamp])
    background, *_ = cleared(support, scene, splats_on(mesh, 4000, (40, 60, 200)), [mesh])
    high = background.means[:, 2] > 0.1
    assert torch.equal(background.means[high], lamp.means)
    assert torch.allclose(background.sh[high], lamp.sh, atol=1e-5)


def test_nothing_on_the_support_changes_nothing():
    support = plane(np.eye(3))
    scene = table(support, shaded=False)
    background, discs, light = clear_support(scene, [], support, [], [], [], UNIT)
    assert background is scene
    assert discs == 0
    assert light == {}


def test_a_dark_pattern_that_no_light_explains_is_no_shadow():
    support = plane(np.eye(3))
    patch = patch_around(support, np.array([[-0.05, -0.04], [0.05, 0.04]]), 0.25, 0.004)
    flat = support.flat(patch.points().reshape(-1, 3)).reshape(*patch.shape, 2)
    color = np.full((*patch.shape, 3), 0.6)
    away = np.hypot(*np.moveaxis(flat - [0.2, -0.2], -1, 0)) < 0.03  # far from the box, on the side of no shadow
    color[away] *= 0.5
    points = trimesh.sample.sample_surface(box(support), 20_000, seed=0)[0]
    shading = find_shading(patch, color, np.ones(patch.shape, bool), [points])
    assert shading.kept.min() > 0.9


def test_stripes_go_on_through_a_hole_and_fine_noise_is_not_made_up_in_full():
    y, x = np.mgrid[:120, :120]
    stripes = 0.5 + 0.2 * np.sin(2 * np.pi * y / 9)[..., None] * np.ones(3)
    hole = np.hypot(y - 60, x - 60) < 18
    filled = fill_holes(np.where(hole[..., None], 0.0, stripes), np.ones(hole.shape, bool), hole)
    assert np.sqrt(((filled - stripes)[hole] ** 2).mean()) < 0.25 * 0.2 / np.sqrt(2)
    assert np.array_equal(filled[~hole], stripes[~hole])

    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 1, (120, 120)), 1.5)
    noise = 0.5 + 0.1 * (noise / noise.std())[..., None] * np.ones(3)
    filled = fill_holes(np.where(hole[..., None], 0.0, noise), np.ones(hole.shape, bool), hole)
    assert 0.2 * 0.1 < filled[hole].std() < 0.8 * 0.1
    assert abs(filled[hole].mean() - 0.5) < 0.03


def test_a_hole_with_no_piece_of_texture_as_large_is_still_filled():
    hole = np.zeros((40, 40), bool)
    hole[4:36, 4:36] = True
    color = np.where(hole[..., None], 0.0, np.array([0.2, 0.5, 0.8]))
    assert np.allclose(fill_holes(color, np.ones(hole.shape, bool), hole), [0.2, 0.5, 0.8], atol=0.01)


def test_the_shine_of_the_support_goes_on_and_not_that_of_what_stood_beside_the_object() -> None:
    support = plane(np.eye(3))
    mesh, scene = box(support), table(support, shaded=False)
    flat = np.abs(support.flat(scene.means.numpy().astype(float)))
    beside = torch.from_numpy((flat < np.array([0.05, 0.04]) + 0.008).all(1))
    shine = torch.tensor([0.02, -0.03, 0.05])[None, :, None].repeat(len(scene), 1, 3)
    shine[beside] *= -5
    scene = replace(scene, sh=torch.cat([scene.sh, shine], 1))
    thing = splats_on(mesh, 8000, (40, 60, 200))
    thing = replace(thing, sh=torch.cat([thing.sh, torch.zeros(len(thing), 3, 3)], 1))
    background, discs, _ = cleared(support, scene, thing, [mesh])
    laid = background.sh[len(background) - discs :, 1:]
    assert torch.allclose(laid, torch.tensor([0.02, -0.03, 0.05])[None, :, None].expand_as(laid), atol=0.005)
