"""The corridor from a capture to a scene: stages with cache keys, resume and progress, and pictures of a scene.

``runner`` runs any stages, ``corridor`` says which ones a build has; ``stage``, ``keys``, ``lock``, ``log``, ``memory``
and ``rerun`` serve the runner.
"""

from scan2sim.pipeline.build import build_capture
from scan2sim.pipeline.config import BuildConfig, Quality, build_config
from scan2sim.pipeline.corrections import SCENE_FOLDER, build_of_scene, correct_scene, read_corrections
from scan2sim.pipeline.corridor import STAGES
from scan2sim.pipeline.keys import digest_inputs, input_names
from scan2sim.pipeline.log import write_log
from scan2sim.pipeline.render import frame_stems, render_scene
from scan2sim.pipeline.runner import run_stages
from scan2sim.pipeline.stage import Outcome, Stage, StageRecord, read_record
from scan2sim.pipeline.status import BuildStatus, StageStatus, build_status

__all__ = [
    "SCENE_FOLDER",
    "STAGES",
    "BuildConfig",
    "BuildStatus",
    "Outcome",
    "Quality",
    "Stage",
    "StageRecord",
    "StageStatus",
    "build_capture",
    "build_config",
    "build_of_scene",
    "build_status",
    "correct_scene",
    "digest_inputs",
    "frame_stems",
    "input_names",
    "read_corrections",
    "read_record",
    "render_scene",
    "run_stages",
    "write_log",
]
