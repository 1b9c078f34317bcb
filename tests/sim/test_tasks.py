from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.sim import PushState, PushTask

TASK = PushTask(
    "thing", (0.0, 0.0, 0.03), 0.03, (-0.3, -0.3), (0.3, 0.3), obstacles=((0.1, 0.0, 0.04), (-0.1, 0.05, 0.03))
)


def state(pusher: tuple[float, float], at: tuple[float, float], goal: tuple[float, float]) -> PushState:
    return PushState(
        np.array(pusher),
        np.zeros(2),
        np.array([*at, 0.03]),
        np.array([1.0, 0, 0, 0]),
        np.zeros(3),
        np.zeros(3),
        np.array(goal),
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_starts_are_inside_and_free(seed: int) -> None:
    start = TASK.sample_reset(np.random.default_rng(seed))
    assert np.linalg.norm(start.shift) <= TASK.shift + 1e-12
    for point, radius in ((start.goal, TASK.radius), (start.pusher, TASK.pusher_radius)):
        assert (point - radius >= TASK.low).all()
        assert (point + radius <= TASK.high).all()
        for x, y, r in TASK.obstacles:
            assert np.linalg.norm(point - [x, y]) >= r + radius
    low, high = TASK.goal_distance
    assert low <= np.linalg.norm(start.goal - start.shift) <= high
    assert np.linalg.norm(start.pusher - start.shift) > TASK.radius + TASK.pusher_radius


def test_a_crowded_table_still_gives_a_start() -> None:
    crowded = replace(TASK, obstacles=((0.0, 0.0, 0.5),))
    assert np.isfinite(crowded.sample_reset(np.random.default_rng(0)).goal).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 12))
def test_rewards_of_a_path_add_up_to_its_ends(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    goal = (1.0, 1.0)
    path = [state(tuple(rng.normal(size=2)), tuple(rng.uniform(-0.5, 0.5, 2)), goal) for _ in range(count)]
    total = sum(float(TASK.reward(a, b)) for a, b in pairwise(path))
    assert total == pytest.approx(float(TASK.potential(path[-1]) - TASK.potential(path[0])))


def test_pushing_to_the_goal_pays_and_success_is_two_centimetres() -> None:
    far, near = state((-0.05, 0), (0, 0), (0.1, 0)), state((0.0, 0), (0.05, 0), (0.1, 0))
    there, almost = state((0.04, 0), (0.081, 0), (0.1, 0)), state((0.03, 0), (0.079, 0), (0.1, 0))
    assert TASK.reward(far, near) == pytest.approx(0.5, abs=0.1)
    assert TASK.reward(near, far) == pytest.approx(-0.5, abs=0.1)
    assert TASK.success(there)
    assert not TASK.success(almost)
    assert TASK.reward(near, there) > 1


def test_observations_have_their_size_and_take_batches() -> None:
    one = state((0.1, 0.2), (0.3, 0.4), (0.5, 0.6))
    seen = TASK.observation(one)
    assert seen.shape == (TASK.observation_size,)
    assert seen[:2].tolist() == [0.1, 0.2]
    assert seen[-3:] == pytest.approx([0.5, 0.6, np.hypot(0.2, 0.2)])
    many = PushState(**{k: np.stack([v, v + 0.1]) for k, v in vars(one).items()})
    assert TASK.observation(many).shape == (2, TASK.observation_size)
    assert TASK.observation(many)[0] == pytest.approx(seen)
    assert TASK.reward(many, many).shape == (2,)


def test_actions_are_clipped_velocities() -> None:
    assert TASK.pusher_velocity(np.array([2.0, -0.5])).tolist() == [0.2, -0.1]


def test_falling_off_the_table_is_noticed() -> None:
    fallen = replace(state((0, 0), (0, 0), (1, 1)), position=np.array([0, 0, -0.1]))
    assert TASK.fell(fallen)
    assert not TASK.fell(state((0, 0), (0, 0), (1, 1)))
