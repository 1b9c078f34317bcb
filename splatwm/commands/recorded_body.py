"""A scene's object as the body of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scan2sim.bodies import Body
from scan2sim.errors import UsageError
from scan2sim.scene import load_scene
from splatwm.commands.scene_folder import scene_folder

__all__ = ["body_of_scene"]


def body_of_scene(path: Path, name: str | None) -> Body:
    """The object of a scene as a body in its own frame.

    Args:
        path: a scene folder, or a build folder with a scene.
        name: which object; None where only one is free to move.

    Raises:
        UsageError: there is no such object, or several and no name.
        SceneError: the scene cannot be read.
    """
    scene = load_scene(scene_folder(path))
    free = {thing.name: thing for thing in scene.objects if thing.mobility == "free"}
    wanted = next(iter(free)) if name is None and len(free) == 1 else name
    if wanted not in free:
        problem = f"there is no free object “{name}”" if name else f"the scene has {len(free)} free objects"
        raise UsageError(problem, path=path, todo=f"choose with --object: {', '.join(free) or 'there are none'}")
    thing = free[wanted]
    physical = thing.physical
    return Body(
        thing.name,
        thing.visual,
        tuple(thing.collision),
        physical.mass.value,
        np.asarray(physical.center_of_mass, np.float64),
        np.asarray(physical.inertia, np.float64),
        physical.friction.value,
    )
