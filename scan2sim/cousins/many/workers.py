"""Worker processes on this machine, which get one cousin at a time; one that dies loses only that one.

They are programs of their own, neither forks of a process that has threads (torch, OpenMP) nor members of a pool that
breaks as a whole, and they speak JSON lines over pipes.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO, Any

from scan2sim.cousins.many.folder import CousinEntry
from scan2sim.cousins.many.outcome import ATTEMPTS, Outcome
from scan2sim.errors import UsageError

__all__ = ["run_workers"]

PROGRAM = (sys.executable, "-P", "-m", "scan2sim.cousins.many.worker")  # -P: not what lies in this folder
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
READ = 1 << 16  # [bytes]


def run_workers(
    job: dict[str, Any],
    indices: Sequence[int],
    workers: int,
    log: Path,
    program: Sequence[str] = PROGRAM,
) -> Generator[Outcome, None, None]:
    """Make cousins in worker processes, and tell of each as it comes.

    A cousin whose worker dies is handed out again, ``ATTEMPTS`` times in all.  Leaving the iterator kills the workers.

    Args:
        job: what every worker is told first.
        indices: which cousins.
        workers: how many processes, each with one thread.
        log: gets what they have to say to people.
        program: what a worker runs; it speaks as `worker.py` does.

    Raises:
        UsageError: the workers do not even start; the log says why.
    """
    queue = deque(indices)
    attempts = dict.fromkeys(indices, 0)
    stillborn = 0
    with log.open("ab") as said, selectors.DefaultSelector() as selector:
        crew: set[_Worker] = set()

        def hire() -> None:
            worker = _Worker(program, job, said)
            crew.add(worker)
            selector.register(worker.answers, selectors.EVENT_READ, worker)

        try:
            for _ in range(min(workers, len(queue))):
                hire()
            while crew:
                for key, _ in selector.select():
                    worker: _Worker = key.data
                    answers = worker.read()
                    if answers is None:
                        selector.unregister(worker.answers)
                        crew.remove(worker)
                        how = worker.end()
                        stillborn += not worker.ready
                        if stillborn >= ATTEMPTS:
                            raise UsageError(
                                f"workers do not start: the last one ended {how}", todo=f"see why in {log}"
                            )
                        if worker.index is not None and attempts[worker.index] < ATTEMPTS:
                            queue.append(worker.index)
                        elif worker.index is not None:
                            reason = f"its worker died {ATTEMPTS} times, the last time {how}"
                            yield Outcome(worker.index, reason=reason)
                        if queue:
                            hire()
                    for answer in answers or ():
                        if "index" in answer:
                            yield _outcome(answer)
                        worker.hand(queue.popleft() if queue else None)
                        if worker.index is not None:
                            attempts[worker.index] += 1
        finally:
            for worker in crew:
                worker.kill()


class _Worker:
    """One process, and the cousin it is at."""

    def __init__(self, program: Sequence[str], job: dict[str, Any], log: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **dict.fromkeys(THREADS, "1")},
            start_new_session=True,  # Ctrl-C is for the parent
        )
        self.index: int | None = None
        self.ready = False
        self._unread = b""
        self._write(json.dumps(job))

    @property
    def answers(self) -> IO[bytes]:
        """What it says."""
        assert self._process.stdout
        return self._process.stdout

    def read(self) -> list[dict[str, Any]] | None:
        """The answers that have come, or None when it is dead."""
        data = os.read(self.answers.fileno(), READ)
        if not data:
            return None
        *lines, self._unread = (self._unread + data).split(b"\n")
        said = [json.loads(line) for line in lines if line.startswith(b"{")]  # else a library prints while it loads
        self.ready = self.ready or bool(said)
        return said

    def hand(self, index: int | None) -> None:
        """Give it its next cousin, or let it end."""
        self.index = index
        if index is not None:
            self._write(str(index))
        else:
            self._close(self._process.stdin)

    def end(self) -> str:
        """Wait for its end; how it came."""
        self._close(self._process.stdin)
        self._close(self._process.stdout)
        code = self._process.wait()
        return f"by signal {-code}" if code < 0 else f"with exit code {code}"

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self.end()

    def _write(self, line: str) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it is dead, which its silence tells
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    @staticmethod
    def _close(pipe: IO[bytes] | None) -> None:
        with contextlib.suppress(BrokenPipeError):
            if pipe:
                pipe.close()


def _outcome(answer: dict[str, Any]) -> Outcome:
    entry = answer.get("entry")
    return Outcome(
        answer["index"],
        CousinEntry(**entry) if entry else None,
        answer.get("reason", ""),
        tuple(answer.get("rejected", ())),
    )
