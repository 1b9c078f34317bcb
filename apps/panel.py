"""The viewer's panel: what to show, and the properties of the chosen object."""

from __future__ import annotations

from html import escape

import viser

from scan2sim.report.wording import estimate, interval, size
from scan2sim.scene import Scene, SceneObject

from .nodes import SceneNodes

__all__ = ["Panel", "add_panel"]

NOTHING = "none"


class Panel:
    """The switches as handles, so that they can also be set from code."""

    def __init__(self, server: viser.ViserServer, scene: Scene, nodes: SceneNodes) -> None:
        gui = server.gui
        self._nodes = nodes
        gui.add_html(_summary(scene))
        with gui.add_folder("Show"):
            self.background = gui.add_checkbox("Background", True)
            self.splats = gui.add_checkbox("Objects' splats", True)
            self.id_colors = gui.add_checkbox("Colour by object", False)
            self.visual = gui.add_checkbox("Meshes", False)
            self.collision = gui.add_checkbox("Collision pieces", False)
            self.cameras = gui.add_checkbox("Cameras", False, hint="Click a photo to stand where it was taken")
        with gui.add_folder("Object"):
            self.chosen = gui.add_dropdown(
                "Move", (NOTHING, *nodes.objects), hint="Or click an object; drag the arrows and rings to move it"
            )
            self.visible = gui.add_checkbox("Visible", True, visible=False)
            self.properties = gui.add_html("", visible=False)
        self.reset = gui.add_button("Put everything back")

    def apply(self) -> None:
        """Bring the 3D nodes in line with the switches."""
        if self._nodes.background is not None:
            self._nodes.background.visible = self.background.value
        for piece in self._nodes.background_collision:
            piece.visible = self.collision.value
        for thing in self._nodes.objects.values():
            if thing.splats is not None:
                thing.splats.visible = self.splats.value
            thing.visual.visible = self.visual.value
            for piece in thing.collision:
                piece.visible = self.collision.value
        for camera in self._nodes.cameras:
            camera.visible = self.cameras.value

    def choose(self, name: str) -> None:
        """Show one object's properties and its handles for moving; ``none`` hides them."""
        for other, thing in self._nodes.objects.items():
            thing.gizmo.visible = other == name and thing.frame.visible
        chosen = self._nodes.objects.get(name)
        self.properties.visible = self.visible.visible = chosen is not None
        if chosen is not None:
            self.properties.content = _properties(chosen.thing)
            self.visible.value = chosen.frame.visible

    def show_chosen(self) -> None:
        """Show or hide the chosen object as its switch says."""
        chosen = self._nodes.objects.get(self.chosen.value)
        if chosen is not None:
            chosen.frame.visible = chosen.gizmo.visible = self.visible.value


def add_panel(server: viser.ViserServer, scene: Scene, nodes: SceneNodes) -> Panel:
    """Add the panel and let its switches act."""
    panel = Panel(server, scene, nodes)

    for switch in (panel.background, panel.splats, panel.visual, panel.collision, panel.cameras):

        @switch.on_update
        async def _(_: viser.GuiEvent[viser.GuiCheckboxHandle]) -> None:
            panel.apply()

    @panel.id_colors.on_update
    async def _(_: viser.GuiEvent[viser.GuiCheckboxHandle]) -> None:
        nodes.color_by_id(panel.id_colors.value)

    @panel.chosen.on_update
    async def _(_: viser.GuiEvent[viser.GuiDropdownHandle[str]]) -> None:
        panel.choose(panel.chosen.value)

    @panel.visible.on_update
    async def _(_: viser.GuiEvent[viser.GuiCheckboxHandle]) -> None:
        panel.show_chosen()

    @panel.reset.on_click
    async def _(_: viser.GuiEvent[viser.GuiButtonHandle]) -> None:
        for thing in nodes.objects.values():
            thing.place(thing.thing.world_from_object)

    for name, thing in nodes.objects.items():
        for handle in (thing.splats, thing.visual, *thing.collision):
            if handle is not None:

                @handle.on_click
                async def _(_: object, name: str = name) -> None:
                    panel.chosen.value = name

    return panel


def _summary(scene: Scene) -> str:
    count = len(scene.objects)
    sigma = scene.scale.get("relative_sigma")
    spread = "" if sigma is None else f" ± {sigma:.0%}"
    return (
        f'<div style="padding:0 0.8em 0.4em;opacity:0.7">{count} object{"" if count == 1 else "s"} · '
        f"scale from {escape(str(scene.scale.get('source', 'unknown')))}{spread}</div>"
    )


def _properties(thing: SceneObject) -> str:
    physical = thing.physical
    rows = {
        "Label": f"{thing.label.text} ({thing.label.confidence:.0%} sure)",
        "Size": size(thing),
        "Mass": f"{estimate(physical.mass, 'mass')} ({interval(physical.mass, 'mass')}, {physical.mass.source})",
        "Volume": estimate(physical.volume, "volume"),
        "Friction": f"{estimate(physical.friction, 'plain')} ({interval(physical.friction, 'plain')})",
        "Never seen": f"{thing.unseen_fraction:.0%} of its surface",
        "Collision": f"{len(thing.collision)} convex piece{'' if len(thing.collision) == 1 else 's'}",
        "Mobility": thing.mobility,
    }
    cells = "".join(
        f'<tr><td style="opacity:0.65;padding:0.15em 0.8em 0.15em 0;vertical-align:top">{escape(name)}</td>'
        f"<td>{escape(text)}</td></tr>"
        for name, text in rows.items()
    )
    return f'<table style="font-size:0.875em;margin:0.3em 0.8em">{cells}</table>'
