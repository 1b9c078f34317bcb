"""Make the cousins of a plan that a folder lacks, whoever makes them, and draw what came out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from scan2sim.cousins.assets import Refused
from scan2sim.cousins.many.folder import LOG_FILE, CousinEntry, CousinsFolder, Failure, require_for_cousins
from scan2sim.cousins.many.outcome import Outcome
from scan2sim.cousins.many.plan import CousinsPlan
from scan2sim.cousins.many.plot import write_plot
from scan2sim.cousins.many.ray_workers import run_on_ray
from scan2sim.cousins.many.sheet import write_sheet
from scan2sim.cousins.many.workers import run_workers
from scan2sim.cousins.study import study_twin
from scan2sim.errors import UsageError
from scan2sim.files import output_errors
from scan2sim.lock import folder_lock
from scan2sim.progress import Reporter, silent

__all__ = ["MadeCousins", "make_cousins"]

INDEX_SECONDS = 2.0  # between two versions of the index
MOST_FAILED = 10  # cousins; more would fail for the same reason


@dataclass(frozen=True)
class MadeCousins:
    """What lies in a folder of cousins now."""

    folder: Path
    entries: tuple[CousinEntry, ...]  # by index
    new: int  # how many of them were made just now
    failed: Mapping[int, Failure]  # what could not be made, by its index
    refused: tuple[Refused, ...] = ()  # what in the library is no asset


def make_cousins(
    plan: CousinsPlan,
    count: int,
    output: Path,
    *,
    workers: int | None = None,
    ray: str | None = None,
    report: Reporter = silent,
) -> MadeCousins:
    """Make the first ``count`` cousins of a plan, but those that are there.

    Each is a scene folder of its own, there wholly or not at all; the same call goes on where a killed one stopped, and
    a larger ``count`` adds to what is there.

    Args:
        plan: which cousins.
        count: how many, > 0.
        output: the folder for them.
        workers: processes, one a core if None.
        ray: make them on this Ray cluster (``local`` starts one here); all its nodes must see ``output`` and the twin
            under the same paths.
        report: told how many are made.

    Raises:
        UsageError: the count is not positive, there are no assets, or workers do not start.
        SceneError: the twin cannot be used, or nothing of it can be varied as wished.
        OutputError: the folder holds other cousins or something else, cannot be written, or is in use.
    """
    if count < 1:
        raise UsageError(f"{count} cousins", todo="give a number of 1 or more with -n")
    workers = _cores() if workers is None else workers
    if workers < 1:
        raise UsageError(f"{workers} workers", todo="give 1 or more")
    require_for_cousins(output)
    twin, library = plan.open_twin(), plan.open_assets(report, again=True)
    study_twin(twin.scene, plan.config)  # what it refuses, workers would refuse one after the other
    identity = plan.identity(twin, library)
    with output_errors(output):
        output.mkdir(parents=True, exist_ok=True)
    with folder_lock(output):
        cousins = CousinsFolder(output, identity)
        missing = [index for index in range(count) if index not in cousins.entries]
        here = replace(plan, twin=plan.twin.resolve(), assets=plan.assets and plan.assets.resolve())
        job = {"plan": here.as_json(), "output": str(output.resolve()), "identity": identity}
        if ray and missing:
            run = run_on_ray(job, missing, ray)
        else:
            run = run_workers(job, missing, workers, output / LOG_FILE)
        failed: dict[int, Failure] = {}
        try:
            with closing(run):  # whatever happens, its workers end
                _collect(run, cousins, count, failed, report)
        finally:
            cousins.take_in()  # an interrupted run has not heard of the last ones
            cousins.write_index(count, failed)
        entries = tuple(cousins.entries[index] for index in sorted(cousins.entries))
        write_sheet(twin.scene, output, entries)
        write_plot(output, entries)
        new = len(set(missing) & set(cousins.entries))
        return MadeCousins(output, entries, new, failed, library.refused if library else ())


def _collect(
    run: Iterator[Outcome], cousins: CousinsFolder, count: int, failed: dict[int, Failure], report: Reporter
) -> None:
    """Note what comes until all is there, or too much has failed."""
    written = time.monotonic()
    with (cousins.path / LOG_FILE).open("a", encoding="utf-8") as log:
        for outcome in run:
            if outcome.entry:
                cousins.entries[outcome.index] = outcome.entry
            else:
                failed[outcome.index] = Failure(outcome.reason, outcome.rejected)
            log.write(_line(outcome))
            log.flush()
            report("making cousins", len(cousins.entries) + len(failed), count)
            if len(failed) >= MOST_FAILED:
                return
            if time.monotonic() - written > INDEX_SECONDS:
                cousins.write_index(count, failed)
                written = time.monotonic()


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _line(outcome: Outcome) -> str:
    entry = outcome.entry
    rejected = "".join(f"; rejected before: {reason}" for reason in (entry or outcome).rejected)
    if entry is None:
        return f"{outcome.index:04d} failed: {outcome.reason}{rejected}\n"
    return f"{entry.folder} distance {entry.distance:.3f}, {entry.changes} changes{rejected}\n"
