"""Teach a policy of Push that is shown 64×64 pictures and nothing else, by one that is told the state.

The student drives, the teacher says what it would have done there, the student learns all it was told so far (DAgger;
Ross, Gordon and Bagnell 2011, "A reduction of imitation learning and structured prediction to no-regret online
learning").  The teacher drives in the first round, and later where an episode takes long, since a student that has left
the picture finds no way back.  Then the student is tried alone, on episodes of other seeds, as many in each world;
Wilson's interval is of 95 % (1927).

Usage (pip install scan2sim[rl]):
    python examples/02_train.py desk-gym --task Push --steps 400000 --save push
    python examples/03_train_from_pictures.py desk-gym --teacher push --save pictures
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
from safetensors.torch import save_file
from scipy.stats import binomtest

from scan2sim.sim import PictureLessons, PicturePolicy
from scan2sim.sim.baselines3 import PushTeacher

EVALUATION_SEED = 1_000_000  # far from the seeds of training
NOISE, PATIENCE = 0.3, 100  # of what is driven while learning; actions before the teacher takes over


def ends(ended, cut, info) -> dict[int, bool]:
    """Whether the episodes that this step ended succeeded, by world."""
    return {int(i): bool(info["final_info"]["is_success"][i]) for i in np.flatnonzero(ended | cut)}


def success(student: PicturePolicy, envs, episodes: int) -> list[bool]:
    """Whether each episode succeeded, the same number of them in each world."""
    quota, (seen, _) = -(-episodes // envs.num_envs), envs.reset(seed=EVALUATION_SEED)
    results: list[list[bool]] = [[] for _ in range(envs.num_envs)]
    while min(map(len, results)) < quota:
        seen, _, *end = envs.step(student.act(seen))
        for i, done in ends(*end).items():
            results[i].append(done)
    return [one for result in results for one in result[:quota]]


def main() -> None:
    """Let it drive, be told, learn; then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what scan2sim export --to gymnasium wrote")
    parser.add_argument("--teacher", type=Path, required=True, help="what 02_train.py saved")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=50, help="of every world in a round")
    parser.add_argument("--batches", type=int, default=250, help="learned from after a round")
    parser.add_argument("--worlds", type=int, default=64)
    parser.add_argument("--episodes", type=int, default=1000, help="of the evaluation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, default=Path("pictures"))
    args = parser.parse_args()
    sys.path.insert(0, str(args.folder.absolute()))
    names = importlib.import_module(json.loads((args.folder / "export.json").read_text())["package"]).ENVIRONMENTS
    name = next(each for each in names if each.endswith("-Push-v0"))
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    envs = gymnasium.make_vec(name, args.worlds, obs="pixels", autoreset=AutoresetMode.SAME_STEP)
    teacher, student, start = PushTeacher(args.teacher), PicturePolicy(), (time.monotonic(), time.process_time())
    lessons = PictureLessons(student, envs.task, args.rounds * args.batches)
    (seen, _), curve, age = envs.reset(seed=args.seed), [], np.zeros(args.worlds)
    for turn in range(args.rounds):
        done: list[bool] = []
        for _ in range(args.steps):
            advice = teacher.actions(envs.task, envs.state())
            lessons.add(seen, envs.state(), advice)
            driven = np.where(age[:, None] < (PATIENCE if turn else 0), student.act(seen), advice)
            seen, _, *end = envs.step(driven + NOISE * torch.randn(driven.shape).numpy())
            age += 1
            for i, one in ends(*end).items():
                done.append(one and age[i] <= PATIENCE)
                age[i] = 0
        row = {"pictures": len(lessons), "error": lessons.learn(args.batches)}
        row |= {"seconds": time.monotonic() - start[0], "processor_seconds": time.process_time() - start[1]}
        curve.append({**row, "episodes": len(done), "success": float(np.mean(done)) if done else None})
        print(curve[-1], file=sys.stderr, flush=True)
    save_file(student.state_dict(), args.save.with_suffix(".safetensors"))
    done = success(student, envs, args.episodes)
    low, high = binomtest(sum(done), len(done)).proportion_ci(method="wilson")
    rate = {"success": sum(done) / len(done), "success_low": low, "success_high": high, "episodes": len(done)}
    about = {"environment": name, "target": None, "seed": args.seed, **rate, "curve": curve}
    args.save.with_suffix(".json").write_text(json.dumps(about, indent=1))
    print(f"success {sum(done)} of {len(done)}: {sum(done) / len(done):.1%}, 95 % interval {low:.1%} to {high:.1%}")


if __name__ == "__main__":
    main()
