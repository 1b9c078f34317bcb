"""Frames of a video are decoded: all of them to score them, some to use them.  Runs in the decoder's child."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray

from scan2sim.capture.scores import WORK_WIDTH, score_luma
from scan2sim.capture.tone import TRANSFERS, sdr_from_hdr
from scan2sim.errors import CaptureError

__all__ = ["decode_frames", "scan_video"]

FEW_KEYS, MANY_KEYS = 20, 40  # with fewer key frames a video cannot be judged by these; more tell little more
WIDE_PRIMARIES = 9  # BT.2020 in ITU-T H.273, table 2


def scan_video(
    path: str, max_megapixels: float, windows: int, max_size: int, upright: bool, key_frames: bool = False
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What the header promises, then time, timestamp and scores of every frame, in order of presentation.

    The sharpest frame of each of ``windows`` equal parts of the promised length comes as a picture after it, because it
    will probably be wanted, and decoding twice costs twice.  With ``key_frames``, and at least some of these, only key
    frames are decoded, which lean on no others, and of many only some.

    Raises:
        CaptureError: it cannot be opened, holds no picture, or too large ones.
    """
    with _opened(path, max_megapixels) as (container, stream):
        rate = float(stream.average_rate or 30)
        length = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        size = stream.codec_context.width, stream.codec_context.height
        expected = stream.frames or round(length * rate)
        keys = sum(entry.is_keyframe for entry in stream.index_entries)
        only = frozenset[int]()
        if key_frames and keys >= FEW_KEYS:
            only = frozenset(np.linspace(0, keys - 1, min(keys, MANY_KEYS)).round().astype(int).tolist())
            expected = len(only)
        yield {"length": length, "expected": expected, "size": size}, b""
        window_seconds = max(length - 1 / rate, 1e-9) / windows if windows else float("inf")
        best: tuple[float, int, av.VideoFrame] | None = None
        start, window = None, 0
        for number, frame in enumerate(_frames(container, stream, only)):
            time = number / rate if frame.time is None else frame.time
            start = time if start is None else start
            here = min(int((time - start) / window_seconds), windows - 1)
            if best is not None and here != window:
                yield _kept(best, max_size, upright)
                best = None
            window = here
            height = max(3, round(frame.height * WORK_WIDTH / frame.width))
            score = score_luma(_pixels(frame.reformat(WORK_WIDTH, height, "gray", interpolation="AREA")))
            if windows and (best is None or score.sharpness > best[0]):
                best = score.sharpness, number, frame
            counted = round((time - start) * rate) if only else number
            header = {
                "time": time,
                "stamp": frame.pts,
                "number": counted,
                "sharpness": score.sharpness,
                "exposure": score.exposure,
            }
            yield header, score.thumbnail.tobytes()
        if best is not None:
            yield _kept(best, max_size, upright)


def _kept(best: tuple[float, int, av.VideoFrame], max_size: int, upright: bool) -> tuple[dict[str, Any], bytes]:
    picture = _picture(best[2], max_size, upright)
    return {"kept": best[1], "size": (picture.shape[1], picture.shape[0])}, picture.tobytes()


def decode_frames(
    path: str, stamps: list[int], max_size: int, max_megapixels: float, upright: bool
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The frames with these timestamps as sRGB, at most ``max_size`` long, turned by the rotation tag if ``upright``.

    Between frames that lie far apart the nearest key frame is sought; what that does not find (frames that lean on ones
    before their key frame) is found by decoding everything.

    Raises:
        CaptureError: it cannot be opened, holds no picture, or too large ones.
    """
    missing = set(stamps)
    for seek in (True, False):
        if not missing:
            return
        with _opened(path, max_megapixels) as (container, stream):
            for frame in _wanted(container, stream, sorted(missing), seek):
                missing.discard(frame.pts or 0)
                picture = _picture(frame, max_size, upright)
                yield {"stamp": frame.pts, "size": (picture.shape[1], picture.shape[0])}, picture.tobytes()


def _wanted(container: InputContainer, stream: VideoStream, stamps: list[int], seek: bool) -> Iterator[av.VideoFrame]:
    """The frames with these timestamps, as far as they are found."""
    keys = sorted(entry.timestamp for entry in stream.index_entries if entry.is_keyframe)
    frames = _frames(container, stream)
    here = None
    for stamp in stamps:
        if seek and (here is None or bisect_right(keys, here) < bisect_right(keys, stamp)):
            try:
                container.seek(stamp, stream=stream)
            except FFmpegError:
                return
            frames = _frames(container, stream)
        for frame in frames:
            here = frame.pts or 0
            if here == stamp:
                yield frame
            if here >= stamp:
                break


@contextmanager
def _opened(path: str, max_megapixels: float) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        container = av.open(path, format="mov")  # this demuxer only, and it follows no links to other files
    except (FFmpegError, OSError) as problem:
        raise CaptureError(f"the video is damaged or cut off ({problem.strerror})") from problem
    with container:
        if not container.streams.video:
            raise CaptureError("no picture in this video")
        stream = container.streams.video[0]
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > max_megapixels * 1e6:
            raise CaptureError(f"{width}×{height} pixels; at most {max_megapixels:g} MP")
        stream.thread_type = "AUTO"
        yield container, stream


def _frames(
    container: InputContainer, stream: VideoStream, only: frozenset[int] = frozenset()
) -> Iterator[av.VideoFrame]:
    """All frames that decode from here on, in order; or of the key frames ``only`` these, counted from 0."""
    packets = container.demux(stream)
    keys = 0
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            keys += packet.is_keyframe
            if only and packet.size and not (packet.is_keyframe and keys - 1 in only):
                continue
            yield from packet.decode()
        except FFmpegError:  # a damaged packet; the demuxer goes on with the next, or ends
            continue


def _picture(frame: av.VideoFrame, max_size: int, upright: bool) -> NDArray[np.uint8]:
    scale = min(1.0, max_size / max(frame.width, frame.height))
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    transfer = TRANSFERS.get(int(frame.color_trc))
    if transfer is None:
        picture = _pixels(frame.reformat(width, height, "rgb24", interpolation="LANCZOS"))
    else:
        signal = frame.reformat(width, height, "rgb48le", interpolation="LANCZOS").to_ndarray()
        wide = int(frame.color_primaries) == WIDE_PRIMARIES
        picture = sdr_from_hdr(np.asarray(signal, dtype=np.uint16), transfer, wide)
    return np.ascontiguousarray(np.rot90(picture, frame.rotation // 90)) if upright else picture


def _pixels(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(), dtype=np.uint8)
