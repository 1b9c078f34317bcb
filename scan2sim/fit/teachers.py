"""Photos that nobody took: what several trainings agree on, seen from between the cameras.

Trainings on few photos differ in what the photos leave open, and the mean of their pictures is nearer to the truth than
each of them.  A training that also learns from such means of other viewpoints keeps most of that gain (Hinton, Vinyals
& Dean 2015, "Distilling the Knowledge in a Neural Network").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from scipy.spatial.transform import Rotation, Slerp

from scan2sim.cameras import Camera
from scan2sim.fit.config import TeachersConfig
from scan2sim.fit.photos import Photo, pyramid
from scan2sim.splats import Gaussians, rasterize

__all__ = ["invented_cameras", "invented_photos"]

NEIGHBOURS = 3  # of a camera, one of which is the other end of the line


def invented_cameras(cameras: Sequence[Camera], config: TeachersConfig, seed: int) -> list[Camera]:
    """Cameras at random places near the lines between neighbouring cameras, turned as far as they have come.

    Args:
        cameras: of the photos, at least two.
        config: how many, and how far from the lines.
        seed: of the choice.
    """
    random = np.random.default_rng(seed)
    centres = np.array([camera.position for camera in cameras])
    invented = []
    for _ in range(config.views):
        one = int(random.integers(len(cameras)))
        distances = np.linalg.norm(centres - centres[one], axis=1)
        distances[one] = np.inf
        other = int(random.choice(np.argsort(distances)[: min(NEIGHBOURS, len(cameras) - 1)]))
        share, offset = random.uniform(), random.normal(size=3) * config.jitter * distances[other]
        ends = np.stack([cameras[i].world_from_camera for i in (one, other)])
        world_from_camera = np.eye(4)
        world_from_camera[:3, :3] = Slerp([0, 1], Rotation.from_matrix(ends[:, :3, :3]))(share).as_matrix()
        world_from_camera[:3, 3] = (1 - share) * centres[one] + share * centres[other] + offset
        invented.append(replace(cameras[one], world_from_camera=world_from_camera))
    return invented


def invented_photos(scenes: Sequence[Gaussians], cameras: Sequence[Camera], factors: tuple[int, ...]) -> list[Photo]:
    """The mean of the scenes' pictures from each camera, 8-bit, with its reductions by ``factors``."""
    photos = []
    for number, camera in enumerate(cameras):
        with torch.no_grad():
            pictures = [rasterize(scene, [camera], projected=False).colors[0].clamp(0, 1) for scene in scenes]
            mean = torch.stack(pictures).mean(0)
        image = Image.fromarray((mean * 255).round().byte().cpu().numpy())
        levels = pyramid(image, max(image.size), factors, scenes[0].means.device)
        photos.append(Photo(f"invented-{number}", camera, levels))
    return photos
