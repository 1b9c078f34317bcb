"""Does the coach foresee what a build gives?  Its bands against the poses and a short training, capture by capture.

usage: python benchmarks/coach.py CAPTURES… [--cache FOLDER] [--again] [--json]

Each of CAPTURES is a folder with ``images/``, or a folder of such folders.  Every capture is taken as it is and once
more spoilt: thinned, filmed from one side, smeared, darkened, with wandering exposure, mixed with the next capture, or
with six photos only (in turn, so that every kind occurs).  Cameras come from ``solve_poses``, held-out PSNR from a
training of 500 steps at 400 pixels in which every fourth photo is held out: lower than a build reaches, but comparable.

What has been computed stays in the cache; ``--again`` repeats the coach's part alone.  Prints one flat JSON object: how
often the foreseen band was right, one off, and further off, for the captures that the bands were chosen on (even ones)
and for the others (odd ones).  Without ``--json`` a line for each capture and the two confusion tables too.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.capture import CaptureConfig, read_capture
from scan2sim.coach import CoachConfig, Figures, Forecast, forecast, measure_capture, placed_band, unseen_band
from scan2sim.errors import Scan2SimError
from scan2sim.fit import FitConfig, train
from scan2sim.poses import PosesConfig, load_posed, save_posed, solve_poses
from scan2sim.progress import silent

SIZE = 640  # [pixels] long side of spoilt photos
SMEAR = 13  # [pixels] of motion
DARK, NOISE = 0.08, 2.0  # share of the light, grey levels
PLACED, UNSEEN = ("few", "some", "nearly all"), ("poor", "fair", "good")
SPOILT = ("thinned", "one-sided", "smeared", "dark", "exposure", "mixed", "few")
FIT = FitConfig(
    steps=500,
    max_gaussians=12_000,
    max_size=400,
    sh_degree=0,
    coarse_to_fine=((0.0, 2), (0.4, 1)),
    hold_out_every=4,
    checkpoint_seconds=1e6,
)


def main() -> None:
    """Measure all captures, whole and spoilt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, default=Path("outputs/benchmarks/coach"))
    parser.add_argument("--again", action="store_true", help="look at all captures again with the coach")
    parser.add_argument("--json", action="store_true", help="print the figures only")
    given = parser.parse_args()
    bases = [folder for path in given.captures for folder in captures_in(path)]
    rows = []
    for index, base in enumerate(bases):
        kind = SPOILT[index % len(SPOILT)]
        for name in ("whole", kind):
            folder = given.cache / f"{index:02d}-{base.name}-{name}"
            photos = base / "images" if name == "whole" else spoilt(bases, index, kind, folder / "photos")
            gave, said = outcome(photos, folder), foreseen(photos, folder, given.again)
            row = {"name": folder.name, "half": index % 2} | gave | {"placed": said.placed, "unseen": said.unseen}
            rows.append(row | {"foreseen_psnr": said.unseen_psnr})
            if not given.json:
                print(json.dumps(rows[-1]), flush=True)
    figures: dict[str, Any] = {"captures": len(rows)}
    for half, name in enumerate(("chosen_on", "others")):
        own = [row for row in rows if row["half"] == half]
        for kind, bands, gave in (
            ("placed", PLACED, lambda row: placed_band(row["registered"])),
            ("unseen", UNSEEN, lambda row: unseen_band(row["psnr"])),
        ):
            table = Counter((gave(row), row[kind]) for row in own)
            if not given.json:
                tell(f"{kind}, {name}", table, bands)
            off = [abs(bands.index(gave(row)) - bands.index(row[kind])) for row in own]
            for far, word in enumerate(("right", "one_off", "two_off")):
                figures[f"{kind}_{word}_{name}"] = off.count(far)
    print(json.dumps(figures))


def tell(title: str, table: Counter[tuple[str, str]], bands: tuple[str, ...]) -> None:
    """Print a confusion table: a line per band that came out, a column per band that was foreseen."""
    print(f"\n{title:24}" + "".join(f"{'foreseen ' + band:>20}" for band in bands))
    for gave in bands:
        print(f"{gave:24}" + "".join(f"{table[gave, said]:>20}" for said in bands))


def captures_in(path: Path) -> list[Path]:
    """The folder itself if it holds photos, else those in it that do."""
    return [path] if (path / "images").is_dir() else sorted(p.parent for p in path.glob("*/images"))


def spoilt(bases: list[Path], index: int, kind: str, folder: Path) -> Path:
    """Write the photos of a capture in one of the ways in which people spoil theirs."""
    files = sorted((bases[index] / "images").iterdir())
    if kind == "thinned":
        files = files[::3]
    elif kind == "one-sided":
        files = files[: max(5, 2 * len(files) // 5)]
    elif kind == "few":
        files = files[:: max(1, len(files) // 6)][:6]
    elif kind == "mixed":
        files = [*files[::2], *sorted((bases[(index + 1) % len(bases)] / "images").iterdir())[1::2]]
    if not folder.exists():
        fresh = folder.with_suffix(".new")
        fresh.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([index, len(files)])
        for number, file in enumerate(files):
            with Image.open(file) as image:
                picture = image.convert("RGB")
            picture.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
            pixels = changed(np.asarray(picture, np.float32), kind, rng)
            name = f"{number:03d}-{file.parents[1].name}-{file.stem}.jpg"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(fresh / name, quality=92)
        fresh.rename(folder)
    return folder


def changed(pixels: NDArray[np.float32], kind: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """The pixels of one photo as they come out if it is spoilt that way."""
    if kind == "smeared":
        axis = int(rng.integers(2))
        return np.mean([np.roll(pixels, step, axis) for step in range(SMEAR)], axis=0)
    if kind == "dark":
        return DARK * pixels + rng.normal(0, NOISE, pixels.shape)
    if kind == "exposure":
        return pixels * 2 ** rng.normal(0, 0.7)
    return pixels


def outcome(photos: Path, folder: Path) -> dict[str, Any]:
    """What the poses and a short training give: share of photos with a camera, held-out PSNR [dB] or None."""
    file = folder / "outcome.json"
    if not file.exists():
        for name in ("capture", "poses", "fit"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        share, psnr, problem = 0.0, None, ""
        try:
            if (folder / "poses" / "posed.json").exists():
                posed = load_posed(folder / "poses")
            else:
                capture = read_capture(photos, folder / "capture")
                posed = solve_poses(capture, folder / "poses", PosesConfig(num_threads=1))
                save_posed(posed, folder / "poses")
            share = len(posed.frames) / (len(posed.frames) + len(posed.unregistered))
            psnr = train(posed, folder / "fit", FIT).figures["held_out_psnr"]
        except Scan2SimError as error:
            problem = str(error)
        file.write_text(json.dumps({"registered": share, "psnr": psnr, "problem": problem[:200]}))
    return json.loads(file.read_text())


def foreseen(photos: Path, folder: Path, again: bool) -> Forecast:
    """What the coach says, as ``scan2sim coach`` does."""
    file = folder / "coach.json"
    if again or not file.exists():
        config = CoachConfig()
        with TemporaryDirectory() as work:
            capture = read_capture(photos, Path(work), CaptureConfig(max_size=config.size, min_frames=1))
            file.write_text(json.dumps(asdict(measure_capture(capture, config, silent))))
    return forecast(Figures(**json.loads(file.read_text())))


if __name__ == "__main__":
    main()
