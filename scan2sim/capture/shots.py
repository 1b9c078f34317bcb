"""Pictures with what a sensor knew about them become frames: chosen, turned upright, written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.cameras import Distortion, Intrinsics
from scan2sim.capture.clock import mend_clock
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.frames import Capture, DroppedFile, Frame
from scan2sim.capture.images import encode_jpeg
from scan2sim.capture.names import safe_name
from scan2sim.capture.scores import FrameScores, mark_frames
from scan2sim.capture.selection import choose_frames
from scan2sim.capture.turning import quarter_turns_upright, turn_camera, turn_distortion, turn_intrinsics, turn_map
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["Map", "Picture", "Recording", "Shot", "choose_shots", "steady_clock", "write_shots"]

SAME_SHAPE = 0.02  # relative difference of aspect ratios
MAX_DEPTH = 200.0  # [m] what is farther is an error of the sensor

Map = Callable[[], NDArray[Any]]  # reads a depth or confidence map when it is wanted; raises CaptureError


@dataclass(frozen=True)
class Shot:
    """One picture of a recording as it is stored, and what the source knows about it."""

    name: str  # of the picture, with its suffix
    time: float | None = None  # [s]
    intrinsics: Intrinsics | None = None
    world_from_camera: NDArray[np.float64] | None = None  # (4, 4) OpenCV
    depth: Map | None = None  # → (h, w) float [m]
    confidence: Map | None = None  # → (h, w) 0, 1, 2
    distortion: Distortion | None = None


@dataclass(frozen=True)
class Recording:
    """What a source says about all its pictures."""

    source: str
    path: Path  # for messages
    shots: tuple[Shot, ...]
    down: tuple[float, float, float] | None = None  # unit vector in the source's world; None = unknown
    dropped: tuple[DroppedFile, ...] = ()
    warnings: tuple[str, ...] = ()
    device: str | None = None


@dataclass(frozen=True)
class Picture:
    """The decoded picture of a shot, as it is stored."""

    image: Image.Image  # RGB at working size
    stored_size: tuple[int, int]  # [pixels] in its file
    scores: FrameScores
    encoded: bytes | None = None  # a file of exactly this image, if there is one
    suffix: str = ".jpg"  # of `encoded`


def steady_clock(recording: Recording) -> Recording:
    """The recording with times that increase, and a warning where they had to be mended."""
    known = [shot.time for shot in recording.shots if shot.time is not None]
    if len(known) < len(recording.shots):
        return replace(recording, shots=tuple(replace(shot, time=None) for shot in recording.shots))
    times, warning = mend_clock(known)
    if warning is None:
        return recording
    shots = tuple(replace(shot, time=time) for shot, time in zip(recording.shots, times, strict=True))
    return replace(recording, shots=shots, warnings=(*recording.warnings, warning))


def choose_shots(recording: Recording, scores: dict[int, FrameScores], count: int) -> list[int]:
    """Numbers of the shots worth using out of those with ``scores``: sharp, well spread over time, none twice."""
    numbers = sorted(scores)
    times = [recording.shots[i].time for i in numbers]
    return [
        numbers[k]
        for k in choose_frames(
            np.array([number if time is None else time for number, time in zip(numbers, times, strict=True)], float),
            np.array([scores[i].sharpness for i in numbers]),
            np.array([scores[i].thumbnail for i in numbers]),
            count,
        )
    ]


def write_shots(
    recording: Recording,
    pictures: Iterable[tuple[int, Picture | DroppedFile]],  # by the number of their shot
    folder: Path,
    config: CaptureConfig,
    report: Reporter,
    total: int,
) -> Capture:
    """Turn and write the given pictures of a recording with their depth.

    All are turned alike, so that down is down in most of them, if the source knows where down is.

    Raises:
        CaptureError: fewer pictures than ``config.min_frames``.
    """
    turns = _turns(recording)
    frames: dict[int, Frame] = {}
    scores: dict[int, FrameScores] = {}
    dropped = list(recording.dropped)
    start = min((shot.time for shot in recording.shots if shot.time is not None), default=0.0)
    for number, picture in pictures:
        report("writing frames", len(frames), total)
        shot = recording.shots[number]
        if isinstance(picture, DroppedFile):
            dropped.append(picture)
        elif problem := _misfit(shot.intrinsics, picture.stored_size):
            dropped.append(DroppedFile(shot.name, problem))
        else:
            frame = _written(picture, shot.name, turns, folder / "images")
            frames[number] = _with_sensors(frame, shot, recording.down, turns, start)
            scores[number] = picture.scores
    report("writing frames", total, total)
    if len(frames) < config.min_frames:
        reasons = "; ".join(f"{file.name}: {file.reason}" for file in dropped[:3])
        problem = f"only {len(frames)} distinct pictures can be used, at least {config.min_frames} are needed"
        raise CaptureError(
            problem + (f" ({reasons})" if reasons else ""), path=recording.path, todo="record again, slowly all around"
        )
    numbers = sorted(frames)
    marked = mark_frames([frames[i] for i in numbers], [scores[i] for i in numbers])
    with_depth, unfit = [], Counter[str]()
    for number, frame in zip(numbers, marked, strict=True):
        kept, problem = _with_depth(frame, recording.shots[number], turns, folder)
        with_depth.append(kept)
        if problem:
            unfit[problem] += 1
    warnings = [
        *recording.warnings,
        *(f"{problem} ({count} of {len(numbers)} frames)" for problem, count in unfit.items()),
    ]
    warnings += _lens_warning(with_depth)
    device = recording.device if config.keep_private else None
    return Capture(tuple(with_depth), recording.source, tuple(dropped), device, None, tuple(warnings))


def _written(picture: Picture, name: str, turns: int, folder: Path) -> Frame:
    upright = Image.fromarray(turn_map(np.asarray(picture.image), turns)) if turns else picture.image
    encoded, suffix = (picture.encoded, picture.suffix) if turns == 0 else (None, ".jpg")
    image = folder / (Path(safe_name(name)).stem + suffix)
    image.write_bytes(encode_jpeg(upright) if encoded is None else encoded)
    scores = picture.scores
    return Frame(image, image.name, *upright.size, None, scores.sharpness, scores.exposure, similarity=0.0)


def _turns(recording: Recording) -> int:
    poses = [shot.world_from_camera for shot in recording.shots if shot.world_from_camera is not None]
    if recording.down is None or not poses:
        return 0
    return quarter_turns_upright(np.array([pose[:3, :3].T @ recording.down for pose in poses]))


def _misfit(k: Intrinsics | None, size: tuple[int, int]) -> str | None:
    if k is None or abs(k.width * size[1] / (k.height * size[0]) - 1) < SAME_SHAPE:
        return None
    return f"its picture is {size[0]}×{size[1]}, its camera {k.width}×{k.height}: another shape"


def _with_sensors(frame: Frame, shot: Shot, down: tuple[float, float, float] | None, turns: int, start: float) -> Frame:
    k, pose = shot.intrinsics, shot.world_from_camera
    gravity = None
    if pose is not None:
        pose = turn_camera(pose, turns)
        if down is not None:
            x, y, z = (float(value) for value in pose[:3, :3].T @ np.array(down))
            gravity = (x, y, z)
    return replace(
        frame,
        time=None if shot.time is None else shot.time - start,
        intrinsics=None if k is None else turn_intrinsics(k, turns).resized(frame.width, frame.height),
        world_from_camera=pose,
        gravity=gravity,
        distortion=turn_distortion(shot.distortion, turns),
    )


def _with_depth(frame: Frame, shot: Shot, turns: int, folder: Path) -> tuple[Frame, str | None]:
    """The frame with its depth and confidence on disk, or why it has none."""
    if shot.depth is None:
        return frame, None
    try:
        depth = np.asarray(shot.depth(), dtype=np.float32)
        confidence = None if shot.confidence is None else np.asarray(shot.confidence(), dtype=np.uint8)
    except CaptureError as error:
        return frame, f"depth cannot be used: {error.problem}"
    depth = turn_map(np.where(np.isfinite(depth) & (depth > 0) & (depth < MAX_DEPTH), depth, 0), turns)
    height, width = depth.shape
    if abs(width * frame.height / (height * frame.width) - 1) > SAME_SHAPE:
        return (
            frame,
            f"depth has another shape than colour and is not used: {width}×{height}, {frame.width}×{frame.height}",
        )
    where = folder / "depth"
    where.mkdir(exist_ok=True)
    stem = Path(frame.name).stem
    np.save(where / f"{stem}.npy", depth.astype(np.float32))
    frame = replace(frame, depth=where / f"{stem}.npy")
    if confidence is None:
        return frame, None
    confidence = turn_map(confidence, turns)
    if confidence.shape != depth.shape or confidence.max() > 2:
        return frame, "confidence does not fit its depth and is not used"
    np.save(where / f"{stem}.confidence.npy", confidence)
    return replace(frame, confidence=where / f"{stem}.confidence.npy"), None


def _lens_warning(frames: Sequence[Frame]) -> Iterator[str]:
    """A recording from one camera has one focal length, up to focusing."""
    focals = [frame.intrinsics.fx / max(frame.width, frame.height) for frame in frames if frame.intrinsics]
    sizes = Counter((min(frame.width, frame.height), max(frame.width, frame.height)) for frame in frames)
    if len(sizes) > 1 or (focals and max(focals) > 1.1 * min(focals)):
        yield "its pictures come from different lenses or devices; recordings with one camera come out better"
