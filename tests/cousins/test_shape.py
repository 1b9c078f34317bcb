"""An object in another shape: everything that makes it valid, for any seed and amount."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from scan2sim.bodies import Surface, inertia_problem, is_closed, is_convex, piece_fit
from scan2sim.cameras import Camera, Intrinsics
from scan2sim.cousins import Change
from scan2sim.cousins.shape import KINDS, Anatomy, ShapeConfig, anatomy_of, vary_shape
from scan2sim.errors import SceneError, UsageError
from scan2sim.geometry import look_at, transform_points
from scan2sim.scene import Joint, Label, ObjectConfig, SceneObject, object_from_mesh
from scan2sim.sim import settle
from scan2sim.splats import rasterize, rotate_gaussians
from tests.cousins.crossings import crossings
from tests.scene.factory import colored, make_scene, splats_on

NAMES = ("box", "ball", "bowl", "bottle")
BOTTLE = [[0, 0], [0.03, 0], [0.03, 0.1], [0.012, 0.125], [0.012, 0.16], [0, 0.16]]


@cache
def thing(name: str) -> SceneObject:
    if name != "bottle":
        return next(o for o in make_scene().objects if o.name == name)
    mesh = trimesh.creation.revolve(np.array(BOTTLE), sections=24)
    splats = splats_on(mesh, 500, (30, 90, 40))
    label, config = Label("bottle", 1.0, "person"), ObjectConfig(texture=0)
    return object_from_mesh(7, "bottle", label, colored(mesh, (30, 90, 40)), splats, config, material="glass")


@cache
def anatomy(name: str) -> Anatomy:
    return anatomy_of(thing(name))


def varied(name: str, amount: float, seed: int) -> tuple[SceneObject, tuple[Change, ...]]:
    return vary_shape(thing(name), amount, np.random.default_rng(seed), anatomy=anatomy(name))


def lowest(obj: SceneObject) -> float:
    return min(float(transform_points(obj.world_from_object, piece.vertices)[:, 2].min()) for piece in obj.collision)


def chamfer(a: SceneObject, b: SceneObject) -> float:
    """Mean distance between two surfaces in their objects' frames, over the first one's size."""
    one, other = Surface(a.visual, 0.001), Surface(b.visual, 0.001)
    there, back = one.distances(other.points(1000)).mean(), other.distances(one.points(1000)).mean()
    return float(there + back) / 2 / float(a.visual.extents.max())


@given(name=st.sampled_from(NAMES), amount=st.floats(0.01, 1), seed=st.integers(0, 10_000))
@settings(max_examples=16, deadline=None)
def test_every_varied_object_is_valid(name: str, amount: float, seed: int) -> None:
    before = thing(name)
    after, changes = varied(name, amount, seed)
    assert changes
    assert {change.part for change in changes} == {"shape"}
    assert is_closed(after.visual)
    assert all(is_convex(piece) for piece in after.collision)
    assert inertia_problem(after.physical.inertia) is None
    ratio = after.visual.volume / before.visual.volume
    assert 0.5 <= ratio <= 2.0
    assert after.physical.mass.value == pytest.approx(ratio * before.physical.mass.value, rel=0.01)
    assert after.physical.mass.low < after.physical.mass.value < after.physical.mass.high
    np.testing.assert_allclose(after.physical.center_of_mass, 0)
    np.testing.assert_allclose(after.visual.center_mass, 0, atol=1e-6)  # the stuff is spread evenly
    assert after.gaussians.finite.all()
    assert len(after.gaussians) == len(before.gaussians)
    assert lowest(after) == pytest.approx(lowest(before), abs=1e-5)
    np.testing.assert_array_equal(after.wxyz, before.wxyz)
    assert (after.texture is None) == (before.texture is None)
    if after.texture is not None:
        assert after.texture.uv.shape == (len(after.visual.faces), 3, 2)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_through_itself_and_pieces_still_fit(name: str) -> None:
    before = thing(name)
    size = float(before.visual.extents.max())
    assert crossings(before.visual) == 0
    was = piece_fit(before.visual, before.collision)
    bold = [varied(name, 1.0, seed)[0] for seed in range(5)]
    assert [crossings(after.visual) for after in bold] == [0] * 5
    after = bold[0]
    fit = piece_fit(after.visual, after.collision)
    assert fit.mean < was.mean + 0.006 * size
    assert fit.farthest < was.farthest + 0.05 * size
    assert abs(fit.volume_ratio - was.volume_ratio) < 0.1


def test_crossings_sees_a_mesh_that_runs_through_itself() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2)
    ball.vertices[0] *= -1.5
    assert crossings(ball) > 0


def test_amount_zero_changes_nothing() -> None:
    same, changes = varied("bowl", 0.0, 1)
    assert same is thing("bowl")
    assert changes == ()


def test_the_same_seed_gives_the_same_object_and_another_one_another() -> None:
    (a, changes), (b, again), (c, _) = varied("bowl", 0.5, 4), varied("bowl", 0.5, 4), varied("bowl", 0.5, 5)
    assert changes == again
    np.testing.assert_array_equal(a.visual.vertices, b.visual.vertices)
    assert torch.equal(a.gaussians.means, b.gaussians.means)
    assert torch.equal(a.gaussians.quats, b.gaussians.quats)
    assert np.abs(a.visual.vertices - c.visual.vertices).max() > 1e-4
    fresh, _ = vary_shape(thing("bowl"), 0.5, np.random.default_rng(4))
    np.testing.assert_array_equal(a.visual.vertices, fresh.visual.vertices)


@pytest.mark.parametrize("name", NAMES)
def test_the_distance_grows_steadily_with_the_amount(name: str) -> None:
    amounts = np.array([0.2, 0.5, 0.9])
    for seed in range(2):
        measured = np.array([chamfer(thing(name), varied(name, float(amount), seed)[0]) for amount in amounts])
        assert (np.diff(measured) > 0).all()
        assert (measured > 0.6 * 0.05 * amounts).all(), measured
        assert (measured < 1.5 * 0.05 * amounts).all(), measured


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_an_amount_outside_0_to_1_is_refused(amount: float) -> None:
    with pytest.raises(UsageError, match=r"0\.\.1"):
        varied("box", amount, 0)


def test_links_keep_their_shape() -> None:
    joint = Joint(0, "revolute", np.zeros(3), np.array([0, 0, 1.0]), -1, 1, 0.1, 0.1)
    with pytest.raises(UsageError, match="joint"):
        vary_shape(replace(thing("box"), mobility="joint", joint=joint), 0.5, np.random.default_rng(0))


def test_what_cannot_be_varied_says_why() -> None:
    with pytest.raises(SceneError, match="none of the deformations"):
        vary_shape(thing("box"), 0.5, np.random.default_rng(0), ShapeConfig(kinds=("neck",)))
    with pytest.raises(SceneError, match="no collision pieces"):
        vary_shape(replace(thing("box"), collision=()), 0.5, np.random.default_rng(0))
    inside_out = trimesh.Trimesh(thing("box").visual.vertices, thing("box").visual.faces[:, ::-1], process=False)
    with pytest.raises(SceneError, match="bounds no solid"):
        vary_shape(replace(thing("box"), visual=inside_out), 0.5, np.random.default_rng(0))
    config = ShapeConfig(tries=3, growth=1.0)
    with pytest.raises(SceneError, match=r"3 tries: 3 times it became too large or too small.*lower the amount"):
        vary_shape(thing("box"), 0.9, np.random.default_rng(0), config)


def test_parts_are_found_from_the_shape_itself() -> None:
    bowl, bottle, box = (anatomy(name).outline for name in ("bowl", "bottle", "box"))
    assert bowl.round
    assert bowl.floor == pytest.approx(0.005, abs=1e-4)
    assert bowl.neck is None
    assert bottle.round
    assert bottle.floor is None
    assert bottle.neck == pytest.approx(0.122, abs=0.008)
    assert box.neck is None
    assert box.floor is None
    assert not box.round
    assert {mode.kind for mode in anatomy("bottle").modes} >= {"neck", "body"}
    assert {mode.kind for mode in anatomy("bowl").modes} >= {"rim", "wall"}
    assert not {mode.kind for mode in anatomy("box").modes} & {"neck", "body", "rim", "wall", "bend"}
    assert {kind for name in NAMES for kind in [mode.kind for mode in anatomy(name).modes]} == set(KINDS)


def test_a_bottles_neck_changes_and_its_body_stays() -> None:
    config = ShapeConfig(kinds=("neck",), mix=2)
    before = thing("bottle")
    after, changes = vary_shape(before, 1.0, np.random.default_rng(0), config)
    factors = {change.values["measure"]: change.values["factor"] for change in changes if change.kind == "neck"}
    wider, longer = factors["width"], factors["length"]
    assert isinstance(wider, float)
    assert isinstance(longer, float)
    foot = [o.visual.vertices[:, 2].min() for o in (before, after)]
    size = [float(o.visual.vertices[:, 2].max() - low) for o, low in zip((before, after), foot, strict=True)]
    bodies = [
        o.visual.vertices[o.visual.vertices[:, 2] < low + 0.1] for o, low in zip((before, after), foot, strict=True)
    ]
    tops = [
        o.visual.vertices[o.visual.vertices[:, 2] > low + high - 0.001]
        for o, low, high in zip((before, after), foot, size, strict=True)
    ]
    np.testing.assert_allclose(np.ptp(bodies[1], axis=0)[:2], np.ptp(bodies[0], axis=0)[:2], rtol=0.02)
    width = np.ptp(tops[1], axis=0)[:2] / np.ptp(tops[0], axis=0)[:2]
    np.testing.assert_allclose(width, wider, rtol=0.05)
    assert size[1] - 0.125 == pytest.approx(longer * (size[0] - 0.125), abs=0.006)


def test_varied_objects_stand_and_a_ball_dropped_into_a_bowl_stays_in_it() -> None:
    scene = make_scene()
    for seed in range(2):
        objects = [varied(name, 0.8, seed)[0] for name in ("box", "bowl")]
        bowl = objects[1]
        ball = thing("ball")
        small = replace(
            ball,
            gaussians=ball.gaussians[:1],
            visual=ball.visual.copy().apply_scale(0.3),
            collision=(ball.collision[0].copy().apply_scale(0.3),),
            physical=replace(ball.physical, inertia=ball.physical.inertia * 0.1),
            position=bowl.position + np.array([0.004, 0.003, 0.05]),
            texture=None,
        )
        result = settle(replace(scene, objects=(*objects, small)), seconds=1.0)
        for name in ("box", "bowl"):
            assert result.objects[name].drift < 0.002, name
            assert result.objects[name].turn < np.radians(2), name
        away = result.objects["ball"].position - result.objects["bowl"].position
        assert np.linalg.norm(away[:2]) < 0.035
        assert abs(away[2]) < 0.03


def test_drawn_splats_cover_what_the_mesh_covers() -> None:
    bowl = thing("bowl")
    bowl = replace(bowl, gaussians=splats_on(bowl.visual, 6000, (60, 80, 190)))
    for obj in (bowl, vary_shape(bowl, 1.0, np.random.default_rng(2), anatomy=anatomy("bowl"))[0]):
        camera = Camera(Intrinsics(160, 120, 240.0, 240.0, 80.0, 60.0), look_at([0.2, -0.2, 0.2], [0, 0, 0.02]))
        splats = rotate_gaussians(obj.gaussians, obj.world_from_object)
        seen = rasterize(splats, [camera]).alphas[0, :, :, 0].numpy() > 0.5
        outline = Image.new("1", (160, 120))
        pixels, _ = camera.project(transform_points(obj.world_from_object, obj.visual.vertices))
        for face in obj.visual.faces:
            ImageDraw.Draw(outline).polygon([tuple(pixel) for pixel in pixels[face]], fill=1)
        covered = np.array(outline)
        assert covered.sum() > 500
        assert (seen & covered).sum() / (seen | covered).sum() > 0.93
