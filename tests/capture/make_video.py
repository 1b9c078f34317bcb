"""Videos for tests: views held one after the other, cross-faded, stored turned with a rotation tag."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def write_video(
    path: Path,
    pictures: list[NDArray[np.uint8]],  # upright, (H, W, 3) each
    *,
    fps: int = 30,
    rotation: int = 0,  # degrees by which a player turns the stored frames counter-clockwise
    times: list[int] | None = None,  # presentation times in ticks of 1/fps, for a variable frame rate
    faststart: bool = False,
) -> Path:
    """An H.264 MP4 whose frames appear as ``pictures`` when a player honours the rotation tag."""
    with av.open(str(path), "w", options={"movflags": "+faststart"} if faststart else {}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "18", "preset": "veryfast"})
        stored = [np.ascontiguousarray(np.rot90(picture, -rotation // 90)) for picture in pictures]
        stream.height, stream.width = stored[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(rotation)
        for i, picture in enumerate(stored):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = times[i] if times else i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_held_video(
    path: Path,
    views: list[Path],
    *,
    seconds: float = 20.0,
    fps: int = 30,
    fade: float = 0.2,  # seconds of cross-fade between two views
    rotation: int = 90,
) -> Path:
    """Each view held for the same time, cross-faded into the next: real views in a video's clothes."""
    pictures = [np.asarray(Image.open(view).convert("RGB")) for view in views]
    hold = seconds / len(pictures)
    frames = []
    for i in range(round(seconds * fps)):
        view, inside = divmod(i / fps, hold)
        here = pictures[min(int(view), len(pictures) - 1)]
        after = pictures[min(int(view) + 1, len(pictures) - 1)]
        weight = float(np.clip((inside - (hold - fade)) / fade, 0, 1))
        frames.append(np.round(here * (1 - weight) + after * weight).astype(np.uint8))
    return write_video(path, frames, fps=fps, rotation=rotation)
