"""Miniature exports of phone apps, written from the formats' public descriptions and not with our reader in mind.

One scene for all: a ring of ARKit cameras (x right, y up, z back, in a world with y up) around coloured marks in the
air.  ARKit's own projection draws the marks, and each writer then stores cameras the way its app does.
"""

from __future__ import annotations

import csv
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import lzfse
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.capture.pictures import picture

MARKS = np.array([[0.0, 0.30, 0.0], [0.0, 0.0, 0.0], [0.25, 0.1, 0.1], [-0.2, 0.05, 0.2]])  # [m]; 0 is above 1
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 0, 255]])
WIDTH, HEIGHT, FOCAL = 256, 192, 210.0  # of the sensor, whose long side is the camera's x
DEPTH_WIDTH, DEPTH_HEIGHT = 64, 48
FAR = 2.5  # [m] depth where there is no mark
RADIUS = 5


@dataclass(frozen=True)
class ArkitFrame:
    """One frame as ARKit sees it: picture and depth as the sensor lies, and its ``camera.transform``."""

    picture: NDArray[np.uint8]  # (HEIGHT, WIDTH, 3)
    depth: NDArray[np.float32]  # (DEPTH_HEIGHT, DEPTH_WIDTH) [m]
    confidence: NDArray[np.uint8]
    transform: NDArray[np.float64]  # (4, 4) world from camera
    time: float


def arkit_frames(count: int = 6, *, portrait: bool = True) -> list[ArkitFrame]:
    """A walk around the marks; in portrait the sensor's x points down."""
    frames = []
    for i in range(count):
        angle = 2 * np.pi * i / count
        eye = np.array([0.9 * np.cos(angle), 0.55 + 0.02 * i, 0.9 * np.sin(angle)])
        back = (eye - [0, 0.1, 0]) / np.linalg.norm(eye - [0, 0.1, 0])
        right = np.cross([0, 1, 0], back)
        right /= np.linalg.norm(right)
        up = np.cross(back, right)
        if portrait:
            right, up = -up, right
        transform = np.eye(4)
        transform[:3] = np.column_stack([right, up, back, eye])
        pixels, depth = picture(100 + i, WIDTH, HEIGHT) // 2 + 60, np.full((DEPTH_HEIGHT, DEPTH_WIDTH), FAR, np.float32)
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        from_far = np.argsort((MARKS - eye) @ back)
        for mark, colour in zip(MARKS[from_far], COLOURS[from_far], strict=True):
            x, y, z = transform[:3, :3].T @ (mark - eye)
            u, v = WIDTH / 2 + 3 + FOCAL * x / -z, HEIGHT / 2 - 2 - FOCAL * y / -z
            pixels[np.hypot(columns + 0.5 - u, rows + 0.5 - v) < RADIUS] = colour
            row, column = int(v * DEPTH_HEIGHT / HEIGHT), int(u * DEPTH_WIDTH / WIDTH)
            depth[row - 1 : row + 2, column - 1 : column + 2] = -z
        confidence = np.full(depth.shape, 2, np.uint8)
        confidence[0] = 0
        frames.append(ArkitFrame(pixels.astype(np.uint8), depth, confidence, transform, 1000.0 + 0.5 * i))
    return frames


MATRIX = np.array([[FOCAL, 0, WIDTH / 2 + 3], [0, FOCAL, HEIGHT / 2 - 2], [0, 0, 1]])  # as ARKit's intrinsics


def quaternion(rotation: NDArray[np.float64]) -> list[float]:  # x, y, z, w
    """By the largest of the four squares (Shepperd 1978)."""
    m = rotation
    squares = [1 + m[0, 0] - m[1, 1] - m[2, 2], 1 - m[0, 0] + m[1, 1] - m[2, 2], 1 - m[0, 0] - m[1, 1] + m[2, 2]]
    squares.append(1 + np.trace(m))
    k = int(np.argmax(squares))
    s = 2 * np.sqrt(squares[k])
    if k == 3:
        q = [(m[2, 1] - m[1, 2]) / s, (m[0, 2] - m[2, 0]) / s, (m[1, 0] - m[0, 1]) / s, s / 4]
    elif k == 0:
        q = [s / 4, (m[0, 1] + m[1, 0]) / s, (m[0, 2] + m[2, 0]) / s, (m[2, 1] - m[1, 2]) / s]
    elif k == 1:
        q = [(m[0, 1] + m[1, 0]) / s, s / 4, (m[1, 2] + m[2, 1]) / s, (m[0, 2] - m[2, 0]) / s]
    else:
        q = [(m[0, 2] + m[2, 0]) / s, (m[1, 2] + m[2, 1]) / s, s / 4, (m[1, 0] - m[0, 1]) / s]
    return [float(value) for value in q]


