"""Too little memory is said before training, and in training it leaves a good state behind."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scan2sim.errors import FitError, OutOfMemoryError
from scan2sim.fit import fit_preset, train
from scan2sim.fit.memory import available_bytes, is_out_of_memory, needed_bytes
from scan2sim.fit.training import Training
from scan2sim.splats import read_ply
from tests.fit.synthetic import posed_capture
from tests.fit.test_trainer import CONFIG


@pytest.fixture(scope="module")
def posed(tmp_path_factory):
    return posed_capture(tmp_path_factory.mktemp("photos"))


def test_what_torch_says_when_memory_is_full_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(MemoryError("std::bad_alloc"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(OSError(12, "Cannot allocate memory"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
    assert not is_out_of_memory(OSError(28, "No space left on device"))


def test_more_of_anything_needs_more(posed):
    base = needed_bytes(posed.frames, fit_preset("draft"))
    assert needed_bytes(posed.frames, fit_preset("standard")) > base
    assert needed_bytes(posed.frames * 2, fit_preset("draft")) > base
    assert needed_bytes(posed.frames, replace(fit_preset("draft"), max_gaussians=120_000)) > base


def test_available_memory_respects_the_processes_own_limit():
    free = available_bytes(torch.device("cpu"))
    if free is None:
        pytest.skip("this system does not tell how much memory is available")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    try:
        resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), hard))
        limited = available_bytes(torch.device("cpu"))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert limited is not None
    assert limited <= min(free + (64 << 20), 256 << 20)


def test_what_cannot_fit_is_refused_with_the_figure(posed, tmp_path):
    with pytest.raises(
        OutOfMemoryError, match=r"10000000000 Gaussians .* needs about \d+\.\d GiB.*GiB are free.*max-g"
    ):
        train(posed, tmp_path, replace(CONFIG, max_gaussians=10**10))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "error", [MemoryError("std::bad_alloc"), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")]
)
def test_memory_that_runs_out_leaves_the_last_good_state(posed, tmp_path, monkeypatch, error):
    undisturbed = train(posed, _new(tmp_path / "a"), replace(CONFIG, steps=60)).gaussians
    look, folder = Training._look, _new(tmp_path / "b")

    def fail_in_step_41(self, *arguments):
        if self.done == 40:
            raise error
        return look(self, *arguments)

    monkeypatch.setattr(Training, "_look", fail_in_step_41)
    with pytest.raises(
        OutOfMemoryError, match=r"step 40 with \d+ Gaussians.*max-gaussians.*goes on .* step 40"
    ) as caught:
        train(posed, folder, replace(CONFIG, steps=60))
    assert isinstance(caught.value, FitError)
    assert len(read_ply(folder / "splats-unfinished.ply")) > 100
    assert not (folder / "splats.ply").exists()
    monkeypatch.undo()
    steps = []
    resumed = train(posed, folder, replace(CONFIG, steps=60), lambda what, done, total: steps.append(done)).gaussians
    assert steps[0] == 41
    assert torch.equal(resumed.means, undisturbed.means)
    assert not (folder / "splats-unfinished.ply").exists()


def test_a_state_that_was_being_changed_is_no_checkpoint(posed, tmp_path, monkeypatch):
    monkeypatch.setattr(Training, "_clean", lambda self, step: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(OutOfMemoryError):
        train(posed, tmp_path, replace(CONFIG, steps=60))
    assert (tmp_path / "splats-unfinished.ply").exists()
    assert not (tmp_path / "checkpoint.npz").exists()


def test_other_errors_are_not_taken_for_a_lack_of_memory(posed, tmp_path, monkeypatch):
    monkeypatch.setattr(Training, "_look", lambda *_: (_ for _ in ()).throw(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        train(posed, tmp_path, CONFIG)


CHILD = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from scan2sim.errors import OutOfMemoryError
from scan2sim.fit import train
from tests.fit.synthetic import posed_capture
from tests.fit.test_trainer import CONFIG

folder = Path(sys.argv[1])
posed = posed_capture(folder / "photos", size=4)

def limit_after_step_5(what, done, total):
    if done == 5:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used, resource.getrlimit(resource.RLIMIT_AS)[1]))

(folder / "fit").mkdir()
try:
    config = replace(CONFIG, steps=60, max_size=1000, coarse_to_fine=((0.0, 4), (0.2, 1)))
    train(posed, folder / "fit", config, limit_after_step_5)
except OutOfMemoryError as error:
    sys.exit(f"said: {error}")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's address space limit")
def test_a_real_limit_on_memory_ends_in_words(tmp_path):
    # the limit is what the process has while photos are small; they grow after step 12
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 1, child.stderr
    assert "said: " in child.stderr
    assert re.search(r"memory ran out after step \d+ with \d+ Gaussians", child.stderr)
    left = {path.name for path in (tmp_path / "fit").iterdir()}
    assert {"checkpoint.npz", "splats-unfinished.ply"} <= left
    assert "splats.ply" not in left


def _new(path: Path) -> Path:
    path.mkdir(parents=True)
    return path
