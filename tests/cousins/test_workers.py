"""Worker processes that die, stay silent or never start; stood in for by a small program that speaks as they do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scan2sim.cousins.many.outcome import Outcome
from scan2sim.cousins.many.workers import run_workers
from scan2sim.errors import UsageError

WORKER = """
import json, os, sys, time
job = json.loads(sys.stdin.readline())
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    index = int(line)
    seen = job["folder"] + f"/{index}"
    tries = open(seen, "a+"); tries.write("x"); tries.flush(); tries.seek(0)
    if index in job["deadly"] or (index in job["risky"] and len(tries.read()) == 1):
        sys.stderr.write(f"cousin {index} kills me\\n")
        os.kill(os.getpid(), 9)
    if index in job["impossible"]:
        print(json.dumps({"index": index, "reason": "no room"}), flush=True)
        continue
    time.sleep(0.01)
    entry = {"index": index, "folder": str(os.getpid()), "slider": 0.0, "distance": 0.0, "parts": {}, "changes": 0}
    print(json.dumps({"index": index, "entry": entry | {"rejected": []}}), flush=True)
"""


def run(folder: Path, count: int = 12, workers: int = 3, program: str = WORKER, **how: list[int]) -> list[Outcome]:
    job = {"folder": str(folder), "deadly": [], "risky": [], "impossible": []} | how
    found = run_workers(job, range(count), workers, folder / "log", (sys.executable, "-c", program))
    return sorted(found, key=lambda outcome: outcome.index)


def test_work_is_shared(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert [outcome.index for outcome in found] == list(range(12))
    assert 1 < len({outcome.entry.folder for outcome in found if outcome.entry}) <= 3


def test_a_worker_that_dies_loses_nothing(tmp_path: Path) -> None:
    found = run(tmp_path, risky=[0, 1, 2, 7])
    assert all(outcome.entry for outcome in found)
    assert [outcome.index for outcome in found] == list(range(12))
    assert (tmp_path / "log").read_text().count("kills me") == 4


def test_a_cousin_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    found = run(tmp_path, deadly=[5], impossible=[6])
    assert [outcome.index for outcome in found if not outcome.entry] == [5, 6]
    assert found[5].reason == "its worker died 3 times, the last time by signal 9"
    assert found[6].reason == "no room"
    assert (tmp_path / "5").read_text() == "xxx"


def test_workers_that_do_not_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"do not start.*exit code 7.*log"):
        run(tmp_path, program="import sys; sys.exit(7)")


def test_workers_end_with_the_one_who_asked(tmp_path: Path) -> None:
    job = {"folder": str(tmp_path), "deadly": [], "risky": [], "impossible": []}
    found = run_workers(job, range(1000), 2, tmp_path / "log", (sys.executable, "-c", WORKER))
    first = next(found)
    assert first.entry
    found.close()
    assert not Path(f"/proc/{first.entry.folder}").exists()
    assert list(run_workers(job, [], 2, tmp_path / "log", (sys.executable, "-c", WORKER))) == []
