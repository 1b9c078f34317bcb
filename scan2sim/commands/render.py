"""``scan2sim render``: pictures of a scene from given cameras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scan2sim.cameras import read_cameras
from scan2sim.commands.command import Command, LibraryOption, OutputFolder, Reply, SceneArgument
from scan2sim.library import Library
from scan2sim.pipeline import render_scene
from scan2sim.progress import Reporter
from scan2sim.scene import load_scene

__all__ = ["Render"]


@dataclass(frozen=True, kw_only=True)
class Render(Command):
    """Draw a scene from the cameras of a cameras.json."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library."""
    cameras: Path
    """A cameras.json; its frames' files name the pictures."""
    output: OutputFolder
    """Gets rgb/<stem>.png, ids/<stem>.png and depth/<stem>.npy."""
    ids: bool = False
    """Write object ids too: 16-bit PNG, the id that makes up more than half of a pixel, else 0."""
    depth: bool = False
    """Write depths too: float32 metres along the camera's z, 0 = nothing there."""
    without: tuple[str, ...] = ()
    """Leave out these objects, or all of them."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Draw them."""
        frames = read_cameras(self.cameras)
        scene = load_scene(Library(self.library).scene_of(self.scene))
        stems = render_scene(
            scene, frames, self.output, ids=self.ids, depth=self.depth, without=self.without, report=report
        )
        distorted = sum(frame.distortion is not None for frame in frames)
        note = (
            f"; the distortion of {distorted} cameras is not applied, their pictures are undistorted"
            if distorted
            else ""
        )
        data = {"folder": str(self.output), "pictures": list(stems), "distortion_ignored": distorted}
        return Reply(data, f"{len(stems)} pictures in {self.output}{note}")