def save(pixels: NDArray[Any], path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **({"quality": 95, "subsampling": 0} | options))


def millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.round(depth * 1000).astype(np.uint16)


def write_record3d(folder: Path, frames: list[ArkitFrame], **changes: Any) -> Path:
    """Portrait pictures, poses of the portrait camera relative to the first, LZFSE maps."""
    turned = np.array(
        [[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    )  # portrait's right is the sensor's up
    poses = [frame.transform @ turned for frame in frames]

    def row(pose: NDArray[np.float64]) -> list[float]:
        return [*quaternion(pose[:3, :3]), *pose[:3, 3].tolist()]

    (folder / "rgbd").mkdir(parents=True)
    for i, frame in enumerate(frames):
        save(np.rot90(frame.picture, -1), folder / "rgbd" / f"{i}.jpg")
        (folder / "rgbd" / f"{i}.depth").write_bytes(lzfse.compress(np.rot90(frame.depth, -1).tobytes()))
        (folder / "rgbd" / f"{i}.conf").write_bytes(lzfse.compress(np.rot90(frame.confidence, -1).tobytes()))
    cx, cy = HEIGHT - (HEIGHT / 2 - 2), WIDTH / 2 + 3
    metadata = {
        "w": HEIGHT, "h": WIDTH, "dw": DEPTH_HEIGHT, "dh": DEPTH_WIDTH, "fps": 2,
        "K": [FOCAL, 0, 0, 0, FOCAL, 0, cx, cy, 1],
        "initPose": row(poses[0]),
        "poses": [row(np.linalg.inv(poses[0]) @ pose) for pose in poses],
        "frameTimestamps": [frame.time for frame in frames],
        "perFrameIntrinsicCoeffs": [[FOCAL, FOCAL, cx, cy]] * len(frames),
    }  # fmt: skip
    (folder / "metadata").write_text(json.dumps(metadata | changes))
    return folder


def write_stray(folder: Path, frames: list[ArkitFrame]) -> Path:
    """A landscape video, OpenCV poses in ARKit's world, millimetres."""
    folder.mkdir(parents=True)
    with av.open(str(folder / "rgb.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=2, options={"crf": "6", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for i, frame in enumerate(frames):
            image = av.VideoFrame.from_ndarray(frame.picture, format="rgb24")
            image.pts = i
            container.mux(stream.encode(image))
        container.mux(stream.encode())
    with (folder / "odometry.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", " frame", " x", " y", " z", " qx", " qy", " qz", " qw"])
        for i, frame in enumerate(frames):
            opencv = frame.transform[:3, :3] @ np.diag([1.0, -1, -1])
            writer.writerow([frame.time, f"{i:06d}", *frame.transform[:3, 3], *quaternion(opencv)])
            save(millimetres(frame.depth), folder / "depth" / f"{i:06d}.png")
            save(frame.confidence, folder / "confidence" / f"{i:06d}.png")
    np.savetxt(folder / "camera_matrix.csv", MATRIX, delimiter=",")
    return folder


def write_polycam(folder: Path, frames: list[ArkitFrame], *, lidar: bool = True, corrected: bool = True) -> Path:
    """Keyframes by timestamp; the uncorrected cameras are a little wrong where corrected ones exist."""
    keyframes = folder / "keyframes"
    for frame in frames:
        stem = f"{round(frame.time * 1e6)}"
        save(frame.picture, keyframes / "images" / f"{stem}.jpg")
        for kind, error in (("cameras", 0.05 if corrected else 0.0), ("corrected_cameras", 0.0)):
            if kind == "corrected_cameras" and not corrected:
                continue
            pose = frame.transform.copy()
            pose[0, 3] += error
            camera = {f"t_{i}{j}": pose[i, j] for i in range(3) for j in range(4)}
            camera |= {"fx": FOCAL, "fy": FOCAL, "cx": MATRIX[0, 2], "cy": MATRIX[1, 2]}
            camera |= {"width": WIDTH, "height": HEIGHT, "blur_score": 120.0}
            (keyframes / kind).mkdir(parents=True, exist_ok=True)
            (keyframes / kind / f"{stem}.json").write_text(json.dumps(camera))
        if lidar:
            save(millimetres(frame.depth), keyframes / "depth" / f"{stem}.png")
            save(np.array([0, 127, 255], np.uint8)[frame.confidence], keyframes / "confidence" / f"{stem}.png")
    return folder


def write_3d_scanner_app(folder: Path, frames: list[ArkitFrame]) -> Path:
    """One JSON for each frame, row by row."""
    for i, frame in enumerate(frames):
        save(frame.picture, folder / f"frame_{i:05d}.jpg")
        save(millimetres(frame.depth), folder / f"depth_{i:05d}.png")
        save(frame.confidence, folder / f"conf_{i:05d}.png")
        data = {"frame_index": i, "time": frame.time, "intrinsics": MATRIX.ravel().tolist()}
        data |= {"cameraPoseARFrame": frame.transform.ravel().tolist()}
        (folder / f"frame_{i:05d}.json").write_text(json.dumps(data))
    return folder


def write_nerfcapture(folder: Path, frames: list[ArkitFrame]) -> Path:
    """ARKit transforms and intrinsics in each frame, file names without suffix, depth in steps of 1/10 mm."""
    entries = []
    for i, frame in enumerate(frames):
        save(frame.picture, folder / "images" / f"{i}.png")
        save(np.round(frame.depth * 1e4).astype(np.uint16), folder / "images" / f"{i}.depth.png")
        entry = {"file_path": f"images/{i}", "depth_path": f"images/{i}.depth.png", "timestamp": frame.time}
        entry |= {"fl_x": FOCAL, "fl_y": FOCAL, "cx": MATRIX[0, 2], "cy": MATRIX[1, 2], "w": WIDTH, "h": HEIGHT}
        entries.append(entry | {"transform_matrix": frame.transform.tolist()})
    data = {"integer_depth_scale": 1e-4, "w": WIDTH, "h": HEIGHT, "frames": entries}
    (folder / "transforms.json").write_text(json.dumps(data))
    return folder


def write_nerfstudio(folder: Path, frames: list[ArkitFrame], **changes: Any) -> Path:
    """Shared intrinsics at the top."""
    entries = []
    for i, frame in enumerate(frames):
        save(frame.picture, folder / "images" / f"frame_{i + 1:05d}.jpg")
        save(millimetres(frame.depth), folder / "depths" / f"frame_{i + 1:05d}.png")
        entry = {"file_path": f"./images/frame_{i + 1:05d}.jpg", "depth_file_path": f"depths/frame_{i + 1:05d}.png"}
        entries.append(entry | {"transform_matrix": frame.transform.tolist()})
    data = {"camera_model": "OPENCV", "fl_x": FOCAL, "fl_y": FOCAL, "cx": MATRIX[0, 2], "cy": MATRIX[1, 2]}
    data |= {"w": WIDTH, "h": HEIGHT, "frames": entries}
    (folder / "transforms.json").write_text(json.dumps(data | changes))
    return folder


def write_colmap(folder: Path, frames: list[ArkitFrame], *, binary: bool) -> Path:
    """``sparse/0`` with one OPENCV camera, and some observations of points that the reader has to step over."""
    model = folder / "sparse" / "0"
    model.mkdir(parents=True)
    params = [FOCAL, FOCAL, MATRIX[0, 2], MATRIX[1, 2], 0.01, -0.02, 0.001, -0.002]
    rows = []
    for i, frame in enumerate(frames):
        save(frame.picture, folder / "images" / f"view {i}.jpg")
        camera_from_world = np.linalg.inv(frame.transform @ np.diag([1.0, -1, -1, 1]))
        x, y, z, w = quaternion(camera_from_world[:3, :3])
        rows.append((i + 1, [w, x, y, z, *camera_from_world[:3, 3]], f"view {i}.jpg"))
    if binary:
        cameras = struct.pack("<QIiQQ8d", 1, 7, 4, WIDTH, HEIGHT, *params)
        images = struct.pack("<Q", len(rows))
        for number, values, name in rows:
            images += struct.pack("<I7dI", number, *values, 7) + name.encode() + b"\0"
            images += struct.pack("<Q", number) + struct.pack("<ddq", 1.5, 2.5, -1) * number
        (model / "cameras.bin").write_bytes(cameras)
        (model / "images.bin").write_bytes(images)
        (model / "points3D.bin").write_bytes(struct.pack("<Q", 0))
        return folder
    (model / "cameras.txt").write_text(
        f"# Camera list\n7 OPENCV {WIDTH} {HEIGHT} {' '.join(repr(float(value)) for value in params)}\n"
    )
    lines = ["# Image list", "#   IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME"]
    for number, values, name in rows:
        lines += [f"{number} {' '.join(repr(float(value)) for value in values)} 7 {name}"]
        lines += ["1.5 2.5 -1 " * (number - 1)]  # none for the first: an empty line
    (model / "images.txt").write_text("\n".join(lines) + "\n")
    return folder
