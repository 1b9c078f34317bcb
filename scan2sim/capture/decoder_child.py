"""The child process that decodes foreign media; :mod:`scan2sim.capture.decoder` starts it and speaks to it.

A request is one line of JSON on standard input.  Its answers are headers of JSON, each with a length before it and
bytes behind it, on standard output; the last one says ``done`` or ``refused``.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import pillow_heif  # noqa: F401 (its libraries have to be there before memory is limited)

from scan2sim.capture.decoding import decode_photo, read_bytes
from scan2sim.capture.lzfse_stream import decompress_lzfse
from scan2sim.capture.video_decoding import decode_frames, scan_video
from scan2sim.errors import CaptureError

Answer = tuple[dict[str, Any], bytes]


def _photo(path: str, kind: str, max_size: int, max_megapixels: float, upright: bool) -> Iterator[Answer]:
    decoded = decode_photo(read_bytes(Path(path)), kind, max_size, max_megapixels, upright=upright)
    tags = asdict(decoded.tags)
    tags["time"] = decoded.tags.time and decoded.tags.time.isoformat()
    yield {"size": decoded.image.size, "full_size": decoded.full_size, "tags": tags}, decoded.image.tobytes()


def _lzfse(path: str, size: int) -> Iterator[Answer]:
    yield {}, decompress_lzfse(Path(path).read_bytes(), size)


TASKS: dict[str, Callable[..., Iterator[Answer]]] = {
    "photo": _photo,
    "lzfse": _lzfse,
    "scan": scan_video,
    "frames": decode_frames,
}


def serve(requests: BinaryIO, answers: BinaryIO, seconds: float) -> None:
    """Answer requests until the input ends; each answer may take ``seconds`` of processor time."""
    for line in requests:
        request = json.loads(line)
        _allow(seconds)
        try:
            for header, payload in TASKS[request.pop("task")](**request):
                _send(answers, header, payload)
                _allow(seconds)
            last = {"done": True}
        except CaptureError as error:
            last = {"refused": error.problem}
        except MemoryError:
            last = {"refused": "needs more memory to decode than is allowed"}
        except Exception as problem:  # decoders raise every kind of exception on damaged files
            last = {"refused": f"damaged or cut off ({problem})"}
        _send(answers, last, b"")


def _send(answers: BinaryIO, header: dict[str, Any], payload: bytes) -> None:
    text = json.dumps(header).encode()
    answers.write(struct.pack("<II", len(text), len(payload)) + text)
    answers.write(payload)
    answers.flush()


def _allow(seconds: float) -> None:
    """Let the system end this process (SIGPROF) when it uses more processor time than this from now on."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory(size: int) -> None:
    """Allow ``size`` bytes of address space beyond what is in use now, where the system can tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + size
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get among the answers
    _limit_memory(int(sys.argv[1]))
    serve(sys.stdin.buffer, answers, float(sys.argv[2]))
