"""Run by test_sanitizers.py in a process of its own: everything the native module does, on scenes of every kind.

Usage: python sanitized.py FOLDER, the folder holding a _native module built with sanitizers.
"""

from __future__ import annotations

import importlib
import itertools
import sys
from typing import Any

import numpy as np

native: Any = None


def floats(random: np.random.Generator, *shape: int, scale: float = 1.0) -> np.ndarray:
    return (scale * random.standard_normal(shape)).astype(np.float32)


def gaussians(random: np.random.Generator, count: int, degree: int, kind: str) -> dict[str, np.ndarray]:
    sizes = {"usual": -2.5, "huge": 3.0, "tiny": -9.0, "needles": -2.5, "broken": -2.5}
    arrays = {
        "means": floats(random, count, 3, scale=0.4),
        "quats": floats(random, count, 4),
        "log_scales": sizes[kind] + floats(random, count, 3, scale=4.0 if kind == "needles" else 0.6),
        "opacity_logits": floats(random, count, scale=20.0 if kind == "huge" else 1.0),
        "sh": floats(random, count, (degree + 1) ** 2, 3, scale=0.3),
    }
    if kind == "broken" and count:
        for values in arrays.values():
            flat = values.reshape(-1)
            flat[random.integers(0, len(flat), 3)] = random.choice([np.nan, np.inf, -np.inf, 1e38], 3)
    return {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in arrays.items()}


def views(cameras: int, objects: int, width: int, height: int, degree: int, antialiased: bool) -> Any:
    """Cameras two metres from the origin that look at it along their z axes."""
    transforms = np.zeros((cameras, objects, 16), np.float32)
    for camera, thing in itertools.product(range(cameras), range(objects)):
        turn = 0.3 * camera + 0.1 * thing
        rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        matrix = np.concatenate([rotation, [[0], [0], [2]]], 1)
        transforms[camera, thing, :12] = matrix.reshape(-1)
        transforms[camera, thing, 12:15] = -rotation.T @ matrix[:, 3]
    intrinsics = np.tile(np.array([0.9 * width, 0.9 * width, width / 2, height / 2], np.float32), (cameras, 1))
    return native.Views(transforms, intrinsics, width, height, degree, 0.01, 1e10, antialiased)


def run_scene(random: np.random.Generator, count: int, kind: str, width: int, height: int) -> None:
    degree, cameras, objects = int(random.integers(0, 4)), int(random.integers(1, 7)), int(random.integers(1, 4))
    channels, antialiased = int(random.integers(0, 4)), bool(random.integers(0, 2))
    arrays = gaussians(random, count, degree, kind)
    ids = random.integers(0, objects, count).astype(np.int32)
    per_camera = (cameras, count, channels) if random.integers(0, 2) else (count, channels)
    features = floats(random, *per_camera) if channels else None
    scene = native.Gaussians(*arrays.values(), ids if objects > 1 else None, features)
    seen = views(cameras, objects, width, height, degree, antialiased)
    images = (cameras, height, width)
    means2d, radii = np.zeros((cameras, count, 2), np.float32), np.zeros((cameras, count), np.float32)
    pictures = [np.zeros((*images, n), np.float32) for n in (3, 1, 1, 1)]
    blended = np.zeros((*images, channels), np.float32) if channels else None
    written = native.Pictures(*pictures, blended, np.zeros(images, np.int32), ids, objects)
    native.render(scene, seen, written, None, None)
    alone = [picture.copy() for picture in pictures]
    frames = native.Frames(scene, seen, means2d, radii)
    frames.blend(written)
    assert all(np.array_equal(a, b) for a, b in zip(alone, pictures, strict=True))
    assert all(np.isfinite(picture).all() for picture in pictures)
    slopes = [floats(random, *picture.shape) for picture in pictures[:3]]
    out = {name: np.zeros_like(values) for name, values in arrays.items()}
    extra = [None if features is None else np.zeros_like(features), np.zeros_like(means2d)]
    of_features = None if features is None else floats(random, *images, channels)
    moved = np.zeros((cameras, objects, 16), np.float32)
    frames.backward(*slopes, of_features, pictures[2], *out.values(), *extra, moved)
    assert all(np.isfinite(gradient).all() for gradient in (*out.values(), moved))
    frames.accumulate(floats(random, *images, 17), np.zeros((count, 17), np.float32))
    frames.dominant(np.zeros(images, np.int32))
    weighed, drawn = frames.count()
    assert weighed >= drawn


def run_loss_and_adam(random: np.random.Generator) -> None:
    for height, width in ((11, 11), (12, 40), (61, 35)):
        pair = [random.random((height, width, 3)).astype(np.float32) for _ in range(2)]
        native.photometric_loss(
            *pair,
            0.2,
            np.array([1, 1.1, 0.9, 0, 0.1, -0.1], np.float32),
            np.zeros_like(pair[0]),
            np.zeros(6, np.float32),
        )
    for rows, width in ((0, 3), (1, 1), (5001, 3), (300, 48)):
        matrices = [np.abs(floats(random, rows, width)) for _ in range(4)]
        native.adam(*matrices, random.random(rows) < 0.5, width // 3, width - width // 3, 0.9, 0.999, 0.1, 1.0, 1e-15)


def run_fusion(random: np.random.Generator) -> None:
    for shape, (height, width) in itertools.product(((1, 1, 1), (9, 30, 4), (40, 40, 40)), ((1, 1), (20, 31))):
        grids = [np.zeros(shape, np.float32) for _ in range(2)]
        depth = floats(random, height, width)
        depth.reshape(-1)[0] = random.choice([np.nan, np.inf, 1e38])
        for trust in (None, np.abs(floats(random, height, width))):
            camera = [*floats(random, 12).tolist(), 30.0, 30.0, width / 2, height / 2]
            own = random.random((height, width)) < 0.5
            native.fuse_depth(*grids, [-0.2, -0.2, -0.2], 0.01, camera, depth, own, trust, 0.03, 0.01, 0.1, 0.5)


def run_triangles(random: np.random.Generator) -> None:
    for count, (height, width) in itertools.product((0, 1, 300), ((1, 1), (20, 31))):
        pixels = random.normal(10, 20, (3 * count, 2))
        pixels[random.random(pixels.shape) < 0.02] = random.choice([np.nan, np.inf, -np.inf, 1e300, -1e18])
        faces = random.permutation(3 * count).astype(np.int32).reshape(-1, 3)
        face, inverse = np.empty((height, width), np.int32), np.empty((height, width))
        native.draw_triangles(pixels, random.normal(1, 1, 3 * count), faces, 0.0, face, inverse)


def main(folder: str) -> None:
    global native
    sys.path.insert(0, folder)
    native = importlib.import_module("_native")
    random = np.random.default_rng(0)
    sizes = ((1, 1), (17, 5), (64, 48))
    for isa, threads in itertools.product(native.available_isas(), (1, 3)):
        native.set_isa(isa)
        native.set_threads(threads)
        for kind, (width, height) in itertools.product(("usual", "huge", "tiny", "needles", "broken"), sizes):
            for count in (0, 1, 60, 5000 if kind == "usual" else 300):
                run_scene(random, count, kind, width, height)
        run_loss_and_adam(random)
        run_fusion(random)
        run_triangles(random)
    sys.stdout.write("clean\n")


if __name__ == "__main__":
    main(sys.argv[1])
