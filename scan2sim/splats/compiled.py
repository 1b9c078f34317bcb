"""The compiled module, with an error that says what to do where it is missing."""

from __future__ import annotations

try:
    from scan2sim.splats import _native as native  # pyright: ignore[reportMissingModuleSource]
except ImportError as problem:
    raise ImportError(
        f"scan2sim's compiled part scan2sim/splats/_native is missing or does not load here ({problem})"
        " → install the package again: pip install scan2sim, or pip install -e . in a checkout"
    ) from problem

from scan2sim.cameras import Camera
from scan2sim.errors import UsageError

__all__ = ["available_isas", "camera_values", "isa", "keep_freed_memory", "native", "set_isa", "set_threads", "threads"]

available_isas = native.available_isas
isa = native.isa
threads = native.threads
# Lets the C library keep what is freed for the next image or gradient instead of handing it back to the system.  For
# processes that render or train over and over: the system clears every page that it hands out.  It holds for the whole
# process, keeps at most 1 GiB, and does nothing where the C library is not glibc.
keep_freed_memory = native.keep_freed_memory


def set_isa(name: str) -> None:
    """Choose the instruction set of the kernels, one of :func:`available_isas`; the last is the default.

    Raises:
        UsageError: this processor does not have it.
    """
    try:
        native.set_isa(name)
    except ValueError as problem:
        raise UsageError(str(problem)) from None


def set_threads(count: int) -> None:
    """Choose how many threads the kernels use, at first as many as OpenMP takes.

    Raises:
        UsageError: not within 1..1024.
    """
    try:
        native.set_threads(count)
    except (ValueError, TypeError):
        raise UsageError(f"threads = {count}, expected 1 to 1024") from None


def camera_values(camera: Camera) -> list[float]:  # (16,)
    """A camera as the kernels take it: its rotation row by row, where it is, fx, fy, cx and cy."""
    k, pose = camera.intrinsics, camera.world_from_camera
    return [*pose[:3, :3].ravel().tolist(), *pose[:3, 3].tolist(), k.fx, k.fy, k.cx, k.cy]
