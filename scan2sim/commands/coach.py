"""``scan2sim coach``: is a capture good enough, and what to film again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import tyro

from scan2sim.capture import CaptureConfig, read_capture
from scan2sim.coach import CoachConfig, forecast, judge_figures, measure_capture
from scan2sim.commands.command import Command, Reply
from scan2sim.progress import Reporter

__all__ = ["Coach"]

WILL_FAIL = 3


@dataclass(frozen=True, kw_only=True)
class Coach(Command):
    """Look at a capture for some seconds and say what to film again; exit code 3 when a build would fail."""

    path: Annotated[Path, tyro.conf.Positional]
    """A folder of photos, a zip, a video, or an app's export."""
    coach: CoachConfig = field(default_factory=CoachConfig)
    """How closely it is looked at."""

    def run(self, report: Reporter) -> Reply:
        """Look at it."""
        with TemporaryDirectory(prefix="scan2sim-coach-") as folder:
            config = CaptureConfig(max_size=self.coach.size, min_frames=1, key_frames=True)
            figures = measure_capture(read_capture(self.path, Path(folder), config, report), self.coach, report)
        advice, foreseen = judge_figures(figures), forecast(figures)
        color = next((c for c in ("red", "amber") if any(each.color == c for each in advice)), "green")
        headline = {
            "red": "film again: a build of this would fail or show little",
            "amber": "good enough for a build, which these would make better",
            "green": "a good capture",
        }[color]
        lines = [f"{each.color:6} {each.name}: {each.reason}" for each in advice]
        lines += [f"→ {each.todo}" for each in advice if each.todo]
        lines.append(f"foreseen: cameras for {foreseen.placed} of the views, {foreseen.unseen} views from elsewhere")
        data = {
            "color": color,
            "forecast": asdict(foreseen),
            "figures": asdict(figures),
            "advice": [asdict(each) for each in advice],
        }
        return Reply(data, "\n".join([*lines, f"verdict: {headline}"]), WILL_FAIL if color == "red" else 0)
