"""Collect trajectories: shards in processes of their own, the same whatever their number, and resumed after a kill."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from scan2sim.errors import Scan2SimError, UsageError
from scan2sim.files import output_errors
from scan2sim.progress import Reporter, silent
from splatwm.data.episode import body_digest
from splatwm.data.packing import DataError
from splatwm.data.shards import EACH_SHARD, CollectConfig, ShardJob, Sources, make_shard
from splatwm.data.stage import Stage
from splatwm.data.store import MANIFEST, Data, Shard, open_data, write_manifest

__all__ = ["collect"]

LOST = 2  # times that a shard's process may die before collecting ends
FASTEST_PUSH = 2.0  # [m/s]: what goes faster than 4 m/s is no episode


def collect(sources: Sources, folder: Path, config: CollectConfig, report: Reporter = silent) -> Data:
    """Simulate episodes into ``folder``; what is there already of the same call is kept.

    A killed call is gone on with by calling again: it loses at most the shards in the making.

    Raises:
        UsageError: there is no stage, or the folder holds data of another call.
        OutputError: it cannot be written.
        DataError: a shard's process died repeatedly.
    """
    _require_sense(sources, config)
    told = _told(sources, config)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    kept = _kept(folder, told)
    _sweep(folder)
    sizes = [min(EACH_SHARD, config.episodes - first) for first in range(0, config.episodes, EACH_SHARD)]
    done = {i: kept[i] for i, size in enumerate(sizes) if i in kept and kept[i].episodes == size}
    jobs = [ShardJob(sources, folder, config, i, size) for i, size in enumerate(sizes) if i not in done]
    total = config.episodes
    report("collecting", sum(shard.episodes for shard in done.values()), total)
    for index, shard in _run(jobs, config.workers or os.cpu_count() or 1):
        done[index] = shard
        write_manifest(folder, list(done.values()), told)
        report("collecting", sum(shard.episodes for shard in done.values()), total)
    write_manifest(folder, list(done.values()), told)
    return open_data(folder)


def _require_sense(sources: Sources, config: CollectConfig) -> None:
    if not sources.stages and not sources.procedural:
        raise UsageError("there is nothing to collect from", todo="give scenes, or --procedural N")
    if config.episodes < 1 or config.workers < 0 or sources.procedural < 0:
        raise UsageError("numbers of episodes, workers and stages are positive")
    episode = config.episode
    shares = (episode.push, episode.drop, episode.stack, episode.topple, episode.lift)
    if min(shares) < 0 or not 0 < sum(shares) < float("inf") or not 0 <= episode.still <= 1:
        raise UsageError(
            "the shares of pushes, drops, stacks, topples and lifts are positive", todo="give one at least"
        )
    if not 0.001 <= episode.slowest <= episode.fastest <= FASTEST_PUSH:
        raise UsageError(
            f"pushes from {episode.slowest:g} to {episode.fastest:g} m/s",
            todo=f"give speeds from 0.001 to {FASTEST_PUSH:g} m/s, the slower one first",
        )
    if not 1 <= episode.rate <= 480 or not 2 / episode.rate <= episode.seconds <= 600:
        raise UsageError(
            f"{episode.seconds:g} s at {episode.rate} frames per second",
            todo="give 1 to 480 frames per second, at least two of them and at most 600 s",
        )


def _told(sources: Sources, config: CollectConfig) -> dict[str, Any]:
    """What makes the data what they are; the number of episodes only makes them more."""
    return {
        "seed": config.seed,
        "stages": {stage.name: _stage_digest(stage) for stage in sources.stages},
        "procedural": sources.procedural,
        "part": sources.part,
        "episode": asdict(config.episode),
    }


def _stage_digest(stage: Stage) -> str:
    """SHA-256 of all of a stage that episodes depend on."""
    digest = hashlib.sha256("".join(body_digest(body) for body in (*stage.bodies, stage.background)).encode())
    for values in (
        stage.position,
        stage.wxyz,
        stage.mass,
        stage.friction,
        stage.alone,
        stage.low,
        stage.high,
        stage.up,
    ):
        digest.update(values.tobytes())
    return digest.hexdigest()


def _kept(folder: Path, told: dict[str, Any]) -> dict[int, Shard]:
    """The whole shards of an earlier call, by their numbers."""
    if not (folder / MANIFEST).exists():
        foreign = [entry for entry in folder.iterdir() if entry.name not in ("shards", "bodies")]
        if any(not entry.name.startswith(".") for entry in foreign):
            raise UsageError(
                "this folder holds something else than trajectories", path=folder, todo="choose another -o"
            )
        return {}
    data = open_data(folder)
    if data.config != told:
        differ = [name for name in told if data.config.get(name) != told[name]]
        raise UsageError(
            f"this folder holds trajectories of another call ({', '.join(differ)} differ)",
            path=folder,
            todo="choose another folder with -o",
        )
    kept = {}
    for shard in data.shards:
        with contextlib.suppress(DataError):  # a damaged one is made anew
            Data(folder, (shard,), {}).check()
            kept[int(Path(shard.file).stem)] = shard
    return kept


def _sweep(folder: Path) -> None:
    """Remove the temporary files of killed writers."""
    with output_errors(folder):
        for path in folder.glob("*/.*.new"):
            path.unlink()


def _run(jobs: Sequence[ShardJob], workers: int) -> Iterator[tuple[int, Shard]]:
    """Each job in a process of its own, at most ``workers`` at a time; yields (index, shard) as they end."""
    if hasattr(os, "fork"):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
    else:
        context = multiprocessing.get_context("spawn")
    waiting = list(jobs)
    running: dict[Connection, tuple[ShardJob, BaseProcess]] = {}
    lost: dict[int, int] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(job, theirs), daemon=True)
                process.start()
                theirs.close()
                running[ours] = (job, process)
            for pipe in [p for p in wait(list(running)) if isinstance(p, Connection)]:
                job, process = running.pop(pipe)
                try:
                    answer = pipe.recv()
                except EOFError:
                    answer = None
                process.join()
                if isinstance(answer, Scan2SimError):
                    raise answer
                if answer is None:
                    lost[job.index] = lost.get(job.index, 0) + 1
                    if lost[job.index] >= LOST:
                        raise DataError(
                            f"the process of shard {job.index} died {LOST} times (exit code {process.exitcode})",
                            path=job.folder,
                            todo="free some memory, or use fewer --workers; the same command goes on from here",
                        )
                    waiting.insert(0, job)
                else:
                    yield job.index, answer
    finally:
        _end([process for _, process in running.values()])


def _end(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()


def _work(job: ShardJob, pipe: Any) -> None:
    """In a process of its own: simulate a shard, write it, and say what it is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it
    try:
        pipe.send(make_shard(job))
    except Scan2SimError as problem:
        pipe.send(problem)
