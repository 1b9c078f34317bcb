"""A scene's Gaussians together: background and objects where they stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from scan2sim.errors import SceneError
from scan2sim.geometry import Array
from scan2sim.scene.types import Scene
from scan2sim.splats import Gaussians, concatenate, rotate_gaussians

__all__ = ["scene_gaussians"]


def scene_gaussians(
    scene: Scene,
    *,
    without: Collection[str] = (),
    poses: Mapping[str, Array] | None = None,
) -> Gaussians:
    """Background and objects as one set of Gaussians in the scene frame, with ``object_ids`` (0 = background).

    Args:
        scene: the scene.
        without: names of objects to leave out.
        poses: ``world_from_object`` (4, 4) by object name, in place of where the scene has it.

    Raises:
        SceneError: ``without`` or ``poses`` names an object that the scene does not have.
    """
    moved = dict(poses or {})
    names = [thing.name for thing in scene.objects]
    for name in (*without, *moved):
        if name not in names:
            raise SceneError(f"no object “{name}”", todo=f"choose from: {', '.join(names) or 'there are none'}")
    parts = [scene.background.with_ids(_ids(len(scene.background), 0))]
    for thing in scene.objects:
        if thing.name not in without:
            placed = rotate_gaussians(thing.gaussians, moved.get(thing.name, thing.world_from_object))
            parts.append(replace(placed, object_ids=_ids(len(placed), thing.id)))
    return concatenate(parts)


def _ids(count: int, value: int) -> Tensor:  # (count,) int32
    return torch.full((count,), value, dtype=torch.int32)
