from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from scan2sim.bodies import Texture, vertex_colors, vertices_seen
from scan2sim.cousins.appearance import recolor_matrix, vary_appearance
from scan2sim.cousins.colors import LUMA, lab, mapped, rgb_of_lab
from scan2sim.cousins.light import vary_light
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene import Scene
from scan2sim.splats import SH_C0, evaluate_sh
from tests.cousins.scenes import at_rest, thing, with_object


def shaded_scene() -> Scene:
    """The box in light that falls off across it, with view-dependent colours and a texture."""
    box = thing(at_rest(), "box")
    means = box.gaussians.means
    light = 0.4 + 0.6 * (means[:, 0] - means[:, 0].min()) / (means[:, 0].max() - means[:, 0].min())
    albedo = torch.tensor([0.7, 0.35, 0.2])
    sh = torch.zeros(len(means), 9, 3)
    sh[:, 0] = (light[:, None] * albedo - 0.5) / SH_C0
    sh[:, 1:] = 0.05 * torch.randn(len(means), 8, 3, generator=torch.Generator().manual_seed(0))
    return with_object(at_rest(), replace(box, gaussians=replace(box.gaussians, sh=sh)))


def test_lab_is_what_others_say() -> None:
    colors = np.random.default_rng(0).uniform(0, 1, (200, 3))
    assert lab(colors) == pytest.approx(rgb2lab(colors), abs=0.05)
    assert rgb_of_lab(lab(colors)) == pytest.approx(colors, abs=1e-6)


def test_the_mean_goes_to_the_target_and_shading_stays() -> None:
    mean, target = np.array([0.6, 0.4, 0.2]), np.array([0.2, 0.3, 0.5])
    matrix = recolor_matrix(mean, target, contrast=1.7)
    assert matrix @ mean == pytest.approx(target)
    colors = np.random.default_rng(1).uniform(0, 1, (50, 3))
    ratios = (colors @ matrix.T) @ LUMA / (colors @ LUMA)
    assert ratios == pytest.approx(np.full(50, ratios[0]))  # every luminance by the same factor


def test_splats_show_the_mapped_colour_from_everywhere() -> None:
    gaussians = thing(shaded_scene(), "box").gaussians
    matrix = recolor_matrix(np.array([0.6, 0.4, 0.2]), np.array([0.4, 0.4, 0.3]), 0.8)
    directions = torch.nn.functional.normalize(
        torch.randn(len(gaussians), 3, generator=torch.Generator().manual_seed(1))
    )
    before = evaluate_sh(gaussians.sh, directions, 2).numpy()
    after = evaluate_sh(mapped(gaussians, matrix).sh, directions, 2).numpy()
    inside = (before > 0.01).all(1) & (after > 0.01).all(1)  # nothing was cut off at black
    assert inside.mean() > 0.5
    assert after[inside] == pytest.approx(before[inside] @ matrix.T, abs=1e-5)


def test_shading_between_neighbours_stays_under_any_change() -> None:
    scene = shaded_scene()
    before = thing(scene, "box").gaussians.base_colors.numpy() @ LUMA
    for seed in range(5):
        changed, changes = vary_appearance(scene, 1.0, np.random.default_rng(seed))
        colors = thing(changed, "box").gaussians.base_colors.numpy()
        assert (colors @ LUMA) / before == pytest.approx(np.full(len(before), (colors @ LUMA)[0] / before[0]), rel=1e-3)
        assert (
            np.linalg.norm(
                lab(colors.mean(0)[None]) - lab(thing(scene, "box").gaussians.base_colors.numpy().mean(0)[None])
            )
            > 20
        )
        assert [change.object for change in changes] == ["box", "ball", "bowl", ""]


