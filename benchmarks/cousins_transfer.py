"""Do cousins serve their purpose?  Policies trained on the twin, on the twin with random physics, and on cousins, each
with the same number of steps, are tried on the twin and on things that none of them was trained with.

The task is PushHeading, or Push with ``--task Push``: one object of a scanned scene is pushed to a place and a heading,
or to a place alone, learned by PPO (stable-baselines3) as in ``examples/02_train.py``.  The assets that come with
scan2sim are split by chance into two halves; cousins may hold things of the first half, the test scenes hold each of
the second half that stands, in the object's place and at about its size.  Every policy is tried on the same episodes.
Intervals are bootstrapped over seeds of training and episodes together.

With ``--keep`` what each policy reached is written down, and a later run with the same arguments goes on from there.

Usage (pip install -e .[rl]; 40 minutes on two cores):
    python benchmarks/cousins_transfer.py outputs/desk --json --keep outputs/transfer --plot docs/cousins-transfer.png
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pool_of_worlds import Place, PoolOfWorlds, place_of

from scan2sim.cousins import CousinsConfig, sample, study_twin
from scan2sim.cousins.assets import AssetLibrary, open_library, replace_object
from scan2sim.cousins.valid import problems
from scan2sim.errors import Scan2SimError
from scan2sim.library import Library
from scan2sim.pipeline.keys import digest_file
from scan2sim.scene import Scene, load_scene
from scan2sim.sim import come_to_rest, push_task

CONDITIONS = ("twin", "randomised", "cousins")
WORLDS = 64
TEST_SEED = 1_000_000  # far from the seeds of training
RESAMPLES = 2000


def main() -> None:
    """Train, try, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", type=Path, help="a scene folder, or a build with one")
    parser.add_argument("--task", default="PushHeading", choices=["Push", "PushHeading"])
    parser.add_argument("--steps", type=int, default=1_000_000, help="of training, for each policy")
    parser.add_argument("--seeds", type=int, default=3, help="policies of each kind")
    parser.add_argument(
        "--episodes", type=int, default=1000, help="that each policy is tried on, for each of both tests"
    )
    parser.add_argument("--cousins", type=int, default=96)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for what policies reached")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    args = parser.parse_args()
    if args.plot:
        import_module("matplotlib").use("agg")  # asked for before the long work, not after it
    folder = Library().scene_of(str(args.scene))
    twin = load_scene(folder)
    heading = args.task == "PushHeading"
    target = push_task(twin, heading=heading).target
    learned, held_out = split_library(open_library(), seed=0)
    started = time.monotonic()
    pools = {"twin": [place_of(twin, push_task(twin, target, heading=heading))]}
    pools["randomised"] = pools["twin"]
    pools["cousins"] = cousins_of(twin, target, learned, args.cousins, heading=heading)
    tests = {"twin": pools["twin"], "held_out": test_places(twin, target, held_out, heading=heading)}
    say(
        f"{len(pools['cousins'])} cousins, {len(tests['held_out'])} held-out things, {time.monotonic() - started:.0f} s"
    )
    kept = None
    if args.keep:
        scene = digest_file(folder / "scene.json")[:8]
        kept = args.keep / f"{scene}-{args.task}-{args.steps}-{args.episodes}-{args.cousins}"
        kept.mkdir(parents=True, exist_ok=True)
    jobs = [
        (name, seed, pools[name], tests, args.steps, args.episodes, kept)
        for seed in range(args.seeds)
        for name in CONDITIONS
    ]
    with get_context("spawn").Pool(args.processes, maxtasksperchild=1) as pool:
        found: dict[tuple[str, str], list[NDArray[np.bool_]]] = {}
        for name, seed, results in pool.imap(_reached, jobs):
            for test, done in results.items():
                found.setdefault((name, test), []).append(done)
            say(f"{name} {seed}: " + ", ".join(f"{test} {done.mean():.1%}" for test, done in results.items()))
        pool.close()
        pool.join()
    figures = compare({key: np.array(rows) for key, rows in found.items()})
    figures |= {
        "task": args.task,
        "seeds": args.seeds,
        "episodes": args.episodes,
        "cousins": len(pools["cousins"]),
        "held_out_things": len(tests["held_out"]),
        "steps": args.steps,
    }
    if args.plot:
        plot(found, args.plot)
    print(json.dumps(figures) if args.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


def split_library(library: AssetLibrary, seed: int) -> tuple[AssetLibrary, AssetLibrary]:
    """Two halves of the assets, by chance: to learn with, and to be tried on."""
    order = np.random.default_rng(seed).permutation(len(library.assets))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    first, second = (replace(library, assets=tuple(library.assets[i] for i in half)) for half in halves)
    return first, second


def cousins_of(twin: Scene, target: str, library: AssetLibrary, count: int, *, heading: bool) -> list[Place]:
    """Cousins of the twin, half of them with things of the library."""
    number = next(obj.id for obj in twin.objects if obj.name == target)
    places: list[Place] = []
    for index in range(2 * count):
        rng = np.random.default_rng([index, 0])
        vary = ("shape", "layout", "physics", "category") if index % 2 else ("shape", "layout", "physics")
        config = CousinsConfig(vary=vary)
        try:
            cousin = sample(twin, float(rng.uniform(0.2, 1)), rng, config, library, study_twin(twin, config))
            name = next(obj.name for obj in cousin.scene.objects if obj.id == number)
            places.append(place_of(cousin.scene, push_task(cousin.scene, name, heading=heading)))
        except Scan2SimError as problem:
            say(f"no cousin {index}: {problem.problem}")
        if len(places) == count:
            break
    return places


def test_places(twin: Scene, target: str, library: AssetLibrary, *, heading: bool) -> list[Place]:
    """The twin with each held-out thing in the target's place, where it stands."""
    obj = next(o for o in twin.objects if o.name == target)
    places = []
    for index, asset in enumerate(library.assets):
        only = replace(library, assets=(asset,))
        try:
            other, _ = replace_object(obj, only, 1.0, np.random.default_rng(index))
            changed = replace(twin, objects=tuple(other if o.id == obj.id else o for o in twin.objects))
            rest = come_to_rest(changed)
            if found := problems(rest.scene, rest=rest):
                raise Scan2SimError(found[0])
            places.append(place_of(rest.scene, push_task(rest.scene, other.name, heading=heading)))
        except Scan2SimError as problem:
            say(f"no test with {asset.name}: {problem.problem}")
    return places


def _reached(job: tuple[str, int, list[Place], dict[str, list[Place]], int, int, Path | None]) -> tuple[str, int, Any]:
    """Kind, seed, and per test what each episode came to; from the folder where an earlier run wrote it down."""
    name, seed, *task, kept = job
    file = kept / f"{name}-{seed}.npz" if kept else None
    if file is not None and file.exists():
        with np.load(file) as results:
            return name, seed, dict(results)
    results = _train_and_try(name, seed, *task)
    if file is not None:
        half = file.with_suffix(".part.npz")
        np.savez(half, **results)
        half.rename(file)
    return name, seed, results


def _train_and_try(
    name: str, seed: int, places: list[Place], tests: dict[str, list[Place]], steps: int, episodes: int
) -> dict[str, Any]:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecNormalize

    from scan2sim.sim.baselines3 import AsPusher

    torch.set_num_threads(1)
    envs = VecNormalize(AsPusher(PoolOfWorlds(places, WORLDS, seed, randomize=name != "twin")), gamma=0.995)
    rates: dict[str, Any] = {"n_steps": 64, "batch_size": 1024, "n_epochs": 5, "gamma": 0.995}
    rates |= {
        "learning_rate": lambda left: 5e-4 * left,
        "policy_kwargs": {"net_arch": [128, 128], "log_std_init": -0.5},
    }
    policy = PPO("MlpPolicy", envs, **rates, seed=seed, device="cpu")
    policy.learn(steps)
    results = {}
    for test, where in tests.items():
        schedule = [(number % len(where), TEST_SEED + number) for number in range(episodes)]
        pool = PoolOfWorlds(where, WORLDS, 0, randomize=False, schedule=schedule)
        trial = AsPusher(pool)
        seen = trial.reset()
        while len(pool.results) < episodes:
            actions, _ = policy.predict(envs.normalize_obs(seen))  # as it was trained
            seen, *_ = trial.step(actions)
        results[test] = np.array([pool.results[number] for number in range(episodes)])
    return results


def compare(found: dict[tuple[str, str], NDArray[np.bool_]]) -> dict[str, Any]:  # (S, E) each
    """Success rates and what cousins gain, in points, with 95 % intervals over seeds and episodes."""
    rng = np.random.default_rng(0)
    seeds, episodes = next(iter(found.values())).shape
    draws = [(rng.integers(seeds, size=seeds), rng.integers(episodes, size=episodes)) for _ in range(RESAMPLES)]
    figures: dict[str, Any] = {}
    for (name, test), done in found.items():
        figures[f"{name}_on_{test}"] = round(100 * float(done.mean()), 2)
    for test in ("twin", "held_out"):
        for other in ("twin", "randomised"):
            a, b = found["cousins", test], found[other, test]
            gains = [100 * (a[np.ix_(s, e)].mean() - b[np.ix_(s, e)].mean()) for s, e in draws]
            name = f"gain_over_{other}_on_{test}"
            figures[name] = round(100 * float(a.mean() - b.mean()), 2)
            figures[f"{name}_low"], figures[f"{name}_high"] = np.round(np.quantile(gains, [0.025, 0.975]), 2).tolist()
    return figures


def plot(found: dict[tuple[str, str], list[NDArray[np.bool_]]], path: Path) -> None:
    """A bar for each kind of training and test, a dot for each seed."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    for column, test in enumerate(("twin", "held_out")):
        for row, name in enumerate(CONDITIONS):
            rates = [100 * float(done.mean()) for done in found[name, test]]
            at = column * (len(CONDITIONS) + 1) + row
            axes.bar(at, np.mean(rates), color=f"C{row}", label=name if column == 0 else None)
            axes.plot([at] * len(rates), rates, "k.")
    middles = [column * (len(CONDITIONS) + 1) + 1 for column in range(2)]
    axes.set_xticks(middles, ["on the twin", "on things never trained with"])
    axes.set_ylabel("success [%]")
    figure.legend(title="trained on", loc="outside upper center", ncols=len(CONDITIONS))
    figure.savefig(path, dpi=150)


def say(text: str) -> None:
    """Tell a person how far it is."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
