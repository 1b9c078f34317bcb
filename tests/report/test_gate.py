"""The gate: thresholds, what is missing, and that worse figures never look better."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import SceneError
from scan2sim.report import Check, GateConfig, Verdict, gate
from scan2sim.report.gate import judge
from scan2sim.report.record import BuildRecord
from scan2sim.scene import Scene, save_scene
from tests.report.build_folder import FIGURES, make_build
from tests.scene.factory import make_scene

ORDER = ("green", "unknown", "amber", "red")


def judged(scene: Scene | None = None, **figures: float | None) -> Verdict:
    scene = replace(scene or make_scene(), quality=FIGURES | figures)
    record = BuildRecord("test", Path("test"), Path("test/scene"), scene, "", (), (), (), (), ())
    return judge(record, GateConfig())


def check_named(verdict: Verdict, name: str) -> Check:
    (check,) = (check for check in verdict.checks if check.name == name)
    return check


def test_good_scene_is_green() -> None:
    verdict = judged()
    assert verdict.color == "green"
    assert verdict.passed
    assert verdict.reasons == ()
    assert verdict.headline == "Ready to simulate"


@pytest.mark.parametrize(
    ("figure", "value", "name", "color"),
    [
        ("registered", 7, "photos with a pose", "red"),
        ("registered", 12, "photos with a pose", "amber"),
        ("reprojection_px", 1.5, "reprojection error", "amber"),
        ("reprojection_px", 9.0, "reprojection error", "red"),
        ("held_out_psnr", 21.9, "held-out PSNR", "amber"),
        ("held_out_psnr", 17.9, "held-out PSNR", "red"),
        ("settle_drift_mm", 6.0, "settling drift", "amber"),
        ("held_out_ssim", 0.5, "held-out SSIM", "amber"),
        ("held_out_ssim", 0.2, "held-out SSIM", "red"),
        ("settle_turn_deg", 3.0, "settling turn", "amber"),
        ("settle_turn_deg", 40.0, "settling turn", "red"),
        ("settle_penetration_mm", 1.2, "penetration", "amber"),
        ("settle_penetration_mm", 8.0, "penetration", "red"),
        ("settle_moved_mm", 7.0, "moved to rest", "amber"),
        ("settle_moved_mm", 50.0, "moved to rest", "red"),
        ("settle_turn_deg", None, "settling turn", "unknown"),
        ("settle_drift_mm", 21.0, "settling drift", "red"),
        ("settle_drift_mm", None, "settling drift", "unknown"),
        ("held_out_psnr", float("nan"), "held-out PSNR", "unknown"),
    ],
)
def test_each_figure_moves_its_own_check_only(figure: str, value: float | None, name: str, color: str) -> None:
    verdict = judged(**{figure: value})
    assert check_named(verdict, name).color == color
    assert [check.name for check in verdict.checks if check.color != "green"] == [name]
    assert verdict.color == ("amber" if color == "unknown" else color)
    assert verdict.passed == (color != "red")
    assert color == "unknown" or check_named(verdict, name).todo


def test_guessed_scale_says_how_to_mend_it() -> None:
    verdict = judged(replace(make_scene(), scale={"source": "guess", "relative_sigma": 0.35}))
    check = check_named(verdict, "scale")
    assert check.color == "amber"
    assert "scan2sim scale test/scene --length" in check.todo
    assert "factor of 2.5" in check.reason  # 1.35³


def test_contradicted_scale_is_amber_and_says_by_what() -> None:
    depth = {"source": "depth", "factor": 1.0, "relative_sigma": 0.008, "used": True, "details": ""}
    tag = {"source": "marker", "factor": 1.25, "relative_sigma": 0.003, "used": False, "details": "a tag"}
    scale = {"source": "depth", "relative_sigma": 0.008, "evidence": [depth]}
    assert check_named(judged(replace(make_scene(), scale=scale)), "scale").color == "green"
    against = check_named(judged(replace(make_scene(), scale={**scale, "evidence": [depth, tag]})), "scale")
    assert against.color == "amber"
    assert "contradicted by marker, which makes everything 1.25 times as large" in against.reason
    assert "check the sizes that were stated" in against.todo
    close = {**scale, "evidence": [depth, {**tag, "factor": 1.01}]}
    assert check_named(judged(replace(make_scene(), scale=close)), "scale").color == "green"


def test_a_tilted_support_is_said() -> None:
    gravity = {"source": "imu", "sigma_deg": 0.3, "support_tilt_deg": 7.04}
    check = check_named(judged(replace(make_scene(), gravity=gravity)), "gravity")
    assert check.color == "green"
    assert "the support is tilted by 7.0°" in check.reason


def test_lost_corrections_are_amber_and_named() -> None:
    corrected = replace(make_scene(), corrections=({"kind": "scale", "factor": 2.0}, {"kind": "delete"}))
    assert check_named(judged(corrected), "corrections").color == "green"
    record = BuildRecord("test", Path("test"), Path("test/scene"), corrected, "", (), (), (), (), ())
    lost = replace(corrected, quality=FIGURES | {"corrections_lost": ["scale: it was made on other photos"]})
    check = check_named(judge(replace(record, scene=lost), GateConfig()), "corrections")
    assert (check.color, check.value) == ("amber", 1.0)
    assert "1 of 2 corrections" in check.reason
    assert "made on other photos" in check.reason


def test_objects_are_judged() -> None:
    scene = make_scene()
    box, ball, bowl = scene.objects
    opened = trimesh.Trimesh(box.visual.vertices, box.visual.faces[1:], process=False)
    verdict = judged(replace(scene, objects=(replace(box, visual=opened), ball, bowl)))
    assert check_named(verdict, "closed meshes").color == "red"
    assert "box" in check_named(verdict, "closed meshes").reason

    verdict = judged(replace(scene, objects=(box, replace(ball, unseen_fraction=0.7), bowl)))
    assert check_named(verdict, "unseen surface").color == "amber"
    assert "70% of ball" in check_named(verdict, "unseen surface").reason

    verdict = judged(replace(scene, objects=(box, ball, replace(bowl, collision=()))))
    assert check_named(verdict, "collision").color == "red"

    verdict = judged(replace(scene, objects=(replace(box, gaussians=box.gaussians[:3]), ball, bowl)))
    assert check_named(verdict, "visible objects").color == "amber"
    assert "hardly any splats: box" in check_named(verdict, "visible objects").reason

    wide = replace(ball.physical, mass=replace(ball.physical.mass, low=0.01, high=0.5))
    verdict = judged(replace(scene, objects=(box, replace(ball, physical=wide), bowl)))
    assert check_named(verdict, "mass interval").color == "amber"
    assert check_named(verdict, "mass interval").value == pytest.approx(50)

    verdict = judged(replace(scene, objects=()))
    assert check_named(verdict, "objects").color == "amber"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(["held_out_psnr", "registered", "settle_drift_mm", "reprojection_px"]),
    st.floats(0, 50),
    st.floats(0, 50),
)
def test_worse_figures_never_look_better(figure: str, a: float, b: float) -> None:
    high_is_good = figure in ("held_out_psnr", "registered")
    better, worse = (max(a, b), min(a, b)) if high_is_good else (min(a, b), max(a, b))
    bare = replace(make_scene(), objects=make_scene().objects[:1])
    ranks = [ORDER.index(judged(bare, **{figure: value}).color) for value in (better, worse)]
    assert ranks[0] <= ranks[1]


def test_build_and_scene_folders(tmp_path: Path) -> None:
    build = make_build(tmp_path / "build")
    verdict = gate(build)
    assert verdict.color == "green"
    data = json.loads(json.dumps(verdict.as_dict()))
    assert data["passed"] is True
    assert {check["name"] for check in data["checks"]} == {check.name for check in verdict.checks}
    assert gate(build / "scene").color == "green"


def test_strictness_is_configurable(tmp_path: Path) -> None:
    build = make_build(tmp_path / "build")
    assert gate(build, GateConfig(psnr_red=30, psnr_amber=35)).color == "red"


def test_build_without_scene_is_red(tmp_path: Path) -> None:
    verdict = gate(make_build(tmp_path / "build", with_scene=False))
    assert not verdict.passed
    assert check_named(verdict, "scene").color == "red"


def test_scene_that_was_never_measured_is_not_green(tmp_path: Path) -> None:
    save_scene(replace(make_scene(), quality={}, cameras=(), images=()), tmp_path / "scene")
    verdict = gate(tmp_path / "scene")
    assert verdict.color == "amber"
    assert check_named(verdict, "held-out PSNR").reason == "not measured"


def test_folders_that_are_no_build(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="neither a build"):
        gate(tmp_path)
    with pytest.raises(SceneError, match="no such folder"):
        gate(tmp_path / "absent")


def test_value_is_the_figure_itself() -> None:
    assert check_named(judged(reprojection_px=1.75), "reprojection error").value == pytest.approx(1.75)
    assert np.sign(check_named(judged(settle_drift_mm=0.0), "settling drift").value) == 0
