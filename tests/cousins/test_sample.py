# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from dataclasses import replace
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
import pytest
from scipy.stats import spearmanr

from scan2sim.cousins import Cousin, CousinsConfig, Distance, LayoutConfig, Part, ValidConfig, sample
from scan2sim.cousins.assets import open_library
from scan2sim.errors import SceneError, UsageError
from scan2sim.geometry import quaternion_angle
from scan2sim.scene import Joint, Support, load_scene, save_scene
from scan2sim.sim import compile_scene, deepest_contact
from tests.cousins.scenes import at_rest, ball_in_bowl, thing

FALLS: tuple[Part, ...] = ("layout", "physics")
ALL: tuple[Part, ...] = ("layout", "physics", "appearance", "light")


@cache
def family(count: int = 50) -> tuple[np.ndarray, tuple[Cousin, ...]]:
    sliders = np.random.default_rng(7).uniform(0.01, 1, count)
    config = CousinsConfig(vary=ALL)
    return sliders, tuple(sample(at_rest(), float(d), np.random.default_rng(i), config) for i, d in enumerate(sliders))


def test_distance_0_is_the_twin() -> None:
    cousin = sample(at_rest(), 0.0, np.random.default_rng(0))
    assert cousin.scene is at_rest()
    assert cousin.distance == Distance()
    assert cousin.changes == ()


@pytest.mark.parametrize("distance", [-0.1, 1.01, float("nan")])
def test_distances_outside_0_to_1_are_refused(distance: float) -> None:
    with pytest.raises(UsageError, match=r"not in 0\.\.1"):
        sample(at_rest(), distance, np.random.default_rng(0))


