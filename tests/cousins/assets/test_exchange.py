"""Retrieval finds what is alike; what is exchanged stands where the other stood."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from scipy.spatial import Delaunay

from scan2sim.cousins.assets import AssetLibrary, form_distance, form_of, nearest, open_library, replace_object
from scan2sim.cousins.assets.stand import scaled
from scan2sim.errors import UsageError
from scan2sim.geometry import matrix_from_quaternion, quaternion_multiply
from scan2sim.scene import RestsOn, Scene, SceneObject, validate_scene
from scan2sim.sim import settle
from scan2sim.splats import Gaussians
from tests.cousins.shapes import shaped

NAMED = {"box": "carton", "book": "notebook", "can": "tin", "bracket": "angle"}


@pytest.fixture(scope="module")
def library() -> AssetLibrary:
    return open_library()


@pytest.mark.parametrize(
    "family", ["bottle", "bowl", "can", "mug", "plate", "ring", "spoon", "tray", "bracket", "book"]
)
def test_the_nearest_are_of_the_same_family(library: AssetLibrary, family: str) -> None:
    found = nearest(library, shaped(family, seed=21), 2)
    assert NAMED.get(family, family) in [asset.name for asset, _ in found]
    assert found[0][1] <= found[1][1]


def test_turning_about_the_vertical_changes_nothing_and_scale_only_the_size() -> None:
    mug = shaped("mug")
    form = form_of(mug)
    turned = form_of(turned_about_z(mug, 0.7))
    assert form_distance(form, turned) < 0.03
    larger = form_of(scaled(mug, 1.5))
    assert np.allclose(form.shape, larger.shape, atol=1e-6)
    assert larger.size == pytest.approx(1.5 * form.size)
    red = form_of(shaped("mug", rgb=(0.8, 0.1, 0.1)))
    assert form_distance(form, red) == pytest.approx(0.1, abs=0.005), "colours count a tenth"
    assert form_distance(form, form_of(shaped("book"))) > 0.3


def test_a_scaled_object_weighs_what_it_should() -> None:
    mug = shaped("mug")
    twice = scaled(mug, 2.0)
    assert twice.visual.volume == pytest.approx(8 * mug.visual.volume)
    assert twice.physical.mass.value == pytest.approx(8 * mug.physical.mass.value)
    assert np.allclose(twice.physical.inertia, 32 * mug.physical.inertia)
    assert np.allclose(twice.gaussians.scales, 2 * mug.gaussians.scales)
    assert np.allclose(twice.gaussians.means, 2 * mug.gaussians.means)
    assert scaled(mug, 1.0) is mug


@pytest.mark.parametrize("amount", [0.2, 1.0])
def test_what_is_exchanged_stands_where_the_other_stood(library: AssetLibrary, amount: float) -> None:
    tray = replace(shaped("tray", seed=5), id=7, position=np.array([0.3, -0.1, 0.05]), rests_on=RestsOn(3, "in"))
    tray = turned_about_z(tray, 0.4)
    other, (change,) = replace_object(tray, library, amount, np.random.default_rng(2))
    assert (other.id, other.rests_on, other.mobility) == (7, RestsOn(3, "in"), "free")
    assert other.name == f"{change.values['asset']}-7"
    assert other.label.source.startswith("library")
    assert (change.part, change.kind, change.object) == ("category", "replace", "tray")
    old, new = outline(tray), outline(other)
    assert new[:, 2].min() == pytest.approx(old[:, 2].min(), abs=1e-9)
    middles = [(points.max(0) + points.min(0))[:2] / 2 for points in (old, new)]
    assert np.allclose(*middles, atol=1e-9)
    forms = [form_of(each) for each in (tray, other)]
    assert np.log(forms[1].size / forms[0].size) <= amount * np.log(1.25) + 0.02
    assert forms[1].extents.max() <= 1.31 * forms[0].extents.max()
    assert change.values["size_ratio"] == pytest.approx(forms[1].size / forms[0].size, rel=0.02)
    assert library.form_of(other).affordances.can_contain, "it can be used for the same"


def test_nothing_becomes_much_longer_than_what_it_stands_for(library: AssetLibrary) -> None:
    """Also a long asset for a small round thing, where the longest side counts more than how much it is shrunk."""
    spoon = next(asset for asset in library.assets if asset.name == "spoon")
    ball = scaled(shaped("can"), 0.3)
    only = replace(library, assets=(spoon,))
    for seed in range(4):
        other, (change,) = replace_object(ball, only, 1.0, np.random.default_rng(seed))
        assert form_of(other).extents.max() <= 1.31 * form_of(ball).extents.max()
        assert float(change.values["scale"]) < 1 / 2.5


def test_the_longer_sides_lie_along_each_other(library: AssetLibrary) -> None:
    spoon = turned_about_z(shaped("spoon", seed=3), 0.9)
    for seed in range(3):
        other, _ = replace_object(spoon, library, 0.05, np.random.default_rng(seed))
        ways = [long_side(outline(each)) for each in (spoon, other)]
        assert abs(ways[0] @ ways[1]) > np.cos(0.06)


def test_the_farther_the_amount_the_less_alike(library: AssetLibrary) -> None:
    pear = shaped("pear", seed=8)
    unlike = [
        np.mean(
            [float(replace_object(pear, library, a, np.random.default_rng(s))[1][0].values["unlike"]) for s in range(8)]
        )
        for a in (0.1, 0.5, 1.0)
    ]
    assert unlike[0] < unlike[1] < unlike[2]


def test_other_uses_are_recorded() -> None:
    """In a library without any vessel a bowl becomes something that contains nothing, and the record says so."""
    library = open_library()
    dry = tuple(asset for asset in library.assets if not asset.form.affordances.can_contain)
    _, (change,) = replace_object(shaped("bowl"), replace(library, assets=dry), 0.3, np.random.default_rng(0))
    assert change.values["can_contain"] == "true → false"


def test_what_stays(library: AssetLibrary) -> None:
    can = shaped("can")
    rng = np.random.default_rng(0)
    assert replace_object(can, library, 0.0, rng) == (can, ())
    fixed = replace(can, mobility="fixed")
    assert replace_object(fixed, library, 1.0, rng)[1] == ()
    with pytest.raises(UsageError, match=r"amount 1.5 is not in 0\.\.1"):
        replace_object(can, library, 1.5, rng)


def test_exchanged_things_stand_in_simulation_and_come_fast(library: AssetLibrary) -> None:
    ground = trimesh.creation.box([0.8, 0.4, 0.04])
    ground.apply_translation([0, 0, -0.02])
    objects = []
    for k, family in enumerate(["bowl", "can", "mug", "book"]):
        stood = replace(
            shaped(family, seed=k + 30), id=k + 1, name=f"thing-{k}", position=np.array([0.14 * (k - 1.5), 0, 0.1])
        )
        stood = replace(stood, position=stood.position - [0, 0, outline(stood)[:, 2].min()])
        objects.append(replace_object(stood, library, 0.4, np.random.default_rng(k))[0])
    scene = Scene(Gaussians.empty(), (ground,), tuple(objects), (), {}, {})
    assert validate_scene(scene) == ()
    after = settle(scene, 1.0)
    assert after.drift < 0.002
    library.form_of(objects[0])
    start = time.process_time()
    for seed in range(10):
        replace_object(objects[0], library, 0.3, np.random.default_rng(seed))
    assert (time.process_time() - start) / 10 < 0.06, "30 ms on an idle core"


def turned_about_z(obj: SceneObject, yaw: float) -> SceneObject:
    turn = np.array([np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)])
    return replace(obj, wxyz=quaternion_multiply(turn, obj.wxyz))


def outline(obj: SceneObject) -> np.ndarray:
    """The corners of its pieces in the scene."""
    corners = np.concatenate([piece.vertices for piece in obj.collision])
    return corners @ matrix_from_quaternion(obj.wxyz).T + obj.position


def long_side(points: np.ndarray) -> np.ndarray:
    """The direction in which what is seen from above spreads most, by points strewn over it."""
    outline_of = Delaunay(points[:, :2])
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    strewn = low + np.random.default_rng(0).random((40_000, 2)) * (high - low)
    inside = strewn[outline_of.find_simplex(strewn) >= 0]
    return np.linalg.eigh(np.cov(inside.T))[1][:, -1]
