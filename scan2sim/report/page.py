"""Everything on one self-contained page: no script, no request to anywhere, pictures inside the file."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

import scan2sim
from scan2sim.errors import SceneError
from scan2sim.files import write_bytes
from scan2sim.progress import Reporter, silent
from scan2sim.report import wording
from scan2sim.report.attachments import encode_picture, load_picture, read_sections
from scan2sim.report.gate import GateConfig, judge
from scan2sim.report.pictures import OVERLAY_WIDTH, css_color, draw_scene
from scan2sim.report.record import BuildRecord, HeldOut, read_build
from scan2sim.scene import SceneObject

__all__ = ["write_report"]

HELD_OUT_SHOWN = 8
HELD_OUT_SIDE = 720
SETTINGS = "settings"  # the part of a scene's provenance that holds every stage's configuration
NOT_SAID = "not given"
DIFFERENCE_GAIN = 4  # how much brighter than it is the difference of photo and rendering is shown


def write_report(build: Path, report: Reporter = silent) -> Path:
    """Write ``report.html`` into a build folder (or into a scene folder that stands alone).

    What was not measured is said to be so; a build without a scene yet gets a page too.

    Raises:
        SceneError: the folder is neither a build nor a scene, or its scene is damaged.
        OutputError: the page cannot be written there.
    """
    record = read_build(build)
    page = _template().render(
        record=record,
        verdict=judge(record, GateConfig()),
        pictures=draw_scene(record.scene, report) if record.scene else None,
        overlay_width=OVERLAY_WIDTH,
        objects=[_object_row(index, thing) for index, thing in enumerate(record.scene.objects)] if record.scene else [],
        held_out=[_held_out_row(pair) for pair in _spread(record.held_out, HELD_OUT_SHOWN)],
        stages=_stage_rows(record),
        total_seconds=sum(stage.seconds or 0.0 for stage in record.stages) or None,
        warnings=_warnings(record),
        remarks=_remarks(record),
        sections=read_sections(record.folder) if record.stages else [],
        scene_figures=wording.figures(record.scene.quality) if record.scene else [],
        provenance=_provenance(record),
        settings=_settings(record),
        version=scan2sim.__version__,
        written=datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
    )
    target = record.folder / "report.html"
    write_bytes(target, page.encode())
    return target


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("scan2sim.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "code": _code,
        "duration": wording.duration,
        "memory": wording.memory,
        "figure": wording.figure,
    }
    return environment.get_template("template.html")


def _code(text: str) -> Markup:
    """Escaped text in which `…` is set as code."""
    parts = [escape(part) for part in re.split(r"`([^`]*)`", text)]
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def _object_row(index: int, thing: SceneObject) -> dict[str, Any]:
    physical = thing.physical
    return {
        "id": thing.id,
        "name": thing.name,
        "color": css_color(index),
        "label": thing.label.text,
        "confidence": thing.label.confidence,
        "label_source": thing.label.source,
        "mobility": thing.mobility,
        "size": wording.size(thing),
        "volume": wording.estimate(physical.volume, "volume"),
        "mass": wording.estimate(physical.mass, "mass"),
        "mass_interval": wording.interval(physical.mass, "mass"),
        "mass_source": physical.mass.source,
        "friction": wording.estimate(physical.friction, "plain"),
        "friction_interval": wording.interval(physical.friction, "plain"),
        "unseen": thing.unseen_fraction,
        "closed": thing.visual.is_watertight,
        "pieces": len(thing.collision),
        "pieces_distance": _pieces_distance(thing),
        "splats": len(thing.gaussians),
    }


def _pieces_distance(thing: SceneObject) -> str:
    """How far the collision pieces lie from the surface, in words."""
    distance = thing.figures.get("collision_mm")
    return "" if distance is None else f"{distance:.1f} mm off"


def _held_out_row(pair: HeldOut) -> dict[str, Any]:
    """Photo, rendering and their difference; a picture that cannot be read is named as such."""
    row: dict[str, Any] = {"name": pair.name, "psnr": pair.psnr, "ssim": pair.ssim, "problem": ""}
    try:
        photo, drawn = load_picture(pair.photo, HELD_OUT_SIDE), load_picture(pair.render, HELD_OUT_SIDE)
    except SceneError as problem:
        return row | {"problem": problem.problem}
    row |= {"photo": encode_picture(photo), "render": encode_picture(drawn)}
    if photo.shape == drawn.shape:
        row["difference"] = encode_picture(_difference(photo, drawn))
    return row


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How far apart two pictures are, per channel, brightened."""
    return (np.abs(a.astype(int) - b) * DIFFERENCE_GAIN).clip(0, 255).astype(np.uint8)


def _spread(pairs: tuple[HeldOut, ...], count: int) -> list[HeldOut]:
    """At most ``count`` of the pairs, evenly over the capture."""
    if len(pairs) <= count:
        return list(pairs)
    return [pairs[i] for i in np.linspace(0, len(pairs) - 1, count).round().astype(int)]


def _stage_rows(record: BuildRecord) -> list[dict[str, Any]]:
    longest = max((stage.seconds or 0.0 for stage in record.stages), default=0.0) or 1.0
    return [
        {
            "name": stage.name,
            "seconds": stage.seconds,
            "share": (stage.seconds or 0.0) / longest,
            "memory": stage.peak_memory_mib,
            "finished": stage.finished.replace("T", " ")[:19],
            "figures": wording.figures(stage.figures),
            "config": wording.figures(stage.config, NOT_SAID),
            "versions": wording.figures(stage.versions),
            "seed": stage.seed,
        }
        for stage in record.stages
    ]


def _warnings(record: BuildRecord) -> list[tuple[str, str]]:
    """(stage, sentence) of all stages."""
    return [(stage.name, warning) for stage in record.stages for warning in stage.warnings]


def _remarks(record: BuildRecord) -> list[tuple[str, str]]:
    """(file, remark) of every file that was left out, marked, or has no pose; nothing goes missing silently."""
    rows = [(name, f"left out: {reason}") for name, reason in record.dropped]
    rows += [(name, "no pose was found") for name in record.unregistered]
    return rows + [(name, f"used, but {remark}") for name, remark in record.marked]


def _provenance(record: BuildRecord) -> list[tuple[str, str]]:
    """What the scene says of its origin, without the settings, which have a place of their own."""
    if record.scene is None:
        return []
    said = {name: value for name, value in record.scene.provenance.items() if name != SETTINGS}
    rows = wording.figures(said, NOT_SAID)
    for number, correction in enumerate(record.scene.corrections, start=1):
        told = {key: value for key, value in correction.items() if key != "cameras"}  # only the frame it was made in
        rows.append((f"correction {number}", ", ".join(f"{name} {text}" for name, text in wording.figures(told))))
    return rows


def _settings(record: BuildRecord) -> list[tuple[str, str]]:
    settings = record.scene.provenance.get(SETTINGS) if record.scene else None
    return wording.figures(settings, NOT_SAID) if isinstance(settings, dict) else []
