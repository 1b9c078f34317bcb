"""What a file is, from its first bytes; its name does not matter."""

from __future__ import annotations

from pathlib import Path

from scan2sim.errors import CaptureError

__all__ = ["PHOTO_KINDS", "describe_kind", "file_kind", "kind_of"]

HEAD_BYTES = 64
PHOTO_KINDS = ("jpeg", "png", "webp", "heif", "avif")

_PREFIXES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"%PDF", "pdf"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
    (b"\x1f\x8b", "gzip"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"}
_AVIF_BRANDS = {b"avif", b"avis"}
_DESCRIPTIONS = {
    "empty": "an empty file",
    "text": "text, not an image",
    "unknown": "not an image",
    "video": "a video beside photos: build it by itself",
    "zip": "a zip inside the capture: unpack it first",
    "matroska": "a Matroska or WebM video, which is not read: convert it to MP4",
}


def file_kind(path: Path) -> str:
    """The kind of a file, see :func:`kind_of`.

    Raises:
        CaptureError: it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return kind_of(file.read(HEAD_BYTES))
    except OSError as problem:
        raise CaptureError(f"cannot be read ({problem.strerror})", path=path) from problem


def kind_of(head: bytes) -> str:
    """One of ``PHOTO_KINDS``, ``video`` (MP4 or MOV), ``zip``, or the name of something that is not read."""
    if not head:
        return "empty"
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        brands = {head[i : i + 4] for i in range(8, min(len(head), int.from_bytes(head[:4])), 4)}
        if brands & _AVIF_BRANDS:
            return "avif"
        return "heif" if head[8:12] in _HEIF_BRANDS else "video"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):  # QuickTime files from before ftyp
        return "video"
    printable = sum(byte in b"\t\n\r" or 32 <= byte < 127 or byte >= 128 for byte in head)
    return "text" if printable == len(head) else "unknown"


def describe_kind(kind: str) -> str:
    """Why a file of this kind is no photo, for the list of dropped files."""
    return _DESCRIPTIONS.get(kind, f"a {kind.upper()} file, not a photo")
