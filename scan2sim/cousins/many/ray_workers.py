"""The same work on a Ray cluster (https://docs.ray.io).

What is done stands on disk, never in Ray: a task makes one cousin in the shared folder and returns a few numbers.  A
task whose node dies is run again on another one, and a node that was only given up for dead does no harm.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Generator, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from scan2sim.cousins.many.one import CousinMaker
from scan2sim.cousins.many.outcome import ATTEMPTS, Outcome
from scan2sim.cousins.many.plan import CousinsPlan
from scan2sim.errors import Scan2SimError, UsageError
from scan2sim.splats import set_threads

__all__ = ["run_on_ray"]

CONNECT_SECONDS = 10.0
AHEAD = 2  # tasks a core that are handed to Ray at a time


def run_on_ray(job: dict[str, Any], indices: Sequence[int], address: str) -> Generator[Outcome, None, None]:
    """Make cousins on a cluster, and tell of each as it comes.

    Args:
        job: what a maker needs; all nodes must find the twin, the assets and the output under its paths.
        indices: which cousins.
        address: of the cluster, as in ``auto`` or ``ray://head:10001``; ``local`` starts one on this machine.

    Raises:
        UsageError: Ray is not installed, or there is no such cluster.
    """
    ray = _connected(address)
    make = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_make)
    wanted = json.dumps(job)
    left, running = deque(indices), {}
    try:
        while left or running:
            most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            while left and len(running) < most:
                index = left.popleft()
                running[make.remote(wanted, index)] = index
            for task in ray.wait(list(running), num_returns=1)[0]:
                index = running.pop(task)
                try:
                    yield ray.get(task)
                except ray.exceptions.RayError as problem:
                    yield Outcome(index, reason=f"its task failed: {str(problem).splitlines()[0]}")
    finally:
        for task in running:
            ray.cancel(task, force=True)
        ray.shutdown()


def _connected(address: str) -> Any:
    try:
        ray = import_module("ray")
    except ModuleNotFoundError:
        raise UsageError("Ray is not installed", todo='pip install "scan2sim[ray]", or leave --ray out') from None
    try:
        host, _, port = address.removeprefix("ray://").rpartition(":")
        if host and port.isdigit():  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        dashboard = False if address == "local" else None  # that of a running cluster is its own affair
        ray.init(address, include_dashboard=dashboard, log_to_driver=False, configure_logging=False)
    except (OSError, ValueError, RuntimeError) as problem:
        first = str(problem).splitlines()[0]
        raise UsageError(f"no Ray cluster at “{address}”: {first}", todo="start one, or give --ray local") from None
    return ray


def _make(job: str, index: int) -> Outcome:
    """One cousin, in a process of Ray's."""
    try:
        return Outcome(index, _maker(job).make(index))
    except Scan2SimError as problem:
        return Outcome.of_error(index, problem)


@lru_cache(maxsize=1)
def _maker(job: str) -> CousinMaker:
    """Ray uses a process again for later tasks: the twin is read once."""
    set_threads(1)  # as many as a task has cores
    wanted = json.loads(job)
    return CousinMaker(CousinsPlan.from_json(wanted["plan"]), Path(wanted["output"]), wanted["identity"])
