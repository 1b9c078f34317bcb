"""How the time of a picture and its gradient grows with Gaussians, pixels, cameras and threads.

Writes ``growth-*.png`` beside this file (needs ``pip install -e .[bench]``) and prints the slopes of straight lines
through the logarithms: 1 is linear, -1 for threads is ideal.

Usage:
    python benchmarks/growth.py [--threads 2] [--repeats 5] [--largest 1000000] [--no-plots] [--json]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import machine, median_seconds, print_figures, use
from scenes import cameras_around, cloud, trainable

from scan2sim.cameras import Camera
from scan2sim.splats import Gaussians, rasterize

SIZE = 0.004  # of a Gaussian [m]; about a pixel at 640 × 480
Work = Callable[[], Any]


@dataclass(frozen=True)
class Point:
    """Medians [s] at one size."""

    size: float
    forward: float
    forward_backward: float


def forward(scene: Gaussians, cameras: list[Camera]) -> Work:
    """Render without gradients."""

    def work() -> None:
        with torch.no_grad():
            rasterize(scene, cameras)

    return work


def backward(scene: Gaussians, cameras: list[Camera]) -> Work:
    """Render and take all gradients."""
    leaves = trainable(scene)
    return lambda: (rasterize(leaves, cameras).colors ** 2).mean().backward()


def measure(size: float, scene: Gaussians, cameras: list[Camera], repeats: int) -> Point:
    """One point of both curves."""
    ahead, back = (median_seconds(work(scene, cameras), repeats) for work in (forward, backward))
    return Point(size, ahead, back)


def with_gaussians(largest: int, repeats: int) -> list[Point]:
    """At 640 × 480."""
    counts = [n for n in (10_000, 30_000, 100_000, 300_000, 1_000_000) if n <= largest]
    cameras = cameras_around(1, 640, 480)
    return [measure(n, cloud(n, SIZE), cameras, repeats) for n in counts]


def with_pixels(count: int, repeats: int) -> list[Point]:
    """From 160 × 120 to 2560 × 1920; Gaussians grow with the picture, as seen in pixels."""
    scene = cloud(count, SIZE)
    sizes = [(w, w * 3 // 4) for w in (160, 320, 640, 1280, 2560)]
    return [measure(w * h, scene, cameras_around(1, w, h), repeats) for w, h in sizes]


def with_cameras(count: int, repeats: int) -> list[Point]:
    """From 1 to 64 of 128 × 128."""
    scene = cloud(count, SIZE)
    return [measure(n, scene, cameras_around(n, 128, 128), repeats) for n in (1, 4, 16, 64)]


def with_threads(count: int, most: int, repeats: int) -> list[Point]:
    """From 1 to ``most`` at 640 × 480."""
    scene, cameras = cloud(count, SIZE), cameras_around(1, 640, 480)
    points = []
    for threads in sorted({min(most, 2**i) for i in range(most.bit_length() + 1)}):
        use(threads)
        points.append(measure(threads, scene, cameras, repeats))
    return points


def slope(sizes: list[float], seconds: list[float]) -> float | None:
    """Exponent of the power law through the points; None of a single point."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]) if len(sizes) > 1 else None


def plot(name: str, points: list[Point], path: Path) -> None:
    """Both curves on logarithmic axes, with a proportional line through the last point."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.6), layout="constrained")
    sizes, last = [p.size for p in points], points[-1]
    axes.loglog(sizes, [p.forward for p in points], "o-", label="forward")
    axes.loglog(sizes, [p.forward_backward for p in points], "s-", label="forward and backward")
    power = -1 if name == "threads" else 1
    axes.loglog(sizes, [last.forward_backward * (s / last.size) ** power for s in sizes], "k:", label="proportional")
    axes.set_xlabel(name)
    axes.set_ylabel("seconds")
    axes.grid(True, which="both", alpha=0.2)
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Measure, plot and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--largest", type=int, default=1_000_000, help="most Gaussians")
    parser.add_argument("--no-plots", action="store_true")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    args = parser.parse_args()
    use(args.threads)
    figures = machine(args.threads)
    middle = min(100_000, args.largest)
    curves = {
        "gaussians": lambda: with_gaussians(args.largest, args.repeats),
        "pixels": lambda: with_pixels(middle, args.repeats),
        "cameras": lambda: with_cameras(min(50_000, args.largest), args.repeats),
        "threads": lambda: with_threads(middle, args.threads, args.repeats),
    }
    for name, curve in curves.items():
        points = curve()
        sizes = [p.size for p in points]
        figures[f"{name}_slope_forward"] = slope(sizes, [p.forward for p in points])
        figures[f"{name}_slope_forward_backward"] = slope(sizes, [p.forward_backward for p in points])
        for p in points:
            figures[f"{name}_{p.size}_forward_seconds"] = p.forward
            figures[f"{name}_{p.size}_forward_backward_seconds"] = p.forward_backward
        if not args.no_plots:
            plot(name, points, Path(__file__).with_name(f"growth-{name}.png"))
    print_figures(figures, args.json)


if __name__ == "__main__":
    main()
