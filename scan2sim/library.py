"""Named captures and builds on disk: ``<library>/<name>/{entry.json, capture/, build/}``."""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import platformdirs

from scan2sim.capture import CaptureConfig
from scan2sim.capture.formats import KNOWN
from scan2sim.capture.magic import PHOTO_KINDS, describe_kind, file_kind
from scan2sim.capture.privacy import remove_private
from scan2sim.capture.private_zip import remove_private_from_zip
from scan2sim.errors import CaptureError, OutputError, SceneError, UsageError
from scan2sim.files import new_folder, read_json, write_json
from scan2sim.pipeline import SCENE_FOLDER, digest_inputs, input_names
from scan2sim.progress import Reporter, silent
from scan2sim.splats import count_splats

__all__ = ["Library", "LibraryEntry", "default_library", "identifier"]

ENTRY_FILE = "entry.json"
OUTPUTS = Path("outputs")  # where builds of captures outside the library go, below the working folder
MAX_NAME = 64


def default_library() -> Path:
    """The library's folder when none is named: the system's place for a person's data."""
    return platformdirs.user_data_path("scan2sim") / "library"


def identifier(text: str) -> str:
    """A name made of [a-z0-9-], as in ``identifier("My Banana (2)") == "my-banana-2"``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:MAX_NAME].strip("-") or "capture"


@dataclass(frozen=True)
class LibraryEntry:
    """A capture in the library."""

    name: str
    folder: Path
    origin: str  # the path that it was uploaded from
    uploaded: str  # local time, ISO 8601
    digests: dict[str, str]  # content hashes by file name

    @property
    def capture(self) -> Path:
        """What a build reads: the folder of photos, or the one zip, video or file of splats in it."""
        folder = self.folder / "capture"
        files = list(self.digests)
        return folder / files[0] if len(files) == 1 and file_kind(folder / files[0]) not in PHOTO_KINDS else folder

    @property
    def build(self) -> Path:
        """Where its build goes."""
        return self.folder / "build"


class Library:
    """Captures by name.

    A bare word that names a capture here means that capture; ``./word`` means the file or folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_library()

    def entries(self) -> tuple[LibraryEntry, ...]:
        """All captures, by name."""
        files = sorted(self.folder.glob(f"[a-z0-9]*/{ENTRY_FILE}"))
        return tuple(self._read(file.parent.name) for file in files)

    def names(self) -> list[str]:
        """The names of all captures."""
        return sorted(file.parent.name for file in self.folder.glob(f"[a-z0-9]*/{ENTRY_FILE}"))

    def __contains__(self, name: str) -> bool:
        return name == identifier(name) and (self.folder / name / ENTRY_FILE).is_file()

    def __getitem__(self, name: str) -> LibraryEntry:
        """The capture of that name.

        Raises:
            UsageError: there is none; the message gives the closest names.
        """
        if name not in self:
            raise UsageError(f"no capture called “{name}” in the library {self.folder}", todo=self._suggest(name))
        return self._read(name)

    def upload(
        self,
        paths: Sequence[Path],
        name: str | None = None,
        report: Reporter = silent,
        *,
        keep_private: bool = False,
    ) -> tuple[LibraryEntry, ...]:
        """Copy captures into the library, each wholly or not at all.

        Places and names of devices are removed from the copies of photos and videos, also from those inside zips,
        unless ``keep_private``.

        Several photos make one capture; folders, zips and videos are captures of their own.  A capture that is there
        already under its name is left as it is.

        Raises:
            UsageError: a path does not exist, one name is given for several captures, or the name belongs to
                another capture.
            CaptureError: it is nothing that a capture can be made of.
            OutputError: the library cannot be written.
        """
        groups = _captures(paths, name)
        return tuple(self._add(each, group, report, keep_private) for each, group in groups.items())

    def capture_of(self, text: str) -> tuple[Path, Path]:
        """The capture that a person means by a name or a path, and the folder that its build goes to by default.

        Raises:
            UsageError: there is nothing of that name; the message gives the closest names.
        """
        if text in self:
            return self[text].capture, self[text].build
        path = Path(text)
        if not path.exists():
            raise UsageError(f"no capture called “{text}”, and no such file or folder", todo=self._suggest(text))
        return path, OUTPUTS / identifier(_stem(path))

    def build_of(self, text: str) -> Path:
        """The build folder that a person means by a name or a path (also of the scene in it).

        Raises:
            UsageError: there is nothing of that name; the message gives the closest names.
        """
        if text in self:
            return self[text].build
        path = Path(text)
        if not path.is_dir():
            raise UsageError(f"no capture called “{text}”, and no such folder", todo=self._suggest(text))
        return path

    def scene_of(self, text: str) -> Path:
        """The scene folder that a person means: the folder itself, a build that holds it, or a name in the library.

        Raises:
            UsageError: there is nothing of that name; the message gives the closest names.
            SceneError: there is no scene in it.
        """
        folder = self.build_of(text)
        for scene in (folder, folder / SCENE_FOLDER):
            if (scene / "scene.json").is_file():
                return scene
        raise SceneError("there is no scene here yet", path=folder, todo=f"run scan2sim build {text} first")

    def title_of(self, scene: Path) -> str:
        """What a scene is called: its name in the library, else that of its build's folder, else of its own."""
        folder = scene.resolve()
        if folder.name == SCENE_FOLDER:
            folder = folder.parent
        in_library = folder.name == "build" and (folder.parent / ENTRY_FILE).is_file()
        return identifier(folder.parent.name if in_library else folder.name)

    def _read(self, name: str) -> LibraryEntry:
        path = self.folder / name / ENTRY_FILE
        data = read_json(path, UsageError)
        try:
            digests = {str(file): str(digest) for file, digest in data["digests"].items()}
            return LibraryEntry(name, path.parent, str(data["origin"]), str(data["uploaded"]), digests)
        except (KeyError, TypeError, AttributeError):
            raise UsageError(
                "not an entry of the library", path=path, todo="remove this folder and upload again"
            ) from None

    def _add(self, name: str, paths: list[Path], report: Reporter, keep_private: bool) -> LibraryEntry:
        files: dict[str, Path] = {}
        digests: dict[str, str] = {}
        for path in paths:
            for file, digest in digest_inputs(path).items():
                if file in files:
                    raise UsageError(f"two photos are called {file}", path=path, todo="rename one of them")
                files[file] = path / file if path.is_dir() else path
                digests[file] = digest
        if name in self:
            if self[name].digests == digests:
                return self[name]
            raise UsageError(
                f"the library holds another capture called “{name}”",
                todo=f"choose another name with --name, or remove {self.folder / name} to replace it",
            )
        if (self.folder / name).exists():
            raise OutputError(
                "this is no entry of the library", path=self.folder / name, todo="choose another --name or --library"
            )
        total = sum(path.stat().st_size for path in files.values())
        with new_folder(self.folder / name) as fresh:
            copied = 0
            for file, path in files.items():
                target = fresh / "capture" / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                if not keep_private and file_kind(target) == "zip":
                    remove_private_from_zip(target, CaptureConfig(), report)
                elif not keep_private:
                    remove_private(target)
                copied += path.stat().st_size
                report(f"copying {name}", copied >> 10, total >> 10)
            origin = str(paths[0].resolve() if len(paths) == 1 else paths[0].resolve().parent)
            uploaded = datetime.now().astimezone().isoformat(timespec="seconds")
            write_json(fresh / ENTRY_FILE, {"origin": origin, "uploaded": uploaded, "digests": digests})
        return self[name]

    def _suggest(self, text: str) -> str:
        builds = [path.as_posix() for path in OUTPUTS.glob("*/") if (path / SCENE_FOLDER).is_dir()]
        known = self.names() + builds
        close = difflib.get_close_matches(text, known, n=3, cutoff=0.5)
        if close:
            return f"did you mean {' or '.join(close)}?"
        return f"known are {', '.join(known[:8])}" if known else "upload a capture first: scan2sim upload PATH"


