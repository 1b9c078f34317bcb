"""A tiny capture of the tabletop with its true cameras, and settings with which it builds in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from scan2sim.bodies import ConvexConfig
from scan2sim.cameras import CameraFrame, read_cameras, write_cameras
from scan2sim.pipeline.config import BuildConfig, build_config
from scan2sim.pipeline.corridor import Corridor
from scan2sim.pipeline.runner import run_stages
from scan2sim.pipeline.stage import Outcome, Stage
from scan2sim.progress import Reporter
from tests.pipeline.killing import pause

TABLETOP = Path(__file__).parents[2] / "assets" / "captures" / "tabletop"
WIDTH, HEIGHT = 320, 240
EVERY = 2  # 16 of the 32 views
FEW_PIECES = ConvexConfig(threshold=0.5, refinements=0, max_pieces=4, faces=100)


def make_capture(folder: Path) -> Path:
    """Write small photos into ``folder/photos`` and their cameras into ``folder/cameras.json``; returns the photos."""
    (folder / "photos").mkdir(parents=True)
    frames = []
    for frame in read_cameras(TABLETOP / "truth.json")[::EVERY]:
        name = Path(frame.file).name
        with Image.open(TABLETOP / frame.file) as photo:
            photo.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(folder / "photos" / name, quality=95)
        frames.append(CameraFrame(name, frame.camera.resized(WIDTH, HEIGHT)))
    write_cameras(folder / "cameras.json", tuple(frames))
    return folder / "photos"


def tiny_config(photos: Path) -> BuildConfig:
    """Few steps, small pictures, coarse meshes that no photos were asked about, the true cameras."""
    draft = build_config("draft", cameras=photos.parent / "cameras.json")
    return replace(
        draft,
        fit=replace(
            draft.fit,
            steps=200,
            max_gaussians=8000,
            sh_degree=0,
            coarse_to_fine=((0.0, 2), (0.5, 1)),
            densify=replace(draft.fit.densify, every=20),
            checkpoint_seconds=0.2,
        ),
        objects=replace(
            draft.objects,
            view_size=WIDTH,
            mesh_cells=32,
            mesh_faces=200,
            stereo_groups=(),
            stereo=(),
            convex=FEW_PIECES,
        ),
    )


def build_and_pause(build: Path, photos: Path, name: str) -> None:
    """Build with a pause in the stage of that name: half-way where it checkpoints, else when its work is done."""
    stages = Corridor(photos, build, tiny_config(photos)).stages()
    run_stages(build, [_pausing(stage, build) if stage.name == name else stage for stage in stages])


def _pausing(stage: Stage, build: Path) -> Stage:
    def run(folder: Path, report: Reporter) -> Outcome:
        def report_and_pause(what: str, done: int, total: int) -> None:
            report(what, done, total)
            if stage.resumes and done * 2 == total:
                pause(build)

        outcome = stage.run(folder, report_and_pause)
        pause(build)
        return outcome

    return replace(stage, run=run)
