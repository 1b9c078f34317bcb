"""What a person is told about finding cameras."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from scan2sim.cameras import Camera
from scan2sim.capture import Frame
from scan2sim.poses import Gravity, PosedCapture, PosedFrame, Scale, write_account
from scan2sim.poses.account import least_sharp, tell_steps
from scan2sim.report.attachments import read_sections
from tests.poses.metric.tabletop import PINHOLE

STEPS = (
    {"name": "features", "registered": 0, "total": 5, "error_px": None, "seconds": 1.2},
    {"name": "incremental", "registered": 3, "total": 5, "error_px": 0.81, "seconds": 2.0},
    {"name": "guided", "registered": 4, "total": 5, "error_px": 0.9, "seconds": 1.0},
)


def frames(folder: Path) -> list[Frame]:
    made = []
    for index in range(5):
        Image.new("RGB", (64, 48), (40 * index, 0, 0)).save(folder / f"{index}.jpg")
        made.append(Frame(folder / f"{index}.jpg", f"{index}.jpg", 64, 48, None, 9.0 - index, 0.5, 0.0))
    return made


def test_steps_evidence_and_worst_photos_reach_the_report(tmp_path: Path) -> None:
    taken = frames(tmp_path)
    folder = tmp_path / "build" / "02-poses"
    folder.mkdir(parents=True)
    posed = tuple(
        PosedFrame(frame.image, frame.name, Camera(PINHOLE, np.eye(4)), residual)
        for frame, residual in zip(taken[:4], (0.4, 1.9, 0.5, 0.6), strict=True)
    )
    tag = {"source": "marker", "factor": 1.1, "relative_sigma": 0.003, "used": False, "details": "a tag of 5 cm"}
    imu = {"source": "imu", "off_deg": 0.1, "sigma_deg": 0.3, "used": True, "details": "motion data of 4 photos"}
    capture = PosedCapture(
        posed,
        np.zeros((0, 3)),
        np.zeros((0, 3), np.uint8),
        Scale("arkit", 0.01, (tag,)),
        Gravity("imu", 0.3, (imu,)),
        ("4.jpg",),
        STEPS,
    )
    write_account(capture, taken, folder)
    (section,) = read_sections(tmp_path / "build")
    told = dict(section.figures)
    assert told["step incremental"] == "3 of 5 photos, 0.81 px, 2 s"
    assert "NOT USED" in told["scale from marker"]
    assert "a tag of 5 cm" in told["scale from marker"]
    assert "0.1° from what was taken ± 0.30°" in told["up from imu"]
    (picture,) = section.pictures
    assert picture.caption.index("4.jpg (no camera)") < picture.caption.index("1.jpg (1.90 px)")
    with Image.open(folder / "worst.jpg") as image:
        assert image.size == (1280, 640)
    assert json.loads((folder / "report.json").read_text())["title"]


def test_what_failed_is_told_in_words(tmp_path: Path) -> None:
    assert (
        tell_steps(STEPS) == "step incremental: 3 of 5 photos, 0.81 px, 2 s, step guided: 4 of 5 photos, 0.90 px, 1 s"
    )
    assert least_sharp(frames(tmp_path)) == ["4.jpg", "3.jpg", "2.jpg", "1.jpg"]


def test_given_cameras_have_steps_without_time() -> None:
    step = {"name": "given cameras", "registered": 4, "total": 5, "error_px": 0.5}
    assert tell_steps([step]) == "step given cameras: 4 of 5 photos, 0.50 px"
