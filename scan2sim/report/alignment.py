"""Where a scene lies in the world of the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.cameras import Camera
from scan2sim.errors import UsageError
from scan2sim.geometry import similarity_between, transform_points
from scan2sim.report.truth import Truth
from scan2sim.scene import Scene, SceneObject

__all__ = ["Alignment", "align"]

Array = NDArray[np.float64]

MIN_CAMERAS = 3


@dataclass(frozen=True)
class Alignment:
    """The similarity from the scene to the world of the truth."""

    scale: float
    rotation: Array  # (3, 3)
    translation: Array  # (3,) [m]
    residual: float  # [m] root mean square over the cameras' centres

    def points(self, points: Array) -> Array:  # (N, 3) in the scene to (N, 3) in the truth
        """Move points."""
        return self.scale * points @ self.rotation.T + self.translation

    def camera(self, camera: Camera) -> Camera:
        """A camera of the truth, in the scene."""
        pose = np.eye(4)
        pose[:3, :3] = self.rotation.T @ camera.world_from_camera[:3, :3]
        pose[:3, 3] = self.rotation.T @ (camera.position - self.translation) / self.scale
        return Camera(camera.intrinsics, pose)

    def mesh(self, thing: SceneObject, mesh: trimesh.Trimesh) -> trimesh.Trimesh:
        """A mesh in the object's frame, in the truth."""
        vertices = self.points(transform_points(thing.world_from_object, mesh.vertices))
        return trimesh.Trimesh(vertices, mesh.faces, process=False)


def align(scene: Scene, truth: Truth) -> Alignment:
    """By the centres of the cameras whose photos have the same stem.

    Raises:
        UsageError: there are fewer than three.
    """
    mine = {PurePosixPath(frame.file).stem: frame.camera.position for frame in scene.cameras}
    shared = sorted(mine.keys() & truth.cameras.keys())
    if len(shared) < MIN_CAMERAS:
        raise UsageError(
            f"the scene and the truth share {len(shared)} views by name; at least {MIN_CAMERAS} are needed",
            todo="give the truth of the capture that the scene was built from",
        )
    source = np.array([mine[stem] for stem in shared])
    target = np.array([truth.cameras[stem].position for stem in shared])
    scale, rotation, translation = similarity_between(source, target)
    misses = np.linalg.norm(scale * source @ rotation.T + translation - target, axis=1)
    return Alignment(scale, rotation, translation, float(np.sqrt((misses**2).mean())))
