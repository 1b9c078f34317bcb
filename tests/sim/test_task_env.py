from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from scan2sim.errors import ExportError, UsageError
from scan2sim.scene import RestsOn, load_scene, save_scene
from scan2sim.sim import (
    LiftTask,
    RearrangeTask,
    TaskEnv,
    TaskVectorEnv,
    add_gripper,
    add_pusher,
    lift_task,
    push_task,
    rearrange_task,
    settled_scene,
)
from tests.scene.factory import make_scene
from tests.sim.task_files import drive, push, up, written

FILES = {"push": push_task(make_scene()), "lift": lift_task(make_scene())}
TASKS = {
    "push": lambda: push_task(make_scene()),
    "turn": lambda: push_task(make_scene(), "box", heading=True),
    "lift": lambda: lift_task(make_scene(), "box"),
    "rearrange": lambda: rearrange_task(make_scene()),
}


@pytest.mark.parametrize("kind", list(TASKS))
def test_gymnasium_accepts_it(tmp_path: Path, kind: str) -> None:
    check_env(TaskEnv(*written(tmp_path, TASKS[kind]())), skip_render_check=True)  # warnings are errors here


@pytest.mark.parametrize("target", ["box", "ball"])
def test_a_scripted_finger_pushes(tmp_path: Path, target: str) -> None:
    env = TaskEnv(*written(tmp_path, push_task(make_scene(), target)))
    for seed in range(6):
        env.reset(seed=seed)
        total, ended, steps, info = 0.0, False, 0, {}
        while not ended and steps < env.task.horizon:
            _, reward, ended, _, info = env.step(push(env.task, env.state()))
            total += reward
            steps += 1
        assert info["is_success"], (seed, info)
        assert total > 1


def test_a_scripted_gripper_lifts_and_holds(tmp_path: Path) -> None:
    task = lift_task(make_scene(), "ball")
    env = TaskEnv(*written(tmp_path, replace(task, height=0.15)))
    for seed in range(3):
        env.reset(seed=seed)
        ball = env.state().position[0]
        drive(env, ball + up(0.08), 1.0, 25)
        assert env.state().touch == pytest.approx(0)
        drive(env, ball, 1.0, 20)
        drive(env, ball, -1.0, 15)
        held = env.state()
        assert (held.touch > 5).all()
        info = drive(env, ball + up(0.17), -1.0, 60)
        assert info["is_success"], (seed, info)
        lifted = env.state().position[0] - env.state().tool[:3]
        drive(env, env.state().tool[:3], -1.0, 30)
        slipped = env.state().position[0] - env.state().tool[:3] - lifted
        assert np.linalg.norm(slipped) < 0.002, "it slips in a second"


def test_a_scripted_gripper_rearranges(tmp_path: Path) -> None:
    env = TaskEnv(*written(tmp_path, rearrange_task(make_scene())))
    env.reset(seed=4)
    info: dict[str, object] = {}
    for i in range(2):
        at, goal = env.state().position[i].copy(), env.state().goal[i].copy()
        for place, opening, steps in (
            (at + up(0.12), 1.0, 30),
            (at, 1.0, 25),
            (at, -1.0, 15),
            (at + up(0.12), -1.0, 25),
            (goal + up(0.12), -1.0, 40),
            (goal + up(0.002), -1.0, 40),
            (goal, 1.0, 15),
            (goal + up(0.12), 1.0, 25),
        ):
            info = drive(env, place, opening, steps)
            if info["is_success"]:
                break
    assert info["is_success"], info


def test_the_pusher_follows_its_velocity_and_leaves_the_table_alone(tmp_path: Path) -> None:
    env = TaskEnv(*written(tmp_path, push_task(make_scene(), "box")))
    env.reset(seed=0)
    before = env.state()
    direction = np.sign(before.tool - before.position[0, :2])  # away from the object
    for _ in range(6):
        env.step(direction.astype(np.float32))
    after = env.state()
    assert after.tool_velocity == pytest.approx(direction * 0.2, rel=0.02)
    assert np.linalg.norm(after.position - before.position) < 0.001


