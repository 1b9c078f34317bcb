"""A worker process: ``python -m scan2sim.cousins.many.worker``, started and fed by `workers.py`.

The first line of its standard input is the job as JSON (``plan``, ``output``, ``identity``), each later one the number
of a cousin to make.  It answers each, and the first line too, with one line of JSON on its standard output; whatever
libraries print goes to standard error.  When its input ends, because its parent is done or dead, it ends at once.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from scan2sim.cousins.many.one import CousinMaker
from scan2sim.cousins.many.outcome import Outcome
from scan2sim.cousins.many.plan import CousinsPlan
from scan2sim.errors import Scan2SimError
from scan2sim.splats import set_threads


def main() -> None:
    """Make cousins until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    set_threads(1)
    wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, wanted), daemon=True).start()
    job = json.loads(wanted.get())
    maker = CousinMaker(CousinsPlan.from_json(job["plan"]), Path(job["output"]), job["identity"])
    _say(answers, {"ready": True})
    while True:
        index = int(wanted.get())
        try:
            _say(answers, asdict(Outcome(index, maker.make(index))))
        except Scan2SimError as problem:
            _say(answers, asdict(Outcome.of_error(index, problem)))


def _listen(lines: TextIO, wanted: queue.SimpleQueue[str]) -> None:
    for line in lines:
        wanted.put(line)
    os._exit(0)  # also in the midst of a cousin: the folder it lies in so far is hidden, and swept away by the next run


def _say(answers: TextIO, what: dict[str, object]) -> None:
    answers.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    main()
