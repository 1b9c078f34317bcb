"""Foreign media are decoded in a child process with limits on memory and time.

HEIC, AVIF, video and LZFSE decoders are large pieces of C and C++ that read strangers' files.  In a process of their
own a crash or a hang costs one file and a message, not the program.  The child is started when first needed, serves
many files, and is started anew after it was lost.  The export room has a runner of its own, for checks that run once
and write one result; this one streams pictures, so the two have little in common but the idea.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image

import scan2sim
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.decoding import Decoded
from scan2sim.capture.exif import PhotoTags
from scan2sim.errors import CaptureError

__all__ = ["Decoder"]

PATIENCE = 6.0  # wall-clock time over allowed processor time: the machine may be busy
START_SECONDS = 60.0  # until the child has loaded its libraries
MAX_HEADER, MAX_PAYLOAD = 1 << 20, 1 << 30


class Decoder:
    """A child process that decodes; to be used in a ``with`` statement.  Threads may share it, one call at a time."""

    def __init__(self, config: CaptureConfig) -> None:
        self._seconds = config.decoder_seconds
        self._memory = int(config.decoder_gib * (1 << 30))
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._fresh = True

    def __enter__(self) -> Decoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def process_id(self) -> int | None:
        """The child's, None while there is none."""
        return self._process.pid if self._process else None

    def photo(self, path: Path, kind: str, max_size: int, max_megapixels: float, upright: bool) -> Decoded:
        """Decode a HEIC or AVIF photo, see :func:`~scan2sim.capture.decoding.decode_photo`.

        Raises:
            CaptureError: it is damaged or breaks a limit, or its decoder crashed.
        """
        request = {"kind": kind, "max_size": max_size, "max_megapixels": max_megapixels, "upright": upright}
        header, pixels = self._single("photo", path, request)
        tags = dict(header["tags"])
        tags["time"] = tags["time"] and datetime.fromisoformat(tags["time"])
        image = Image.frombytes("RGB", tuple(header["size"]), pixels)
        width, height = header["full_size"]
        return Decoded(image, PhotoTags(**tags), (width, height), exact=False)

    def lzfse(self, path: Path, size: int) -> bytes:
        """Decompress an LZFSE file that has to hold ``size`` bytes.

        Raises:
            CaptureError: it is damaged, holds something else, or its decoder crashed.
        """
        return self._single("lzfse", path, {"size": size})[1]

    def _single(self, task: str, path: Path, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        answers = list(self.stream(task, path, request))
        if len(answers) != 1:
            raise CaptureError("its decoder gave no answer", path=path)
        return answers[0]

    def stream(self, task: str, path: Path, request: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The answers to a request, as they come.

        Raises:
            CaptureError: the file is damaged or breaks a limit, or its decoder crashed.
        """
        with self._lock:
            process = self._running()
            finished = False
            try:
                line = json.dumps({"task": task, "path": os.fspath(path.absolute()), **request}) + "\n"
                assert process.stdin is not None  # a pipe, see _running
                process.stdin.write(line.encode())
                process.stdin.flush()
                while True:
                    header, payload = self._answer(process)
                    finished = "done" in header or "refused" in header
                    if "refused" in header:
                        raise CaptureError(str(header["refused"]), path=path)
                    if finished:
                        return
                    yield header, payload
            except (EOFError, BrokenPipeError):
                raise CaptureError(self._last_words(process), path=path) from None
            except TimeoutError:
                raise CaptureError(f"took more than {self._seconds:g} s to decode and was stopped", path=path) from None
            finally:
                if not finished:  # it crashed, hangs, or is about to say more than is wanted
                    self._stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._stop()  # closes what belongs to a dead one
            home = str(Path(scan2sim.__file__).parents[1])
            paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
            kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if key in os.environ}
            command = [sys.executable, "-P", "-m", "scan2sim.capture.decoder_child"]
            self._process = subprocess.Popen(
                [*command, str(self._memory), str(self._seconds)],
                env={**kept, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._fresh = True
        return self._process

    def _answer(self, process: subprocess.Popen[bytes]) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + PATIENCE * self._seconds + (START_SECONDS if self._fresh else 0)
        header_size, payload_size = struct.unpack("<II", _read(process, 8, deadline))
        if header_size > MAX_HEADER or payload_size > MAX_PAYLOAD:
            raise EOFError
        header = json.loads(_read(process, header_size, deadline))
        self._fresh = False
        return header, _read(process, payload_size, deadline)

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        process.kill()
        code = process.wait()
        if code == -signal.SIGPROF:
            return f"took more than {self._seconds:g} s to decode and was stopped"
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"its decoder crashed ({how})"

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # a request that it no longer read
                process.stdin.close()


def _read(process: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
    """Exactly ``size`` bytes of what the child says."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    chunks, left = [], size
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while left:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            chunk = os.read(descriptor, min(left, 1 << 20))
            if not chunk:
                raise EOFError
            chunks.append(chunk)
            left -= len(chunk)
    return b"".join(chunks)
