"""Worker processes on this machine, which get one cousin at a time; one that dies loses only that one.

They are programs of their own, neither forks of a process that has threads (torch, OpenMP) nor members of a pool that
breaks as a whole, and they speak JSON lines over pipes.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from scan2sim.cousins.many.folder import LOG_FILE, CousinEntry
from scan2sim.cousins.many.outcome import ATTEMPTS, Outcome
from scan2sim.cousins.many.plan import CousinsPlan
from scan2sim.errors import UsageError

__all__ = ["run_workers"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
READ = 1 << 16  # [bytes]


def run_workers(plan: CousinsPlan, output: Path, indices: Sequence[int], workers: int) -> Iterator[Outcome]:
    """Make cousins in worker processes, and tell of each as it comes.

    A cousin whose worker dies is handed out again, ``ATTEMPTS`` times in all.  Leaving the iterator kills the workers.

    Raises:
        UsageError: the workers do not even start; the log says why.
    """
    queue = deque(indices)
    attempts = dict.fromkeys(indices, 0)
    job = {"plan": plan.as_json(), "output": str(output.resolve())}
    with (output / LOG_FILE).open("ab") as log, selectors.DefaultSelector() as selector:
        crew: set[_Worker] = set()

        def hire() -> None:
            worker = _Worker(job, log)
            crew.add(worker)
            selector.register(worker.answers, selectors.EVENT_READ, worker)

        try:
            for _ in range(min(workers, len(queue))):
                hire()
            while crew:
                for key, _ in selector.select():
                    worker: _Worker = key.data
                    answers = worker.read()
                    for answer in answers or ():
                        if "index" in answer:
                            yield _outcome(answer)
                        worker.index = queue.popleft() if queue else None
                        if worker.index is not None:
                            attempts[worker.index] += 1
                        worker.hand_over()
                    if answers is not None:
                        continue
                    selector.unregister(worker.answers)
                    crew.remove(worker)
                    how = worker.end()
                    if worker.index is not None:  # it died in the midst of a cousin
                        if attempts[worker.index] < ATTEMPTS:
                            queue.append(worker.index)
                        else:
                            yield Outcome(worker.index, reason=f"its worker died {ATTEMPTS} times, the last time {how}")
                    elif not worker.ready:
                        raise UsageError(f"a worker did not start ({how})", todo=f"see {output / LOG_FILE} for why")
                    if queue and len(crew) < workers:
                        hire()
        finally:
            for worker in crew:
                worker.kill()


class _Worker:
    """One process, and the cousin it is at."""

    def __init__(self, job: dict[str, Any], log: IO[bytes]) -> None:
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scan2sim.cousins.many.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
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
        self.ready = self.ready or bool(lines)
        return [json.loads(line) for line in lines]

    def hand_over(self) -> None:
        """Give it its next cousin, or let it end."""
        if self.index is not None:
            self._write(str(self.index))
        elif self._process.stdin:
            self._process.stdin.close()

    def end(self) -> str:
        """Wait for its end; how it came."""
        code = self._process.wait()
        self._close()
        return f"by signal {-code}" if code < 0 else f"with exit code {code}"

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self.end()

    def _write(self, line: str) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it is dead, which its answers tell

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


def _outcome(answer: dict[str, Any]) -> Outcome:
    entry = answer.get("entry")
    return Outcome(answer["index"], CousinEntry(**entry) if entry else None, answer.get("reason", ""))
