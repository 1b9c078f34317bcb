"""Run stages one after the other: skip what is unchanged, go on after a kill, never leave anything half-written."""

from __future__ import annotations

import contextlib
import shutil
import traceback
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import scan2sim
from scan2sim.errors import OutOfMemoryError, OutputError, Scan2SimError, UsageError
from scan2sim.files import output_errors, read_json, recover_folder, swap_in, write_json
from scan2sim.lock import LOCK_FILE, folder_lock
from scan2sim.pipeline.keys import digest_folder, measure_folder
from scan2sim.pipeline.log import LOG_FILE, write_log
from scan2sim.pipeline.memory import start_measuring
from scan2sim.pipeline.rerun import RERUN_FILE, Rerun
from scan2sim.pipeline.stage import RECORD_FILE, Stage, StageRecord, read_record, write_record
from scan2sim.progress import Reporter, silent

__all__ = ["run_stages"]

MARK_FILE = ".unfinished.json"  # in a running stage's folder: the key of what is being made there
FULL_DISK_BYTES = 1 << 20  # with less free space than this, whatever failed is taken to have failed for want of it


def run_stages(
    build: Path,
    stages: Sequence[Stage],
    *,
    start: str | None = None,
    until: str | None = None,
    report: Reporter = silent,
) -> tuple[StageRecord, ...]:
    """Bring the stages of ``build`` up to date and return their records, in order.

    A stage runs again when its code, its configuration, its inputs or the results it reads have changed, or when
    ``start`` names it or a stage before it.  Interrupted or killed, the same call goes on with the stage that was
    running; a stage that ``resumes`` finds its own checkpoint there.

    Args:
        build: the build folder; made if it does not exist.
        stages: in the order of their ``needs``.
        start: run again from this stage on.
        until: stop after this stage.
        report: told which stage runs, with the stage's own progress.

    Raises:
        UsageError: ``start`` or ``until`` names no stage, or they are the wrong way round.
        OutputError: the folder cannot be written, is no build, or another build runs in it.
        Scan2SimError: what a stage raises.
    """
    wanted = _stages_until(stages, start, until)
    absent = [folder for folder in (build, *build.parents) if not folder.exists()]
    _open_build(build, stages)
    records: dict[str, StageRecord] = {}
    try:
        with folder_lock(build):
            write_log(build, f"build starts, scan2sim {scan2sim.__version__}")
            _sweep(build)
            rerun = Rerun(build, start, [stage.name for stage in wanted])
            for stage in wanted:
                forced = stage.name in rerun.left
                if forced and not rerun.continued:  # asked for anew: an old checkpoint is not to be gone on with
                    shutil.rmtree(_unfinished(build, stage), ignore_errors=True)
                records[stage.name] = _bring_up_to_date(build, stage, records, forced=forced, report=report)
                rerun.done(stage.name)
    except Scan2SimError:
        if not records:
            _remove_traces(build, absent)
        raise
    return tuple(records.values())


def _stages_until(stages: Sequence[Stage], start: str | None, until: str | None) -> Sequence[Stage]:
    names = [stage.name for stage in stages]
    for option, name in (("--from", start), ("--until", until)):
        if name is not None and name not in names:
            raise UsageError(f"{option} {name}: there is no such stage", todo=f"choose one of {', '.join(names)}")
    wanted = stages[: names.index(until) + 1] if until else stages
    if start and start not in names[: len(wanted)]:
        raise UsageError(f"--from {start} comes after --until {until}", todo="swap them, or leave one of them out")
    return wanted


def _open_build(build: Path, stages: Sequence[Stage]) -> None:
    """Make the folder, or see that it is a build and not somebody's own."""
    with output_errors(build):
        build.mkdir(parents=True, exist_ok=True)
        present = {entry.name for entry in build.iterdir()}
    foreign = not present & {LOCK_FILE, LOG_FILE, *(stage.folder for stage in stages)}
    if foreign and any(not name.startswith(".") for name in present):
        raise OutputError("this folder holds something else than a build", path=build, todo="choose another with -o")


