"""Look around in a scene in the browser and move its objects."""

from __future__ import annotations

import contextlib
import io
import webbrowser
from pathlib import Path

import numpy as np
import viser
from numpy.typing import NDArray

from scan2sim.errors import SceneError
from scan2sim.scene import Scene, load_scene

from .nodes import SceneNodes, add_scene
from .panel import Panel, add_panel

__all__ = ["SceneViewer", "serve_scene"]

Array = NDArray[np.float64]


class SceneViewer:
    """A running viewer: what it shows and where objects have been dragged to."""

    def __init__(self, scene: Scene, title: str, host: str, port: int, *, quiet: bool = True) -> None:
        self.scene = scene
        with contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext():  # viser's own banner
            self.server = viser.ViserServer(host=host, port=port, label=title, verbose=False)
        self.server.gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False)
        _set_initial_camera(self.server, scene)
        self.nodes: SceneNodes = add_scene(self.server, scene)
        self.panel: Panel = add_panel(self.server, scene, self.nodes)

    @property
    def url(self) -> str:
        """Where the browser finds it; the port is the next free one if the asked one was taken."""
        host = self.server.get_host()
        return f"http://{'localhost' if host in ('0.0.0.0', '::') else host}:{self.server.get_port()}"

    def poses(self) -> dict[str, Array]:
        """``world_from_object`` (4, 4) of every object as it stands now, by name."""
        return {name: nodes.world_from_object for name, nodes in self.nodes.objects.items()}

    def move(self, name: str, world_from_object: Array) -> None:
        """Place an object, as dragging does.

        Raises:
            SceneError: there is no such object.
        """
        if name not in self.nodes.objects:
            raise SceneError(f"no object “{name}”", todo=f"choose from: {', '.join(self.nodes.objects)}")
        self.nodes.objects[name].place(world_from_object)

    def reset_poses(self) -> None:
        """Put every object back where the scene has it."""
        for nodes in self.nodes.objects.values():
            nodes.place(nodes.thing.world_from_object)

    def stop(self) -> None:
        """Close the server."""
        self.server.stop()


def serve_scene(
    scene_folder: Path,
    port: int = 8080,
    host: str = "127.0.0.1",
    open_browser: bool = False,
    block: bool = True,
) -> SceneViewer:
    """Show a scene in the browser.

    Args:
        scene_folder: a scene folder, or a build folder that holds one.
        port: where to listen; the next free one if it is taken, any free one for 0.
        host: the default can be reached from this machine only; the viewer asks for no password.
        open_browser: open the page in the default browser.
        block: print the address and serve until Ctrl+C; otherwise return at once, the server runs on in its own thread.

    Raises:
        SceneError: there is no readable scene.
    """
    scene_folder = Path(scene_folder)
    within = scene_folder / "scene"
    folder = within if not (scene_folder / "scene.json").exists() and (within / "scene.json").exists() else scene_folder
    title = (folder.resolve().parent if folder.resolve().name == "scene" else folder.resolve()).name
    viewer = SceneViewer(load_scene(folder), title, host, port, quiet=not block)
    if open_browser:
        webbrowser.open(viewer.url)
    if block:
        try:
            viewer.server.sleep_forever()
        except KeyboardInterrupt:
            viewer.stop()
    return viewer


def _set_initial_camera(server: viser.ViserServer, scene: Scene) -> None:
    """Start behind and above the place of the first photo, so that its frustum does not hide what it shows."""
    middle = np.mean([thing.position for thing in scene.objects], axis=0) if scene.objects else np.zeros(3)
    camera = server.initial_camera
    camera.near = 0.005
    if not scene.cameras:
        camera.position, camera.look_at = middle + np.array([0.0, -0.8, 0.5]), middle
        return
    first = scene.cameras[0].camera
    forward = first.world_from_camera[:3, 2]
    depth = max(float((middle - first.position) @ forward), 0.1)
    camera.position = first.position - 0.2 * depth * forward + np.array([0.0, 0.0, 0.2 * depth])
    camera.look_at = first.position + depth * forward
    camera.fov = float(2 * np.arctan(first.intrinsics.height / (2 * first.intrinsics.fy)))
