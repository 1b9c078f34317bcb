"""Figures and warnings of captures, poses and settling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.capture import Capture, DroppedFile, Frame
from scan2sim.pipeline.describe import describe_assembly, describe_capture, describe_objects, describe_poses
from scan2sim.poses import Gravity, PosedCapture, PosedFrame, Scale
from scan2sim.sim import Settled, SettleResult
from tests.scene.factory import make_scene


def frame(name: str, *flags: str) -> Frame:
    return Frame(Path(name), name, 40, 30, None, sharpness=10.0, exposure=0.5, similarity=0.0, flags=flags)


def test_what_was_left_out_is_said_with_its_reason() -> None:
    dropped = tuple(DroppedFile(f"{i}.txt", "text, not an image") for i in range(10))
    outcome = describe_capture(Capture((frame("a", "blurred"), frame("b")), "photos", dropped))
    assert outcome.figures["frames"] == 2
    left_out, marked = outcome.warnings
    assert left_out.startswith("10 files left out: 0.txt (text, not an image), ")
    assert left_out.endswith("and 2 more")
    assert marked == "1 of 2 frames marked: blurred"
    assert describe_capture(Capture((frame("a"),), "photos")).warnings == ()


def test_residuals_that_are_unknown_do_not_count() -> None:
    camera = Camera(Intrinsics(40, 30, 30.0, 30.0, 20.0, 15.0), np.eye(4))
    frames = tuple(PosedFrame(Path("a.jpg"), "a.jpg", camera, residual) for residual in (0.5, float("nan"), 0.7))
    posed = PosedCapture(
        frames,
        np.zeros((5, 3)),
        np.zeros((5, 3), np.uint8),
        Scale("guess", 0.35),
        Gravity("support", 1.0),
        unregistered=("b.jpg",),
        warnings=("look here",),
    )
    outcome = describe_poses(posed)
    assert outcome.figures["registered"] == 3
    assert outcome.figures["reprojection_px"] == 0.6
    assert outcome.warnings == ("look here",)


def test_what_does_not_come_to_rest_is_named() -> None:
    objects = {"ball": Settled(0.02, 0.1, 0.0, np.zeros(3), np.array([1.0, 0, 0, 0]))}
    outcome = describe_assembly(SettleResult(2.0, objects, 0.001, unsettled=("ball",)))
    assert outcome.figures["settle_drift_mm"] == 20.0
    assert outcome.figures["settle_turn_deg"] == pytest.approx(5.73)
    assert outcome.figures["settle_penetration_mm"] == 1.0
    assert outcome.figures["unsettled"] == 1
    assert "ball" in outcome.warnings[0]
    assert "corrections_lost" not in outcome.figures


def test_corrections_that_are_lost_are_said() -> None:
    outcome = describe_assembly(SettleResult(2.0, {}, 0.0, unsettled=()), ("scale: it was made on other photos",))
    assert outcome.figures["corrections_lost"] == ["scale: it was made on other photos"]
    assert outcome.warnings == ("a correction could not be done again: scale: it was made on other photos",)


def test_what_separation_could_not_know_is_said() -> None:
    scene = make_scene()
    around = describe_objects(scene)
    assert around.figures["view_span_deg"] > 200
    assert not any("span" in warning for warning in around.warnings)
    hidden = replace(scene.objects[0], unseen_fraction=0.6)
    mirror = replace(scene.objects[0], name="mirror", figures={"lightness_spread": 9.0})
    told = describe_objects(replace(scene, objects=(mirror, *scene.objects[1:]))).warnings
    assert [warning for warning in told if "different in every photo" in warning and warning.endswith("mirror")]
    side = [frame for frame in scene.cameras if frame.camera.position[0] > 0.1][:1]
    outcome = describe_objects(
        replace(scene, objects=(hidden, *scene.objects[1:]), cameras=tuple(side * 3), quality={"doubtful": 1})
    )
    assert any("span 0°" in warning for warning in outcome.warnings)
    assert any(hidden.name in warning for warning in outcome.warnings)
    assert any(warning.startswith("1 raised patch stayed") for warning in outcome.warnings)
    assert any("no separate object" in warning for warning in describe_objects(replace(scene, objects=())).warnings)


def test_masks_that_were_mostly_refused_are_said() -> None:
    scene = make_scene()
    figures = {"mask_source": "sam2", "masks_used": 3, "masks_refused": 9}
    outcome = describe_objects(replace(scene, quality=figures))
    assert outcome.figures["masks_refused"] == 9
    assert [warning for warning in outcome.warnings if warning.startswith("9 of 12 masks of sam2 disagreed")]
    outcome = describe_objects(replace(scene, quality=figures | {"masks_used": 90}))
    assert not [warning for warning in outcome.warnings if "masks" in warning]
