"""A posed capture of guessed size on a level-looking support becomes one in metres with z against gravity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Camera
from scan2sim.capture import Frame
from scan2sim.geometry import rotation_between
from scan2sim.poses.config import PosesConfig
from scan2sim.poses.metric.evidence import GravityEvidence, Refused, ScaleEvidence
from scan2sim.poses.metric.fusion import fuse_scale
from scan2sim.poses.metric.gravity import fuse_gravity, motion_gravity, tracked_gravity
from scan2sim.poses.metric.marker_kind import parse_marker
from scan2sim.poses.metric.markers import marker_scale
from scan2sim.poses.metric.photos import Photos
from scan2sim.poses.metric.sensor_depth import depth_scale
from scan2sim.poses.metric.sensor_poses import Alignment, align_sensor_poses, pose_scale
from scan2sim.poses.metric.sheets import SHEETS, sheet_scale
from scan2sim.poses.posed import PosedCapture
from scan2sim.progress import Reporter, silent

__all__ = ["gravity_evidence", "into_metres", "scale_evidence", "sensor_alignment"]

Z = np.array([0.0, 0.0, 1.0])


def into_metres(
    posed: PosedCapture, frames: Sequence[Frame], config: PosesConfig, report: Reporter = silent
) -> PosedCapture:
    """Find all evidence of scale and gravity, fuse each, and put the capture into metres with z up.

    ``frames`` are the capture's, matched by name; ``posed`` is as photos alone give it: the main support is z = 0, the
    size a guess.  The origin stays where it is on the support, whose normal goes into ``support_normal``.

    Raises:
        UsageError: ``config.marker`` is no marker.
        PosesError: a photo cannot be read.
    """
    by_name = {frame.name: frame for frame in frames}
    taken = [by_name.get(frame.name) for frame in posed.frames]
    alignment = sensor_alignment(posed, taken, config.seed)
    found = scale_evidence(posed, alignment, config, report)
    evidence = [each for each in found if isinstance(each, ScaleEvidence)]
    refused = [each for each in found if isinstance(each, Refused)]
    factor, scale, warnings = fuse_scale(evidence, refused)
    ups = gravity_evidence(posed, taken, alignment)
    up, gravity, said = fuse_gravity([each for each in ups if isinstance(each, GravityEvidence)])
    not_used = [f"{each.source} was not used for gravity: {each.reason}" for each in ups if isinstance(each, Refused)]
    if isinstance(alignment, Alignment) and alignment.convention:
        said = (
            *said,
            f"the sensor's poses agree with the photos only if they are read as {alignment.convention}: so they were",
        )
    turned = _transformed(posed, factor, rotation_between(up, Z))
    return replace(turned, scale=scale, gravity=gravity, warnings=(*posed.warnings, *warnings, *said, *not_used))


def sensor_alignment(posed: PosedCapture, frames: Sequence[Frame | None], seed: int) -> Alignment | Refused | None:
    """How the sensor's poses lie in the scene; None if there are none."""
    sensor = [None if frame is None else frame.world_from_camera for frame in frames]
    if all(pose is None for pose in sensor):
        return None
    return align_sensor_poses([frame.camera.world_from_camera for frame in posed.frames], sensor, seed)


def scale_evidence(
    posed: PosedCapture, alignment: Alignment | Refused | None, config: PosesConfig, report: Reporter = silent
) -> list[ScaleEvidence | Refused]:
    """What each source says about the scale, independently of the others."""
    cameras = [frame.camera for frame in posed.frames]
    photos = Photos([frame.image for frame in posed.frames])
    found: list[ScaleEvidence | Refused | None] = []
    if alignment is not None:
        found.append(pose_scale(alignment) if isinstance(alignment, Alignment) else alignment)
    found.append(depth_scale(posed))
    if config.marker is not None:
        found.append(marker_scale(photos, cameras, parse_marker(config.marker), report))
    if config.sheet is not None:
        if posed.gravity.source == "support":
            found.append(sheet_scale(photos, cameras, config.sheet, report))
        else:
            found.append(Refused(SHEETS[config.sheet].source, "no support was found that it could lie on"))
    return [each for each in found if each is not None]


def gravity_evidence(
    posed: PosedCapture, frames: Sequence[Frame | None], alignment: Alignment | Refused | None
) -> list[GravityEvidence | Refused]:
    """What each source says about up; the first is z as photos alone give it."""
    details = "the support's normal" if posed.gravity.source == "support" else "how the cameras were held"
    found: list[GravityEvidence | Refused | None] = [
        GravityEvidence(posed.gravity.source, Z, posed.gravity.sigma_deg, details)
    ]
    rotations = [frame.camera.world_from_camera[:3, :3] for frame in posed.frames]
    found.append(motion_gravity(rotations, [None if frame is None else frame.gravity for frame in frames], Z))
    if isinstance(alignment, Alignment):
        found.append(tracked_gravity(alignment, Z))
    return [each for each in found if each is not None]


def _transformed(posed: PosedCapture, factor: float, rotation: NDArray[np.float64]) -> PosedCapture:
    """The capture turned about its origin and scaled."""

    def moved(camera: Camera) -> Camera:
        pose = np.eye(4)
        pose[:3, :3] = rotation @ camera.world_from_camera[:3, :3]
        pose[:3, 3] = factor * rotation @ camera.world_from_camera[:3, 3]
        return replace(camera, world_from_camera=pose)

    normal = rotation @ np.asarray(posed.support_normal)
    return replace(
        posed,
        frames=tuple(replace(frame, camera=moved(frame.camera)) for frame in posed.frames),
        points=factor * posed.points @ rotation.T,
        support_normal=(float(normal[0]), float(normal[1]), float(normal[2])),
    )
