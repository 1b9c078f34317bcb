"""The peer OpenSplat, run as a program of its own: how to build it stands in README.md.

Its CPU path blends on one thread and uses more only inside torch's operators; ``threads`` caps those.  As published
(1.1.5) that path blends in a wrong order, so its splats look wrong in every other program; build it with
``opensplat-depth-order.patch``.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from scan2sim.fit.photos import Photo
from scan2sim.splats import Gaussians, match_exposure, psnr, rasterize, read_ply

__all__ = ["PeerRun", "PeerSettings", "judge_peer", "run_opensplat"]

BACKGROUND = (0.6130, 0.0101, 0.3984)  # what it trains in front of; its splats rely on it
_STEP = re.compile(r"Step (\d+): ([-\d.einfa]+)")
_COUNT = re.compile(r"(?:new count|remaining) (\d+)")
_SAVED = re.compile(r"Wrote .*_(\d+)\.ply")


@dataclass(frozen=True)
class PeerSettings:
    """OpenSplat's options; what is not named here keeps its default."""

    steps: int = 3000
    num_downscales: int = 2
    resolution_schedule: int = 3000
    """Steps after which the images' size doubles."""
    sh_degree: int = 3
    sh_degree_interval: int = 1000
    refine_every: int = 100
    warmup_length: int = 500
    densify_grad_thresh: float = 0.0002
    ssim_weight: float = 0.2

    @staticmethod
    def for_steps(steps: int) -> PeerSettings:
        """Its defaults, meant for 30,000 steps, with the schedules of resolution and SH squeezed into ``steps``.

        The number of Gaussians still grows every 100 steps from 500 on, at the latest from a tenth of the steps on.
        """
        squeezed = max(1, steps // 10)
        return PeerSettings(
            steps=steps,
            resolution_schedule=min(3000, squeezed),
            sh_degree_interval=min(1000, squeezed),
            warmup_length=min(500, squeezed),
        )

    @staticmethod
    def for_timing(steps: int) -> PeerSettings:
        """Full resolution and SH of degree 3 at once, and the Gaussians stay the sparse points."""
        never = 10_000_000
        return PeerSettings(steps, 0, never, 3, 1, never, never)

    def options(self) -> list[str]:
        """As arguments of the program."""
        named = {("num_iters" if name == "steps" else name): value for name, value in vars(self).items()}
        return [f"--{name.replace('_', '-')}={value}" for name, value in named.items()]


@dataclass(frozen=True)
class PeerRun:
    """What a run did."""

    step_ends: tuple[float, ...]  # [s] since the start of the first step, without the time for saving; one per step
    losses: tuple[float, ...]
    gaussians: tuple[tuple[int, int], ...]  # (step, number) whenever the number changed
    saved: dict[int, Path]  # splats by step


def run_opensplat(
    binary: Path,
    dataset: Path,
    folder: Path,
    settings: PeerSettings,
    threads: int,
    save_every: int = 0,  # steps; 0 = only at the end
    max_seconds: float = 36_000,
) -> PeerRun:
    """Train on a dataset; ends early, with what was saved so far, after ``max_seconds``.

    A step's time lies between two of its lines: forward, loss, backward, optimizer, densification.

    Raises:
        RuntimeError: it did not finish and was not stopped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "splat.ply"
    command = [str(binary), str(dataset), "-o", str(output), "--keep-crs", "--cpu", *settings.options()]
    if save_every:
        command.append(f"--save-every={save_every}")
    ends, losses, counts, saved = [], [], [], {}
    lines = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
    ) as process:
        stopped = threading.Event()
        timer = threading.Timer(max_seconds, lambda: (stopped.set(), process.kill()))
        timer.start()
        saving, last = 0.0, time.perf_counter()
        assert process.stdout is not None
        for line in process.stdout:
            now = time.perf_counter()
            lines.append(line)
            if match := _STEP.match(line):
                ends.append(now - saving)
                losses.append(float(match[2]))
            elif match := _SAVED.match(line):
                saved[int(match[1])] = output.with_name(f"splat_{match[1]}.ply")
                saving += now - last
            elif match := _COUNT.search(line):
                counts.append((len(ends), int(match[1])))
            last = now
        timer.cancel()
    (folder / "opensplat.log").write_text("".join(lines), encoding="utf-8")
    if process.returncode and not stopped.is_set():
        raise RuntimeError(f"{binary} failed:\n{''.join(lines[-5:])}")
    if process.returncode == 0:
        saved[settings.steps] = output
    return PeerRun(tuple(end - ends[0] for end in ends), tuple(losses), tuple(counts), saved)


def judge_peer(splats: Path | Gaussians, photos: list[Photo]) -> dict[str, float]:
    """Held-out PSNR [dB] as :func:`scan2sim.fit.held_out.judge` takes it, in front of OpenSplat's background."""
    gaussians = read_ply(splats) if isinstance(splats, Path) else splats
    values = []
    for photo in photos:
        image, camera = photo.view(1)
        with torch.no_grad():
            rendered = rasterize(gaussians, [camera], backgrounds=torch.tensor(BACKGROUND)).colors[0].clamp_max(1)
            values.append(float(psnr(match_exposure(rendered, image).clamp(0, 1), image)))
    return {"held_out_psnr": sum(values) / len(values), "views": len(values), "gaussians": len(gaussians)}
