"""``scan2sim view``: a scene in the browser."""

from __future__ import annotations

from dataclasses import dataclass

from scan2sim.commands.apps import find_app
from scan2sim.commands.command import Command, LibraryOption, Reply, SceneArgument
from scan2sim.errors import UsageError
from scan2sim.library import Library
from scan2sim.progress import Reporter

__all__ = ["View"]


@dataclass(frozen=True, kw_only=True)
class View(Command):
    """Show a scene in the browser: background, objects that can be dragged, cameras; Ctrl-C ends it."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library."""
    port: int = 8080
    """Where to listen on this machine; the next free port if it is taken."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Serve it until Ctrl-C."""
        folder = Library(self.library).scene_of(self.scene)
        serve_scene = find_app("viewer")
        if serve_scene is None:
            raise UsageError("the viewer is not installed", todo="pip install scan2sim, so that its entry points exist")
        viewer = serve_scene(folder, self.port, block=False)

        def serve() -> None:
            try:
                viewer.server.sleep_forever()
            finally:
                viewer.stop()

        return Reply(
            {"scene": str(folder), "url": viewer.url}, f"{viewer.url} shows {folder}; Ctrl-C ends it", then=serve
        )
