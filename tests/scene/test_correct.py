import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.bodies import mass_properties
from scan2sim.errors import SceneError, UsageError
from scan2sim.scene import (
    Joint,
    append_corrections,
    apply_corrections,
    scale_factor_from_length,
    scale_factor_from_object,
    scale_scene,
    validate_scene,
)
from tests.scene.factory import make_scene

factors = st.floats(0.05, 20)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(s=factors)
def test_everything_scales_together(s: float) -> None:
    before = make_scene()
    after = scale_scene(before, s, relative_sigma=0.01)
    assert validate_scene(after) == ()
    assert after.background.means.numpy() == pytest.approx(before.background.means.numpy() * s, rel=1e-5, abs=1e-7)
    assert after.points == pytest.approx(before.points * s)
    assert after.supports[0].polygon == pytest.approx(before.supports[0].polygon * s)
    assert after.background_collision[0].extents == pytest.approx(before.background_collision[0].extents * s)
    for a, b in zip(before.objects, after.objects, strict=True):
        assert b.position == pytest.approx(a.position * s)
        assert b.gaussians.scales.numpy() == pytest.approx(a.gaussians.scales.numpy() * s, rel=1e-4)
        assert b.visual.volume == pytest.approx(a.visual.volume * s**3)
        density = b.physical.mass.value / b.visual.volume  # the same as before …
        assert density == pytest.approx(a.physical.mass.value / a.visual.volume)
        assert b.physical.volume.value == pytest.approx(b.visual.volume)
        solid = mass_properties(b.visual, density)  # … so mass and inertia are those of the larger mesh
        assert b.physical.mass.value == pytest.approx(solid.mass)
        assert b.physical.inertia == pytest.approx(solid.inertia, rel=1e-6, abs=1e-6 * np.abs(solid.inertia).max())
    for f, g in zip(before.cameras, after.cameras, strict=True):
        # what a camera sees stays where it is in the picture
        old, depth = f.camera.project(before.points)
        new, farther = g.camera.project(after.points)
        assert new == pytest.approx(old)
        assert farther == pytest.approx(depth * s)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(s=factors)
def test_there_and_back_is_where_it_was(s: float) -> None:
    scene = make_scene()
    sigma = scene.scale["relative_sigma"]
    back = scale_scene(scale_scene(scene, s, relative_sigma=sigma), 1 / s, relative_sigma=sigma)
    for a, b in zip(scene.objects, back.objects, strict=True):
        assert b.position == pytest.approx(a.position)
        assert b.visual.vertices == pytest.approx(np.asarray(a.visual.vertices))
        assert b.gaussians.means.numpy() == pytest.approx(a.gaussians.means.numpy(), abs=1e-6)
        assert b.physical.inertia == pytest.approx(a.physical.inertia, rel=1e-9, abs=1e-12)
        for name in ("mass", "volume"):
            x, y = getattr(a.physical, name), getattr(b.physical, name)
            assert (y.value, y.low, y.high) == pytest.approx((x.value, x.low, x.high))
    assert len(back.corrections) == 2


def test_a_measured_length_narrows_the_intervals() -> None:
    guessed = scale_scene(make_scene(), 1.0, relative_sigma=0.35)
    measured = scale_scene(guessed, 1.0, "length", 0.01)
    for before, wide, narrow in zip(make_scene().objects, guessed.objects, measured.objects, strict=True):
        assert wide.physical.mass.high > 5 * before.physical.mass.high
        assert narrow.physical.mass.high == pytest.approx(before.physical.mass.high)
        assert narrow.physical.volume.low == pytest.approx(before.physical.volume.low)
    assert (measured.scale["source"], measured.scale["relative_sigma"]) == ("length", 0.01)


def test_what_was_known_before_a_correction_stays_beside_it() -> None:
    tag = {"source": "marker", "factor": 1.0, "relative_sigma": 0.003, "used": True, "details": "a tag"}
    scene = replace(make_scene(), scale={"source": "marker", "relative_sigma": 0.003, "evidence": [tag]})
    corrected = scale_scene(scene, 1.25, "length", 0.01)
    before, own = corrected.scale["evidence"]
    assert (before["source"], before["factor"], before["used"]) == ("marker", pytest.approx(0.8), False)
    assert (own["source"], own["factor"], own["used"]) == ("length", 1.0, True)


