"""What the page shows of other people's files: pictures and videos as data URIs, and sections that tools left.

Any tool may leave ``NN-name/report.json`` in a build::

    {"title": "…", "figures": {"name": 1.0},
     "pictures": ["a.jpg", {"file": "b.png", "caption": "…"}], "videos": ["c.mp4"]}

Files are named relative to that folder.  They are untrusted: a picture is decoded and encoded anew, a video is
taken as it is when its first bytes say MP4 or WebM, and whatever is refused is named with its reason.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.errors import SceneError
from scan2sim.files import read_json
from scan2sim.report.record import inside, stage_folders
from scan2sim.report.wording import figures

__all__ = ["Attachment", "Section", "encode_picture", "load_picture", "read_sections"]

MAX_PICTURE_PIXELS = 64_000_000
MAX_VIDEO_BYTES = 24 << 20
MAX_PICTURES = 48
MAX_VIDEOS = 12


@dataclass(frozen=True)
class Attachment:
    """A picture or a video with its caption."""

    uri: str
    caption: str


@dataclass(frozen=True)
class Section:
    """What one ``report.json`` says."""

    title: str
    figures: list[tuple[str, str]]
    pictures: list[Attachment]
    videos: list[Attachment]
    refused: list[str]


def load_picture(path: Path, long_side: int) -> NDArray[np.uint8]:  # (H, W, 3)
    """Decode a JPEG, PNG or WebP file and shrink it to ``long_side``.

    Raises:
        SceneError: it is none of these, damaged, or larger than 64 megapixels.
    """
    try:
        with path.open("rb") as file, Image.open(file, formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > MAX_PICTURE_PIXELS:
                raise SceneError(f"{image.width}×{image.height} pixels are too many for the report", path=path)
            image.thumbnail((long_side, long_side), Image.Resampling.LANCZOS)
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise SceneError(f"no readable picture ({problem})", path=path) from problem


def encode_picture(pixels: NDArray[np.uint8]) -> str:
    """A data URI: JPEG of (H, W, 3), WebP with transparency of (H, W, 4)."""
    buffer = io.BytesIO()
    kind = "jpeg" if pixels.shape[-1] == 3 else "webp"
    Image.fromarray(pixels).save(buffer, format=kind, quality=85)
    return _uri(f"image/{kind}", buffer.getvalue())


def read_sections(build: Path) -> list[Section]:
    """All ``NN-name/report.json`` of a build, in order; a damaged one is shown as such."""
    return [_section(folder) for folder in stage_folders(build) if (folder / "report.json").is_file()]


def _section(folder: Path) -> Section:
    try:
        data = read_json(folder / "report.json", SceneError)
    except SceneError as problem:
        return Section(folder.name, [], [], [], [f"report.json: {problem.problem}"])
    if not isinstance(data, dict):
        return Section(folder.name, [], [], [], ["report.json holds no JSON object"])
    refused: list[str] = []
    values = data.get("figures")
    return Section(
        title=str(data.get("title") or folder.name),
        figures=figures(values if isinstance(values, dict) else {}),
        pictures=_attach(folder, data.get("pictures"), MAX_PICTURES, _picture, refused),
        videos=_attach(folder, data.get("videos"), MAX_VIDEOS, _video, refused),
        refused=refused,
    )


def _attach(folder: Path, entries: Any, limit: int, encode: Any, refused: list[str]) -> list[Attachment]:
    taken: list[Attachment] = []
    for entry in entries if isinstance(entries, list) else []:
        file, caption = (entry.get("file"), entry.get("caption")) if isinstance(entry, dict) else (entry, None)
        path = inside(folder, file)
        if path is None:
            refused.append(f"{file}: no such file in {folder.name}")
        elif len(taken) == limit:
            refused.append(f"{file}: only the first {limit} are shown")
        else:
            try:
                taken.append(Attachment(encode(path), str(caption or path.stem)))
            except SceneError as problem:
                refused.append(f"{file}: {problem.problem}")
    return taken


def _picture(path: Path) -> str:
    return encode_picture(load_picture(path, 1280))


def _video(path: Path) -> str:
    if path.stat().st_size > MAX_VIDEO_BYTES:
        raise SceneError(f"a video of more than {MAX_VIDEO_BYTES >> 20} MiB; open it beside the report", path=path)
    data = path.read_bytes()
    if data[4:8] == b"ftyp":
        return _uri("video/mp4", data)
    if data[:4] == b"\x1aE\xdf\xa3":
        return _uri("video/webm", data)
    raise SceneError("neither MP4 nor WebM", path=path)


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