def _captures(paths: Sequence[Path], name: str | None) -> dict[str, list[Path]]:
    """The paths that make up each capture, by the capture's name."""
    kinds = [_kind(path) for path in paths]
    if not paths:
        raise UsageError(
            "nothing to upload", todo="name a folder of photos, a zip, a video, several photos, or finished splats"
        )
    if all(kind == "photo" for kind in kinds):
        groups = {identifier(paths[0].resolve().parent.name): list(paths)}
    elif "photo" in kinds:
        raise UsageError("photos and other captures together", todo="upload them one after the other")
    else:
        groups = {identifier(_stem(path)): [path] for path in paths}
        if len(groups) < len(paths):
            raise UsageError("two of the captures would get the same name", todo="upload them one by one with --name")
    if name is None:
        return groups
    if len(groups) > 1:
        raise UsageError(f"--name {name} for {len(groups)} captures", todo="upload them one after the other")
    if name != identifier(name):
        raise UsageError(f"--name {name}: names are made of a-z, 0-9 and -", todo=f"try {identifier(name)}")
    (group,) = groups.values()
    return {name: group}


def _kind(path: Path) -> str:
    """``folder``, ``photo``, ``zip``, ``video`` or ``splats``, told by a look at the first bytes."""
    if not path.exists():
        raise UsageError("no such file or folder", path=path, todo="check the path")
    if path.is_dir():
        names = input_names(path)
        if len(names) > CaptureConfig().max_files:
            raise CaptureError(f"{len(names)} files in this folder", path=path, todo="name the folder of one capture")
        if not any(file_kind(path / name) in (*PHOTO_KINDS, "video") for name in names):
            raise CaptureError("a folder without photos or videos", path=path, todo="name a folder that holds some")
        return "folder"
    kind = file_kind(path)
    if kind in PHOTO_KINDS:
        return "photo"
    if kind not in ("zip", "video"):
        if count_splats(path) is not None:
            return "splats"
        raise CaptureError(
            f"this is {describe_kind(kind)}; expected {KNOWN}, or finished splats", path=path, todo="give one of these"
        )
    return kind


def _stem(path: Path) -> str:
    path = path.resolve()
    return path.name if path.is_dir() else path.stem
