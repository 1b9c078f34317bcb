"""How fast cousins are made, what they cost on disk and in memory, and whether the slider means what it says.

usage: python benchmarks/cousins.py [SCENE] [--few 10] [--many 50] [--workers 2] [--vary shape,layout,physics] [--json]

SCENE is a scene folder, or a build with one; without it a table with five of the objects that come with scan2sim is put
together.  The command ``scan2sim cousins`` runs twice, for few and for many cousins with sliders all over 0..1, each in
processes of its own.  Rates are those between the two runs, so that starting up does not count; ``seconds_to_start`` is
what it takes.  CPU seconds tell the same on a machine that is busy with other things.  Then ten cousins are made in
this process and each part of the work is timed.

``picture_db_saved`` is what saving splats as SPZ costs: the PSNR of a picture of a cousin loaded from its folder
against one of the cousin as it was drawn, in the mean over those ten.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from measuring import machine, print_figures, use
from scipy.stats import spearmanr

from scan2sim.bodies import colors_of
from scan2sim.cousins.assets import shipped_objects
from scan2sim.cousins.config import CousinsConfig
from scan2sim.cousins.many import CousinsPlan
from scan2sim.cousins.many.one import CousinMaker
from scan2sim.library import Library
from scan2sim.scene import (
    Scene,
    Support,
    VariantSaver,
    load_scene,
    save_scene,
    scene_gaussians,
    surface_splats,
    viewpoint,
)
from scan2sim.sim import come_to_rest
from scan2sim.splats import psnr, rasterize

FIVE = {  # of the shipped objects, and where they stand [m]
    "tabletop-gray-hollow-shape-1": (0.06, -0.14),
    "tray": (-0.18, 0.05),
    "tabletop-gray-cylinder-1": (0.02, 0.12),
    "tabletop-yellow-ellipsoid-1": (-0.05, -0.02),
    "tabletop-yellow-ellipsoid-2": (0.16, 0.02),
}
TABLE = (0.8, 1.0, 0.04)  # [m]
TABLE_SPLATS = 20_000
PROFILED = 10  # cousins
PARTS = {  # where the seconds of a cousin go: (module, function)
    "shape": ("vary", "vary_shape"),
    "layout": ("vary", "vary_layout"),
    "settle": ("sample", "come_to_rest"),
    "check": ("sample", "problems"),
    "distance": ("sample", "distance_between"),
    "preview": ("many.one", "save_preview"),
}


@dataclass(frozen=True)
class Run:
    """What one call of the command took."""

    seconds: float
    cpu_seconds: float  # of all its processes
    peak_mb: float  # of its largest process
    reply: dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", type=Path, nargs="?")
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--vary", default="shape,layout,physics")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    use(1)
    with tempfile.TemporaryDirectory() as scratch:
        scene = Library().scene_of(str(given.scene)) if given.scene else five_objects(Path(scratch) / "scene")
        options = ["--distance", "0..1", "--vary", given.vary, "--workers", str(given.workers), "--seed", "0"]
        few = run(scene, given.few, Path(scratch) / "few", options)
        many = run(scene, given.many, Path(scratch) / "many", options)
        more = given.many - given.few
        pairs = [(cousin["slider"], cousin["distance"]) for cousin in many.reply["cousins"]]
        seconds = (many.seconds - few.seconds) / more
        figures = {
            "cousins_per_second": 1 / seconds,
            "seconds_to_start": few.seconds - given.few * seconds,
            "cpu_seconds_per_cousin": (many.cpu_seconds - few.cpu_seconds) / more,
            "bytes_per_cousin": own_bytes(Path(scratch) / "many") / given.many,
            "disk_bytes_per_cousin": own_bytes(Path(scratch) / "many", blocks=True) / given.many,
            f"peak_memory_mb_{given.few}": few.peak_mb,
            f"peak_memory_mb_{given.many}": many.peak_mb,
            "spearman": float(spearmanr(pairs).statistic),
            "share_rejected": many.reply["share_rejected"],
            "failed": len(many.reply["failed"]),
            "workers": given.workers,
        }
        figures |= profile(scene, Path(scratch) / "profiled", given.vary)
    print_figures(figures | machine(1), given.json)


def run(scene: Path, count: int, output: Path, options: list[str]) -> Run:
    """Call the command and measure all its processes."""
    command = [sys.executable, "-m", "scan2sim.cli", "cousins", str(scene), "-n", str(count), "-o", str(output)]
    reply = output.with_suffix(".json")
    with reply.open("wb") as file:
        started = time.perf_counter()
        process = subprocess.Popen([*command, *options, "--json"], stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)}: {reply.read_text()}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(reply.read_text()))


def own_bytes(folder: Path, blocks: bool = False) -> int:
    """What the cousins in a folder hold that their twin does not: what they share once, folders too where in blocks."""
    total = 0
    for home in (*folder.glob("[0-9]*"), folder / ".shared"):
        for path in (home, *home.rglob("*")):
            stat = path.stat()
            if path.is_dir() or stat.st_nlink == 1 or home.name == ".shared":
                total += stat.st_blocks * 512 if blocks else stat.st_size * path.is_file()
    return total


def profile(scene: Path, output: Path, parts: str) -> dict[str, float]:
    """Seconds that each part takes of one cousin, in the mean, and how like it is to what was saved of it."""
    plan = CousinsPlan(scene, (0.0, 1.0), 0, replace(CousinsConfig(), vary=tuple(parts.split(","))))
    output.mkdir()
    maker = CousinMaker(plan, output, {})
    spent: dict[str, float] = defaultdict(float)
    drawn: list[Scene] = []
    with timed(spent, drawn):
        maker.make(1000)  # imports and first calls do not count
        spent.clear()
        drawn.clear()
        for index in range(PROFILED):
            started = time.process_time()
            maker.make(1001 + index)
            spent["all"] += time.process_time() - started
    loaded = [load_scene(output / f"{1001 + index}") for index in range(PROFILED)]
    likeness = statistics.mean(compared(a, b) for a, b in zip(drawn, loaded, strict=True))
    return {f"cpu_seconds_{part}": seconds / PROFILED for part, seconds in spent.items()} | {
        "picture_db_saved": likeness
    }


@contextmanager
def timed(spent: dict[str, float], drawn: list[Scene]) -> Iterator[None]:
    """Let the functions of ``PARTS``, and saving, note their CPU seconds; and keep the scenes that are saved."""

    def stopwatch(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any, **more: Any) -> Any:
            started = time.process_time()
            try:
                return function(*arguments, **more)
            finally:
                spent[part] += time.process_time() - started

        return measured

    places = {part: (import_module(f"scan2sim.cousins.{module}"), name) for part, (module, name) in PARTS.items()}
    kept = {part: getattr(module, name) for part, (module, name) in places.items()}
    save = VariantSaver.save

    def keep_and_save(saver: VariantSaver, scene: Scene, folder: Path) -> None:
        drawn.append(scene)
        stopwatch("save", save)(saver, scene, folder)

    for part, (module, name) in places.items():
        setattr(module, name, stopwatch(part, kept[part]))
    VariantSaver.save = keep_and_save
    try:
        yield
    finally:
        VariantSaver.save = save
        for part, (module, name) in places.items():
            setattr(module, name, kept[part])


def compared(drawn: Scene, saved: Scene) -> float:
    """PSNR of a picture of one scene against the other's."""
    sets = [scene_gaussians(scene).with_ids(None) for scene in (drawn, saved)]
    camera = viewpoint(drawn, sets[0])
    first, second = (rasterize(gaussians, [camera]).colors[0].clamp(0, 1) for gaussians in sets)
    return min(float(psnr(second, first)), 99.0)


def five_objects(folder: Path) -> Path:
    """Save a table with five of the shipped objects."""
    shipped = load_scene(shipped_objects())
    table = trimesh.creation.box(TABLE)
    table.apply_translation([0, 0, -TABLE[2] / 2])
    things = {thing.name: thing for thing in shipped.objects}
    objects = []
    for name, (x, y) in FIVE.items():
        height = things[name].position[2]
        objects.append(replace(things[name], position=np.array([x, y, height])))
    x, y = TABLE[0] / 2, TABLE[1] / 2
    corners = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
    scene = replace(
        shipped,
        background=surface_splats(table, colors_of(table), TABLE_SPLATS),
        background_collision=(table,),
        objects=tuple(objects),
        supports=(Support("table", np.zeros(3), np.array([1.0, 0, 0, 0]), corners),),
    )
    save_scene(come_to_rest(scene).scene, folder)
    return folder


if __name__ == "__main__":
    main()
