from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.geometry import quaternion_multiply
from scan2sim.sim import Gripper, LiftTask, PushTask, RearrangeTask, Spread, Table, TaskState
from scan2sim.sim.tasks import action_of_pusher, seen_by_pusher

TABLE = Table((-0.3, -0.3), (0.3, 0.3), ((0.1, 0.0, 0.04), (-0.1, 0.05, 0.03)))
GRIPPER = Gripper((-0.3, -0.3, 0.012), (0.3, 0.3, 0.3))
PUSH = PushTask("thing", (0.0, 0.0, 0.03), 0.03, TABLE)
TURN = replace(PUSH, heading=True)
LIFT = LiftTask("thing", (0.0, 0.0, 0.03), GRIPPER)
REARRANGE = RearrangeTask(("a", "b"), ((0.0, 0.0, 0.03), (0.0, 0.2, 0.02)), (0.03, 0.02), TABLE, GRIPPER)
TASKS = [PUSH, TURN, LIFT, REARRANGE]
seeds = st.integers(0, 10_000)


def pushing(pusher: tuple[float, ...], at: tuple[float, ...], goal: tuple[float, ...], yaw: float = 0.0) -> TaskState:
    """One object at ``at`` [m], turned by ``yaw``; a goal of two numbers has heading 0."""
    return TaskState(
        tool=np.array(pusher),
        tool_velocity=np.zeros(2),
        position=np.array([[*at, 0.03]]),
        wxyz=np.array([[np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]]),
        velocity=np.zeros((1, 3)),
        spin=np.zeros((1, 3)),
        touch=np.zeros(0),
        goal=np.array([[*goal, 0.0][:3]]),
    )


def gripping(task: Any, grip: tuple[float, ...], positions: list[tuple[float, ...]], touch: float = 0.0) -> TaskState:
    count = len(task.objects)
    return TaskState(
        tool=np.array([*grip, 0.3, 0.02, 0.02]),
        tool_velocity=np.zeros(6),
        position=np.array(positions),
        wxyz=np.tile([1.0, 0, 0, 0], (count, 1)),
        velocity=np.zeros((count, 3)),
        spin=np.zeros((count, 3)),
        touch=np.full(2, touch),
        goal=np.array([[0.0, 0.0, 0.13], [0.1, 0.1, 0.02]][:count]),
    )


def random_state(task: Any, rng: np.random.Generator) -> TaskState:
    tool, count = len(task.tool_joints), len(task.objects)
    return TaskState(
        *rng.normal(size=(2, tool)),
        rng.normal(size=(count, 3)),
        rng.normal(size=(count, 4)),
        *rng.normal(size=(2, count, 3)),
        rng.uniform(0, 0.1, len(task.sensors)),
        np.ones((count, 3)) * 100,
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds)
def test_starts_are_inside_and_free(seed: int) -> None:
    start = PUSH.sample_start(np.random.default_rng(seed))
    assert np.linalg.norm(start.shift) <= PUSH.shift + 1e-12
    for point, radius in ((start.goal[0, :2], PUSH.radius), (start.tool, PUSH.pusher_radius)):
        assert (point - radius >= TABLE.low).all()
        assert (point + radius <= TABLE.high).all()
        for x, y, r in TABLE.obstacles:
            assert np.linalg.norm(point - [x, y]) >= r + radius
    low, high = PUSH.goal_distance
    assert low <= np.linalg.norm(start.goal[0, :2] - start.shift[0]) <= high
    assert np.linalg.norm(start.tool - start.shift[0]) > PUSH.radius + PUSH.pusher_radius
    turned = start.goal[0, 2] - start.yaw[0]
    assert abs(np.arctan2(np.sin(turned), np.cos(turned))) <= PUSH.goal_turn


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=seeds)
def test_goals_of_several_things_keep_apart(seed: int) -> None:
    start = REARRANGE.sample_start(np.random.default_rng(seed))
    places = [home[:2] + shift for home, shift in zip(np.array(REARRANGE.homes), start.shift, strict=True)]
    a, b = start.goal[:, :2]
    assert np.linalg.norm(a - b) >= 0.05
    assert np.linalg.norm(a - places[1]) >= 0.05
    assert np.linalg.norm(b - places[0]) >= 0.05
    assert start.goal[:, 2].tolist() == [0.03, 0.02]
    for task in (LIFT, REARRANGE):
        tool = task.sample_start(np.random.default_rng(seed)).tool
        assert (tool[:3] >= GRIPPER.low).all()
        assert (tool[:3] <= GRIPPER.high).all()
        assert tool[4:].sum() == pytest.approx(GRIPPER.opening)


