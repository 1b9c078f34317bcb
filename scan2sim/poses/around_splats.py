"""Finished splats come without photos: cameras are placed around their subject, and pictures drawn from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import PosesError
from scan2sim.files import output_errors
from scan2sim.geometry import look_at, rotation_between
from scan2sim.poses.config import PosesConfig
from scan2sim.poses.posed import Gravity, PosedCapture, PosedFrame, Scale
from scan2sim.poses.scene_frame import SceneFrame, find_scene_frame
from scan2sim.poses.splat_frame import direction_of, find_subject, find_up, opaque_centres
from scan2sim.progress import Reporter, silent
from scan2sim.splats import Gaussians, rasterize, rotate_gaussians

__all__ = ["look_at_splats"]

Array = NDArray[np.float64]

RINGS = ((25.0, 16), (42.0, 14), (60.0, 10))  # how high the cameras of a ring stand [degrees], how many
INTRINSICS = Intrinsics(640, 480, 560.0, 560.0, 320.0, 240.0)
DISTANCE = 2.5  # from camera to subject, over the reach of the densest part
GLANCES, GLANCE = 10, INTRINSICS.resized(160, 120)  # that tell which surfaces can be seen, before pictures are drawn
SAMPLES = 20_000  # points on these
AROUND = 3.0  # of the reach: how far the support is looked for
AIM = 0.05  # of the distance: how far above the support the cameras look
BLOCKED = 0.45  # of the distance: what stands nearer than this in the middle of a picture blocks it
MIN_VIEWS = 12
STATED_SIGMA, GUESS_SIGMA = 0.01, 0.35  # relative, of the scale
STATED_UP_SIGMA_DEG = 3.0


def look_at_splats(
    gaussians: Gaussians,  # in their own frame
    folder: Path,
    config: PosesConfig = PosesConfig(),  # noqa: B008 (frozen)
    report: Reporter = silent,
) -> tuple[PosedCapture, Array]:  # and scene_from_splats (4, 4), a similarity
    """Find the scene frame of finished splats, and draw them from three rings of cameras into ``folder/images``.

    Up is the normal of the support under the densest part, the one nearest to ``config.up`` if that is stated, or
    ``config.up`` itself where no support is found; the rest is as for photos
    (:func:`scan2sim.poses.find_scene_frame`), with cameras that look at the densest part from all around.  Metres are
    ``config.unit``, or guessed from the distance at which people hold cameras.  A camera that something stands in front
    of is left out.  There are no sparse points: these are what photos agree on.

    Raises:
        PosesError: nothing dense is there, no support is found and up not stated, or too few cameras see the subject.
        UsageError: ``config.up`` is no direction.
        OutputError: ``folder`` cannot be written.
    """
    rng = np.random.default_rng(config.seed)
    middle, reach = find_subject(gaussians)
    centres = opaque_centres(gaussians, middle, AROUND * reach, rng)
    up = find_up(centres, middle, reach, rng) if config.up is None else direction_of(config.up)
    turn = rotation_between([0, 0, 1], up)
    ring = [_placed(pose, turn, middle) for pose in _poses(DISTANCE * reach, 0.0)]
    points = _seen_points(gaussians, ring[:: len(ring) // GLANCES], rng)
    frame = find_scene_frame(points, np.full(len(points), GLANCES), ring, config.subject_distance, config.seed)
    if config.unit is not None:
        frame = replace(frame, scale=config.unit, translation=frame.translation * config.unit / frame.scale)
    scene_from_splats = np.eye(4)
    scene_from_splats[:3, :3], scene_from_splats[:3, 3] = frame.scale * frame.rotation, frame.translation
    placed = rotate_gaussians(gaussians, scene_from_splats)
    distance = frame.scale * DISTANCE * reach
    frames, blocked = _pictures(placed, distance, folder, report)
    warnings = (f"{blocked} of {blocked + len(frames)} cameras would stand behind something, and were left out",)
    posed = PosedCapture(
        frames,
        np.zeros((0, 3)),
        np.zeros((0, 3), np.uint8),
        Scale("guess", GUESS_SIGMA) if config.unit is None else Scale("unit", STATED_SIGMA),
        _gravity(frame, stated=config.up is not None),
        warnings=warnings if blocked else (),
        rendered=True,
    )
    return posed, scene_from_splats


def _seen_points(gaussians: Gaussians, poses: list[Array], rng: np.random.Generator) -> Array:  # (N, 3)
    """Points on surfaces as cameras see them: not the underside of a table, nor what nobody cleaned up below it.

    Raises:
        PosesError: nothing is seen.
    """
    clouds = []
    for pose in poses:
        with torch.no_grad():
            depth = rasterize(gaussians, [Camera(GLANCE, pose)]).median_depths[0, :, :, 0].double().numpy()
        row, column = np.nonzero(depth > 0)
        pixels = np.column_stack([column + 0.5, row + 0.5, np.ones(len(row))])
        rays = pixels @ np.linalg.inv(GLANCE.matrix).T
        clouds.append((rays * depth[row, column, None]) @ pose[:3, :3].T + pose[:3, 3])
    cloud = np.concatenate(clouds)
    if len(cloud) < SAMPLES // 10:
        raise PosesError("hardly anything is seen of these splats from around", todo="give splats of a whole scene")
    return cloud[rng.permutation(len(cloud))[:SAMPLES]]


def _gravity(frame: SceneFrame, *, stated: bool) -> Gravity:
    """The support's normal where there is one; a stated direction alone is as good as a person's eye."""
    found = frame.gravity.source == "support"
    return Gravity("stated", STATED_UP_SIGMA_DEG) if stated and not found else frame.gravity


def _poses(distance: float, aim: float) -> list[Array]:  # (4, 4) each
    """The rings around the origin with z up."""
    poses = []
    for number, (height, count) in enumerate(RINGS):
        for i in range(count):
            azimuth, elevation = 2 * np.pi * (i + number / len(RINGS)) / count, np.radians(height)
            across = np.cos(elevation)
            eye = distance * np.array([across * np.cos(azimuth), across * np.sin(azimuth), np.sin(elevation)])
            poses.append(look_at(eye, [0, 0, aim]))
    return poses


def _placed(pose: Array, turn: Array, middle: Array) -> Array:
    """A pose of the rings, turned about the origin and moved."""
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = turn @ pose[:3, :3], turn @ pose[:3, 3] + middle
    return moved


def _pictures(
    gaussians: Gaussians, distance: float, folder: Path, report: Reporter
) -> tuple[tuple[PosedFrame, ...], int]:  # and how many are blocked
    """Draw and write what the cameras see that are not blocked."""
    cameras = [Camera(INTRINSICS, pose) for pose in _poses(distance, AIM * distance)]
    frames = []
    with output_errors(folder):
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for number, camera in enumerate(cameras):
            report("looking at the splats", number, len(cameras))
            with torch.no_grad():
                drawn = rasterize(gaussians, [camera])
            height, width = INTRINSICS.height, INTRINSICS.width
            centre = drawn.median_depths[0, height // 4 : -height // 4, width // 4 : -width // 4, 0]
            seen = centre[centre > 0]
            if len(seen) < centre.numel() / 2 or float((seen < BLOCKED * distance).float().mean()) > 0.5:
                continue
            picture = (drawn.colors[0].clamp(0, 1) * 255).round().byte().numpy()
            path = folder / "images" / f"rendered-{number:03d}.jpg"
            Image.fromarray(picture).save(path, quality=95, subsampling=0)
            frames.append(PosedFrame(path, path.name, camera, float("nan")))
    report("looking at the splats", len(cameras), len(cameras))
    if len(frames) < MIN_VIEWS:
        problem = f"only {len(frames)} of {len(cameras)} cameras around these splats see their subject"
        raise PosesError(problem, todo="cut away what surrounds it, or state another --up")
    return tuple(frames), len(cameras) - len(frames)
