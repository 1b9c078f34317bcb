"""What can be measured of a capture in seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.capture import Capture, Frame
from scan2sim.coach.config import CoachConfig
from scan2sim.coach.links import find_links
from scan2sim.coach.ring import Ring, find_ring
from scan2sim.poses import quiet_colmap
from scan2sim.progress import Reporter

__all__ = ["Figures", "measure_capture"]

WAYS = ((0, 1), (1, 0), (1, 1), (-1, 1))  # rows, columns
FAR = 4  # pixels over which sharp and blurred pictures differ alike
UNSHARP = 0.095  # sharp pictures of smooth wood have 0.10 to 0.13, of cloth and carpet 0.15 to 0.2; smeared ones less


@dataclass(frozen=True)
class Figures:
    """Of one capture."""

    frames: int
    distinct: int  # without those nearly the same as another
    blurred: float  # share
    exposure: float  # median of the frames' mean luma, 0..1
    exposure_spread: float  # standard deviation [stops]
    linked: float  # share of the frames in the largest group that hangs together
    alone: tuple[str, ...]  # names of the others
    links: int
    parallax: float  # median between linked frames [degrees]
    first: str  # name of the frame that directions are told from
    azimuth: tuple[float, ...]  # [degrees] where the linked frames stand around the subject, 90 = right of the first
    elevation: tuple[float, float]  # lowest and highest [degrees], but for a tenth on each side
    step: float  # median angle from a linked view to the one nearest in direction [degrees]; 180 if there is one only
    detail: float  # median over frames: root mean square difference of luma over 4 pixels at 640 px, of 255
    gap: tuple[float, float]  # the widest part of the ring that nobody filmed: where it begins, how wide [degrees]
    second: int = 1  # frames in the next largest group that hangs together


def measure_capture(capture: Capture, config: CoachConfig, report: Reporter) -> Figures:
    """Look at the frames of a capture, small; ``Figures.frames`` says how many.

    Raises:
        CaptureError: a frame cannot be read.
    """
    count = len(capture.frames)
    chosen = np.unique(np.linspace(0, count - 1, min(count, config.max_frames)).round().astype(int))
    frames = [capture.frames[i] for i in chosen]
    pictures = [_picture(frame, config.size) for frame in frames]
    with quiet_colmap():
        links = find_links(pictures, [_focal(frame, config.size) for frame in frames], config, report)
    ring = find_ring(links, len(frames))
    linked = set(ring.frames)
    low, high = (float(np.quantile(ring.elevation, share)) for share in (0.1, 0.9))
    stops = np.log2(np.array([max(frame.exposure, 1e-3) for frame in frames]))
    return Figures(
        frames=len(frames),
        distinct=sum(not any(flag.startswith("near-duplicate") for flag in frame.flags) for frame in frames),
        blurred=float(np.mean([_is_blurred(p) or "blurred" in f.flags for p, f in zip(pictures, frames, strict=True)])),
        exposure=float(np.median([frame.exposure for frame in frames])),
        exposure_spread=float(stops.std()),
        linked=len(ring.frames) / len(frames),
        alone=tuple(frame.name for i, frame in enumerate(frames) if i not in linked),
        links=len(links),
        parallax=float(np.median([link.parallax for link in links])) if links else 0.0,
        first=frames[ring.frames[0]].name,
        azimuth=tuple(float(each) for each in ring.azimuth),
        elevation=(low, high),
        step=_step(ring),
        detail=float(np.median([max(_roughness(p.astype(np.float32), FAR, way) for way in WAYS[:2]) for p in pictures]))
        ** 0.5,
        gap=_widest_gap(ring.azimuth),
        second=ring.second,
    )


def _picture(frame: Frame, size: int) -> NDArray[np.uint8]:
    with Image.open(frame.image) as image:
        image.draft("L", (size, size))
        small = image.convert("L")
    small.thumbnail((size, size), Image.Resampling.BILINEAR)
    return np.asarray(small, np.uint8)


def _focal(frame: Frame, size: int) -> float | None:
    focal = frame.intrinsics.fx if frame.intrinsics else frame.focal_length
    return None if focal is None else focal * min(1.0, size / max(frame.width, frame.height))


def _is_blurred(picture: NDArray[np.uint8]) -> bool:
    """Whether neighbouring pixels along some direction differ hardly, beside pixels that are farther apart.

    A moved camera smears what lies along its motion, a lens out of focus all.  Unlike a comparison with the other
    frames this finds captures that are blurred throughout.
    """
    y = picture.astype(np.float32)
    return min(_roughness(y, 1, way) / max(_roughness(y, FAR, way), 1e-6) for way in WAYS) < UNSHARP


def _roughness(y: NDArray[np.float32], step: int, way: tuple[int, int]) -> float:
    """Mean square difference of pixels that are ``step`` apart."""
    down, across = step * way[0], step * way[1]
    moved = np.roll(y, (down, across), (0, 1))[abs(down) : len(y) - abs(down), across:]
    return float(((moved - y[abs(down) : len(y) - abs(down), across:]) ** 2).mean())


def _step(ring: Ring) -> float:
    """How far apart neighbouring views look, whatever the order in which they were taken."""
    if len(ring.frames) < 2:
        return 180.0
    azimuth, elevation = np.radians(ring.azimuth), np.radians(ring.elevation)
    across = np.cos(elevation)
    directions = np.column_stack([across * np.cos(azimuth), across * np.sin(azimuth), np.sin(elevation)])
    cosine = directions @ directions.T
    np.fill_diagonal(cosine, -1)
    return float(np.degrees(np.median(np.arccos(cosine.max(1).clip(-1, 1)))))


def _widest_gap(azimuth: NDArray[np.float64]) -> tuple[float, float]:
    around = np.sort(azimuth)
    steps = np.diff(np.append(around, around[0] + 360))
    widest = int(steps.argmax())
    return float(around[widest]), float(steps[widest])