def _remove_traces(build: Path, made: list[Path]) -> None:
    """Take away what a build without a single stage has left, if it has made the folder itself."""
    if build in made:
        for name in (LOCK_FILE, LOG_FILE, RERUN_FILE):
            (build / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: somebody else is at work there
            for folder in made:
                folder.rmdir()


def _unfinished(build: Path, stage: Stage) -> Path:
    return build / f".{stage.folder}.new"


def _bring_up_to_date(
    build: Path, stage: Stage, earlier: dict[str, StageRecord], *, forced: bool, report: Reporter
) -> StageRecord:
    """Mend what a kill has left, then skip the stage if its folder is what it would be made as now, or run it."""
    folder = build / stage.folder
    needs = {name: earlier[name].digest for name in stage.needs}
    inputs = stage.inputs()
    key = stage.key(needs, inputs)
    with output_errors(build):
        recover_folder(folder, keep_unfinished=stage.resumes and _mark(_unfinished(build, stage)) == key)
    record = read_record(folder)
    if not forced and record is not None and record.key == key and _is_whole(build, stage, record):
        with output_errors(build):
            recover_folder(folder)
        report(f"{stage.name} (unchanged)", 1, 1)
        return record
    return _run(build, stage, needs, inputs, report)


def _sweep(folder: Path) -> None:
    """Remove the temporary files of killed writers."""
    with output_errors(folder):
        for path in folder.glob(".*.new"):
            if path.is_file():
                path.unlink()


def _is_whole(build: Path, stage: Stage, record: StageRecord) -> bool:
    size = measure_folder(build / stage.folder, leave_out=(RECORD_FILE,))
    return size == (record.files, record.bytes) and all((build / product).exists() for product in stage.products)


def _mark(unfinished: Path) -> str | None:
    try:
        return str(read_json(unfinished / MARK_FILE, Scan2SimError)["key"])
    except (Scan2SimError, KeyError, TypeError):
        return None


def _run(build: Path, stage: Stage, needs: dict[str, str], inputs: dict[str, str], report: Reporter) -> StageRecord:
    fresh, key = _unfinished(build, stage), stage.key(needs, inputs)
    report(stage.name, 0, 0)
    write_log(build, f"{stage.name}: starts" + (", goes on from its checkpoint" if fresh.exists() else ""))
    measure = start_measuring()
    with _explained(build, stage, fresh):
        fresh.mkdir(exist_ok=True)
        _sweep(fresh)
        write_json(fresh / MARK_FILE, {"key": key})
        outcome = stage.run(fresh, lambda what, done, total: report(f"{stage.name}: {what}", done, total))
        seconds, peak_memory_mib = measure()
        digest, files, size = digest_folder(fresh, leave_out=(MARK_FILE,))
        record = StageRecord(
            stage=stage.name,
            key=key,
            needs=needs,
            inputs=inputs,
            config=stage.config,
            versions=stage.versions(),
            seed=stage.config.get("seed"),
            seconds=round(seconds, 3),
            peak_memory_mib=round(peak_memory_mib, 1),
            figures=outcome.figures,
            warnings=list(outcome.warnings),
            digest=digest,
            files=files,
            bytes=size,
            finished=datetime.now().astimezone().isoformat(timespec="seconds"),
        )
        write_record(fresh, record)
        (fresh / MARK_FILE).unlink()
        swap_in(fresh, build / stage.folder)
    write_log(
        build, "\n".join([f"{stage.name}: done in {seconds:.1f} s", *(f"warning: {w}" for w in outcome.warnings)])
    )
    report(stage.name, 1, 1)
    return record


@contextlib.contextmanager
def _explained(build: Path, stage: Stage, fresh: Path) -> Iterator[None]:
    """Log what goes wrong in a stage, clean up after it, and tell a full disk from a bug of ours."""
    try:
        with output_errors(build):
            yield
    except KeyboardInterrupt:
        write_log(build, f"{stage.name}: interrupted")
        if not stage.resumes:
            shutil.rmtree(fresh, ignore_errors=True)
        raise
    except Scan2SimError as error:
        if not (stage.resumes and isinstance(error, OutOfMemoryError)):
            shutil.rmtree(fresh, ignore_errors=True)
        write_log(build, f"{stage.name}: {error}")
        raise
    except Exception as error:
        full = shutil.disk_usage(build).free < FULL_DISK_BYTES  # libraries report it in many ways, or not at all
        shutil.rmtree(fresh, ignore_errors=True)
        write_log(build, f"{stage.name}: failed\n{traceback.format_exc()}")
        if full:
            todo = "free some space or choose another output folder with -o"
            raise OutputError("the disk is full", todo=todo, path=build) from error
        raise
