"""A zip loses what tells about the person: its photos and videos are cleaned one by one."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from scan2sim.capture.archive import unpacked_zip
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.magic import PHOTO_KINDS, file_kind
from scan2sim.capture.privacy import remove_private
from scan2sim.files import whole_file
from scan2sim.progress import Reporter, silent

__all__ = ["remove_private_from_zip"]

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


def remove_private_from_zip(path: Path, config: CaptureConfig, report: Reporter = silent) -> None:
    """Write a zip anew with cleaned photos and videos; its other files stay as they are, all lose their times.

    It is checked like one that is read, unpacked beside itself and replaced at once.

    Raises:
        CaptureError: it is damaged or unsafe, as :func:`~scan2sim.capture.archive.unpacked_zip` tells.
        OutputError: there is no space for it.
    """
    with (
        TemporaryDirectory(dir=path.parent, prefix=".private-") as folder,
        unpacked_zip(path, Path(folder), config, report) as unpacked,
        whole_file(path) as target,
        zipfile.ZipFile(target, "w") as archive,
    ):
        files = sorted(file for file in unpacked.rglob("*") if file.is_file())
        for done, file in enumerate(files):
            report("removing places and devices", done, len(files))
            stored = file_kind(file) in (*PHOTO_KINDS, "video")  # these hardly compress
            remove_private(file)
            entry = zipfile.ZipInfo(file.relative_to(unpacked).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            entry.file_size = file.stat().st_size  # over 4 GiB it needs another header
            with file.open("rb") as source, archive.open(entry, "w") as out:
                while chunk := source.read(1 << 20):
                    out.write(chunk)
        report("removing places and devices", len(files), len(files))
