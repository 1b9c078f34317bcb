"""Frames get cameras in the scene frame: metres, z up, origin on the main support under the objects.

``solve_poses`` finds them in the photos (``solve`` drives the ``ladder`` of ``features``, ``matching`` and ``mapping``,
then ``scene_frame`` and ``undistort``, and ``metric`` gives them metres and gravity); ``use_cameras`` takes them from a
cameras.json; ``look_at_splats`` places them around finished splats; ``store`` keeps them on disk; ``account`` tells a
person how it went.
"""

from scan2sim.poses.account import draw_blurriest, write_account
from scan2sim.poses.around_splats import look_at_splats
from scan2sim.poses.config import PosesConfig
from scan2sim.poses.depth import read_confidence, read_depth, read_weighted_depth
from scan2sim.poses.given_cameras import use_cameras
from scan2sim.poses.metric import parse_marker
from scan2sim.poses.posed import Gravity, PosedCapture, PosedFrame, Scale
from scan2sim.poses.scene_frame import SceneFrame, find_scene_frame
from scan2sim.poses.solve import solve_poses
from scan2sim.poses.splat_frame import direction_of
from scan2sim.poses.store import load_posed, save_posed
from scan2sim.poses.workspace import quiet_colmap

__all__ = [
    "Gravity",
    "PosedCapture",
    "PosedFrame",
    "PosesConfig",
    "Scale",
    "SceneFrame",
    "direction_of",
    "draw_blurriest",
    "find_scene_frame",
    "load_posed",
    "look_at_splats",
    "parse_marker",
    "quiet_colmap",
    "read_confidence",
    "read_depth",
    "read_weighted_depth",
    "save_posed",
    "solve_poses",
    "use_cameras",
    "write_account",
]
