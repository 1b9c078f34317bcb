"""Predicted motions as pictures: a scene's splats where its objects are said to be, and a robot's links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.bodies import solid_of_word
from scan2sim.cameras import Camera
from scan2sim.errors import UsageError
from scan2sim.files import whole_file
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene import Scene, surface_splats
from scan2sim.splats import concatenate, in_sight, rasterize

__all__ = ["Observation", "Observer", "write_video"]

Array = NDArray[np.float64]
LINK_COLOR = (0.9, 0.45, 0.1)
LINK_SPLATS = 600
SOLID = 0.5  # a pixel has a depth when more than this of its weight says so
HIDDEN = 1e-3  # splats this little opaque are left out
BATCH = 8  # pictures at a time


@dataclass(frozen=True)
class Observation:
    """F pictures of one camera."""

    rgb: NDArray[np.uint8]  # (F, H, W, 3)
    depth: NDArray[np.float32]  # (F, H, W) [m] along the camera's z, 0 = nothing there
    ids: NDArray[np.uint16]  # (F, H, W) the object's id in the scene, else 0; a robot's links count as background


class Observer:
    """A camera before a scene; it holds the splats once and draws them wherever bodies are.

    Args:
        scene: what is seen.
        camera: from where.
        shapes: solids of the robot's links, drawn in orange.
    """

    def __init__(self, scene: Scene, camera: Camera, shapes: Sequence[str] = ()) -> None:
        self.camera, self._objects, self._links = camera, len(scene.objects), len(shapes)
        parts = [in_sight(scene.background, camera), *(thing.gaussians for thing in scene.objects)]
        parts += [surface_splats(solid_of_word(shape), _orange, LINK_SPLATS) for shape in shapes]
        owners = [torch.full((len(part),), i, dtype=torch.int32) for i, part in enumerate(parts)]
        splats = concatenate([part.with_ids(owner) for part, owner in zip(parts, owners, strict=True)])
        self._splats = splats[splats.opacities > HIDDEN]
        ids = [0, *(thing.id for thing in scene.objects), *(0 for _ in shapes)]
        self._ids = np.array([id if id < 2**16 else 0 for id in ids], np.uint16)

    def pictures(
        self,
        position: Array,  # (F, O, 3) [m] of the scene's objects in their order
        wxyz: Array,  # (F, O, 4)
        link_position: Array | None = None,  # (F, K, 3) [m]
        link_wxyz: Array | None = None,  # (F, K, 4)
    ) -> Iterator[Observation]:
        """What is seen at each moment, a few at a time.

        Raises:
            UsageError: there are not as many bodies as the scene has objects, or links.
        """
        frames = len(position)
        if position.shape[1] != self._objects:
            raise UsageError(f"poses of {position.shape[1]} objects, the scene has {self._objects}")
        poses = np.tile(np.eye(4), (frames, 1 + self._objects + self._links, 1, 1))
        _place(poses[:, 1 : 1 + self._objects], position, wxyz)
        if self._links:
            if link_position is None or link_wxyz is None or link_position.shape[1] != self._links:
                raise UsageError(f"the poses of {self._links} links are needed")
            _place(poses[:, 1 + self._objects :], link_position, link_wxyz)
        for first in range(0, frames, BATCH):
            yield self._draw(torch.from_numpy(poses[first : first + BATCH]))

    def _draw(self, poses: torch.Tensor) -> Observation:
        with torch.no_grad():
            seen = rasterize(self._splats, [self.camera] * len(poses), poses=poses, ids=True, projected=False)
        assert seen.ids is not None
        depth = torch.where(seen.alphas[..., 0] > SOLID, seen.depths[..., 0], 0.0)
        return Observation(
            (seen.colors.clamp(0, 1) * 255).round().byte().cpu().numpy(),
            depth.float().cpu().numpy(),
            self._ids[seen.ids.cpu().numpy()],
        )


def write_video(path: Path, pictures: Iterable[NDArray[np.uint8]], dt: float) -> None:  # (H, W, 3) each, [s]
    """An H.264 mp4 in real time that browsers play; a last odd row or column of pixels is cut.

    Pictures are taken one at a time, so that a generator's need not all be in memory.

    Raises:
        UsageError: there are no pictures.
        OutputError: it cannot be written.
    """
    pictures = iter(pictures)
    first = next(pictures, None)
    if first is None:
        raise UsageError("a video needs pictures", path=path)
    height, width = (side // 2 * 2 for side in first.shape[:2])
    rate = Fraction(1 / dt).limit_denominator(1000)
    options = {"crf": "20", "preset": "veryfast"}
    with whole_file(path) as file, av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for picture in chain([first], pictures):
            cut = np.ascontiguousarray(picture[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(cut, format="rgb24")))
        container.mux(stream.encode())


def _place(poses: Array, position: Array, wxyz: Array) -> None:  # (F, O, 4, 4)
    poses[..., :3, :3], poses[..., :3, 3] = matrix_from_quaternion(wxyz), position


def _orange(points: Array) -> Array:  # (N, 3) → (N, 3)
    """Lighter above, so that a link looks round."""
    height = (points[:, 2] - points[:, 2].min()) / max(float(np.ptp(points[:, 2])), 1e-9)
    return np.array(LINK_COLOR) * (0.6 + 0.4 * height[:, None])
