from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from scan2sim.errors import ExportError, UsageError
from scan2sim.files import write_json
from scan2sim.scene import RestsOn
from scan2sim.sim import PushEnv, add_pusher, push_task, settled_scene, write_push_task
from tests.scene.factory import make_scene


def written(folder: Path, target: str | None = None) -> tuple[Path, Path]:
    scene, _ = settled_scene(make_scene())
    task = push_task(scene, target)
    spec = add_pusher(scene, task)
    for name, data in spec.assets.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "scene.xml").write_text(spec.to_xml())
    write_json(folder / "push.json", write_push_task(task))
    return folder / "scene.xml", folder / "push.json"


def scripted(env: PushEnv) -> np.ndarray:
    """Walk round the object until behind it, then push towards the goal."""
    task, state = env.task, env.state()
    away = state.position[:2] - state.goal
    away /= np.linalg.norm(away)
    relative = state.pusher - state.position[:2]
    distance = np.linalg.norm(relative)
    touching = task.radius + task.pusher_radius
    if relative @ away / distance < 0.9:
        around = np.array([-relative[1], relative[0]]) / distance
        around *= np.sign(relative[0] * away[1] - relative[1] * away[0])
        wanted = around + 40 * (touching + 0.012 - distance) * relative / distance
    else:
        wanted = 30 * (state.position[:2] + away * (touching - 0.026) - state.pusher)
    return np.clip(wanted, -1, 1).astype(np.float32)


def test_gymnasium_accepts_it(tmp_path: Path) -> None:
    check_env(PushEnv(*written(tmp_path)), skip_render_check=True)  # warnings are errors here


@pytest.mark.parametrize("target", ["box", "ball"])
def test_a_scripted_finger_solves_it(tmp_path: Path, target: str) -> None:
    env = PushEnv(*written(tmp_path, target))
    for seed in range(6):
        env.reset(seed=seed)
        total, ended, steps, info = 0.0, False, 0, {}
        while not ended and steps < env.task.horizon:
            _, reward, ended, _, info = env.step(scripted(env))
            total += reward
            steps += 1
        assert info["success"], (seed, info)
        assert total > 1


def test_the_pusher_follows_its_velocity_and_leaves_the_table_alone(tmp_path: Path) -> None:
    env = PushEnv(*written(tmp_path, "box"))
    env.reset(seed=0)
    before = env.state()
    direction = np.sign(before.pusher - before.position[:2])  # away from the object
    for _ in range(6):
        env.step(direction.astype(np.float32))
    after = env.state()
    assert after.pusher_velocity == pytest.approx(direction * env.task.speed, rel=0.02)
    assert np.linalg.norm(after.position - before.position) < 0.001


def test_seeds_repeat_and_differ(tmp_path: Path) -> None:
    env = PushEnv(*written(tmp_path))
    first, again, other = (env.reset(seed=s)[0] for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_smallest_thing_alone_is_the_target() -> None:
    scene = make_scene()
    assert push_task(scene).target == "ball"
    stacked = replace(scene.objects[0], rests_on=RestsOn(2))  # the box stands on the ball
    assert push_task(replace(scene, objects=(stacked, *scene.objects[1:]))).target == "bowl"
    assert push_task(scene, "box").target == "box"


def test_what_cannot_be_pushed_is_said() -> None:
    scene = make_scene()
    with pytest.raises(UsageError, match="box, ball, bowl"):
        push_task(scene, "cup")
    with pytest.raises(UsageError, match="nothing in this scene"):
        push_task(replace(scene, objects=()))
    renamed = replace(scene, objects=(replace(scene.objects[0], name="pusher"), *scene.objects[1:]))
    with pytest.raises(UsageError, match="called “pusher”"):
        add_pusher(renamed, push_task(renamed))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    model, task = written(tmp_path)
    text = task.read_text()
    for damage in (
        "{",
        "{}",
        text.replace('"radius"', '"radios"'),
        text.replace('"horizon": 300', '"horizon": "soon"'),
        text.replace('"horizon": 300', '"horizon": 0'),
        text.replace('"speed": 0.2', '"speed": -0.2'),
        text.replace('"low": [', '"low": [NaN, '),
    ):
        assert damage != text
        task.write_text(damage)
        with pytest.raises(ExportError, match=r"push\.json"):
            PushEnv(model, task)
    task.write_text(text.replace('"ball"', '"cup"'))
    with pytest.raises(ExportError, match="does not fit"):
        PushEnv(model, task)
    task.write_text(text)
    model.write_text("<mujoco><worldbody></mujoco>")
    with pytest.raises(ExportError, match="cannot read"):
        PushEnv(model, task)
    model.unlink()
    with pytest.raises(ExportError, match="no such model"):
        PushEnv(model, task)
