"""``splatwm rollout``: imagine what happens when a robot acts, and show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from PIL import Image

from scan2sim.bodies import read_body
from scan2sim.cameras import Camera
from scan2sim.commands.command import Command, OutputFolder, Reply
from scan2sim.errors import UsageError
from scan2sim.files import new_folder, write_json
from scan2sim.progress import Reporter
from scan2sim.scene import Scene, load_scene, viewpoint
from splatwm.actions import RobotMotion, read_actions
from splatwm.commands.scene_folder import scene_folder
from splatwm.data import read_recording, require_body
from splatwm.observe import Observer, write_video
from splatwm.push import straight_push
from splatwm.recorded import predict_recording, recorded_figures, write_recorded
from splatwm.rollout import Rollout as Future
from splatwm.rollout import rollout, write_rollout
from splatwm.trained import load_model

__all__ = ["Rollout"]

SIDE = 320  # [pixels]
ANY = "any"
VIDEO = "rollout.mp4"


@dataclass(frozen=True, kw_only=True)
class Rollout(Command):
    """Predict how every object of a scene moves when a robot acts, and draw it; or what a recorded body will do."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """A .safetensors file that splatwm made."""
    scene: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="SCENE")] = None
    """A scene folder, or a build folder with a scene."""
    recording: Path | None = None
    """Instead of a scene: a recording of one body over the plane z = 0, predicted from each episode's first frame."""
    body: str | None = None
    """What was recorded: box:AxBxC,mass=KG, a URDF or a mesh."""
    actions: Path | None = None
    """What the robot does: npz of dt, links, shapes, position, wxyz; or of dt, pusher, radius."""
    push: str | None = None
    """Instead of actions: the object that a ball pushes about 8 cm; “any” takes the smallest that stands alone."""
    output: OutputFolder
    """Where rollout.npz and pictures go."""
    rgb: bool = False
    """Write rgb/<frame>.png."""
    depth: bool = False
    """Write depth/<frame>.npy, float32 metres along the camera's z, 0 = nothing there."""
    ids: bool = False
    """Write ids/<frame>.png, 16 bit."""
    video: bool = False
    """Write rollout.mp4, and report.json, with which the report of a build shows it when DIR lies in the build."""
    camera: int | None = None
    """Which of the capture's cameras looks; None takes the middle one."""
    side: int = SIDE
    """Longer side of the pictures [pixels]."""
    seed: int = 0
    """Of what the ensemble varies."""

    def run(self, report: Reporter) -> Reply:
        """Predict and draw."""
        if (self.scene is None) == (self.recording is None):
            raise UsageError("give either a scene or --recording", todo="as in splatwm rollout MODEL SCENE --push any")
        if self.recording is not None:
            return self._recorded(self.recording)
        model, scene = load_model(self.model), load_scene(scene_folder(self.scene or Path()))
        motion = self._motion(scene)
        future = rollout(model, [scene], [motion], seed=self.seed)[0]
        with new_folder(self.output) as fresh:
            write_rollout(future, fresh / "rollout.npz")
            if self.rgb or self.depth or self.ids or self.video:
                self._draw(scene, motion, future, fresh, report)
            if self.video:
                write_json(fresh / "report.json", _section(future))
        data = {"rollout": str(self.output / "rollout.npz"), **figures(future)}
        moved = ", ".join(f"{name} {far * 100:.1f} cm" for name, far in data["moved_m"].items()) or "nothing"
        seconds = (len(future.position) - 1) * future.dt
        return Reply(data, f"{seconds:.1f} s imagined in {self.output}; moved: {moved}")

    def _recorded(self, path: Path) -> Reply:
        """Predict a recording's episodes, and say how far that is from them."""
        drawn = self.rgb or self.depth or self.ids or self.video
        if self.body is None or self.actions is not None or self.push is not None or drawn:
            problem = "a recording needs --body, and has neither actions nor pictures"
            raise UsageError(problem, todo="as in --recording R.npz --body box:0.1x0.1x0.1,mass=0.37")
        model, recording, body = load_model(self.model), read_recording(path), read_body(self.body)
        require_body(recording, body)
        future = predict_recording(model, recording, body)
        with new_folder(self.output) as fresh:
            write_recorded(future, fresh / "rollout.npz")
        told = recorded_figures(future)
        lines = [f"note: {note}" for note in recording.notes]
        lines += [
            f"after {each['seconds']:g} s: {each['median_mm']:.1f} mm (mean {each['mean_mm']:.1f}), "
            f"{each['median_rad']:.3f} rad (mean {each['mean_rad']:.3f}), {each['episodes']} episodes"
            for each in told["horizons"]
        ]
        text = "\n".join([f"{len(recording)} episodes predicted in {self.output}", *lines])
        return Reply({"rollout": str(self.output / "rollout.npz"), "notes": list(recording.notes), **told}, text)

    def _motion(self, scene: Scene) -> RobotMotion:
        if (self.actions is None) == (self.push is None):
            raise UsageError("give either --actions or --push", todo="--push any takes what is easiest to push")
        if self.actions is not None:
            return read_actions(self.actions)
        return straight_push(scene, None if self.push == ANY else self.push)

    def _draw(self, scene: Scene, motion: RobotMotion, future: Future, folder: Path, report: Reporter) -> None:
        wanted = {"rgb": self.rgb, "depth": self.depth, "ids": self.ids}
        for name in (name for name, is_wanted in wanted.items() if is_wanted):
            (folder / name).mkdir()
        observer = Observer(scene, self._camera(scene), motion.shapes)
        pictures = self._pictures(observer, motion, future, folder, report)
        if self.video:
            write_video(folder / VIDEO, pictures, future.dt)
        for _ in pictures:  # all are drawn by now if there is a video
            pass

    def _pictures(
        self, observer: Observer, motion: RobotMotion, future: Future, folder: Path, report: Reporter
    ) -> Iterator[np.ndarray]:
        """One picture after another, each written where it is wanted."""
        count = 0
        for seen in observer.pictures(future.position, future.wxyz, motion.position, motion.wxyz):
            for rgb, depth, ids in zip(seen.rgb, seen.depth, seen.ids, strict=True):
                if self.rgb:
                    Image.fromarray(rgb).save(folder / "rgb" / f"{count:06d}.png")
                if self.depth:
                    np.save(folder / "depth" / f"{count:06d}.npy", depth)
                if self.ids:
                    Image.fromarray(ids).save(folder / "ids" / f"{count:06d}.png")
                count += 1
                report("drawing", count, len(future.position))
                yield rgb

    def _camera(self, scene: Scene) -> Camera:
        if not 16 <= self.side <= 4096:
            raise UsageError(f"pictures of {self.side} pixels: give 16 to 4096")
        if self.camera is None:
            return viewpoint(scene, scene.background, self.side)
        if not 0 <= self.camera < len(scene.cameras):
            raise UsageError(f"camera {self.camera}: the capture has {len(scene.cameras)}, counted from 0")
        camera = scene.cameras[self.camera].camera
        scale = self.side / max(camera.intrinsics.width, camera.intrinsics.height)
        return camera.resized(round(scale * camera.intrinsics.width), round(scale * camera.intrinsics.height))


def figures(future: Future) -> dict[str, Any]:
    """What a program wants to know at once."""
    far = np.linalg.norm(future.position[-1] - future.position[0], axis=1)
    return {
        "frames": len(future.position),
        "dt": future.dt,
        "moved_m": {name: float(each) for name, each in zip(future.objects, far, strict=True) if each > 0.001},
        "uncertainty_m": dict(zip(future.objects, future.uncertainty[-1].tolist(), strict=True)),
        "touch_ns": dict(zip(future.links, np.linalg.norm(future.touch, axis=2).sum(0).tolist(), strict=True)),
    }


def _section(future: Future) -> dict[str, Any]:
    """What the report of a build shows of it."""
    told = figures(future)
    far = {f"{name} moved_mm": 1000 * value for name, value in told["moved_m"].items()}
    doubt = {
        f"{name} uncertainty_mm": 1000 * value
        for name, value in told["uncertainty_m"].items()
        if name in told["moved_m"] and np.isfinite(value)
    }
    return {"title": "Imagined by splatwm", "figures": far | doubt, "videos": [VIDEO]}
