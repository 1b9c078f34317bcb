"""Notes of where and on what a correction was made, and what they mean in a scene that was built again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scan2sim.errors import UsageError
from scan2sim.geometry import similarity_between
from scan2sim.scene.types import Scene, SceneObject

__all__ = ["Carry", "carry_from", "find_place", "frame_of", "place_of"]

Array = NDArray[np.float64]

CAMERAS = 12  # that a note holds at most
FEWEST = 3  # cameras that two frames must share
SAME = 1e-3  # of the cameras' spread: frames in which cameras stand so alike are one frame
FITTING = 0.01  # of the cameras' spread: what fits worse are other photos of the same names


@dataclass(frozen=True)
class Carry:
    """The similarity ``new = scale * rotation @ old + shift`` from the frame of a note into that of a scene."""

    scale: float = 1.0
    rotation: Array = field(default_factory=lambda: np.eye(3))  # (3, 3)
    shift: Array = field(default_factory=lambda: np.zeros(3))  # (3,) [m]

    def points(self, points: ArrayLike) -> Array:  # (N, 3) [m]
        """Points of the note in the scene."""
        old = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        return self.scale * old @ self.rotation.T + self.shift


def place_of(thing: SceneObject) -> dict[str, Any]:
    """What a note says of an object: its id, and its place, as a person who reads it knows neither."""
    return {"id": thing.id, "name": thing.name, "position": np.asarray(thing.position, dtype=float).tolist()}


def find_place(scene: Scene, place: Mapping[str, Any]) -> SceneObject | None:
    """The object that :func:`place_of` has noted: by its id, without one the nearest whose box holds the place."""
    if "id" in place:
        return next((thing for thing in scene.objects if thing.id == place["id"]), None)
    position = np.array(place["position"], dtype=np.float64).reshape(3)
    holding = [thing for thing in scene.objects if _holds(thing, position)]
    return min(holding, key=lambda thing: float(np.linalg.norm(thing.position - position)), default=None)


def frame_of(scene: Scene) -> dict[str, Any]:
    """What a note says of the frame that its places and lengths are in: where some cameras are [m], by photo."""
    chosen = np.unique(np.linspace(0, len(scene.cameras) - 1, CAMERAS).round().astype(int)) if scene.cameras else []
    return {"cameras": {scene.cameras[i].file: scene.cameras[i].camera.position.tolist() for i in chosen}}


def carry_from(scene: Scene, note: Mapping[str, Any]) -> Carry:
    """From the frame of a note, as :func:`frame_of` tells it, into the scene's; notes without one are in the scene's.

    Raises:
        UsageError: fewer than three photos are in both, or their cameras stand otherwise: these are other photos.
    """
    noted = note.get("cameras")
    if not noted:
        return Carry()
    now = {frame.file: frame.camera.position for frame in scene.cameras}
    shared = [file for file in noted if file in now]
    if len(shared) >= FEWEST:
        old = np.array([noted[file] for file in shared], dtype=np.float64).reshape(-1, 3)
        new = np.array([now[file] for file in shared])
        spread = float(np.linalg.norm(old - old.mean(0), axis=1).mean())
        if np.linalg.norm(new - old, axis=1).max() < SAME * spread:
            return Carry()
        carry = Carry(*similarity_between(old, new))
        if np.linalg.norm(carry.points(old) - new, axis=1).mean() < FITTING * spread * carry.scale:
            return carry
    raise UsageError("it was made on other photos")


def _holds(thing: SceneObject, position: Array) -> bool:
    low, high = thing.visual.bounds + thing.position
    return bool((position >= low).all() and (position <= high).all())
