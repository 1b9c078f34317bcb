"""Speed of the splat engine: against torch, against OpenSplat, against the machine, and in batches.

Outputs and gradients are compared before anything is timed; figures are medians, threads are equal on both sides.

Usage:
    python benchmarks/splats.py [--opensplat BINARY] [--posed tabletop] [--threads 2] [--json]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch_tiles
from measuring import machine, median_seconds, peak_gflops, print_figures, use
from scenes import cameras_around, cloud, moving_bodies, posed_capture, trainable
from torch import Tensor
from training_steps import our_step_seconds, their_step_seconds

from scan2sim.cameras import Camera
from scan2sim.splats import Gaussians, Rendering, available_isas, count_pairs, isa, keep_freed_memory, rasterize

PARAMETERS = ("means", "quats", "log_scales", "opacity_logits", "sh")
WIDTH, HEIGHT = 640, 480
LONG_SIDE = 720  # of the photos trained on [pixels]
# Of one pair in the kernel's forward walk, a fused multiply-add counted as two: offset from the mean 2, exponent 8,
# power of two 12, clamp and comparisons 3, transmittance 2, weight 1, three colours and the depth 8.
FLOPS_PER_EVALUATION = 36
MAX_DIFFERENCE = 2e-3  # relative, of images and gradients


def forward_backward(scene: Gaussians, render: Callable[[Gaussians], Tensor]) -> tuple[Tensor, list[Tensor]]:
    """The image and the gradients of a fixed function of it."""
    leaves = trainable(scene)
    image = render(leaves)
    (image**2).mean().backward()
    return image.detach(), [getattr(leaves, name).grad for name in PARAMETERS]


def against_torch(name: str, count: int, repeats: int) -> dict[str, Any]:
    """Native against torch, forward and backward, one scene, equal threads.

    ``torch`` is the vectorised rasterizer of ``torch_tiles.py``, ``torch_backend`` our slow reference.
    """
    scene, camera = cloud(count), cameras_around(1, WIDTH, HEIGHT)[0]
    slow: Callable[[Gaussians], Tensor] = {
        "torch": lambda leaves: torch_tiles.render(leaves, camera),
        "torch_backend": lambda leaves: rasterize(leaves, [camera], backend="torch").colors[0],
    }[name]

    def fast(leaves: Gaussians) -> Tensor:
        return rasterize(leaves, [camera], backend="native").colors[0]

    ours, theirs = forward_backward(scene, fast), forward_backward(scene, slow)
    image = _difference(ours[0], theirs[0])
    gradient = max(_difference(a, b) for a, b in zip(ours[1], theirs[1], strict=True))
    if max(image, gradient) > MAX_DIFFERENCE:
        raise RuntimeError(f"native and {name} differ by {image:.1e} in the image, {gradient:.1e} in a gradient")
    native_seconds = median_seconds(lambda: forward_backward(scene, fast), max(11, repeats), warm_ups=2)
    slow_seconds = median_seconds(lambda: forward_backward(scene, slow), repeats)
    return {
        f"forward_backward_vs_{name}": slow_seconds / native_seconds,
        f"forward_backward_vs_{name}_native_seconds": native_seconds,
        f"forward_backward_vs_{name}_seconds": slow_seconds,
        f"forward_backward_vs_{name}_gaussians": count,
        f"forward_backward_vs_{name}_image_difference": image,
        f"forward_backward_vs_{name}_gradient_difference": gradient,
    }


def against_opensplat(binary: Path | None, capture: str, steps: int, threads: int) -> dict[str, Any]:
    """One training step of ours and of OpenSplat on one capture."""
    posed = posed_capture(capture)
    ours, gaussians = our_step_seconds(posed, LONG_SIDE, max(40, steps))
    figures: dict[str, Any] = {"step_vs_opensplat": None, "step_opensplat_seconds": None}
    figures |= {"step_ours_seconds": ours, "step_gaussians": gaussians, "step_long_side": LONG_SIDE}
    if binary:
        theirs, count = their_step_seconds(binary, posed, LONG_SIDE, steps, threads)
        figures |= {"step_vs_opensplat": theirs / ours, "step_opensplat_seconds": theirs}
        figures["step_opensplat_gaussians"] = count
    return figures


def against_the_machine(threads: int, instructions: str) -> dict[str, Any]:
    """Gaussian–pixel pairs weighed per second, forward, and the share of the arithmetic peak that they are.

    The splats are large enough for 600 pairs each, 90 a pixel: with smaller ones projecting and sorting is what takes
    the time, not weighing.
    """
    scene, cameras = cloud(50_000, size=0.02), cameras_around(1, WIDTH, HEIGHT)
    best_seconds, best = _forward_seconds(scene, cameras), isa()
    use(threads, instructions)
    pairs, drawn = count_pairs(scene, cameras)
    seconds = _forward_seconds(scene, cameras)
    peak = peak_gflops(threads, instructions)
    return {
        "evaluations_per_second": pairs / seconds,
        "evaluations_isa": isa(),
        "evaluations_seconds": seconds,
        "evaluations_pairs": pairs,
        "evaluations_pairs_drawn": drawn,
        f"forward_{best}_seconds": best_seconds,
        "evaluations_peak_gflops": peak,
        "evaluations_share_of_peak": pairs * FLOPS_PER_EVALUATION / seconds / 1e9 / peak,
    }


def batches(count: int, environments: int) -> dict[str, Any]:
    """RGB, depth and ids of many states of one scene with five moving bodies.

    Environments are seen by the same camera each, as a robot's stands to its table; beside it with a camera of its own
    for each.
    """
    scene, poses = moving_bodies(count, 5, environments)
    apart = cameras_around(environments, 128, 128)
    seconds = []
    for cameras in (apart[:1] * environments, apart):

        def render(cameras: list[Camera] = cameras) -> Rendering:
            return rasterize(scene, cameras, poses=poses, ids=True, projected=False)

        ids = render().ids
        if ids is None or len(ids.unique()) < len(poses[0]):
            raise RuntimeError("not every body is seen")
        seconds.append(median_seconds(render, 7))
    return {
        "batch_images_per_second": environments / seconds[0],
        "batch_seconds": seconds[0],
        "batch_own_cameras_images_per_second": environments / seconds[1],
        "batch_own_cameras_seconds": seconds[1],
        "batch_images": environments,
        "batch_gaussians": count,
    }


def _forward_seconds(scene: Gaussians, cameras: list[Camera]) -> float:
    with torch.no_grad():
        return median_seconds(lambda: rasterize(scene, cameras, projected=False), 11, warm_ups=3)


def _difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--opensplat", type=Path, help="its program; without it that comparison is null")
    parser.add_argument("--posed", default="tabletop", help="a sample capture, a folder of photos or of a poses stage")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--gaussians", type=int, default=50_000, help="for the comparison with vectorised torch")
    parser.add_argument("--backend-gaussians", type=int, default=2000, help="for that with the slow torch backend")
    parser.add_argument("--repeats", type=int, default=5, help="of the slow side of each comparison")
    parser.add_argument(
        "--only", choices=("torch", "torch_backend", "opensplat", "batch", "machine"), help="one part alone"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    args = parser.parse_args()
    use(args.threads)
    keep_freed_memory()
    instructions = "avx2" if "avx2" in available_isas() else isa()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "torch": lambda: against_torch("torch", args.gaussians, args.repeats),
        "torch_backend": lambda: against_torch("torch_backend", args.backend_gaussians, args.repeats),
        "opensplat": lambda: against_opensplat(args.opensplat, args.posed, 2 * args.repeats, args.threads),
        "batch": lambda: batches(50_000, 64),
        "machine": lambda: against_the_machine(args.threads, instructions),
    }
    figures = machine(args.threads)
    for name, measure in parts.items():
        if args.only in (None, name):
            figures |= measure()
    print_figures(figures, args.json)


if __name__ == "__main__":
    main()
