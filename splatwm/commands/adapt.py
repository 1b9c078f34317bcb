"""``splatwm adapt``: a model learns from a recording what one body is like."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from scan2sim.bodies import read_body
from scan2sim.commands.command import Command, Reply
from scan2sim.errors import UsageError
from scan2sim.files import write_json
from scan2sim.progress import Reporter
from splatwm.adapt import AdaptConfig, Adapted, Errors, Identified, adapt
from splatwm.commands.recorded_body import body_of_scene
from splatwm.data import read_recording
from splatwm.trained import load_model, save_model

__all__ = ["Adapt"]


@dataclass(frozen=True, kw_only=True)
class Adapt(Command):
    """Fit a model's numbers to a recording, and say which of them the recording tells; goes on after a kill."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """A .safetensors file that splatwm made."""
    recording: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RECORDING")]
    """An npz of states or poses, offsets and dt; and of links, shapes, link_position where a robot acted."""
    body: str | None = None
    """What was recorded: box:AxBxC,mass=KG, a URDF or a mesh."""
    scene: Path | None = None
    """Instead of a body: a scene with the object that was recorded."""
    object: str | None = None
    """Which of the scene's objects; not needed where there is one."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="MODEL2|DIR")]
    """The .safetensors file to write, beside it a .json of what was identified; or a folder for both."""
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    """What is adapted, and from what."""

    def run(self, report: Reporter) -> Reply:
        """Adapt and write."""
        if (self.body is None) == (self.scene is None):
            raise UsageError("give either --body or --scene", todo="as in --body box:0.1x0.1x0.1,mass=0.37")
        model_path, told_path = self._paths()
        started = time.monotonic()
        model, recording = load_model(self.model), read_recording(self.recording)
        body = body_of_scene(self.scene, self.object) if self.scene is not None else read_body(self.body or "")
        journal = model_path.with_suffix(".search.json")
        journal.parent.mkdir(parents=True, exist_ok=True)
        found = adapt(model, recording, body, self.adapt, journal=journal, report=report)
        what = self.body or f"{self.object or 'the object'} of {self.scene.name if self.scene else ''}"
        source = {"model": self.model.name, "recording": self.recording.name, "body": what}
        card = found.model.card | {"adapted_from": source}
        told = {
            **source,
            "seconds": time.monotonic() - started,
            "notes": list(recording.notes),
            "parameters": [asdict(each) for each in found.identified],
            "refused": found.refused,
            "before": asdict(found.before),
            "after": asdict(found.after),
            "intervals": found.intervals,
        }
        write_json(told_path, told)
        save_model(replace(found.model, card=card), model_path)
        journal.unlink(missing_ok=True)
        return Reply({"output": str(model_path), **told}, _text(found, recording.notes, model_path))

    def _paths(self) -> tuple[Path, Path]:
        if self.output.suffix == ".safetensors":
            return self.output, self.output.with_suffix(".json")
        if self.output.suffix or self.output.is_file():
            raise UsageError("a model is one .safetensors file", path=self.output, todo="name it so, or give a folder")
        return self.output / "model.safetensors", self.output / "identified.json"


def _text(found: Adapted, notes: tuple[str, ...], path: Path) -> str:
    lines = [f"note: {note}" for note in notes]
    lines += [f"{_name(each)} {each.value:.4g} ({each.low:.4g} to {each.high:.4g})" for each in found.identified]
    lines += [f"{name}: not told: {why}" for name, why in found.refused.items()]
    lines.append(f"intervals of position: {found.intervals}")
    return "\n".join([f"{path}: {_errors(found.before)} before, {_errors(found.after)} after", *lines])


def _name(each: Identified) -> str:
    unit = f" [{each.unit}]" if each.unit else ""
    return f"{each.name}{unit}:" if each.identified else f"{each.name}{unit}: not identified;"


def _errors(errors: Errors) -> str:
    return f"{1000 * errors.mean_m:.2f} mm and {errors.mean_rad:.3f} rad"
