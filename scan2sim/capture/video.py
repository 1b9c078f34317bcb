"""A video becomes a capture: sharp frames, well spread over its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scan2sim.capture.clock import mend_clock
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.frames import Capture, DroppedFile, Frame
from scan2sim.capture.images import encode_jpeg
from scan2sim.capture.names import video_frame_name
from scan2sim.capture.scores import FrameScores, mark_frames
from scan2sim.capture.selection import choose_frames
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["ScoredVideo", "read_video", "score_video", "video_pictures"]

MAX_KEPT = 80  # pictures, 6 MB each
TODO = "copy the video again, or convert it to an H.264 MP4"


@dataclass(frozen=True)
class ScoredVideo:
    """What a first look at every frame of a video tells."""

    path: Path
    stamps: tuple[int, ...]  # [ticks] of the frames that decode, in order
    numbers: tuple[int, ...]  # of these among all frames of the video, from 0
    times: tuple[float, ...]  # [s]
    scores: tuple[FrameScores, ...]
    length: float  # [s] that the header promises, 0 = unknown
    size: tuple[int, int]  # [pixels] as stored
    upright: bool  # turned by the rotation tag
    kept: dict[int, Image.Image]  # pictures of frames that will probably be chosen
    warnings: tuple[str, ...] = ()

    def choose(self, count: int, among: Sequence[int] | None = None) -> list[int]:
        """Numbers of at most ``count`` frames worth using, out of ``among`` or all."""
        numbers = list(range(len(self.times))) if among is None else list(among)
        chosen = choose_frames(
            np.array([self.times[i] for i in numbers]),
            np.array([self.scores[i].sharpness for i in numbers]),
            np.array([self.scores[i].thumbnail for i in numbers]),
            count,
        )
        return [numbers[i] for i in chosen]

    @property
    def seconds(self) -> float:
        """Time from the first frame to the last."""
        return self.times[-1] - self.times[0] if self.times else 0.0

    @property
    def breaks_off(self) -> str | None:
        """What to say of a video that is shorter than its header promises."""
        if self.times and self.length and self.seconds < 0.9 * self.length - 0.5:
            return f"breaks off after {self.seconds:.1f} of {self.length:.1f} s; the rest is not used"
        return None


def read_video(path: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Decode an MP4 or MOV, score every frame, and write the chosen ones.

    Memory stays bounded: of each frame only its scores and a 32×32 thumbnail are kept, and one picture for each that
    may be used.  The rotation tag is honoured;
    times are the frames' own, so a variable frame rate does no harm.  HDR (HLG, PQ) becomes sRGB.  Of a video that
    breaks off, what decodes is used.

    Raises:
        CaptureError: it cannot be opened, or has too few distinct frames.
    """
    with Decoder(config) as decoder:
        video = score_video(path, decoder, config, report, key_frames=config.key_frames)
        chosen = video.choose(config.max_frames)
        dropped = [DroppedFile(path.name, video.breaks_off)] if video.breaks_off else []
        if len(chosen) < config.min_frames:
            broken = f", and it {dropped[0].reason}" if dropped else ""
            problem = (
                f"{len(chosen)} distinct sharp frames of {len(video.times)}; at least {config.min_frames} are "
                f"needed{broken}"
            )
            raise CaptureError(problem, path=path, todo="film again: 20 s or more, slowly all around the scene")
        frames: dict[int, Frame] = {}
        for number, picture in video_pictures(video, chosen, decoder, config):
            name = video_frame_name(path, video.numbers[number])
            image = folder / "images" / name
            image.write_bytes(encode_jpeg(picture))
            seconds, score = video.times[number] - video.times[0], video.scores[number]
            frames[number] = Frame(image, name, *picture.size, seconds, score.sharpness, score.exposure, 0.0)
            report("writing video frames", len(frames), len(chosen))
    unused = len(video.times) - len(frames)
    dropped.append(DroppedFile(path.name, f"{unused} of {len(video.times)} video frames not needed"))
    numbers = sorted(frames)
    marked = mark_frames([frames[i] for i in numbers], [video.scores[i] for i in numbers])
    return Capture(marked, "video", tuple(dropped), warnings=video.warnings)


def score_video(
    path: Path,
    decoder: Decoder,
    config: CaptureConfig,
    report: Reporter,
    *,
    upright: bool = True,
    key_frames: bool = False,
) -> ScoredVideo:
    """Score every frame of a video, or its key frames only, turned by its rotation tag or as it is stored.

    Raises:
        CaptureError: it cannot be opened, holds no picture, or too large ones.
    """
    stamps: list[int] = []
    numbers: list[int] = []
    times: list[float] = []
    scores: list[FrameScores] = []
    kept: dict[int, Image.Image] = {}
    windows = config.max_frames if config.max_frames <= MAX_KEPT else 0
    request = {"windows": windows, "max_size": config.max_size, "upright": upright, "key_frames": key_frames}
    answers = _answers(decoder, "scan", path, {**request, "max_megapixels": config.max_megapixels})
    header, _ = next(answers)
    for frame, data in answers:
        if "kept" in frame:
            kept[int(frame["kept"])] = Image.frombytes("RGB", tuple(frame["size"]), data)
            continue
        report("scoring video frames", len(times), max(int(header["expected"]), len(times)))
        thumbnail = np.frombuffer(data, dtype=np.float32)
        scores.append(FrameScores(float(frame["sharpness"]), float(frame["exposure"]), thumbnail))
        times.append(float(frame["time"]))
        stamps.append(int(frame["stamp"] or 0))
        numbers.append(int(frame["number"]))
    report("scoring video frames", len(times), len(times))
    width, height = header["size"]
    steady, warning = mend_clock(times)
    warnings = () if warning is None else (f"{path.name}: {warning}",)
    length = float(header["length"])
    when = tuple(stamps), tuple(numbers), steady
    return ScoredVideo(path, *when, tuple(scores), length, (width, height), upright, kept, warnings)


def video_pictures(
    video: ScoredVideo, numbers: Sequence[int], decoder: Decoder, config: CaptureConfig
) -> Iterator[tuple[int, Image.Image]]:
    """The pictures of these frames at working size, turned as the video was when it was scored.

    Raises:
        CaptureError: the video cannot be opened any more.
    """
    yield from ((number, video.kept[number]) for number in numbers if number in video.kept)
    number_of = {video.stamps[number]: number for number in numbers if number not in video.kept}
    request = {"stamps": sorted(number_of), "max_size": config.max_size, "upright": video.upright}
    if number_of:
        request["max_megapixels"] = config.max_megapixels
        for header, pixels in _answers(decoder, "frames", video.path, request):
            yield number_of[int(header["stamp"])], Image.frombytes("RGB", tuple(header["size"]), pixels)


def _answers(
    decoder: Decoder, task: str, path: Path, request: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], bytes]]:
    try:
        yield from decoder.stream(task, path, request)
    except CaptureError as error:
        raise CaptureError(error.problem, path=path, todo=TODO) from None