def test_mesh_and_picture_take_the_colour_of_the_splats() -> None:
    changed, changes = vary_appearance(at_rest(), 0.8, np.random.default_rng(3))
    for obj, change in zip(changed.objects, changes, strict=False):
        splats = obj.gaussians.base_colors.numpy().mean(0)
        assert splats == pytest.approx(change.values["to_rgb"], abs=1e-5)
        assert vertex_colors(obj.visual)[:, :3].mean(0) / 255 == pytest.approx(splats, abs=0.01)
        assert isinstance(obj.texture, Texture)
        assert obj.texture.image.reshape(-1, 3).mean(0) / 255 == pytest.approx(splats, abs=0.01)
        assert (vertices_seen(obj.visual) == vertices_seen(thing(at_rest(), obj.name).visual)).all()


def test_the_change_grows_with_the_slider() -> None:
    start = lab(thing(at_rest(), "ball").gaussians.base_colors.numpy().mean(0)[None].astype(float))
    for amount in (0.1, 0.5, 1.0):
        changed, _ = vary_appearance(at_rest(), amount, np.random.default_rng(4))
        end = lab(thing(changed, "ball").gaussians.base_colors.numpy().mean(0)[None].astype(float))
        assert np.linalg.norm(end - start) == pytest.approx(35 * amount, rel=0.02)


def test_light_multiplies_by_a_smooth_ratio_of_the_normal() -> None:
    changed, changes = vary_light(at_rest(), 1.0, np.random.default_rng(0))
    light = changed.light["relit"]
    assert changes[0].values == light
    towards, tint = np.array(light["towards"]), np.array(light["tint"])
    box, twin = thing(changed, "box"), thing(at_rest(), "box")
    ratio = box.gaussians.base_colors.numpy() / twin.gaussians.base_colors.numpy()
    centre = np.abs(twin.gaussians.means.numpy()) / (np.array([0.06, 0.04, 0.05]) / 2)
    top = (twin.gaussians.means.numpy()[:, 2] > 0.0249) & (centre[:, :2] < 0.4).all(1)
    corners = twin.visual.vertex_normals @ matrix_from_quaternion(twin.wxyz).T
    possible = np.exp(float(light["direction_strength"]) * corners @ towards) * float(light["intensity_factor"])
    assert top.sum() > 3
    spread = ratio[top] / tint
    assert (spread > possible.min() * 0.999).all()
    assert (spread < possible.max() * 1.001).all()
    assert spread.std(1) == pytest.approx(np.zeros(top.sum()), abs=1e-4)  # one ratio for all channels but the tint
    assert tint @ LUMA == pytest.approx(1)


def test_surfaces_that_face_the_light_become_brighter_than_those_that_do_not() -> None:
    changed, changes = vary_light(at_rest(), 1.0, np.random.default_rng(1))
    ball, twin = thing(changed, "ball"), thing(at_rest(), "ball")
    normals = twin.gaussians.means.numpy() @ matrix_from_quaternion(twin.wxyz).T
    facing = normals @ np.array(changes[0].values["towards"])
    ratio = (ball.gaussians.base_colors.numpy() / twin.gaussians.base_colors.numpy()).mean(1)
    assert np.corrcoef(facing, np.log(ratio))[0, 1] > 0.95
    painted = vertex_colors(ball.visual)[:, :3].mean(1)
    along = (
        np.asarray(twin.visual.vertices) @ matrix_from_quaternion(twin.wxyz).T @ np.array(changes[0].values["towards"])
    )
    assert np.corrcoef(along, painted)[0, 1] > 0.9


def test_cameras_are_held_otherwise() -> None:
    changed, _ = vary_light(at_rest(), 1.0, np.random.default_rng(0))
    for after, before in zip(changed.cameras, at_rest().cameras, strict=True):
        moved = np.linalg.norm(after.camera.position - before.camera.position)
        assert 0.005 < moved < 0.05
        turned = before.camera.world_from_camera[:3, :3].T @ after.camera.world_from_camera[:3, :3]
        assert np.degrees(np.arccos((np.trace(turned) - 1) / 2)) == pytest.approx(3.0, abs=0.01)
