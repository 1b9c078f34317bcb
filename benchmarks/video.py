"""How many frames that are chosen from a video get a camera: a handheld video of a built scene, drawn from its splats.

usage: python benchmarks/video.py SCENE [--seconds 12] [--fps 15] [--size 640] [--keep FOLDER] [--json]

The camera walks once around the things at the median distance of the capture's cameras, going down and up, with a hand
that drifts and trembles, exposure that wanders, motion blur (a mean of three instants) and grain; the video is H.264.
It is read as any video is, frames are chosen from it, and cameras are found with the usual settings.  Prints one flat
JSON object: frames in the video, chosen and registered, the share, and how far the cameras are from the truth after the
best similarity [share of the camera distance].
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.capture import read_capture
from scan2sim.geometry import look_at, similarity_between
from scan2sim.poses import PosesConfig, solve_poses
from scan2sim.scene import Scene, load_scene, scene_gaussians
from scan2sim.splats import rasterize

BLUR = (-0.2, 0.0, 0.2)  # [frames] instants that one frame is the mean of
FIELD = 1.1  # focal length over width
TREMBLE, DRIFT = 0.004, 0.05  # [camera distances] of the hand, from frame to frame and over a second


def main() -> None:
    """Draw the video, read it, find cameras."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", type=Path)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--size", type=int, default=640, help="width of the video [pixels]")
    parser.add_argument("--keep", type=Path, help="folder for the video")
    parser.add_argument("--json", action="store_true", help="print the figures only")
    given = parser.parse_args()
    with TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        eyes, video = walk(load_scene(given.scene), round(given.seconds * given.fps), given.fps), folder / "video.mp4"
        if not video.exists():
            film(load_scene(given.scene), eyes, given.fps, given.size, video)
        for name in ("capture", "poses"):
            Path(scratch, name).mkdir()
        capture = read_capture(video, Path(scratch, "capture"))
        if not given.json:
            sys.stdout.write(f"{len(capture.frames)} frames were chosen\n")
        posed = solve_poses(capture, Path(scratch, "poses"), PosesConfig())
        true = eyes[[int(Path(frame.name).stem.rsplit("-", 1)[1]) for frame in posed.frames], 0]
        found = np.array([frame.camera.position for frame in posed.frames])
        scale, rotation, shift = similarity_between(found, true)
        off = np.linalg.norm(scale * found @ rotation.T + shift - true, axis=1)
        figures = {
            "frames": len(eyes),
            "chosen": len(capture.frames),
            "registered": len(posed.frames),
            "share": round(len(posed.frames) / len(capture.frames), 4),
            "off_median": round(float(np.median(off) / np.median(np.linalg.norm(true, axis=1))), 5),
        }
    print(json.dumps(figures))


def walk(scene: Scene, count: int, fps: int) -> NDArray[np.float64]:  # (count, 2, 3) [m] eye, and what it looks at
    """One round about the scene's origin by a hand that is not steady."""
    places = np.array([frame.camera.position for frame in scene.cameras])
    distance = float(np.median(np.linalg.norm(places, axis=1)))
    low, high = np.quantile(places[:, 2] / np.linalg.norm(places, axis=1), [0.2, 0.8])
    turn = np.linspace(0, 2 * np.pi * 1.05, count)
    lift = np.arcsin(low + (high - low) * (0.5 - 0.5 * np.cos(2 * turn)))
    eyes = np.stack([np.cos(turn) * np.cos(lift), np.sin(turn) * np.cos(lift), np.sin(lift)], 1)
    rng = np.random.default_rng(0)
    slow = gaussian_filter1d(rng.normal(size=(count, 2, 3)), fps / 2, axis=0) * np.sqrt(fps * np.pi**0.5)
    hand = DRIFT * slow + TREMBLE * rng.normal(size=(count, 2, 3))
    return distance * (np.stack([eyes, np.zeros_like(eyes)], 1) + hand)


def film(scene: Scene, eyes: NDArray[np.float64], fps: int, width: int, path: Path) -> None:
    """Write the video."""
    k = Intrinsics(width, width * 3 // 4, FIELD * width, FIELD * width, width / 2, width * 3 / 8)
    gaussians, rng = scene_gaussians(scene), np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = k.width, k.height, "yuv420p"
        for i in range(len(eyes)):
            instants = [np.clip(i + b, 0, len(eyes) - 1) for b in BLUR]
            poses = [
                (1 - t % 1) * eyes[int(t)] + t % 1 * eyes[min(int(t) + 1, len(eyes) - 1)] for t in map(float, instants)
            ]
            with torch.no_grad():
                cameras = [Camera(k, look_at(eye, at)) for eye, at in poses]
                seen = rasterize(gaussians, cameras).colors.mean(0).numpy()
            light = 2 ** (0.3 * np.sin(2 * np.pi * i / len(eyes)))
            values = 255 * seen.clip(0, 1) * light ** (1 / 2.2) + rng.normal(0, 2, seen.shape)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(values.clip(0, 255).astype(np.uint8), format="rgb24"))
            )
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
