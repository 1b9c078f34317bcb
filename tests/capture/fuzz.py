"""A seeded mutator for files, and what must hold of every reader that is given mutated ones.

Run the whole: ``python -m tests.capture.fuzz [COUNT]`` (1,000 for each parser by default) prints one line for each.
"""

from __future__ import annotations

import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lzfse
import numpy as np
import pillow_heif
from PIL import Image

from scan2sim.capture import CaptureConfig, read_capture
from scan2sim.capture.apps.stray_scanner import read_shots
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.images import read_photo
from scan2sim.capture.video import score_video
from scan2sim.errors import Scan2SimError
from tests.capture import app_writers as apps
from tests.capture.make_video import write_video
from tests.capture.pictures import picture
from tests.capture.test_profiles import profile

FRAMES = 5
NUMBERS = (b"-1", b"0", b"NaN", b"1e999", b"99999999999999999999", b"null", b"[]", b'"x"', b"1e-320", b"4294967295")
INTEGERS = (0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1)


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes: bytes, bits, whole numbers, pieces dropped or doubled, the end cut off.

    Of text half get nothing but other numbers, so that they come past the parser of JSON.
    """
    out = bytearray(data)
    only_numbers = data.isascii() and rng.random() < 0.5
    for _ in range(int(rng.integers(1, 5))):
        if not out:
            break
        at, size = int(rng.integers(len(out))), int(rng.integers(1, 33))
        match 7 if only_numbers else int(rng.integers(8)):
            case 0:
                out[at] = int(rng.integers(256))
            case 1:
                out[at] ^= 1 << int(rng.integers(8))
            case 2:
                del out[at:]
            case 3:
                del out[at : at + size]
            case 4:
                out[at:at] = out[at : at + size]
            case 5:
                out[at : at + size] = rng.bytes(size)
            case 6:
                width = int(rng.choice([1, 2, 4, 8]))
                value = INTEGERS[int(rng.integers(len(INTEGERS)))] % (1 << 8 * width)
                out[at : at + width] = value.to_bytes(width, "little" if rng.random() < 0.5 else "big")
            case _:
                found = list(re.finditer(rb"-?\d+(\.\d+)?(e-?\d+)?", bytes(out)))
                if found:
                    match_ = found[int(rng.integers(len(found)))]
                    out[match_.start() : match_.end()] = NUMBERS[int(rng.integers(len(NUMBERS)))]
    return bytes(out)


@dataclass(frozen=True)
class Target:
    """A whole export, the files of it that are mutated, and how it is read."""

    name: str
    write: Callable[[Path], object]
    files: tuple[str, ...]
    read: Callable[[Path, Path, Decoder], object]  # the export, an empty output folder, a decoder that is kept


def _read(path: Path, out: Path, decoder: Decoder) -> object:
    return read_capture(path, out, CaptureConfig(max_frames=8, min_frames=2))


def _app(name: str, write: Callable[..., object], files: tuple[str, ...], **options: object) -> Target:
    return Target(name, lambda folder: write(folder, apps.arkit_frames(FRAMES), **options), files, _read)


def _record3d(folder: Path) -> None:
    """Without depth, whose decompression is a target of its own."""
    apps.write_record3d(folder, apps.arkit_frames(FRAMES))
    for file in [*folder.glob("rgbd/*.depth"), *folder.glob("rgbd/*.conf")]:
        file.unlink()


def _photo(suffix: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        folder.mkdir()
        image = Image.fromarray(picture(3, 96, 80))
        if suffix == "heic":
            pillow_heif.from_pillow(image).save(folder / "photo.heic", enc_params={"preset": "ultrafast"})
        else:
            exif = Image.Exif()
            exif[0x0110] = "phone"
            exif.get_ifd(0x8769)[0xA405] = 26
            image.save(folder / f"photo.{suffix}", exif=exif, icc_profile=profile())

    return write


def _decode_photo(kind: str, name: str) -> Callable[[Path, Path, Decoder], object]:
    return lambda path, out, decoder: read_photo(path / name, kind, 1600, 256, decoder)


def _map(folder: Path) -> None:
    folder.mkdir()
    (folder / "0.depth").write_bytes(lzfse.compress(apps.arkit_frames(1)[0].depth.tobytes()))


def _video(folder: Path) -> None:
    folder.mkdir()
    write_video(folder / "clip.mp4", [picture(seed, 96, 64) for seed in range(6)])


def _score(path: Path, out: Path, decoder: Decoder) -> object:
    return score_video(path / "clip.mp4", decoder, CaptureConfig(), lambda *_: None)


MAP_BYTES = apps.DEPTH_WIDTH * apps.DEPTH_HEIGHT * 4
TARGETS = (
    Target("record3d", _record3d, ("metadata",), _read),
    Target("lzfse", _map, ("0.depth",), lambda path, out, decoder: decoder.lzfse(path / "0.depth", MAP_BYTES)),
    Target(
        "stray-scanner",
        lambda folder: (apps.write_stray(folder, apps.arkit_frames(FRAMES)), _no_video(folder)),
        ("odometry.csv", "camera_matrix.csv"),
        lambda path, out, decoder: _stray(path, out),
    ),
    _app(
        "polycam", apps.write_polycam, ("keyframes/corrected_cameras/1000000000.json", "keyframes/depth/1000500000.png")
    ),
    _app("arkit-frames", apps.write_3d_scanner_app, ("frame_00000.json", "depth_00001.png", "conf_00002.png")),
    _app("nerfcapture", apps.write_nerfcapture, ("transforms.json",)),
    _app("nerfstudio", apps.write_nerfstudio, ("transforms.json",)),
    _app("colmap-text", apps.write_colmap, ("sparse/0/cameras.txt", "sparse/0/images.txt"), binary=False),
    _app("colmap-binary", apps.write_colmap, ("sparse/0/cameras.bin", "sparse/0/images.bin"), binary=True),
    Target("heic", _photo("heic"), ("photo.heic",), _decode_photo("heif", "photo.heic")),
    Target("avif", _photo("avif"), ("photo.avif",), _decode_photo("avif", "photo.avif")),
    Target("jpeg", _photo("jpg"), ("photo.jpg",), _decode_photo("jpeg", "photo.jpg")),
    Target("png", _photo("png"), ("photo.png",), _decode_photo("png", "photo.png")),
    Target("webp", _photo("webp"), ("photo.webp",), _decode_photo("webp", "photo.webp")),
    Target("video", _video, ("clip.mp4",), _score),
)


def _no_video(folder: Path) -> None:
    """Videos are a target of their own; what is left is the tables."""
    (folder / "rgb.mp4").write_bytes(b"")


def _stray(path: Path, out: Path) -> object:
    return read_shots(path, (apps.WIDTH, apps.HEIGHT), FRAMES)


def attack(target: Target, count: int, seed: int, decoder: Decoder) -> tuple[Counter[str], float]:
    """Read ``count`` mutated exports; what came of them, and the longest time one took [s].

    Raises:
        AssertionError: something else than a refusal that names the file came of it.
    """
    rng = np.random.default_rng([seed, *target.name.encode()])
    outcomes: Counter[str] = Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        export, out = Path(scratch, "export"), Path(scratch, "out")
        target.write(export)
        whole = {name: (export / name).read_bytes() for name in target.files}
        for _ in range(count):
            name = target.files[int(rng.integers(len(target.files)))]
            (export / name).write_bytes(mutated(whole[name], rng))
            begin = time.monotonic()
            refusal = _refusal(target, export, out, decoder)
            longest = max(longest, time.monotonic() - begin)
            outcomes["read" if refusal is None else "refused"] += 1
            assert refusal is None or str(export) in refusal, f"{target.name}: “{refusal}” does not name the file"
            (export / name).write_bytes(whole[name])
            shutil.rmtree(out, ignore_errors=True)
    return outcomes, longest


def _refusal(target: Target, export: Path, out: Path, decoder: Decoder) -> str | None:
    try:
        target.read(export, out, decoder)
    except Scan2SimError as error:
        return str(error)
    return None


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    wanted = sys.argv[2:]
    with Decoder(CaptureConfig()) as shared:
        for each in TARGETS:
            if wanted and each.name not in wanted:
                continue
            start = time.monotonic()
            result, slowest = attack(each, number, 1, shared)
            line = f"{each.name}: {dict(result)}, slowest {slowest:.2f} s, {time.monotonic() - start:.0f} s in all"
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    peaks = [resource.getrusage(who).ru_maxrss >> 10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    sys.stdout.write(f"peak {peaks[0]} MiB, of the decoders {peaks[1]} MiB\n")
