"""A folder of photos becomes a capture."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from queue import SimpleQueue

from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.exif import PhotoTags
from scan2sim.capture.frames import Capture, DroppedFile, Frame
from scan2sim.capture.images import read_photo
from scan2sim.capture.listing import Listing, list_folder
from scan2sim.capture.names import frame_names
from scan2sim.capture.scores import FrameScores, mark_frames, score_pixels
from scan2sim.capture.side_by_side import THREADS, in_order
from scan2sim.capture.video import read_video
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["read_folder"]

READABLE_SUFFIXES = (".jpg", ".jpeg", ".png")
SCREENSHOT_NAMES = ("screenshot", "screen shot", "bildschirmfoto", "captura de pantalla", "capture d’écran")
ONE_SESSION = 6 * 3600.0  # [s]


@dataclass(frozen=True)
class _Read:
    """What is kept of a photo once its working image is written."""

    frame: Frame
    scores: FrameScores
    digest: bytes
    tags: PhotoTags
    shape: tuple[int, int]  # sides of the original, short and long


def read_folder(path: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Read all photos below ``path``, or the only video if there are no photos.

    Raises:
        CaptureError: nothing readable, several videos, only screenshots, or fewer distinct photos than
            ``config.min_frames``.
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
    photos: list[_Read] = []
    dropped = list(listing.dropped)
    seen: dict[bytes, str] = {}
    names = frame_names(list(listing.photos))
    with ExitStack() as decoders:
        idle: SimpleQueue[Decoder] = SimpleQueue()
        for _ in range(THREADS):
            idle.put(decoders.enter_context(Decoder(config)))

        def read(job: tuple[PurePosixPath, str, str]) -> _Read | DroppedFile:
            file, kind, name = job
            decoder = idle.get()
            try:
                return _read_one(root / file, kind, name, folder, config, decoder)
            except CaptureError as error:
                return DroppedFile(str(file), error.problem)
            finally:
                idle.put(decoder)

        jobs = [(file, kind, name) for (file, kind), name in zip(listing.photos, names, strict=True)]
        for i, result in enumerate(in_order(read, jobs)):
            report("reading photos", i, len(names))
            if isinstance(result, DroppedFile):
                dropped.append(result)
            elif result.digest in seen:
                result.frame.image.unlink()
                dropped.append(DroppedFile(str(jobs[i][0]), f"the same picture as {seen[result.digest]}"))
            else:
                seen[result.digest] = names[i]
                photos.append(result)
    report("reading photos", len(names), len(names))
    if len(photos) < config.min_frames:
        raise _too_few(root, len(photos), config.min_frames, dropped)
    if all(_is_screenshot(photo) for photo in photos):
        todo = "give the photos themselves, as the phone's camera took them"
        raise CaptureError(f"all {len(photos)} pictures are screenshots, not photos", path=root, todo=todo)
    start = min((photo.tags.time for photo in photos if photo.tags.time), default=None)
    frames = mark_frames([_timed(photo, start) for photo in photos], [photo.scores for photo in photos])
    devices = Counter(photo.tags.device for photo in photos)
    device = next((name for name in devices if name), None) if config.keep_private else None
    return Capture(frames, "photos", tuple(dropped), device, listing.licence, _oddities(photos, devices))


def _read_one(path: Path, kind: str, name: str, folder: Path, config: CaptureConfig, decoder: Decoder) -> _Read:
    photo = read_photo(path, kind, config.max_size, config.max_megapixels, decoder)
    keeps_name = Path(name).suffix.lower() in READABLE_SUFFIXES
    image = folder / "images" / (name if keeps_name else Path(name).stem + photo.suffix)
    image.write_bytes(photo.encoded)
    height, width = photo.pixels.shape[:2]
    scores = score_pixels(photo.pixels)
    frame = Frame(
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
    digest = hashlib.blake2b(repr(photo.pixels.shape).encode() + photo.pixels.tobytes()).digest()
    return _Read(frame, scores, digest, photo.tags, (min(photo.full_size), max(photo.full_size)))


def _timed(photo: _Read, start: datetime | None) -> Frame:
    time = photo.tags.time
    return replace(photo.frame, time=(time - start).total_seconds()) if time and start else photo.frame


def _is_screenshot(photo: _Read) -> bool:
    name = photo.frame.name.casefold().replace("_", " ")
    return photo.tags.screenshot or name.startswith(SCREENSHOT_NAMES)


def _oddities(photos: list[_Read], devices: Counter[str | None]) -> tuple[str, ...]:
    """What speaks against these photos being one capture; devices are counted, not named."""
    warnings = []
    if len(devices) > 1 and None not in devices:
        counts = ", ".join(str(count) for _, count in devices.most_common())
        warnings.append(f"the photos come from {len(devices)} devices ({counts} photos); use one at a time if you can")
    elif len(shapes := Counter(photo.shape for photo in photos)) > 1:
        shown = ", ".join(f"{count} of {long}×{short}" for (short, long), count in shapes.most_common(3))
        warnings.append(f"the photos have {len(shapes)} sizes ({shown}); were they taken in one go, uncropped?")
    if screenshots := sum(_is_screenshot(photo) for photo in photos):
        warnings.append(f"{screenshots} of {len(photos)} pictures are screenshots")
    times = [photo.tags.time for photo in photos if photo.tags.time]
    span = (max(times) - min(times)).total_seconds() if times else 0.0
    if span > ONE_SESSION:
        warnings.append(f"the photos were taken over {span / 3600:.0f} hours; what moved in between will blur")
    return tuple(warnings)


def _too_few(path: Path, usable: int, needed: int, dropped: list[DroppedFile]) -> CaptureError:
    todo = "give a folder, a zip or a video with 20 to 60 sharp views from all around, each overlapping the last"
    if not usable and not dropped:
        return CaptureError("it is empty; expected photos", path=path, todo=todo)
    found = {0: "no readable photo", 1: "only 1 distinct photo"}.get(usable, f"only {usable} distinct photos")
    reasons = "; ".join(f"{file.name}: {file.reason}" for file in dropped[:3])
    more = f"; {len(dropped) - 3} more" if len(dropped) > 3 else ""
    left_out = f" (left out: {reasons}{more})" if dropped else ""
    return CaptureError(f"{found}, at least {needed} are needed{left_out}", path=path, todo=todo)
