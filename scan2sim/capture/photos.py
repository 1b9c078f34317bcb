"""A folder of photos becomes a capture."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.frames import Capture, DroppedFile, Frame
from scan2sim.capture.images import Photo, read_photo
from scan2sim.capture.listing import Listing, list_folder
from scan2sim.capture.names import frame_names
from scan2sim.capture.scores import FrameScores, mark_frames, score_pixels
from scan2sim.capture.video import read_video
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["read_folder"]

_READABLE_SUFFIXES = (".jpg", ".jpeg", ".png")


def read_folder(path: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Read all photos below ``path``, or the only video if there are no photos.

    Raises:
        CaptureError: nothing readable, several videos, or fewer distinct photos than ``config.min_frames``.
    """
    listing = list_folder(path, config.max_files)
    if len(listing.videos) > 1:
        names = ", ".join(str(video) for video in listing.videos[:3])
        raise CaptureError(f"no photos and {len(listing.videos)} videos ({names})", path=path, todo="give one of them")
    if listing.videos:
        capture = read_video(path / listing.videos[0], folder, config, report)
        return replace(capture, dropped=(*listing.dropped, *capture.dropped), licence=listing.licence)
    return _read_photos(path, listing, folder, config, report)


def _read_photos(root: Path, listing: Listing, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    frames: list[Frame] = []
    scores: list[FrameScores] = []
    times: list[datetime | None] = []
    device = None
    dropped = list(listing.dropped)
    seen: dict[bytes, str] = {}
    names = frame_names(list(listing.photos))
    for i, ((file, kind), name) in enumerate(zip(listing.photos, names, strict=True)):
        report("reading photos", i, len(names))
        try:
            photo = read_photo(root / file, kind, config.max_size, config.max_megapixels)
        except CaptureError as error:
            dropped.append(DroppedFile(str(file), error.problem))
            continue
        digest = hashlib.blake2b(repr(photo.pixels.shape).encode() + photo.pixels.tobytes()).digest()
        if digest in seen:
            dropped.append(DroppedFile(str(file), f"the same picture as {seen[digest]}"))
            continue
        seen[digest] = name
        scores.append(score_pixels(photo.pixels))
        frames.append(_write_frame(photo, name, folder, scores[-1]))
        times.append(photo.tags.time)
        device = device or photo.tags.device
    report("reading photos", len(names), len(names))
    if len(frames) < config.min_frames:
        raise _too_few(root, len(frames), config.min_frames, dropped)
    start = min((time for time in times if time), default=None)
    timed = [
        replace(frame, time=(time - start).total_seconds()) if time and start else frame
        for frame, time in zip(frames, times, strict=True)
    ]
    return Capture(mark_frames(timed, scores), "photos", tuple(dropped), device, listing.licence)


def _write_frame(photo: Photo, name: str, folder: Path, scores: FrameScores) -> Frame:
    keeps_name = Path(name).suffix.lower() in _READABLE_SUFFIXES
    image = folder / "images" / (name if keeps_name else Path(name).stem + photo.suffix)
    image.write_bytes(photo.encoded)
    height, width = photo.pixels.shape[:2]
    return Frame(
        image,
        name,
        width,
        height,
        time=None,
        sharpness=scores.sharpness,
        exposure=scores.exposure,
        similarity=0.0,
        focal_length=photo.focal_length,
    )


def _too_few(path: Path, usable: int, needed: int, dropped: list[DroppedFile]) -> CaptureError:
    todo = "give a folder, a zip or a video with 20 to 60 sharp views from all around, each overlapping the last"
    if not usable and not dropped:
        return CaptureError("it is empty; expected JPEG, PNG or WebP photos", path=path, todo=todo)
    found = {0: "no readable photo", 1: "only 1 distinct photo"}.get(usable, f"only {usable} distinct photos")
    reasons = "; ".join(f"{file.name}: {file.reason}" for file in dropped[:3])
    more = f"; {len(dropped) - 3} more" if len(dropped) > 3 else ""
    left_out = f" (left out: {reasons}{more})" if dropped else ""
    return CaptureError(f"{found}, at least {needed} are needed{left_out}", path=path, todo=todo)
