"""Render handheld captures of a table with a marker, a ChArUco board, a sheet and a bank card on it, with their truth.

usage: python benchmarks/scale_captures.py OUT --bpy PYTHON [--only 0 1 2]

PYTHON is an interpreter in which ``pip install bpy==4.5.15`` was run.  Every capture differs in picture size, focal
length, lens distortion, table, tilt, light, shake and in what lies where; each leaves ``images/*.jpg`` and
``truth.json``: OpenCV ``world_from_camera`` [m], ``up`` (3,), and what was printed at which size.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

COUNT = 22
VIEWS = 14
SAMPLES = 4
SIZES = ((640, 480), (720, 540), (960, 720), (800, 600))
SHEETS = {"a4": (0.297, 0.210), "letter": (0.2794, 0.2159)}
CARD, CARD_RADIUS = (0.0856, 0.05398), 0.00318
MARKERS = (("tag36h11", cv2.aruco.DICT_APRILTAG_36h11), ("4x4_50", cv2.aruco.DICT_4X4_50))
QUIET = 0.2  # white around a marker, of its side
BOARD = (4, 5)  # squares of the ChArUco board
BOARD_MARKER = 0.75  # of a square, its markers' side
BOARD_QUIET = 0.4  # white around the board, of a square


def main() -> None:
    """Render what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--bpy", type=Path, required=True)
    parser.add_argument("--only", type=int, nargs="*", default=list(range(COUNT)))
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    for seed in given.only:
        folder = given.out / f"{seed:02d}"
        if (folder / "truth.json").exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        spec = describe(seed, rng, folder)
        (folder / "spec.json").write_text(json.dumps(spec))
        blender = Path(__file__).with_name("scale_render.py")
        done = subprocess.run(
            [given.bpy, blender, folder, str(given.threads)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if not (folder / "poses.json").exists():
            sys.exit(done.stderr.decode()[-2000:])
        photograph(spec, folder, rng)
        shutil.rmtree(folder / "pinhole")


def describe(seed: int, rng: np.random.Generator, folder: Path) -> dict:
    """Everything about one capture; writes its textures."""
    width, height = SIZES[seed % len(SIZES)]
    focal = width / 2 / math.tan(math.radians(rng.uniform(48, 70)) / 2)
    lens = [float(rng.uniform(-0.09, 0.07)), float(rng.uniform(-0.02, 0.02))]
    tilt = 0.0 if seed % 3 else math.radians(rng.uniform(4, 15))
    azimuth = rng.uniform(0, 2 * math.pi)
    up = [math.sin(tilt) * math.cos(azimuth), math.sin(tilt) * math.sin(azimuth), math.cos(tilt)]
    sheet = ("a4", "letter")[seed % 2]
    family, dictionary = MARKERS[(seed // 2) % 2]
    side = float(rng.uniform(0.03, 0.07))
    own = np.random.default_rng([seed, 1])  # of the board, so that all else stays as it was before there was one
    square = float(own.uniform(0.026, 0.034))
    number = int(rng.integers(0, 40))
    turn = rng.uniform(0, 2 * math.pi)

    def around(angle: float, radius: float) -> list[float]:
        return [radius * math.cos(turn + angle), radius * math.sin(turn + angle)]

    draw_sheet(folder / "sheet.png", SHEETS[sheet], seed % 4 == 0, rng)
    draw_marker(folder / "marker.png", dictionary, number)
    draw_card(folder / "card.png", rng)
    draw_board(folder / "board.png", square)
    paper = {"radius": 0.0, "roughness": 0.9, "z": 0.0003}
    prints = [
        {"name": "sheet", "size": SHEETS[sheet], "xy": around(0, 0.17), "texture": "sheet.png", **paper},
        {
            "name": "marker",
            "size": [side * (1 + 2 * QUIET)] * 2,
            "xy": around(2.2, 0.15),
            "texture": "marker.png",
            **paper,
        },
        {"name": "card", "size": CARD, "xy": around(4.0, 0.16), "texture": "card.png", **paper},
        {
            "name": "board",
            "size": [square * (n + 2 * BOARD_QUIET) for n in BOARD],
            "xy": around(3.1, 0.3),
            "texture": "board.png",
            "yaw": float(own.uniform(0, 2 * math.pi)),
            **paper,
        },
    ]
    prints[2] |= {"radius": CARD_RADIUS, "roughness": 0.35, "z": 0.00076}
    for print_ in prints[:3]:
        print_["yaw"] = float(rng.uniform(0, 2 * math.pi))
    things = []
    for angle, radius in ((3.1, 0.08), (5.2, 0.12), (1.45, 0.24)):
        extent = rng.uniform(0.035, 0.09, 3)
        shape = ("box", "can", "ball")[int(rng.integers(3))]
        size = [extent[0], extent[1], extent[2]] if shape == "box" else [extent[0], extent[0], extent[2]]
        xy = around(angle, radius)
        things.append({"shape": shape, "size": [float(s) for s in size], "xy": xy, "yaw": float(rng.uniform(0, 6))})
    views = []
    for i in range(VIEWS):
        low = i < VIEWS * 9 // 14
        angle = 2 * math.pi * (i if low else i * 9 / 5 + 0.5) / (VIEWS * 9 // 14) + rng.normal(0, 0.04)
        radius, z = (
            (rng.uniform(0.42, 0.52), rng.uniform(0.28, 0.38))
            if low
            else (rng.uniform(0.25, 0.36), rng.uniform(0.48, 0.62))
        )
        eye = [radius * math.cos(angle), radius * math.sin(angle), z]
        aim = [*rng.normal(0, 0.02, 2), 0.02]
        views.append(
            {"eye": [float(v) for v in eye], "aim": [float(v) for v in aim], "roll": float(rng.normal(0, 0.05))}
        )
    margin = 1.12 + max(0.0, 0.5 * -lens[0])  # the lens reaches beyond the pinhole picture
    return {
        "seed": seed,
        "size": [width, height],
        "focal": focal,
        "lens": lens,
        "render_size": [round(width * margin), round(height * margin)],
        "samples": SAMPLES,
        "table": ("wood", "cloth", "stone")[int(rng.integers(3))],
        "up": [float(v) for v in up],
        "tilt_deg": math.degrees(tilt),
        "prints": prints,
        "things": things,
        "views": views,
        "sheet": sheet,
        "marker": f"{family}:{side:.6f}",
        "marker_id": number,
        "board": f"charuco-{BOARD[0]}x{BOARD[1]}-5x5_50:{square:.6f}:{BOARD_MARKER * square:.6f}",
    }


def draw_sheet(path: Path, size: tuple[float, float], written: bool, rng: np.random.Generator) -> None:
    """A white sheet, with lines of writing or without."""
    height, width = round(size[1] * 6000), round(size[0] * 6000)
    image = np.full((height, width, 3), 238, np.uint8)
    if written:
        for row in range(150, height - 150, 60):
            column = 150
            while column < width - 250:
                length = int(rng.integers(20, 110))
                cv2.rectangle(image, (column, row), (column + length, row + 18), (60, 50, 50), -1)
                column += length + 25
    cv2.imwrite(str(path), image)


def draw_marker(path: Path, dictionary: int, number: int) -> None:
    """A marker with its quiet zone."""
    side = 800
    inner = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(dictionary), number, side)
    image = np.full((round(side * (1 + 2 * QUIET)),) * 2, 235, np.uint8)
    quiet = round(side * QUIET)
    image[quiet : quiet + side, quiet : quiet + side] = np.maximum(inner, 20)
    cv2.imwrite(str(path), image)


def draw_board(path: Path, square: float) -> None:
    """A ChArUco board with white around it."""
    pixels, quiet = 150, round(150 * BOARD_QUIET)
    board = cv2.aruco.CharucoBoard(
        BOARD, square, BOARD_MARKER * square, cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_50)
    )
    inner = board.generateImage((BOARD[0] * pixels, BOARD[1] * pixels))
    image = np.pad(inner, quiet, constant_values=255).clip(20, 235)
    cv2.imwrite(str(path), image)


def draw_card(path: Path, rng: np.random.Generator) -> None:
    """A bank card: a coloured gradient, a chip, a number and a stripe."""
    width, height = 1712, 1080
    one, two = rng.uniform(40, 230, (2, 3))
    slope = np.linspace(0, 1, width)[None, :, None] * np.ones((height, 1, 1))
    image = (one * (1 - slope) + two * slope).astype(np.uint8)
    cv2.rectangle(image, (190, 380), (430, 570), (90, 190, 220), -1)
    cv2.putText(image, "5412 7534 9910 2277", (180, 740), cv2.FONT_HERSHEY_SIMPLEX, 3.4, (245, 245, 245), 10)
    cv2.putText(image, "A PERSON  04/29", (180, 900), cv2.FONT_HERSHEY_SIMPLEX, 2.4, (245, 245, 245), 8)
    cv2.imwrite(str(path), image)


def photograph(spec: dict, folder: Path, rng: np.random.Generator) -> None:
    """Pinhole pictures become photos: lens distortion, shake, an exposure that wanders, noise, JPEG."""
    width, height = spec["size"]
    (folder / "images").mkdir(exist_ok=True)
    across, down = lens_map(spec)
    frames = []
    for i, pose in enumerate(json.loads((folder / "poses.json").read_text())):
        linear = (cv2.imread(str(folder / "pinhole" / f"{i:03d}.png")).astype(np.float32) / 255) ** 2.2
        seen = cv2.remap(linear, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        seen = shaken(np.clip(seen, 0, None), rng)
        stops = 0.35 * math.sin(2 * math.pi * i / VIEWS + spec["seed"]) + rng.normal(0, 0.08)
        values = np.clip(seen * 2**stops, 0, 1) ** (1 / 2.2) * 255 + rng.normal(0, 1.5, seen.shape)
        name = f"images/{i:03d}.jpg"
        cv2.imwrite(str(folder / name), np.clip(values, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])
        frames.append({"file": name, "world_from_camera": pose})
    k = {"width": width, "height": height, "fx": spec["focal"], "fy": spec["focal"], "cx": width / 2, "cy": height / 2}
    truth = {name: spec[name] for name in ("up", "tilt_deg", "sheet", "marker", "board", "prints", "lens", "things")}
    (folder / "truth.json").write_text(json.dumps({"intrinsics": k, "frames": frames, **truth}))


def lens_map(spec: dict) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For each pixel of the photo, where the pinhole picture shows it (Brown's radial model, inverted)."""
    (width, height), (render_width, render_height) = spec["size"], spec["render_size"]
    x, y = np.meshgrid((np.arange(width) + 0.5 - width / 2), (np.arange(height) + 0.5 - height / 2))
    x, y = x / spec["focal"], y / spec["focal"]
    straight_x, straight_y = x.copy(), y.copy()
    for _ in range(20):
        square = straight_x**2 + straight_y**2
        bend = 1 + spec["lens"][0] * square + spec["lens"][1] * square**2
        straight_x, straight_y = x / bend, y / bend
    across = straight_x * spec["focal"] + render_width / 2 - 0.5
    down = straight_y * spec["focal"] + render_height / 2 - 0.5
    return across.astype(np.float32), down.astype(np.float32)


def shaken(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A little defocus everywhere, and in one photo of five the hand moves by up to 3 pixels."""
    image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 0.7)))
    if rng.uniform() > 0.2:
        return image
    length, angle = rng.uniform(1.5, 3), rng.uniform(0, math.pi)
    kernel = np.zeros((9, 9), np.float32)
    for t in np.linspace(-0.5, 0.5, 33):
        kernel[round(4 + t * length * math.sin(angle)), round(4 + t * length * math.cos(angle))] += 1
    return cv2.filter2D(image, -1, kernel / kernel.sum())


if __name__ == "__main__":
    main()
