"""Recordings whose pictures lie as one photo file each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.frames import Capture, DroppedFile
from scan2sim.capture.images import read_photo
from scan2sim.capture.magic import PHOTO_KINDS, describe_kind, file_kind
from scan2sim.capture.scores import WORK_WIDTH, FrameScores, score_pixels
from scan2sim.capture.shots import Picture, Recording, choose_shots, steady_clock, write_shots
from scan2sim.capture.side_by_side import in_order
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["read_photo_files"]

CANDIDATES = 8  # pictures that are looked at for each one that is used


def read_photo_files(
    recording: Recording,
    files: Sequence[Path],  # one for each shot
    folder: Path,
    config: CaptureConfig,
    decoder: Decoder,
    report: Reporter,
    *,
    choose: bool,
) -> Capture:
    """Make a capture of a recording; with ``choose`` of at most ``config.max_frames`` of its pictures.

    Pictures are taken as they are stored, whatever their orientation tag says, because that is what intrinsics and
    poses refer to.

    Raises:
        CaptureError: fewer pictures than ``config.min_frames`` can be used.
    """

    def decode(number: int, size: int) -> Picture | DroppedFile:
        path = files[number]
        try:
            kind = file_kind(path)
            if kind not in PHOTO_KINDS:
                raise CaptureError(describe_kind(kind))
            photo = read_photo(path, kind, size, config.max_megapixels, decoder, upright=False)
        except CaptureError as error:
            return DroppedFile(recording.shots[number].name, error.problem)
        scores = score_pixels(photo.pixels)
        return Picture(Image.fromarray(photo.pixels), photo.full_size, scores, photo.encoded, photo.suffix)

    recording = steady_clock(recording)
    numbers = list(range(len(files)))
    if choose and len(files) > config.max_frames:
        thinned = np.unique(np.linspace(0, len(files) - 1, CANDIDATES * config.max_frames).astype(int))
        scores: dict[int, FrameScores] = {}
        for number, picture in zip(thinned, in_order(lambda i: decode(int(i), WORK_WIDTH), thinned), strict=True):
            report("looking at pictures", len(scores), len(thinned))
            if isinstance(picture, Picture):
                scores[int(number)] = picture.scores
        numbers = choose_shots(recording, scores, config.max_frames)
        unused = DroppedFile(recording.source, f"{len(files) - len(numbers)} of {len(files)} pictures not needed")
        recording = replace(recording, dropped=(*recording.dropped, unused))

    def pictures() -> Iterator[tuple[int, Picture | DroppedFile]]:
        yield from zip(numbers, in_order(lambda i: decode(i, config.max_size), numbers), strict=True)

    return write_shots(recording, pictures(), folder, config, report, len(numbers))
