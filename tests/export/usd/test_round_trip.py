# pyright: reportAttributeAccessIssue=false
"""Scene → USD → scene: what USD can hold comes back."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pxr import Usd

from scan2sim.bodies import vertex_colors, vertices_seen
from scan2sim.errors import ExportError
from scan2sim.export.preview import picture
from scan2sim.export.usd import read_usd, write_usd
from scan2sim.export.usd.hulls import simple_parts
from scan2sim.export.usd.splats import read_splats
from scan2sim.export.usd.stage import write_stage
from scan2sim.geometry import quaternion_angle
from scan2sim.scene import Estimate, Joint, Scene, SceneObject, scene_gaussians, validate_scene, viewpoint
from scan2sim.splats import Gaussians, psnr
from tests.export.usd.scenes import settled, with_all_kinds


def random_gaussians(rng: np.random.Generator, count: int, degree: int) -> Gaussians:
    def normal(*shape: int) -> torch.Tensor:
        return torch.from_numpy(rng.normal(size=shape).astype(np.float32))

    return Gaussians(
        normal(count, 3), normal(count, 4), normal(count, 3) - 4, normal(count) * 3, normal(count, (degree + 1) ** 2, 3)
    )


def random_object(obj: SceneObject, rng: np.random.Generator, degree: int, kind: str) -> SceneObject:
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    sides = rng.uniform(0.01, 0.2, 3) ** 2
    mass = float(10 ** rng.uniform(-4, 2))
    value = float(rng.uniform(0.01, 2))
    wxyz = rng.normal(size=4)
    joint = None
    if kind in ("revolute", "prismatic"):
        axis = rng.normal(size=3)
        joint = Joint(0, kind, rng.normal(size=3), axis / np.linalg.norm(axis), -0.3, 0.7, 0.2, 0.1)
    return replace(
        obj,
        position=rng.normal(size=3),
        wxyz=wxyz / np.linalg.norm(wxyz),
        gaussians=random_gaussians(rng, int(rng.integers(0, 20)), degree),
        mobility="joint" if joint else kind,
        joint=joint,
        physical=replace(
            obj.physical,
            mass=Estimate(mass, mass / 2, mass * 3, "guess"),
            friction=Estimate(value, value / 3, value * 2, "material"),
            center_of_mass=rng.normal(size=3) / 100,
            inertia=turn @ np.diag(mass / 12 * (sides.sum() - sides)) @ turn.T,
        ),
    )


def assert_same_gaussians(found: Gaussians, expected: Gaussians) -> None:
    assert len(found) == len(expected)
    if not len(expected):
        return
    assert torch.equal(found.means, expected.means)
    assert torch.equal(found.sh, expected.sh)
    assert torch.allclose(found.scales, expected.scales, rtol=1e-5)
    assert torch.allclose(found.opacities, expected.opacities, atol=1e-6)
    assert torch.allclose(found.quats, torch.nn.functional.normalize(expected.quats), atol=1e-6)


def assert_same_object(found: SceneObject, expected: SceneObject) -> None:
    same = ("id", "name", "label", "mobility", "rests_on", "unseen_fraction", "figures")
    assert {key: getattr(found, key) for key in same} == {key: getattr(expected, key) for key in same}
    assert found.position == pytest.approx(expected.position, abs=1e-12)
    assert quaternion_angle(found.wxyz, expected.wxyz) < 1e-6
    for name in ("mass", "friction", "restitution", "volume"):
        a, b = getattr(found.physical, name), getattr(expected.physical, name)
        assert (a.low, a.high, a.source) == (b.low, b.high, b.source)
        assert a.value == pytest.approx(b.value, rel=1e-6)
    assert found.physical.center_of_mass == pytest.approx(expected.physical.center_of_mass, abs=1e-8)
    assert found.physical.inertia == pytest.approx(
        expected.physical.inertia, abs=1e-6 * np.abs(expected.physical.inertia).max()
    )
    assert_same_gaussians(found.gaussians, expected.gaussians)
    whole = [part for piece in expected.collision for part in simple_parts(piece)]
    for a, b in zip((found.visual, *found.collision), (expected.visual, *whole), strict=True):
        assert np.array_equal(a.faces, b.faces)
        assert a.vertices == pytest.approx(b.vertices, abs=1e-7)
    assert np.array_equal(vertex_colors(found.visual), vertex_colors(expected.visual))
    assert np.array_equal(vertices_seen(found.visual), vertices_seen(expected.visual))
    assert (found.texture is None) == (expected.texture is None)
    if expected.texture is not None and found.texture is not None:
        assert np.array_equal(found.texture.image, expected.texture.image)
        assert np.array_equal(found.texture.uv, expected.texture.uv)
    assert (found.joint is None) == (expected.joint is None)
    if expected.joint is not None and found.joint is not None:
        assert (found.joint.parent, found.joint.type) == (expected.joint.parent, expected.joint.type)
        for key in ("position", "axis", "lower", "upper", "damping", "friction"):
            assert getattr(found.joint, key) == pytest.approx(getattr(expected.joint, key), abs=2e-6)


def assert_same(found: Scene, expected: Scene) -> None:
    assert_same_gaussians(found.background, expected.background)
    for a, b in zip(found.background_collision, expected.background_collision, strict=True):
        assert np.array_equal(a.faces, b.faces)
        assert a.vertices == pytest.approx(b.vertices, abs=1e-7)
    for a, b in zip(found.objects, expected.objects, strict=True):
        assert_same_object(a, b)
    for a, b in zip(found.supports, expected.supports, strict=True):
        assert (a.name, a.object) == (b.name, b.object)
        assert np.array_equal(a.polygon, b.polygon)
        assert np.array_equal(a.position, b.position)
    for key in ("scale", "gravity", "light", "quality", "provenance"):
        assert getattr(found, key) == getattr(expected, key)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    degree=st.integers(0, 3),
    kinds=st.lists(st.sampled_from(["free", "fixed", "revolute", "prismatic"]), min_size=1, max_size=3),
    name=st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True).filter(
        lambda n: n not in ("ball", "bowl")
    ),
    sigma=st.none() | st.floats(0, 1),
)
def test_what_usd_holds_comes_back(seed: int, degree: int, kinds: list[str], name: str, sigma: float | None) -> None:
    rng = np.random.default_rng(seed)
    things = [random_object(obj, rng, degree, kind) for obj, kind in zip(settled().objects, kinds, strict=False)]
    scene = replace(
        settled(),
        objects=(replace(things[0], name=name, rests_on=None, unseen_fraction=float(rng.random())), *things[1:]),
        background=random_gaussians(rng, 30, degree),
        scale={"source": "guess", "relative_sigma": sigma},
    )
    assert validate_scene(scene) == ()
    with tempfile.TemporaryDirectory() as folder:
        assert_same(read_usd(write_stage(scene, Path(folder), "scene")), scene)


def test_splats_read_back_look_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scene = with_all_kinds()
    sh = torch.from_numpy(rng.normal(0, 0.2, (len(scene.background), 16, 3)).astype(np.float32))
    sh[:, :1] = scene.background.sh
    scene = replace(scene, background=replace(scene.background, sh=sh))
    found = read_usd(write_usd(scene, tmp_path / "usd"))
    assert_same(found, replace(scene, cameras=(), points=found.points, point_colors=found.point_colors))
    for camera in (frame.camera.resized(320, 240) for frame in scene.cameras):
        before, after = (picture(scene_gaussians(s).with_ids(None), camera) for s in (scene, found))
        assert before.std() > 0.05
        assert psnr(after, before) >= 50
    assert viewpoint(found, scene_gaussians(found)).intrinsics.width == 480


SPEC = """#usda 1.0
def ParticleField3DGaussianSplat "Floats"
{
    point3f[] positions = [(1, 2, 3), (4, 5, 6)]
    quatf[] orientations = [(1, 0, 0, 0), (0.5, 0.5, -0.5, 0.5)]
    float3[] scales = [(1, 0.5, 0.25), (0.1, 0.2, 0.3)]
    float[] opacities = [0.9, 0.25]
    uniform int radiance:sphericalHarmonicsDegree = 1
    float3[] radiance:sphericalHarmonicsCoefficients = [(1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12),
        (-1, -2, -3), (-4, -5, -6), (-7, -8, -9), (-10, -11, -12)] (
        elementSize = 4
        interpolation = "vertex"
    )
}
def ParticleField3DGaussianSplat "Halves"
{
    point3h[] positionsh = [(1, 2, 3)]
    quath[] orientationsh = [(0.5, 0.5, -0.5, 0.5)]
    half3[] scalesh = [(1, 0.5, 0.25)]
    half[] opacitiesh = [0.25]
    uniform int radiance:sphericalHarmonicsDegree = 0
    half3[] radiance:sphericalHarmonicsCoefficientsh = [(1, 2, 3)]
}
def ParticleField3DGaussianSplat "Torn"
{
    point3f[] positions = [(1, 2, 3)]
    quatf[] orientations = [(1, 0, 0, 0)]
    float3[] scales = [(1, 1, 1), (1, 1, 1)]
    float[] opacities = [1]
    uniform int radiance:sphericalHarmonicsDegree = 0
    float3[] radiance:sphericalHarmonicsCoefficients = [(1, 2, 3)]
}
"""


def test_splats_of_others_are_read_by_the_schema(tmp_path: Path) -> None:
    (tmp_path / "splats.usda").write_text(SPEC)
    stage = Usd.Stage.Open(str(tmp_path / "splats.usda"))
    found = read_splats(stage.GetPrimAtPath("/Floats"))
    assert found.quats[1].tolist() == [0.5, 0.5, -0.5, 0.5]
    assert found.scales[0].tolist() == pytest.approx([1, 0.5, 0.25])
    assert found.opacities.tolist() == pytest.approx([0.9, 0.25])
    assert found.sh[0, :, 0].tolist() == [1, 4, 7, 10]
    assert found.sh[1, 3].tolist() == [-10, -11, -12]
    halves = read_splats(stage.GetPrimAtPath("/Halves"))
    assert halves.quats[0].tolist() == [0.5, 0.5, -0.5, 0.5]
    assert halves.sh[0, 0].tolist() == [1, 2, 3]
    with pytest.raises(ExportError, match="do not fit"):
        read_splats(stage.GetPrimAtPath("/Torn"))
