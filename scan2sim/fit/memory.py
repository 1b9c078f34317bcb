"""Memory: what training needs, what there is, and what its lack looks like."""

from __future__ import annotations

import contextlib
import errno
import resource
from pathlib import Path

import torch

from scan2sim.errors import OutOfMemoryError
from scan2sim.fit.config import FitConfig
from scan2sim.poses import PosedFrame

__all__ = ["available_bytes", "check_memory", "is_out_of_memory", "needed_bytes"]

SIGNS = (
    "can't allocate memory",
    "not enough memory",
    "Cannot allocate memory",
    "std::bad_alloc",
    "out of memory",
    "could not create a primitive",  # oneDNN, which torch multiplies with, says no more
)
FLOAT = 4  # bytes
FIXED = 80 << 20  # bytes that libraries take when they are first used
COPIES = 11  # of each parameter: value, gradient, two moments, and all of it once more while densifying; measured
PROJECTED = 32  # floats per Gaussian: its projection and that one's gradient
TILES = 8  # that an average Gaussian touches
TILE_BYTES = 16  # per Gaussian and tile: sort keys and indices, twice
PIXEL_FLOATS = 48  # per pixel of one photo: rendering, exposure, loss, and their gradients
CGROUP = Path("/sys/fs/cgroup")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the processor or on a card."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)


def needed_bytes(frames: tuple[PosedFrame, ...], config: FitConfig) -> int:
    """About how much memory training takes at its height, from the cap on Gaussians and the photos' sizes."""
    floats = 11 + 3 * (config.sh_degree + 1) ** 2
    gaussians = config.max_gaussians * (FLOAT * (COPIES * floats + PROJECTED) + TILES * TILE_BYTES)
    pixels = []
    for frame in frames:
        k = frame.camera.intrinsics
        shrink = max(1.0, max(k.width, k.height) / config.max_size)
        pixels.append(k.width * k.height / shrink**2)
    pixels += [max(pixels, default=0)] * (config.teachers.views if config.teachers.count else 0)
    levels = sum(1 / factor**2 for factor in {factor for _, factor in config.coarse_to_fine})
    return int(FIXED + gaussians + 3 * levels * sum(pixels) + FLOAT * PIXEL_FLOATS * max(pixels, default=0))


def available_bytes(device: torch.device) -> int | None:
    """How much memory this process can still get; None where the system does not tell.

    The least of the machine's available memory, the control group's and the process's own limit; on a card, what it
    has free.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    figures = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        figures.append(int(lines["MemAvailable"].split()[0]) * 1024)
    with contextlib.suppress(OSError, ValueError):  # "max" means no limit
        limit, used = (int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        statistics = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        figures.append(limit - used + int(statistics.get("file", 0)))  # the page cache gives way
    with contextlib.suppress(OSError, ValueError, IndexError):
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            figures.append(limit - used)
    return max(0, min(figures)) if figures else None


def check_memory(frames: tuple[PosedFrame, ...], config: FitConfig, device: torch.device) -> None:
    """Refuse what cannot fit before hours have gone into it.

    Raises:
        OutOfMemoryError: training would need more memory than there is.
    """
    needed, available = needed_bytes(frames, config), available_bytes(device)
    if available is not None and needed > available:
        raise OutOfMemoryError(
            f"training up to {config.max_gaussians} Gaussians on {len(frames)} photos of at most {config.max_size} "
            f"pixels needs about {in_words(needed)} of memory; {in_words(available)} are free",
            todo="close other programs, or choose a lower --quality, --fit.max-gaussians or --fit.max-size",
        )


def in_words(count: int) -> str:
    """Bytes for a person."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