def test_a_crowded_table_still_gives_a_start() -> None:
    crowded = replace(PUSH, table=replace(TABLE, obstacles=((0.0, 0.0, 0.5),)))
    assert np.isfinite(crowded.sample_start(np.random.default_rng(0)).goal).all()


@pytest.mark.parametrize("task", TASKS, ids=["push", "turn", "lift", "rearrange"])
def test_rewards_of_a_path_add_up_to_its_ends(task: Any) -> None:
    rng = np.random.default_rng(0)
    path = [random_state(task, rng) for _ in range(10)]
    total = sum(float(task.reward(a, b)) for a, b in pairwise(path))
    assert total == pytest.approx(float(task.potential(path[-1]) - task.potential(path[0])))


def test_a_pusher_is_drawn_round_its_target_to_the_side_away_from_the_goal() -> None:
    angles = np.linspace(0, np.pi, 13)  # from between target and goal to behind the target
    tools = np.array([0.1, 0.2]) + 0.06 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    worth = [float(PUSH.potential(pushing(tuple(tool), (0.1, 0.2), (0.3, 0.2)))) for tool in tools]
    assert (np.diff(worth) > 0).all()
    far = float(PUSH.potential(pushing((-0.2, 0.2), (0.1, 0.2), (0.3, 0.2))))
    assert far < worth[-1], "and to touch it"


@given(st.floats(-1.5, 1.5), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_pusher_is_drawn_to_where_a_push_also_turns(turn: float, backwards: bool) -> None:
    """The best place to push from gives the target a spin of the sign of the turn that is left."""
    task = TURN
    goal = (-0.1 if backwards else 0.1, 0.02, turn)
    angles = np.linspace(-np.pi, np.pi, 721)
    tools = 0.045 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    state = pushing((0.0, 0.0), (0.0, 0.0), goal)
    many = TaskState(**{name: np.broadcast_to(each, (721, *each.shape)) for name, each in vars(state).items()})
    best = tools[np.argmax(task.potential(replace(many, tool=tools)))]
    moment = best[0] * goal[1] - best[1] * goal[0]  # of a push towards where the goal is
    assert best @ goal[:2] < 0, "from behind"
    assert moment * turn >= 0 or abs(turn) < 0.1
    if abs(turn) > 0.5:
        assert abs(moment) > 1e-4


def turned_about_the_vertical(state: TaskState, angle: float) -> TaskState:
    c, s = np.cos(angle), np.sin(angle)
    flat, whole = np.array([[c, -s], [s, c]]), np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    goal = state.goal.copy()
    goal[:, :2], goal[:, 2] = goal[:, :2] @ flat.T, goal[:, 2] + angle
    turn = np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)])
    return replace(
        state,
        tool=state.tool @ flat.T,
        tool_velocity=state.tool_velocity @ flat.T,
        position=state.position @ whole.T,
        wxyz=np.stack([quaternion_multiply(turn, each) for each in state.wxyz]),
        velocity=state.velocity @ whole.T,
        spin=state.spin @ whole.T,
        goal=goal,
    )


