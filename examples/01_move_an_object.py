"""Move an object and look: the splats go with the body, and the table goes on where it stood.

Renders a built scene from one of its own cameras four times in a row: as it is, in the colours of its objects, with the
first object lifted by a third of its height and turned, and without any object.

Usage:
    python examples/01_move_an_object.py outputs/banana/scene picture.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scan2sim.geometry import matrix_from_quaternion
from scan2sim.report import id_color
from scan2sim.scene import Scene, load_scene, scene_gaussians
from scan2sim.splats import Gaussians, rasterize

WIDTH = 480  # pixels of one picture


def lifted(scene: Scene) -> np.ndarray:
    """``world_from_object`` (4, 4) of the first object, raised and turned by 40° about the vertical."""
    thing = scene.objects[0]
    pose = thing.world_from_object.copy()
    pose[:3, :3] = matrix_from_quaternion([np.cos(np.radians(20)), 0, 0, np.sin(np.radians(20))]) @ pose[:3, :3]
    pose[2, 3] += np.ptp(thing.visual.vertices[:, 2]) / 3
    return pose


def picture(gaussians: Gaussians, scene: Scene, ids: bool = False) -> np.ndarray:
    """Seen by the first camera of the capture, (H, W, 3) 8-bit; with ``ids`` tinted by object."""
    camera = scene.cameras[0].camera
    size = camera.intrinsics
    camera = camera.resized(WIDTH, round(WIDTH * size.height / size.width))
    numbers = torch.zeros(len(gaussians)) if gaussians.object_ids is None else gaussians.object_ids
    tint = torch.tensor([id_color(int(i)) if i else (0, 0, 0) for i in numbers.unique()]) / 255
    features = torch.cat([tint[torch.searchsorted(numbers.unique(), numbers)], (numbers > 0).float()[:, None]], 1)
    rendering = rasterize(gaussians, [camera], features=features)
    image = rendering.colors[0]
    if ids and rendering.features is not None:
        colors, share = rendering.features[0].split([3, 1], 2)
        image = (1 - share) * image.mean(2, keepdim=True) + 0.3 * share * image + 0.7 * colors
    return (image.clamp(0, 1) * 255).round().byte().numpy()


def main() -> None:
    """Read the scene, render, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    scene = load_scene(arguments.scene)
    everything = scene_gaussians(scene)
    moved = scene_gaussians(scene, poses={scene.objects[0].name: lifted(scene)})
    empty = scene_gaussians(scene, without=[thing.name for thing in scene.objects])
    row = [
        picture(everything, scene),
        picture(everything, scene, ids=True),
        picture(moved, scene),
        picture(empty, scene),
    ]
    Image.fromarray(np.concatenate(row, axis=1)).save(arguments.picture)


if __name__ == "__main__":
    main()
