"""A program of its own: import an exported package, check its environments, step them, and write what was seen.

``python inspect_gymnasium.py FOLDER RESULT.json MEMORY PACKAGE STEPS ENVIRONMENT…``
"""

import importlib.util
import json
import resource
import sys
import time
import warnings
from pathlib import Path

import gymnasium
from gymnasium.utils.env_checker import check_env

WORLDS, CALLS = 8, 25


def main() -> None:
    """Inspect the package that the command line names."""
    folder, result_path, memory, package, steps, *environments = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    _load(Path(folder) / package / "__init__.py", package)
    complaints, figures = [], {}
    for name in environments:
        env = gymnasium.make(name)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                check_env(env.unwrapped, skip_render_check=not env.unwrapped.metadata["render_modes"])
            except (AssertionError, Warning, ValueError, TypeError) as problem:
                complaints.append(f"{name}: {type(problem).__name__}: {problem}")
        stepped = {**_stepped(env, int(steps)), "vector_steps_per_second": _many(name)}
        figures = figures or stepped
    figures["check_env"] = "; ".join(complaints) or "passed"
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(figures, file)


def _load(init: Path, package: str) -> None:
    """Import one package without putting its folder on the search path, where it could hide other modules."""
    spec = importlib.util.spec_from_file_location(package, init, submodule_search_locations=[str(init.parent)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{init} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    spec.loader.exec_module(module)


def _stepped(env: gymnasium.Env, steps: int) -> dict[str, object]:
    env.action_space.seed(0)
    env.reset(seed=0)
    episodes, started = 0, time.perf_counter()
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            episodes += 1
            env.reset()
    seconds = time.perf_counter() - started
    return {"random_steps": steps, "episodes": episodes, "steps_per_second": round(steps / seconds)}


def _many(name: str) -> int:
    env = gymnasium.make_vec(name, num_envs=WORLDS, vectorization_mode="vector_entry_point")
    env.action_space.seed(0)
    env.reset(seed=0)
    started = time.perf_counter()
    for _ in range(CALLS):
        env.step(env.action_space.sample())
    seconds = time.perf_counter() - started
    env.close()
    return round(WORLDS * CALLS / seconds)


if __name__ == "__main__":
    main()