@given(seeds, st.floats(-3.0, 3.0), st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_pusher_sees_the_same_from_every_side(seed: int, angle: float, heading: bool) -> None:
    rng = np.random.default_rng(seed)
    task, action = (TURN if heading else PUSH), rng.uniform(-1, 1, 2)
    state = replace(random_state(task, rng), goal=rng.normal(size=(1, 3)))
    here, there = task.observation(state), task.observation(turned_about_the_vertical(state, angle))
    assert seen_by_pusher(there)[:-6] == pytest.approx(seen_by_pusher(here)[:-6], abs=1e-9)
    c, s = np.cos(angle), np.sin(angle)
    assert action_of_pusher(there, action) == pytest.approx(
        np.array([[c, -s], [s, c]]) @ action_of_pusher(here, action), abs=1e-9
    )


def test_the_pusher_goes_ahead_to_its_target_and_left_of_it() -> None:
    seen = PUSH.observation(pushing((0.1, 0.0), (0.1, 0.2), (0.3, 0.2)))
    assert action_of_pusher(seen, np.array([1.0, 0.0])) == pytest.approx([0, 1])
    assert action_of_pusher(seen, np.array([0.0, 0.5])) == pytest.approx([-0.5, 0])
    assert np.linalg.norm(action_of_pusher(seen, np.array([3.0, -4.0]))) == pytest.approx(1)
    assert seen_by_pusher(seen)[0] == pytest.approx(0.2)
    assert seen_by_pusher(seen)[12:14] == pytest.approx([0, -0.2]), "the goal is to the right of the target"


@pytest.mark.parametrize("task", TASKS, ids=["push", "turn", "lift", "rearrange"])
def test_batches_are_single_states_side_by_side(task: Any) -> None:
    rng = np.random.default_rng(1)
    states = [random_state(task, rng) for _ in range(6)]
    many = TaskState(
        **{k: np.stack([getattr(s, k) for s in states]).reshape(2, 3, *v.shape) for k, v in vars(states[0]).items()}
    )
    assert task.observation(many).shape == (2, 3, task.observation_size)
    for function in (task.observation, task.distance, task.success, task.failed, task.potential):
        batch = function(many)
        single = np.stack([function(s) for s in states]).reshape(batch.shape)
        assert batch == pytest.approx(single)
    assert task.reward(many, many).shape == (2, 3)
    actions = rng.uniform(-2, 2, (2, 3, task.action_size))
    assert task.control(actions).shape == (2, 3, len(task.tool_joints))


def test_pushing_to_the_goal_pays_and_success_is_two_centimetres() -> None:
    far, near = pushing((-0.05, 0), (0, 0), (0.1, 0)), pushing((0.0, 0), (0.05, 0), (0.1, 0))
    there, almost = pushing((0.04, 0), (0.081, 0), (0.1, 0)), pushing((0.03, 0), (0.079, 0), (0.1, 0))
    assert PUSH.reward(far, near) == pytest.approx(0.5, abs=0.1)
    assert PUSH.reward(near, far) == pytest.approx(-0.5, abs=0.1)
    assert PUSH.success(there)
    assert not PUSH.success(almost)
    assert PUSH.reward(near, there) > 1


def test_a_heading_counts_from_the_scene_and_to_fifteen_degrees() -> None:
    for degrees, done in ((14, True), (-14, True), (16, False), (-16, False), (180, False)):
        state = pushing((0.04, 0), (0.1, 0), (0.1, 0), np.radians(degrees))
        assert bool(TURN.success(state)) is done
        assert TURN.angle(state) == pytest.approx(abs(np.radians(degrees)))
        assert PUSH.success(state)
    over_the_seam = pushing((0, 0), (0.1, 0), (0.1, 0, np.radians(-175)), np.radians(175))
    assert np.degrees(TURN.angle(over_the_seam)) == pytest.approx(10)
    home = replace(TURN, home_wxyz=(np.cos(0.5), 0.0, 0.0, np.sin(0.5)))  # 1 rad in the scene
    assert home.angle(pushing((0, 0), (0, 0), (0, 0), 1.0)) == pytest.approx(0, abs=1e-9)


def test_observations_have_the_numbers_that_the_docs_say() -> None:
    state = pushing((0.1, 0.2), (0.3, 0.4), (0.5, 0.6))
    seen = PUSH.observation(state)
    assert seen.shape == (23,)
    assert seen[:2].tolist() == [0.1, 0.2]
    assert seen[-3:] == pytest.approx([0.5, 0.6, np.hypot(0.2, 0.2)])
    assert TURN.observation(state).shape == (28,)
    assert TURN.observation(state)[:23] == pytest.approx(seen)
    lifting = LIFT.observation(gripping(LIFT, (0, 0, 0.1), [(0, 0.02, 0.03)], 1.0))
    assert lifting.shape == (32,)
    assert lifting[5] == pytest.approx(0.04), "the opening"
    assert lifting[11:13].tolist() == [1, 1], "both fingers touch"
    assert lifting[-4:] == pytest.approx([0, 0.02, -0.07, 0.1])


def test_actions_are_clipped() -> None:
    assert PUSH.control(np.array([2.0, -0.5])).tolist() == [0.2, -0.1]
    assert LIFT.control(np.array([1, 0, -3, 0.5, 1])) == pytest.approx([0.25, 0, -0.25, 1.0, 0.05, 0.05])
    assert LIFT.control(np.array([0, 0, 0, 0, -1.0]))[-2:].tolist() == [0, 0]


def test_lifted_means_up_and_held() -> None:
    up, low = [(0.0, 0.0, 0.131)], [(0.0, 0.0, 0.129)]
    assert LIFT.success(gripping(LIFT, (0, 0, 0.13), up, 1.0))
    assert not LIFT.success(gripping(LIFT, (0, 0, 0.13), up, 0.0))
    assert not LIFT.success(gripping(LIFT, (0, 0, 0.13), low, 1.0))
    free, held = (gripping(LIFT, (0, 0, 0.04), [(0.0, 0.0, 0.03)], touch) for touch in (0.0, 1.0))
    away = gripping(LIFT, (0.2, 0, 0.04), [(0.0, 0.0, 0.03)], 1.0)
    assert LIFT.potential(held) == pytest.approx(LIFT.potential(free) + 0.5)
    assert LIFT.potential(away) < LIFT.potential(free), "fingers far from it do not count"


def test_rearranged_means_all_there_and_let_go() -> None:
    both, one = [(0.01, 0, 0.13), (0.1, 0.11, 0.02)], [(0.01, 0, 0.13), (0.1, 0.13, 0.02)]
    assert REARRANGE.success(gripping(REARRANGE, (0, 0, 0.3), both))
    assert not REARRANGE.success(gripping(REARRANGE, (0, 0, 0.3), both, 1.0))
    assert not REARRANGE.success(gripping(REARRANGE, (0, 0, 0.3), one))
    assert REARRANGE.there(gripping(REARRANGE, (0, 0, 0.3), one)).tolist() == [True, False]


@pytest.mark.parametrize("task", TASKS, ids=["push", "turn", "lift", "rearrange"])
def test_falling_off_the_table_is_noticed(task: Any) -> None:
    state = random_state(task, np.random.default_rng(0))
    on = replace(state, position=np.abs(state.position))
    assert not task.failed(on)
    fallen = on.position.copy()
    fallen[-1, 2] = -0.1
    assert task.failed(replace(on, position=fallen))


def test_physics_is_drawn_from_its_interval() -> None:
    spread = Spread("thing", (0.1, 0.01, 1.0), (0.5, 0.2, 0.9))
    rng = np.random.default_rng(0)
    masses, frictions = np.array([spread.draw(rng) for _ in range(2000)]).T
    assert masses.min() >= 0.01
    assert masses.max() <= 1
    assert np.median(masses) == pytest.approx(0.1, rel=0.1), "the middle of the logarithm"
    assert 0.2 <= frictions.min() < 0.21
    with pytest.raises(ValueError, match="thing"):
        Spread("thing", (0.1, 0.2, 1.0), (0.5, 0.2, 0.9))
