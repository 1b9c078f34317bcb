"""Worlds as stable-baselines3 steps them."""

from pathlib import Path

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

pytest.importorskip("stable_baselines3")
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from scan2sim.errors import UsageError
from scan2sim.sim import TaskVectorEnv, lift_task, push_task
from scan2sim.sim.baselines3 import AsPusher, PushTeacher, TaskVecEnv
from scan2sim.sim.tasks import action_of_pusher, seen_by_pusher
from tests.scene.factory import make_scene
from tests.sim.task_files import written

SAME_STEP = AutoresetMode.SAME_STEP


def test_it_goes_the_way_of_the_worlds_and_tells_of_episodes_that_end(tmp_path: Path) -> None:
    files = written(tmp_path, push_task(make_scene()))
    plain = TaskVectorEnv(3, *files, max_episode_steps=4, autoreset=SAME_STEP)
    envs = AsPusher(TaskVecEnv(TaskVectorEnv(3, *files, max_episode_steps=4, autoreset=SAME_STEP)))
    envs.seed(7)
    begun, seen = envs.reset(), plain.reset(seed=7)[0]
    total = np.zeros(3)
    for action in np.random.default_rng(0).normal(size=(4, 3, 2)):
        assert begun == pytest.approx(seen_by_pusher(seen), abs=1e-6)
        turned = action_of_pusher(seen, action)
        begun, rewards, over, infos = envs.step(action)
        seen, expected, _, _, about = plain.step(turned)
        assert rewards == pytest.approx(expected, abs=1e-6)
        total += expected
    assert over.all()
    for i, info in enumerate(infos):
        assert info["TimeLimit.truncated"]
        assert info["terminal_observation"] == pytest.approx(seen_by_pusher(about["final_obs"][i]), abs=1e-6)
        assert not info["is_success"]
        assert (info["episode"]["r"], info["episode"]["l"]) == (pytest.approx(total[i], abs=1e-5), 4)
    assert begun == pytest.approx(seen_by_pusher(seen), abs=1e-6)
    envs.close()


def test_ppo_learns_on_it(tmp_path: Path) -> None:
    files = written(tmp_path, lift_task(make_scene()))
    envs = TaskVecEnv(TaskVectorEnv(4, *files, max_episode_steps=8, autoreset=SAME_STEP))
    policy = PPO("MlpPolicy", envs, n_steps=16, batch_size=32, n_epochs=1, device="cpu", seed=0)
    before = [each.detach().clone() for each in policy.policy.parameters()]
    policy.learn(64)
    assert len(policy.ep_info_buffer) == 8  # 64 steps in episodes of 8
    assert any(not np.allclose(a, b.detach()) for a, b in zip(before, policy.policy.parameters(), strict=True))


def test_a_teacher_does_what_the_policy_does_on_scaled_observations(tmp_path: Path) -> None:
    files = written(tmp_path, push_task(make_scene()))
    envs = VecNormalize(AsPusher(TaskVecEnv(TaskVectorEnv(4, *files, autoreset=SAME_STEP))))
    PPO("MlpPolicy", envs, n_steps=8, batch_size=32, n_epochs=1, device="cpu", seed=0).learn(32).save(tmp_path / "push")
    np.savez(tmp_path / "push.npz", mean=envs.obs_rms.mean, var=envs.obs_rms.var)
    envs.training = False
    worlds = TaskVectorEnv(4, *files)
    seen, _ = worlds.reset(seed=5)
    scaled = envs.normalize_obs(seen_by_pusher(seen))
    wanted = PPO.load(tmp_path / "push.zip", device="cpu").predict(scaled, deterministic=True)[0]
    told = PushTeacher(tmp_path / "push").actions(push_task(make_scene()), worlds.state())
    assert told == pytest.approx(action_of_pusher(seen, wanted), abs=1e-4)
    (tmp_path / "push.npz").unlink()
    with pytest.raises(UsageError, match=r"push\.npz"):
        PushTeacher(tmp_path / "push")


def test_what_it_cannot_do_is_said(tmp_path: Path) -> None:
    files = written(tmp_path, lift_task(make_scene()))
    with pytest.raises(UsageError, match="SAME_STEP"):
        TaskVecEnv(TaskVectorEnv(1, *files))
    with pytest.raises(UsageError, match="Push"):
        AsPusher(TaskVecEnv(TaskVectorEnv(1, *files, autoreset=SAME_STEP)))
