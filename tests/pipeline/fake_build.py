"""Fake stages for the runner's tests, which pause where they are told to, to be killed there."""

from __future__ import annotations

from pathlib import Path

from scan2sim.pipeline.runner import run_stages
from scan2sim.pipeline.stage import Outcome, Stage
from scan2sim.progress import Reporter
from tests.pipeline.killing import pause

STEPS = 5


def fake_stages(build: Path, *, source: str = "photos", number: int = 1, pause_at: str = "-") -> list[Stage]:
    """gather → counting (checkpoints each step) → product (also writes ``product.txt`` into the build)."""

    def pause_here(point: str) -> None:
        if point == pause_at:
            pause(build)

    def count_run(text: str) -> None:  # outside the build: how often each stage really ran
        with (build.parent / "runs.txt").open("a") as file:
            file.write(text + "\n")

    def gather(folder: Path, report: Reporter) -> Outcome:
        count_run("gather")
        (folder / "sub").mkdir()
        (folder / "sub" / "half.txt").write_text("half")
        pause_here("gather")
        (folder / "gathered.txt").write_text(source)
        return Outcome({"letters": len(source)}, ("source is short",) if len(source) < 3 else ())

    def counting(folder: Path, report: Reporter) -> Outcome:
        file = folder / "count.txt"
        reached = int(file.read_text()) if file.exists() else 0
        count_run(f"counting from {reached}")
        for step in range(reached, STEPS):
            pause_here(f"counting:{step}")
            file.write_text(str(step + 1))
            report("counting", step + 1, STEPS)
        return Outcome({"count": STEPS})

    def product(folder: Path, report: Reporter) -> Outcome:
        count_run("product")
        gathered = (build / "01-gather" / "gathered.txt").read_text()
        counted = (build / "02-counting" / "count.txt").read_text()
        (build / "product.txt").write_text(gathered * int(counted))
        pause_here("product")
        (folder / "note.txt").write_text("made")
        return Outcome()

    return [
        Stage("gather", "01-gather", gather, inputs=lambda: {"source": source}),
        Stage("counting", "02-counting", counting, needs=("gather",), config={"number": number}, resumes=True),
        Stage("product", "03-product", product, needs=("gather", "counting"), products=("product.txt",)),
    ]


def build_and_pause(build: Path, pause_at: str, start: str | None = None) -> None:
    """What the process that is killed does; ``pause_at`` is a stage, or "counting:3" for a step that checkpoints."""
    run_stages(build, fake_stages(build, pause_at=pause_at), start=start)