def test_joints_scale_by_their_kind() -> None:
    scene = make_scene()
    hinge = Joint(0, "revolute", np.array([1.0, 2, 3]), np.array([0, 0, 1.0]), -1, 1, 0.5, 0.25)
    slide = replace(hinge, type="prismatic")
    objects = (
        replace(scene.objects[0], mobility="joint", joint=hinge),
        replace(scene.objects[1], mobility="joint", joint=slide),
        scene.objects[2],
    )
    first, second, _ = (o.joint for o in scale_scene(replace(scene, objects=objects), 2.0).objects)
    assert first is not None
    assert second is not None
    assert first.position.tolist() == [2, 4, 6]
    assert (first.lower, first.upper, first.damping, first.friction) == (-1, 1, 16, 4)
    assert (second.lower, second.upper, second.damping, second.friction) == (-2, 2, 4, 2)


def test_replaying_corrections_gives_the_corrected_scene() -> None:
    corrected = scale_scene(scale_scene(make_scene(), 0.5, "length", 0.02), 3.0)
    replayed = apply_corrections(make_scene(), corrected.corrections).scene
    assert replayed.corrections == corrected.corrections
    assert replayed.scale == corrected.scale
    for a, b in zip(corrected.objects, replayed.objects, strict=True):
        assert np.array_equal(a.position, b.position)
        assert a.physical.mass == b.physical.mass


@pytest.mark.parametrize("entry", [{"kind": "paint"}, {"kind": "scale"}, {"kind": "scale", "factor": "big"}, {}])
def test_corrections_that_cannot_be_replayed(entry: dict[str, object]) -> None:
    with pytest.raises(SceneError, match="correction"):
        apply_corrections(make_scene(), [entry])


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_impossible_factors(factor: float) -> None:
    with pytest.raises(UsageError, match="factor"):
        scale_scene(make_scene(), factor)


def test_corrections_are_appended(tmp_path: Path) -> None:
    append_corrections(tmp_path, [{"kind": "scale", "factor": 2.0}])
    append_corrections(tmp_path, [{"kind": "scale", "factor": 3.0}])
    assert [e["factor"] for e in json.loads((tmp_path / "corrections.json").read_text())] == [2.0, 3.0]
    (tmp_path / "corrections.json").write_text('{"kind": 1}')
    with pytest.raises(SceneError, match="not a list"):
        append_corrections(tmp_path, [{}])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(angle=st.floats(0, 3.1), yaw=st.floats(-3, 3), length=st.floats(0.01, 2))
def test_factor_from_a_known_box_however_it_lies(angle: float, yaw: float, length: float) -> None:
    twisted = trimesh.transformations.euler_matrix(angle, yaw, 0.4)
    box = trimesh.creation.box((0.03, 0.12, 0.05), twisted)
    lying = np.array([np.cos(angle / 2), np.sin(angle / 2), 0, 0])
    thing = replace(make_scene().objects[0], visual=box, wxyz=lying)
    assert scale_factor_from_object(length, thing) == pytest.approx(length / 0.12, rel=1e-6)
    upright = box.copy().apply_transform(trimesh.transformations.rotation_matrix(angle, [1, 0, 0]))
    assert scale_factor_from_object(length, thing, "height") == pytest.approx(length / upright.extents[2], rel=1e-6)
    with pytest.raises(UsageError, match="length"):
        scale_factor_from_object(-length, thing)


def test_factor_from_a_length() -> None:
    assert scale_factor_from_length(0.21, [0, 0, 0], [0, 0.3, 0.4]) == pytest.approx(0.42)
    with pytest.raises(UsageError, match="coincide"):
        scale_factor_from_length(0.21, [1, 2, 3], [1, 2, 3])
    for length in (0.0, -0.1, float("nan")):
        with pytest.raises(UsageError, match="length"):
            scale_factor_from_length(length, [0, 0, 0], [0, 0, 1])
