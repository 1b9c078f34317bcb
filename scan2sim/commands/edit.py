"""``scan2sim edit``: a person puts right what separation got wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from scan2sim.commands.command import Command, LibraryOption, Reply, SceneArgument
from scan2sim.errors import UsageError
from scan2sim.library import Library
from scan2sim.pipeline import correct_scene
from scan2sim.progress import Reporter
from scan2sim.scene import Scene, delete_object, rename_object

__all__ = ["Edit"]


@dataclass(frozen=True, kw_only=True)
class Edit(Command):
    """Delete or rename objects of a finished scene; edits are kept and done again after a rebuild."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library; it is changed in place."""
    delete: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME …")] = ()
    """Objects to take out of the scene, splats and all."""
    rename: Annotated[tuple[str, str] | None, tyro.conf.arg(metavar="OLD NEW")] = None
    """Call an object something else."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Edit it."""
        if not self.delete and not self.rename:
            raise UsageError("nothing to do was given", todo="give --delete NAME or --rename OLD NEW")
        folder = Library(self.library).scene_of(self.scene)
        scene = correct_scene(folder, self._edited)
        names = [thing.name for thing in scene.objects]
        return Reply({"scene": str(folder), "objects": names}, f"{folder}: {', '.join(names) or 'no objects'}")

    def _edited(self, scene: Scene) -> Scene:
        for name in self.delete:
            scene = delete_object(scene, name)
        return rename_object(scene, *self.rename) if self.rename else scene
