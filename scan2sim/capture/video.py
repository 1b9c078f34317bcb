"""A video becomes a capture: sharp frames, well spread over its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray
from PIL import Image

from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.frames import Capture, DroppedFile, Frame
from scan2sim.capture.images import encode_jpeg, resize_to
from scan2sim.capture.names import video_frame_name
from scan2sim.capture.scores import WORK_WIDTH, FrameScores, mark_frames, score_luma
from scan2sim.capture.selection import choose_frames
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["read_video"]


def read_video(path: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Decode an MP4 or MOV twice: once to score every frame, once to write the chosen ones.

    Memory stays bounded: of each frame only its scores and a 32×32 thumbnail are kept.  The rotation tag is honoured;
    times are the frames' own, so a variable frame rate does no harm.  Of a video that breaks off, what decodes is used.

    Raises:
        CaptureError: it cannot be opened, or has too few distinct frames.
    """
    times: list[float] = []
    scores: list[FrameScores] = []
    with _opened(path) as container:
        length, expected = _length(container)
        for _, time, frame in _frames(container, path, config):
            report("scoring video frames", len(times), max(expected, len(times)))
            height = max(3, round(frame.height * WORK_WIDTH / frame.width))
            scores.append(score_luma(_pixels(frame.reformat(WORK_WIDTH, height, "gray"))))
            times.append(time)
    report("scoring video frames", len(times), len(times))
    chosen = choose_frames(
        np.array(times),
        np.array([score.sharpness for score in scores]),
        np.array([score.thumbnail for score in scores]),
        config.max_frames,
    )
    dropped = []
    if times and length and times[-1] - times[0] < 0.9 * length - 0.5:
        reason = f"breaks off after {times[-1] - times[0]:.1f} of {length:.1f} s; the rest is not used"
        dropped.append(DroppedFile(path.name, reason))
    if len(chosen) < config.min_frames:
        broken = f", and it {dropped[0].reason}" if dropped else ""
        problem = (
            f"{len(chosen)} distinct sharp frames of {len(times)}; at least {config.min_frames} are needed{broken}"
        )
        raise CaptureError(problem, path=path, todo="film again: 20 s or more, slowly all around the scene")
    frames = _write_frames(path, folder, config, chosen, times, scores, report)
    dropped.append(DroppedFile(path.name, f"{len(times) - len(frames)} of {len(times)} video frames not needed"))
    return Capture(mark_frames(frames, [scores[i] for i in chosen]), "video", tuple(dropped))


def _write_frames(
    path: Path,
    folder: Path,
    config: CaptureConfig,
    chosen: list[int],
    times: list[float],
    scores: list[FrameScores],
    report: Reporter,
) -> list[Frame]:
    wanted = set(chosen)
    frames: list[Frame] = []
    with _opened(path) as container:
        for number, _, frame in _frames(container, path, config):
            if number in wanted:
                upright = resize_to(_upright(frame), config.max_size)
                name = video_frame_name(path, number)
                image = folder / "images" / name
                image.write_bytes(encode_jpeg(upright))
                seconds, score = times[number] - times[0], scores[number]
                frames.append(Frame(image, name, *upright.size, seconds, score.sharpness, score.exposure, 0.0))
                report("writing video frames", len(frames), len(chosen))
                if len(frames) == len(chosen):
                    break
    return frames


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    todo = "copy the video again, or convert it to an H.264 MP4"
    try:
        container = av.open(str(path), format="mov")  # this demuxer only, and it follows no links to other files
    except (FFmpegError, OSError) as problem:
        raise CaptureError(f"the video is damaged or cut off ({problem.strerror})", path=path, todo=todo) from problem
    with container:
        if not container.streams.video:
            raise CaptureError("no picture in this video", path=path, todo=todo)
        container.streams.video[0].thread_type = "AUTO"
        yield container


def _length(container: InputContainer) -> tuple[float, int]:
    """Length [s] and number of frames that the header promises, 0 if unknown."""
    stream = container.streams.video[0]
    length = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    return length, stream.frames or round(length * float(stream.average_rate or 30))


def _frames(container: InputContainer, path: Path, config: CaptureConfig) -> Iterator[tuple[int, float, av.VideoFrame]]:
    """Number, time [s] and picture of all frames that decode, in order."""
    stream = container.streams.video[0]
    context = stream.codec_context
    if context.width * context.height > config.max_megapixels * 1e6:
        raise CaptureError(f"{context.width}×{context.height} pixels; at most {config.max_megapixels:g} MP", path=path)
    rate = float(stream.average_rate or 30)
    number = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except FFmpegError:  # a damaged packet; the demuxer goes on with the next, or ends
            continue
        for frame in frames:
            yield number, number / rate if frame.time is None else frame.time, frame
            number += 1


def _upright(frame: av.VideoFrame) -> Image.Image:
    return Image.fromarray(
        np.ascontiguousarray(np.rot90(_pixels(frame.reformat(format="rgb24")), frame.rotation // 90))
    )


def _pixels(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(), dtype=np.uint8)