def test_seeds_repeat_and_differ(tmp_path: Path) -> None:
    env = TaskEnv(*written(tmp_path, push_task(make_scene())))
    first, again, other = (env.reset(seed=s)[0] for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_episodes_draw_physics_from_the_intervals(tmp_path: Path) -> None:
    files = written(tmp_path, push_task(make_scene()))
    env, plain = TaskEnv(*files), TaskEnv(*files, randomize=False)
    drawn = []
    for seed in range(20):
        env.reset(seed=seed)
        plain.reset(seed=seed)
        drawn.append([env.world.model.body(o.name).mass[0] for o in make_scene().objects])
        for obj, mass in zip(make_scene().objects, drawn[-1], strict=True):
            body, before = env.world.model.body(obj.name), plain.world.model.body(obj.name)
            physical = obj.physical
            assert physical.mass.low <= mass <= physical.mass.high
            assert body.inertia / mass == pytest.approx(before.inertia / before.mass[0])
            friction = env.world.model.geom(f"{obj.name}-collision-0").friction[0]
            assert physical.friction.low <= friction <= physical.friction.high
            assert before.mass[0] == pytest.approx(physical.mass.value, rel=1e-5)
    assert np.std(drawn, axis=0).min() > 0.001


def test_many_worlds_go_the_ways_of_single_ones(tmp_path: Path) -> None:
    files = written(tmp_path, lift_task(make_scene()))
    many = TaskVectorEnv(3, *files, max_episode_steps=12)
    singles = [gymnasium.wrappers.TimeLimit(TaskEnv(*files), 12) for _ in range(3)]
    seen, _ = many.reset(seed=5)
    assert seen == pytest.approx(np.stack([env.reset(seed=5 + i)[0] for i, env in enumerate(singles)]))
    rng = np.random.default_rng(0)
    over = [False] * 3
    for step in range(20):
        actions = rng.uniform(-1, 1, (3, 5)).astype(np.float32)
        seen, rewards, ended, cut, info = many.step(actions)
        for i, env in enumerate(singles):
            if over[i]:
                alone, reward, stop, late, about = (
                    *(env.reset()[0], 0.0, False, False),
                    {"distance": info["distance"][i]},
                )
            else:
                alone, reward, stop, late, about = env.step(actions[i])
            assert seen[i] == pytest.approx(alone, abs=1e-6), (step, i)
            assert rewards[i] == pytest.approx(reward, abs=1e-9)
            assert (ended[i], cut[i]) == (stop, late)
            assert info["distance"][i] == pytest.approx(about["distance"])
            over[i] = stop or late
    many.close()


def test_worlds_that_start_again_at_once_say_what_was_seen_last(tmp_path: Path) -> None:
    files = written(tmp_path, push_task(make_scene()))
    late = TaskVectorEnv(3, *files, max_episode_steps=5)
    soon = TaskVectorEnv(3, *files, max_episode_steps=5, autoreset=AutoresetMode.SAME_STEP)
    for envs in (late, soon):
        envs.reset(seed=3)
    actions = np.random.default_rng(0).uniform(-1, 1, (5, 3, 2)).astype(np.float32)
    for action in actions:
        seen, rewards, _, cut, _ = late.step(action)
        begun, same, _, same_cut, info = soon.step(action)
        assert np.array_equal(rewards, same)
        assert np.array_equal(cut, same_cut)
    assert cut.all()
    assert np.array_equal(np.stack(list(info["final_obs"])), seen)
    assert info["final_info"]["distance"] == pytest.approx(late._info(late._last)["distance"])
    assert np.array_equal(begun, late.step(actions[0])[0]), "the next episodes are the same"
    assert not soon.step(actions[0])[3].any(), "and count from there"
    with pytest.raises(UsageError, match="start again"):
        TaskVectorEnv(1, *files, autoreset=AutoresetMode.DISABLED)


def test_another_thing_of_the_scene_can_be_the_target(tmp_path: Path) -> None:
    save_scene(settled_scene(make_scene())[0], tmp_path / "scene")
    push_files, lift_files = (written(tmp_path / name, task) for name, task in FILES.items())
    assert TaskEnv(*push_files, scene=tmp_path / "scene", target="box").task == push_task(
        load_scene(tmp_path / "scene"), "box"
    )
    env = TaskEnv(*lift_files, scene=tmp_path / "scene", target="box")
    env.reset(seed=0)
    assert env.task.objects == ("box",)
    assert TaskEnv(*push_files, target="ball").task.objects == ("ball",), "its own needs no scene"
    with pytest.raises(UsageError, match="needs the scene"):
        TaskEnv(*push_files, target="box")
    with pytest.raises(UsageError, match="box, ball, bowl"):
        TaskVectorEnv(1, *push_files, scene=tmp_path / "scene", target="cup")


@pytest.mark.parametrize("steps", [4, 8, 16])
def test_the_step_of_physics_can_be_chosen(tmp_path: Path, steps: int) -> None:
    env = TaskEnv(*written(tmp_path, push_task(make_scene())), substeps=steps)
    env.reset(seed=0)
    before = env.world.data.time
    env.step(np.zeros(2, dtype=np.float32))
    assert env.world.model.opt.timestep == pytest.approx(1 / (30 * steps))
    assert env.world.data.time - before == pytest.approx(1 / 30)
    with pytest.raises(UsageError, match="at least one"):
        TaskEnv(*written(tmp_path, push_task(make_scene())), substeps=0)


def test_the_smallest_thing_alone_is_the_target() -> None:
    scene = make_scene()
    assert push_task(scene).target == "ball"
    stacked = replace(scene.objects[0], rests_on=RestsOn(2))  # the box stands on the ball
    assert push_task(replace(scene, objects=(stacked, *scene.objects[1:]))).target == "bowl"
    assert push_task(scene, "box").target == "box"
    assert rearrange_task(scene).targets == ("ball", "box"), "the bowl is wider than the gripper"


def test_what_cannot_be_done_is_said() -> None:
    scene = make_scene()
    with pytest.raises(UsageError, match="box, ball, bowl"):
        push_task(scene, "cup")
    with pytest.raises(UsageError, match="nothing in this scene"):
        push_task(replace(scene, objects=()))
    with pytest.raises(UsageError, match="wide"):
        lift_task(scene, "bowl")
    for name, put in (
        ("pusher", lambda s: add_pusher(s, push_task(s))),
        ("gripper", lambda s: add_gripper(s, lift_task(s))),
        ("gripper-left", lambda s: add_gripper(s, rearrange_task(s))),
    ):
        renamed = replace(scene, objects=(replace(scene.objects[0], name=name), *scene.objects[1:]))
        with pytest.raises(UsageError, match=f"called “{name}”"):
            put(renamed)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    model, task = written(tmp_path, push_task(make_scene()))
    text = task.read_text()
    for damage in (
        "{",
        "{}",
        text.replace('"push"', '"juggle"'),
        text.replace('"radius"', '"radios"'),
        text.replace('"horizon": 300', '"horizon": "soon"'),
        text.replace('"horizon": 300', '"horizon": 0'),
        text.replace('"speed": 0.2', '"speed": -0.2'),
        text.replace('"low": [', '"low": [NaN, '),
    ):
        assert damage != text
        task.write_text(damage)
        with pytest.raises(ExportError, match=r"task\.json"):
            TaskEnv(model, task)
    task.write_text(text.replace('"ball"', '"cup"'))
    with pytest.raises(ExportError, match="does not fit"):
        TaskEnv(model, task)
    task.write_text(text)
    model.write_text("<mujoco><worldbody></mujoco>")
    with pytest.raises(ExportError, match="cannot read"):
        TaskEnv(model, task)
    model.unlink()
    with pytest.raises(ExportError, match="no such model"):
        TaskEnv(model, task)


@pytest.mark.parametrize("kind", [LiftTask, RearrangeTask])
def test_pixels_need_a_scene_and_push(tmp_path: Path, kind: type) -> None:
    task = lift_task(make_scene()) if kind is LiftTask else rearrange_task(make_scene())
    with pytest.raises(UsageError, match="Push"):
        TaskEnv(*written(tmp_path, task), obs="pixels")