def test_nothing_to_vary_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to vary"):
        sample(at_rest(), 0.5, np.random.default_rng(0), CousinsConfig(vary=()))
    with pytest.raises(UsageError, match="no objects"):
        sample(replace(at_rest(), objects=()), 0.5, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (CousinsConfig(tries=0), "0 tries"),
        (CousinsConfig(vary=("colour",)), "nothing that varies"),  # type: ignore[arg-type]
        (CousinsConfig(valid=ValidConfig(seconds=float("nan"))), r"valid\.seconds"),
        (CousinsConfig(valid=ValidConfig(penetration=-1.0)), r"valid\.penetration"),
    ],
)
def test_settings_with_which_nothing_comes_out_are_refused(config: CousinsConfig, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        sample(at_rest(), 0.5, np.random.default_rng(0), config)


def test_things_that_hang_on_what_moves_are_refused() -> None:
    """They would be left behind."""
    box, *others = at_rest().objects
    joint = Joint(box.id, "revolute", box.position, np.array([0.0, 0, 1]), -1.0, 1.0, 0.0, 0.0)
    lid = replace(others[0], mobility="joint", joint=joint, rests_on=None)
    with pytest.raises(UsageError, match="joint"):
        sample(replace(at_rest(), objects=(box, lid, *others[1:])), 0.5, np.random.default_rng(0))


def test_an_invalid_twin_is_told_at_once() -> None:
    box, *others = at_rest().objects
    floating = replace(at_rest(), objects=(replace(box, position=box.position + np.array([0, 0, 0.1])), *others))
    with pytest.raises(SceneError, match="itself is not valid"):
        sample(floating, 0.5, np.random.default_rng(0), CousinsConfig(vary=("light",)))


def test_things_without_splats_keep_their_colours() -> None:
    box, *others = at_rest().objects
    bare = replace(box, gaussians=box.gaussians[:0])
    config = CousinsConfig(vary=("appearance",))
    cousin = sample(replace(at_rest(), objects=(bare, *others)), 0.5, np.random.default_rng(0), config)
    assert "recolor" in {change.kind for change in cousin.changes}
    assert box.name not in {change.object for change in cousin.changes}


def test_the_same_seed_gives_the_same_cousin_and_another_another() -> None:
    config = CousinsConfig(vary=FALLS)
    first, again, other = (sample(at_rest(), 0.5, np.random.default_rng(s), config) for s in (1, 1, 2))
    for a, b, c in zip(first.scene.objects, again.scene.objects, other.scene.objects, strict=True):
        assert a.position.tolist() == b.position.tolist()
        assert a.physical.mass == b.physical.mass
        assert a.position.tolist() != c.position.tolist()
        assert a.physical.mass != c.physical.mass
    assert first.distance == again.distance


def test_parts_do_not_disturb_each_other() -> None:
    alone = sample(at_rest(), 0.5, np.random.default_rng(3), CousinsConfig(vary=("layout",)))
    along = sample(at_rest(), 0.5, np.random.default_rng(3), CousinsConfig(vary=("layout", "appearance")))
    for a, b in zip(alone.scene.objects, along.scene.objects, strict=True):
        assert a.position.tolist() == b.position.tolist()
        assert a.gaussians.sh.tolist() != b.gaussians.sh.tolist()


def test_the_distance_rises_with_the_slider() -> None:
    sliders, cousins = family()
    for part in ("layout", "physics", "appearance", "combined"):
        measured = [getattr(cousin.distance, part) for cousin in cousins]
        assert spearmanr(sliders, measured).statistic > (0.95 if part != "appearance" else 0.9), part
    assert all(0 < cousin.distance.combined < 1 for cousin in cousins)


def test_cousins_stand_still_in_a_simulation_of_their_own() -> None:
    """Stepped with plain MuJoCo for two seconds, nothing asleep."""
    _, cousins = family()
    for cousin in cousins[:25]:
        model = compile_scene(cousin.scene)
        data = mujoco.MjData(model)
        mujoco.mj_step(model, data, round(2.0 / model.opt.timestep))
        mujoco.mj_forward(model, data)
        for obj in cousin.scene.objects:
            assert np.linalg.norm(data.body(obj.name).xpos - obj.position) < 0.002
            assert quaternion_angle(data.body(obj.name).xquat, obj.wxyz) < np.radians(2)
        assert deepest_contact(data) < 0.0005


def test_all_that_was_done_is_noted() -> None:
    _, cousins = family()
    changes = cousins[0].changes
    assert {change.part for change in changes} == set(ALL)
    record = cousins[0].scene.provenance["cousin"]
    assert record["distance"]["combined"] == cousins[0].distance.combined
    assert len(record["changes"]) == len(changes)


def test_a_cousin_is_a_scene_like_any_other(tmp_path: Path) -> None:
    _, cousins = family()
    save_scene(cousins[1].scene, tmp_path / "cousin")
    back = load_scene(tmp_path / "cousin")
    assert [obj.name for obj in back.objects] == ["box", "ball", "bowl"]
    assert back.images == ()
    assert len(back.cameras) == len(at_rest().cameras)
    assert back.provenance["cousin"]["slider"] == cousins[1].scene.provenance["cousin"]["slider"]


def test_the_ball_stays_in_the_bowl() -> None:
    for seed in range(6):
        cousin = sample(ball_in_bowl(), 0.9, np.random.default_rng(seed), CousinsConfig(vary=FALLS))
        ball, bowl = thing(cousin.scene, "ball"), thing(cousin.scene, "bowl")
        assert np.linalg.norm(ball.position[:2] - bowl.position[:2]) < 0.02
        assert ball.position[2] > bowl.position[2]
        assert np.linalg.norm(bowl.position - thing(ball_in_bowl(), "bowl").position) > 0.005


def test_without_room_it_says_so() -> None:
    support = replace(
        at_rest().supports[0], polygon=np.array([[-0.16, -0.14], [0.17, -0.14], [0.17, 0.13], [-0.16, 0.13]])
    )
    crowded = replace(at_rest(), supports=(support,))
    config = CousinsConfig(vary=FALLS, tries=2, layout=LayoutConfig(places=1, gap=0.05))
    with pytest.raises(SceneError, match=r"no valid cousin in 2 tries.*is full"):
        sample(crowded, 1.0, np.random.default_rng(0), config)


def test_what_is_exchanged_takes_its_top_along() -> None:
    """The next thing has another one, of which nobody knows where it lies; a bent thing keeps its own."""
    twin = at_rest()
    box = thing(twin, "box")
    half = box.visual.extents / 2
    corners = np.array([[-half[0], -half[1]], [half[0], -half[1]], [half[0], half[1]], [-half[0], half[1]]])
    top = Support("top", box.position + np.array([0, 0, half[2]]), np.array([1.0, 0, 0, 0]), corners, box.id)
    twin = replace(twin, supports=(*twin.supports, top))
    config = CousinsConfig(vary=("category",))
    exchanged = sample(twin, 1.0, np.random.default_rng(3), config, open_library()).scene
    assert {obj.name for obj in exchanged.objects}.isdisjoint({"box", "ball", "bowl"})
    assert [support.name for support in exchanged.supports] == [s.name for s in twin.supports if s.object is None]
    moved = sample(twin, 0.3, np.random.default_rng(3), CousinsConfig(vary=("layout",))).scene
    assert [support.name for support in moved.supports] == [support.name for support in twin.supports]
