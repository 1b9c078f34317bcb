import numpy as np
import pytest

from scan2sim.cousins import CousinsConfig, problems, sample
from scan2sim.cousins.assets import AssetLibrary, open_library
from scan2sim.errors import UsageError
from scan2sim.sim import settle
from tests.cousins.scenes import at_rest, ball_in_bowl, thing


@pytest.fixture(scope="module")
def library() -> AssetLibrary:
    return open_library()


def test_clutter_stands_free_on_the_table(library: AssetLibrary) -> None:
    for seed, distance in ((0, 0.2), (1, 0.6), (2, 1.0)):
        cousin = sample(at_rest(), distance, np.random.default_rng(seed), CousinsConfig(vary=("clutter",)), library)
        added = cousin.scene.objects[3:]
        assert len(added) == max(1, round(4 * distance))
        assert problems(cousin.scene) == ()
        assert settle(cousin.scene).drift < 0.002
        size = np.median([obj.visual.extents.max() for obj in at_rest().objects])
        assert all(0.39 * size < obj.visual.extents.max() < 1.21 * size for obj in added)
        assert [change.object for change in cousin.changes] == [obj.name for obj in added]
        assert cousin.distance.clutter == pytest.approx(len(added) / (3 + len(added)))


def test_the_twins_things_stay_beside_clutter(library: AssetLibrary) -> None:
    cousin = sample(at_rest(), 0.5, np.random.default_rng(0), CousinsConfig(vary=("clutter",)), library)
    for after, before in zip(cousin.scene.objects, at_rest().objects, strict=False):
        assert after.position == pytest.approx(before.position, abs=0.001)
        assert after.gaussians is before.gaussians


def test_the_share_of_the_things_that_is_asked_for_is_exchanged(library: AssetLibrary) -> None:
    for distance, count in ((0.1, 1), (0.6, 2), (1.0, 3)):
        cousin = sample(at_rest(), distance, np.random.default_rng(0), CousinsConfig(vary=("category",)), library)
        names = {obj.name for obj in at_rest().objects}
        assert len([obj for obj in cousin.scene.objects if obj.name not in names]) == count
        assert [obj.id for obj in cousin.scene.objects] == [1, 2, 3]
        assert problems(cousin.scene) == ()
        assert cousin.distance.geometry > 0


def test_what_carries_something_is_not_exchanged(library: AssetLibrary) -> None:
    cousin = sample(ball_in_bowl(), 1.0, np.random.default_rng(1), CousinsConfig(vary=("category",)), library)
    assert thing(cousin.scene, "bowl").visual is thing(ball_in_bowl(), "bowl").visual


@pytest.mark.parametrize("part", ["category", "clutter"])
def test_without_a_library_there_is_nothing_to_take(part: str) -> None:
    with pytest.raises(UsageError, match=f"“{part}” takes things from a library"):
        sample(at_rest(), 0.5, np.random.default_rng(0), CousinsConfig(vary=(part,)))  # type: ignore[arg-type]
