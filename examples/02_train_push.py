"""Train a policy on an exported environment by PPO, and measure its success.

The policy is stable-baselines3's, two layers of 128. Success is counted over the first episodes of every world, the
same number in each, with Wilson's interval of 95 % (Wilson 1927).

Usage (pip install scan2sim[rl]):
    scan2sim export outputs/desk --to gymnasium -o desk-gym
    python examples/02_train_push.py desk-gym --minutes 10 --save policy.zip
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
from scipy.stats import binomtest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize

GAMMA = 0.99
EVALUATION_SEED = 1_000_000  # far from the seeds of training


class Clock(BaseCallback):
    """Ends training after a time."""

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self.end = time.monotonic() + 60 * minutes

    def _on_step(self) -> bool:
        return time.monotonic() < self.end


def worlds(folder: Path, task: str, count: int, seed: int) -> VecNormalize:
    """Environments of an exported folder, which need not be installed; networks want their metres scaled."""
    package = json.loads((folder / "export.json").read_text())["package"]

    def make() -> gymnasium.Env:
        sys.path.insert(0, str(folder.absolute()))
        names = importlib.import_module(package).ENVIRONMENTS
        return Monitor(gymnasium.make(next(name for name in names if name.endswith(f"-{task}-v0"))))

    envs = VecNormalize(SubprocVecEnv([make] * count), gamma=GAMMA)
    envs.seed(seed)
    return envs


def success(policy: PPO, envs: VecNormalize, episodes: int) -> list[bool]:
    """Whether each episode succeeded, the same number of them in each world."""
    quota = -(-episodes // envs.num_envs)
    results: list[list[bool]] = [[] for _ in range(envs.num_envs)]
    seen = envs.reset()
    while min(map(len, results)) < quota:
        actions, _ = policy.predict(seen, deterministic=True)
        seen, _, dones, infos = envs.step(actions)
        for result, done, info in zip(results, dones, infos, strict=True):
            if done and len(result) < quota:
                result.append(bool(info["is_success"]))
    return [one for result in results for one in result]


def main() -> None:
    """Train, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what scan2sim export --to gymnasium wrote")
    parser.add_argument("--task", default="Push", choices=["Push", "PushHeading", "Lift", "Rearrange"])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--episodes", type=int, default=1000, help="of the evaluation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="where the policy goes, beside it the scales of observations")
    args = parser.parse_args()
    envs = worlds(args.folder, args.task, args.worlds, args.seed)
    rates = {"n_steps": 256, "batch_size": 512, "learning_rate": 5e-4, "gamma": GAMMA}
    policy = PPO("MlpPolicy", envs, policy_kwargs={"net_arch": [128, 128]}, **rates, seed=args.seed, device="cpu")
    policy.learn(10**9, callback=Clock(args.minutes))
    speed = policy.num_timesteps / (60 * args.minutes)
    if args.save:
        policy.save(args.save)
        np.savez(args.save.with_suffix(".npz"), mean=envs.obs_rms.mean, var=envs.obs_rms.var)
    envs.training = envs.norm_reward = False
    envs.seed(EVALUATION_SEED + args.seed)
    done = success(policy, envs, args.episodes)
    envs.close()
    print(f"{policy.num_timesteps} steps, {speed:.0f} a second")
    low, high = binomtest(sum(done), len(done)).proportion_ci(method="wilson")
    print(f"success {sum(done)} of {len(done)}: {sum(done) / len(done):.1%}, 95 % interval {low:.1%} to {high:.1%}")


if __name__ == "__main__":
    main()
