"""``scan2sim edit``: a person puts right what separation got wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from scan2sim.commands.command import Command, LibraryOption, Reply, SceneArgument, read_point
from scan2sim.errors import UsageError
from scan2sim.library import Library
from scan2sim.pipeline import correct_scene
from scan2sim.progress import Reporter
from scan2sim.scene import Scene, delete_object, merge_objects, rename_object, split_object

__all__ = ["Edit"]


@dataclass(frozen=True, kw_only=True)
class Edit(Command):
    """Merge, split, delete or rename objects of a finished scene; edits are kept and done again after a rebuild."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library; it is changed in place."""
    merge: Annotated[tuple[str, ...], tyro.conf.arg(metavar="A B …")] = ()
    """Make one object of these; it keeps the first one's name."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Cut an object into what lies nearest to each of …"""
    at: Annotated[tuple[str, ...], tyro.conf.arg(metavar="X,Y,Z X,Y,Z …")] = ()
    """… these points of the scene [m]."""
    delete: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME …")] = ()
    """Objects to take out of the scene, splats and all."""
    rename: Annotated[tuple[str, str] | None, tyro.conf.arg(metavar="OLD NEW")] = None
    """Call an object something else."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Edit it."""
        if not (self.merge or self.split or self.delete or self.rename):
            raise UsageError("nothing to do was given", todo="give --merge, --split, --delete or --rename")
        if (self.split is None) != (not self.at):
            raise UsageError("--split and --at belong together", todo="give --split NAME --at X,Y,Z X,Y,Z")
        folder = Library(self.library).scene_of(self.scene)
        scene = correct_scene(folder, self._edited)
        names = [thing.name for thing in scene.objects]
        return Reply({"scene": str(folder), "objects": names}, f"{folder}: {', '.join(names) or 'no objects'}")

    def _edited(self, scene: Scene) -> Scene:
        if self.merge:
            scene = merge_objects(scene, self.merge)
        if self.split:
            scene = split_object(scene, self.split, [read_point(text) for text in self.at])
        for name in self.delete:
            scene = delete_object(scene, name)
        return rename_object(scene, *self.rename) if self.rename else scene
