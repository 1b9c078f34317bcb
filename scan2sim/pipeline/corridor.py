"""The stages that turn a capture into a scene: capture → poses → splats → objects → scene → report.

Finished splats take the same way: what the first three stages do for them stands in ``finished_splats``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import scan2sim
from scan2sim.capture import load_capture, read_capture, save_capture
from scan2sim.coach import CoachConfig, judge_figures, measure_capture
from scan2sim.errors import PosesError, Scan2SimError, UsageError
from scan2sim.files import new_folder, write_json
from scan2sim.fit import load_fit, train
from scan2sim.objects import ObjectsConfig, build_scene, model_files
from scan2sim.pipeline.config import BuildConfig
from scan2sim.pipeline.corrections import CORRECTIONS_FILE, SCENE_FOLDER, read_corrections
from scan2sim.pipeline.describe import (
    coach_section,
    describe_assembly,
    describe_capture,
    describe_objects,
    describe_poses,
)
from scan2sim.pipeline.finished_splats import check_options, is_finished, keep_splats, place_cameras, read_finished
from scan2sim.pipeline.keys import digest_file, digest_inputs
from scan2sim.pipeline.stage import Outcome, Stage, read_record
from scan2sim.pipeline.warm_start import load_start, start_digests
from scan2sim.poses import draw_blurriest, load_posed, parse_marker, save_posed, solve_poses, use_cameras, write_account
from scan2sim.progress import Reporter
from scan2sim.report import write_report
from scan2sim.scene import SceneObject, apply_corrections, load_scene, save_scene
from scan2sim.sim import settled_scene

__all__ = ["STAGES", "Corridor"]

STAGES = {
    "capture": "01-capture",
    "poses": "02-poses",
    "splats": "03-splats",
    "objects": "04-objects",
    "scene": "05-scene",
    "report": "06-report",
}

FAILED_PICTURE = "worst-photos.jpg"  # beside the log, when no cameras were found


@dataclass(frozen=True)
class Corridor:
    """One capture on its way to a scene; every stage reads from disk what the earlier ones have left there."""

    source: Path  # a folder of photos, a zip, a video or finished splats
    build: Path
    config: BuildConfig

    def stages(self) -> tuple[Stage, ...]:
        """The stages in order; raise a stage's ``version`` when its room's code gives other results.

        Raises:
            UsageError: weights of a model, a marker or an option were given that cannot be used; better now than
                after hours.
            SceneError: the source is a file of splats with a damaged header.
        """
        config = self.config
        finished = is_finished(self.source)
        check_options(config, finished=finished)
        first = self._from_splats() if finished else self._from_photos()
        return (*first, *self._to_scene())

    def _from_splats(self) -> tuple[Stage, ...]:
        """The first stages for finished splats, which have no photos."""
        config, (capture, poses, splats) = self.config, (STAGES[name] for name in ("capture", "poses", "splats"))
        given, posed = self.build / capture, self.build / poses
        return (
            Stage(
                "capture",
                capture,
                lambda folder, report: read_finished(self.source, folder, config.capture),
                config=asdict(config.capture) | {"seed": config.seed, "finished": True},
                inputs=self._source_digests,
            ),
            Stage(
                "poses",
                poses,
                lambda folder, report: place_cameras(given, folder, config.poses, report),
                needs=("capture",),
                config=asdict(config.poses) | {"finished": True},
                packages=("torch",),
            ),
            Stage(
                "splats",
                splats,
                lambda folder, report: keep_splats(given, posed, folder),
                needs=("capture", "poses"),
                config={"finished": True},
                packages=("torch",),
            ),
        )

    def _from_photos(self) -> tuple[Stage, ...]:
        """The first stages for photos, videos and what apps export."""
        config = self.config
        if config.poses.marker is not None:
            parse_marker(config.poses.marker)
        return (
            Stage(
                "capture",
                STAGES["capture"],
                self._read,
                version=2,
                config=asdict(config.capture) | {"seed": config.seed},
                inputs=self._source_digests,
                packages=("pillow", "av", "pycolmap"),
            ),
            Stage(
                "poses",
                STAGES["poses"],
                self._pose,
                version=4,
                needs=("capture",),
                config=asdict(config.poses),
                inputs=lambda: {"cameras": digest_file(config.cameras)} if config.cameras else {},
                packages=("pycolmap", "opencv-python-headless"),
            ),
            Stage(
                "splats",
                STAGES["splats"],
                self._fit,
                version=2,
                needs=("poses",) if config.warm_start is None else ("capture", "poses"),
                config=asdict(config.fit),
                inputs=lambda: start_digests(config.warm_start, self.build, STAGES) if config.warm_start else {},
                packages=("torch",),
                resumes=True,
            ),
        )

    def _to_scene(self) -> tuple[Stage, ...]:
        """The stages from Gaussians with cameras to a scene and its report."""
        config = self.config
        models = model_files(config.objects)
        return (
            Stage(
                "objects",
                STAGES["objects"],
                self._separate,
                version=5,
                needs=("poses", "splats"),
                config=_objects_config(config.objects),
                inputs=lambda: {name: digest_file(path) for name, path in models.items()},
                packages=("torch", "scikit-image", "trimesh", "coacd", "xatlas", *(["transformers"] if models else [])),
            ),
            Stage(
                "scene",
                STAGES["scene"],
                self._assemble,
                version=2,
                needs=("capture", "poses", "splats", "objects"),
                inputs=lambda: _digests(self.build, [CORRECTIONS_FILE]),
                products=(f"{SCENE_FOLDER}/scene.json",),
                packages=("mujoco",),
            ),
            Stage(
                "report",
                STAGES["report"],
                self._report,
                needs=("capture", "poses", "splats", "objects", "scene"),
                inputs=self._report_digests,
                products=("report.html",),
            ),
        )

    def _read(self, folder: Path, report: Reporter) -> Outcome:
        capture = read_capture(self.source, folder, self.config.capture, report)
        save_capture(capture, folder)
        figures = measure_capture(capture, CoachConfig(seed=self.config.seed), report)
        advice = judge_figures(figures)
        write_json(folder / "report.json", coach_section(figures, advice))
        return describe_capture(capture, advice)

    def _pose(self, folder: Path, report: Reporter) -> Outcome:
        capture = load_capture(self.build / STAGES["capture"])
        failed = self.build / FAILED_PICTURE
        failed.unlink(missing_ok=True)
        if self.config.cameras is None:
            try:
                posed = solve_poses(capture, folder, self.config.poses, report)
            except PosesError as error:
                draw_blurriest(capture.frames, failed)
                raise PosesError(error.problem, todo=f"look at {failed}; {error.todo}", path=error.path) from error
        else:
            posed = use_cameras(capture, self.config.cameras, folder, report, self.config.poses)
        save_posed(posed, folder)
        write_account(posed, capture.frames, folder)
        return describe_poses(posed)

    def _fit(self, folder: Path, report: Reporter) -> Outcome:
        posed, earlier = load_posed(self.build / STAGES["poses"]), self.config.warm_start
        start = load_start(earlier, self.build, STAGES, posed) if earlier else None
        return Outcome(train(posed, folder, self.config.fit, report, start=start).figures)

    def _separate(self, folder: Path, report: Reporter) -> Outcome:
        posed = load_posed(self.build / STAGES["poses"])
        gaussians = load_fit(self.build / STAGES["splats"]).gaussians
        scene = build_scene(
            posed,
            gaussians,
            self.config.objects,
            report,
            earlier=self._earlier_objects(),
            given_ids=[number for entry in read_corrections(self.build) for number in entry.get("ids", ())],
        )
        save_scene(replace(scene, images=()), folder / SCENE_FOLDER)  # the photos lie in the poses' folder already
        return describe_objects(scene)

    def _earlier_objects(self) -> tuple[SceneObject, ...]:
        """What this build found when it last separated objects, so that they keep their ids; nothing if it is lost."""
        folder = self.build / STAGES["objects"] / SCENE_FOLDER
        try:
            return load_scene(folder).objects if folder.is_dir() else ()
        except Scan2SimError:
            return ()

    def _assemble(self, folder: Path, report: Reporter) -> Outcome:
        photos = tuple(frame.image for frame in load_posed(self.build / STAGES["poses"]).frames)
        scene = replace(load_scene(self.build / STAGES["objects"] / SCENE_FOLDER), images=photos)
        replay = apply_corrections(scene, read_corrections(self.build))
        scene, settled = settled_scene(replay.scene, report=report)
        outcome = describe_assembly(settled, replay.lost)
        scene = replace(scene, quality=self._figures() | outcome.figures, provenance=self._provenance())
        with new_folder(self.build / SCENE_FOLDER) as fresh:
            save_scene(scene, fresh)
        return outcome

    def _report(self, folder: Path, report: Reporter) -> Outcome:
        write_report(self.build, report)
        return Outcome()

    def _source_digests(self) -> dict[str, str]:
        if self.build.resolve().is_relative_to(self.source.resolve()):
            raise UsageError(
                f"the output folder {self.build} lies inside the capture {self.source}",
                todo="choose an output folder elsewhere with -o",
            )
        return digest_inputs(self.source)

    def _report_digests(self) -> dict[str, str]:
        attached = [path.relative_to(self.build).as_posix() for path in self.build.glob("[0-9][0-9]-*/report.json")]
        return _digests(self.build, [f"{SCENE_FOLDER}/scene.json", *sorted(attached)])

    def _records(self) -> Iterable[tuple[str, Any]]:
        for name in ("capture", "poses", "splats", "objects"):
            if record := read_record(self.build / STAGES[name]):
                yield name, record

    def _figures(self) -> dict[str, Any]:
        return {key: value for _, record in self._records() for key, value in record.figures.items()}

    def _provenance(self) -> dict[str, Any]:
        """Where the scene comes from; without times, so that the same build gives the same scene."""
        versions = {package: number for _, record in self._records() for package, number in record.versions.items()}
        capture = load_capture(self.build / STAGES["capture"])
        return {
            "scan2sim": scan2sim.__version__,
            "versions": versions,
            "quality": self.config.quality,
            "seed": self.config.seed,
            "capture": self.source.name,
            "device": capture.device,
            "licence": capture.licence,
            "images": "rendered from the splats" if load_posed(self.build / STAGES["poses"]).rendered else "photos",
            "settings": {name: record.config for name, record in self._records()},
        }


def _objects_config(config: ObjectsConfig) -> dict[str, Any]:
    """Without the places of models' weights: their content is what matters, and scenes are given away."""
    return asdict(config) | {"sam": config.sam is not None, "clip": config.clip is not None}


def _digests(build: Path, names: list[str]) -> dict[str, str]:
    return {name: digest_file(build / name) for name in names if (build / name).exists()}
