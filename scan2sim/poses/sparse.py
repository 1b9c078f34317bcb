"""COLMAP's model as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pycolmap
from numpy.typing import NDArray

from scan2sim.geometry import inverse_transform

__all__ = ["Sparse", "image_residuals", "read_sparse", "world_from_camera"]


@dataclass(frozen=True)
class Sparse:
    """Sparse points in COLMAP's world."""

    points: NDArray[np.float64]  # (P, 3)
    colors: NDArray[np.uint8]  # (P, 3)
    observers: NDArray[np.int64]  # (P,) number of images that see each point
    sightings: NDArray[np.int64]  # (M, 2) id of an image, row of a point that it sees

    def observations(self, frame_of: dict[int, int]) -> NDArray[np.int32]:  # (M, 2)
        """The sightings by index of frame instead of COLMAP's id of the image; each pair once."""
        known = [(frame_of[image], point) for image, point in self.sightings.tolist() if image in frame_of]
        return np.unique(np.array(known, dtype=np.int32).reshape(-1, 2), axis=0)


def read_sparse(model: pycolmap.Reconstruction) -> Sparse:
    """All sparse points, in the order of their ids."""
    points = [model.points3D[key] for key in sorted(model.point3D_ids())]
    sightings = [(element.image_id, row) for row, point in enumerate(points) for element in point.track.elements]
    return Sparse(
        np.array([point.xyz for point in points], dtype=np.float64).reshape(-1, 3),
        np.array([point.color for point in points], dtype=np.uint8).reshape(-1, 3),
        np.array([point.track.length() for point in points], dtype=np.int64),
        np.array(sightings, dtype=np.int64).reshape(-1, 2),
    )


def world_from_camera(image: pycolmap.Image) -> NDArray[np.float64]:
    """(4, 4) pose of an image in COLMAP's world."""
    camera_from_world = np.eye(4)
    camera_from_world[:3] = image.cam_from_world().matrix()
    return inverse_transform(camera_from_world)


def image_residuals(model: pycolmap.Reconstruction, image: pycolmap.Image) -> NDArray[np.float64]:
    """Reprojection errors of an image's sparse points, (K,) [pixels]."""
    seen = image.get_observation_points2D()
    if not len(seen):
        return np.zeros(0)
    world = np.array([model.points3D[point.point3D_id].xyz for point in seen])
    camera_from_world = image.cam_from_world().matrix()
    local = world @ camera_from_world[:, :3].T + camera_from_world[:, 3]
    projected = np.asarray(model.cameras[image.camera_id].img_from_cam(local, False))
    return np.linalg.norm(projected - np.array([point.xy for point in seen]), axis=1)
