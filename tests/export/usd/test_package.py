# pyright: reportAttributeAccessIssue=false
"""What lies in the folder, as OpenUSD itself reads it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image
from pxr import Usd, UsdGeom, UsdPhysics, UsdSemantics, UsdShade, UsdValidation

from scan2sim.bodies import is_convex
from scan2sim.errors import ExportError, SceneError
from scan2sim.export.usd import write_usd
from scan2sim.export.usd.hulls import simple_parts
from scan2sim.export.usd.meshes import read_mesh
from scan2sim.export.usd.names import file_stem, identifiers
from scan2sim.sim import CONTACT
from tests.export.usd.scenes import settled, with_all_kinds
from tests.scene.factory import make_scene


@pytest.fixture(scope="module")
def stage_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_usd(with_all_kinds(), tmp_path_factory.mktemp("usd") / "out", "Small Table")


@pytest.fixture
def stage(stage_path: Path) -> Usd.Stage:
    return Usd.Stage.Open(str(stage_path))


def test_the_folder_is_shaped_as_simready_wants(stage_path: Path) -> None:
    home = stage_path.parent
    assert stage_path.parts[-3:] == ("small_table", "usd", "small_table.usda")
    assert [p.name for p in home.glob("*.usd*")] == ["small_table.usda"]
    assert {p.name for p in (home / "objects").glob("*.usdc")} == {
        "background.usdc",
        "box.usdc",
        "ball.usdc",
        "bowl.usdc",
    }
    assert {p.name for p in (home / "runnables/physics").iterdir()} == {"physx.usda", "newton.usda", "mujoco.usda"}
    with Image.open(home / ".thumbs/256x256/small_table.usda.png") as picture:
        assert max(picture.size) == 256
        assert np.asarray(picture).std() > 5
    assert str(stage_path.parents[3]) not in stage_path.read_text()


def test_openusd_finds_no_error_in_the_stage_nor_in_the_package(stage_path: Path) -> None:
    context = UsdValidation.ValidationContext(UsdValidation.ValidationRegistry().GetOrLoadAllValidators())
    prims = []
    for path in (stage_path, stage_path.parents[2] / "small_table.usdz"):
        stage = Usd.Stage.Open(str(path))
        assert [e.GetMessage() for e in context.Validate(stage)] == []
        prims.append([str(prim.GetPath()) for prim in stage.Traverse()])
    assert prims[0] == prims[1]


def test_units_and_what_is_known_are_stated(stage: Usd.Stage) -> None:
    assert UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z
    assert UsdGeom.GetStageMetersPerUnit(stage) == UsdPhysics.GetStageKilogramsPerUnit(stage) == 1.0
    data = stage.GetRootLayer().customLayerData
    assert data["scan2sim"]["scale_source"] == "length"
    assert data["scan2sim"]["scale_relative_sigma"] == 0.01
    assert json.loads(data["scan2sim"]["scene"])["provenance"] == {"made_by": "tests/scene/factory.py"}
    assert data["SimReady_Metadata"]["rigid_body_count"] == 3


def test_bodies_have_the_objects_frames_masses_and_kinds(stage: Usd.Stage) -> None:
    for obj in with_all_kinds().objects:
        prim = stage.GetPrimAtPath(f"/small_table/{obj.name}")
        matrix = np.array(UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(Usd.TimeCode.Default())).T
        assert matrix == pytest.approx(obj.world_from_object, abs=1e-7)
        assert UsdPhysics.RigidBodyAPI(prim).GetKinematicEnabledAttr().Get() == (obj.mobility == "fixed")
        mass = UsdPhysics.MassAPI(prim)
        assert mass.GetMassAttr().Get() == pytest.approx(obj.physical.mass.value, rel=1e-6)
        quaternion = mass.GetPrincipalAxesAttr().Get()
        axes = np.array(UsdGeom.Xformable(prim).GetLocalTransformation().SetRotate(quaternion))[:3, :3].T
        inertia = axes @ np.diag(mass.GetDiagonalInertiaAttr().Get()) @ axes.T
        assert inertia == pytest.approx(obj.physical.inertia, rel=1e-5, abs=1e-6 * np.abs(inertia).max())
        labels = UsdSemantics.LabelsAPI(prim, "class").GetLabelsAttr().Get()
        assert list(labels) == [obj.label.text]


def test_pieces_collide_as_hulls_with_their_objects_friction_and_are_not_drawn(stage: Usd.Stage) -> None:
    for obj in with_all_kinds().objects:
        pieces = stage.GetPrimAtPath(f"/small_table/{obj.name}/Collision").GetChildren()
        assert len(pieces) == sum(len(simple_parts(piece)) for piece in obj.collision)
        for prim in pieces:
            assert UsdPhysics.MeshCollisionAPI(prim).GetApproximationAttr().Get() == "convexHull"
            assert UsdGeom.Imageable(prim).ComputePurpose() == UsdGeom.Tokens.guide
            material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")
            friction = UsdPhysics.MaterialAPI(material).GetDynamicFrictionAttr().Get()
            assert friction == pytest.approx(obj.physical.friction.value)
    assert not [prim for prim in stage.Traverse() if prim.GetName() == "Splats" and _bound(prim)]


def _bound(prim: Usd.Prim) -> bool:
    """Is a material bound for drawing?  Splats bound to a surface are shaded as one."""
    return bool(UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0])


def test_each_engine_is_off_until_asked_for_and_then_has_its_own_words(stage_path: Path) -> None:
    expected = {"PhysX": "physx", "Newton": "newton:", "MuJoCo": "mjc:"}
    for engine, prefix in expected.items():
        stage = Usd.Stage.Open(str(stage_path))
        stage.SetEditTarget(stage.GetSessionLayer())
        sets = stage.GetDefaultPrim().GetVariantSets()
        assert sets.GetAllVariantSelections() == dict.fromkeys(expected, "Disabled")
        assert not _attributes(stage, tuple(expected.values()))
        sets.SetSelection(engine, "Enabled")
        others = tuple(p for name, p in expected.items() if name != engine)
        assert _attributes(stage, (prefix,))
        assert not _attributes(stage, others)
    assert (
        stage.GetPrimAtPath("/small_table/PhysicsScene").GetAttribute("mjc:option:timestep").Get() == CONTACT.timestep
    )


def _attributes(stage: Usd.Stage, prefixes: tuple[str, ...]) -> list[str]:
    found = [a.GetName() for prim in stage.Traverse() for a in prim.GetAuthoredAttributes()]
    return [name for name in found if name.startswith(prefixes)]


def test_light_is_estimated_or_said_not_to_be(tmp_path: Path, stage: Usd.Stage) -> None:
    assert "no estimate" in stage.GetRootLayer().customLayerData["scan2sim"]["light"]
    assert not stage.GetPrimAtPath("/small_table/Lights/Sun")
    sun = {"direction": [0.0, 0.6, -0.8], "color": [1.0, 0.9, 0.8], "intensity": 300.0, "spread_deg": 10.0}
    lit = replace(settled(), objects=(), light={"sun": sun, "dome": {"intensity": 500.0}})
    found = Usd.Stage.Open(str(write_usd(lit, tmp_path / "lit")))
    matrix = UsdGeom.Xformable(found.GetPrimAtPath("/scene/Lights/Sun")).GetLocalTransformation()
    shines = np.array(matrix).T[:3, :3] @ [0, 0, -1]  # a distant light shines along its -z
    assert shines == pytest.approx(sun["direction"], abs=1e-6)
    assert found.GetPrimAtPath("/scene/Lights/Sun").GetAttribute("inputs:angle").Get() == 20
    assert found.GetPrimAtPath("/scene/Lights/Dome").GetAttribute("inputs:intensity").Get() == 500


def test_pieces_with_too_many_corners_are_cut_into_parts_of_the_same_body(tmp_path: Path) -> None:
    ball = settled().objects[1]
    assert max(len(piece.vertices) for piece in ball.collision) > 64
    path = write_usd(replace(settled(), objects=(ball,)), tmp_path / "usd")
    stage = Usd.Stage.Open(str(path))
    parts = [read_mesh(prim) for prim in stage.GetPrimAtPath("/scene/ball/Collision").GetChildren()]
    assert json.loads((tmp_path / "usd" / "export.json").read_text())["parts"] == {"ball": len(parts)}
    assert 1 < len(parts) < 16
    for part in parts:
        assert is_convex(part)
        assert len(part.vertices) <= 64
        assert len(part.facets) + len(part.faces) - sum(map(len, part.facets)) <= 64
    assert sum(part.volume for part in parts) == pytest.approx(ball.collision[0].volume, rel=1e-5)
    together = trimesh.util.concatenate(parts).convex_hull
    assert together.volume == pytest.approx(ball.collision[0].volume, rel=1e-5)


def test_a_scene_that_is_not_consistent_leaves_nothing(tmp_path: Path) -> None:
    scene = make_scene()
    for broken in (
        replace(scene.objects[0], name="The box!"),
        replace(scene.objects[0], visual=scene.objects[0].visual.submesh([[0, 1]], append=True)),
        replace(scene.objects[0], collision=()),
    ):
        with pytest.raises(SceneError, match="not consistent"):
            write_usd(replace(scene, objects=(broken,)), tmp_path / "usd")
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_replaced_only_when_asked(tmp_path: Path) -> None:
    bare = replace(settled(), objects=(), scale={"source": "guess", "relative_sigma": None})
    path = write_usd(bare, tmp_path / "usd", "first")
    stage = Usd.Stage.Open(str(path))
    assert stage.GetRootLayer().customLayerData["scan2sim"]["scale_source"] == "guess"
    with pytest.raises(ExportError, match="exists already"):
        write_usd(bare, tmp_path / "usd")
    write_usd(bare, tmp_path / "usd", "second", overwrite=True)
    assert not (tmp_path / "usd" / "first").exists()


def test_names_become_identifiers() -> None:
    assert identifiers(["2-cups", "a-b", "a_b", "Background", "é"]) == {
        "2-cups": "_2_cups",
        "a-b": "a_b",
        "a_b": "a_b_2",
        "Background": "Background_2",
        "é": "_",
    }
    assert [file_stem(name) for name in ("My Table!", "…", "2nd", "con")] == [
        "my_table",
        "scene",
        "scene_2nd",
        "scene_con",
    ]
