"""Train a policy on an exported environment by PPO, and measure its success.

The policy is stable-baselines3's; in Push it sees and acts as the pusher does, which has the target ahead.  It is tried
as it was trained, with actions drawn: the most likely ones alone at times come to a halt.  Each world lives as many
episodes; Wilson's interval is of 95 % (1927).  Beside the policy come the scales of its observations and its curve.

Usage (pip install scan2sim[rl]):
    scan2sim export outputs/desk --to gymnasium -o desk-gym
    python examples/02_train.py desk-gym --task Push --steps 1000000 --save policy
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from scipy.stats import binomtest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from scan2sim.sim.baselines3 import AsPusher, TaskVecEnv

RATES = {"n_steps": 64, "batch_size": 1024, "n_epochs": 5, "gamma": 0.995, "stats_window_size": 500}
EVALUATION_SEED = 1_000_000  # far from the seeds of training


class Curve(BaseCallback):
    """Steps, seconds of the clock and of the processor, and success of the last 500 episodes, after each update."""

    def _on_training_start(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.start = time.monotonic(), time.process_time()

    def _on_rollout_end(self) -> None:
        seconds, processor = time.monotonic() - self.start[0], time.process_time() - self.start[1]
        success = float(np.mean(self.model.ep_success_buffer or 0.0))
        row = {"steps": self.num_timesteps, "seconds": seconds, "processor_seconds": processor, "success": success}
        self.rows.append({name: round(value, 3) for name, value in row.items()})
        print(self.rows[-1], file=sys.stderr)

    def _on_step(self) -> bool:
        return True


def success(policy: PPO, envs: VecNormalize, episodes: int) -> list[bool]:
    """Whether each episode succeeded, the same number of them in each world."""
    quota, seen = -(-episodes // envs.num_envs), envs.reset()
    results: list[list[bool]] = [[] for _ in range(envs.num_envs)]
    while min(map(len, results)) < quota:
        seen, _, dones, infos = envs.step(policy.predict(seen)[0])
        for i in np.flatnonzero(dones):
            results[i].append(bool(infos[i]["is_success"]))
    return [one for result in results for one in result[:quota]]


def main() -> None:
    """Train, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what scan2sim export --to gymnasium wrote")
    parser.add_argument("--task", default="Push", choices=["Push", "PushHeading", "Lift", "Rearrange"])
    parser.add_argument("--target", help="another object than the task's own")
    parser.add_argument("--steps", type=int, default=1_000_000, help="of training, in all worlds together")
    parser.add_argument("--worlds", type=int, default=64)
    parser.add_argument("--episodes", type=int, default=1000, help="of the evaluation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, default=Path("policy"))
    args = parser.parse_args()
    sys.path.insert(0, str(args.folder.absolute()))
    export = json.loads((args.folder / "export.json").read_text())
    name = next(n for n in importlib.import_module(export["package"]).ENVIRONMENTS if n.endswith(f"-{args.task}-v0"))
    torch.set_num_threads(1)
    many = gymnasium.make_vec(name, args.worlds, target=args.target, autoreset=AutoresetMode.SAME_STEP)
    see = AsPusher if args.task.startswith("Push") else lambda worlds: worlds
    envs = VecNormalize(see(TaskVecEnv(many)), gamma=RATES["gamma"])
    envs.seed(args.seed)
    kind = {"net_arch": [128, 128], "log_std_init": -0.5}
    policy = PPO("MlpPolicy", envs, lambda left: 5e-4 * left, policy_kwargs=kind, seed=args.seed, device="cpu", **RATES)
    policy.learn(args.steps, callback=(curve := Curve()))
    policy.save(args.save.with_suffix(".zip"))
    np.savez(args.save.with_suffix(".npz"), mean=envs.obs_rms.mean, var=envs.obs_rms.var)
    envs.training = envs.norm_reward = False
    envs.seed(EVALUATION_SEED + args.seed)
    done = success(policy, envs, args.episodes)
    low, high = binomtest(sum(done), len(done)).proportion_ci(method="wilson")
    about = {"environment": name, "target": args.target, "seed": args.seed, "curve": curve.rows}
    about |= {"success": sum(done) / len(done), "success_low": low, "success_high": high, "episodes": len(done)}
    about["scene"] = {thing["name"]: thing["position"] for thing in export["objects"]}  # that the policy is for
    args.save.with_suffix(".json").write_text(json.dumps(about, indent=1))
    print(f"success {sum(done)} of {len(done)}: {sum(done) / len(done):.1%}, 95 % interval {low:.1%} to {high:.1%}")


if __name__ == "__main__":
    main()
