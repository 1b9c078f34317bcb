# pyright: reportAttributeAccessIssue=false
"""Cousins as variants of a stage: each one chosen is the cousin, in USD, MuJoCo and PhysX."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pxr import Usd, UsdGeom, UsdPhysics, UsdUtils

from scan2sim.cousins import CousinsConfig, sample
from scan2sim.errors import ExportError
from scan2sim.export.usd import check_usd, read_usd, step_physx, write_usd
from scan2sim.export.usd.parity import compare_cousins
from scan2sim.scene import Scene
from scan2sim.sim import settle, settled_scene
from scan2sim.splats import rotate_gaussians
from tests.export.usd.scenes import needs_physx, settled
from tests.export.usd.test_round_trip import assert_same


def moved_and_heavier() -> Scene:
    return sample(settled(), 0.6, np.random.default_rng(1), CousinsConfig(vary=("layout", "physics"))).scene


def reshaped() -> Scene:
    return sample(settled(), 0.6, np.random.default_rng(2), CousinsConfig(vary=("shape", "layout"))).scene


def with_other_things() -> Scene:
    """The ball is another one of another name, there is one thing more, and the background moved."""
    scene = settled()
    box, ball, bowl = scene.objects
    more = replace(box, id=9, name="clutter-9", position=box.position + np.array([0.0, 0.15, 0.0]))
    shift = np.eye(4)
    shift[0, 3] = 0.001
    other = replace(
        scene,
        objects=(box, replace(ball, name="ball-2"), bowl, more),
        background=rotate_gaussians(scene.background, shift),
        supports=scene.supports[:1],
        provenance={"cousin": {"slider": 0.5}},
    )
    return settled_scene(other)[0]


@pytest.fixture(scope="module")
def cousins() -> dict[str, Scene]:
    return {"0000": moved_and_heavier(), "0001": reshaped(), "0002": with_other_things()}


@pytest.fixture(scope="module")
def stage(cousins: dict[str, Scene], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_usd(settled(), tmp_path_factory.mktemp("usd") / "out", "table", cousins=iter(cousins.items()))


def test_each_variant_is_its_cousin_and_the_twin_is_chosen(stage: Path, cousins: dict[str, Scene]) -> None:
    assert_same(read_usd(stage), settled())
    assert_same(read_usd(stage, "twin"), settled())
    for name, cousin in cousins.items():
        found = read_usd(stage, name)
        assert_same(found, cousin)
        assert {obj.name for obj in found.objects} == {obj.name for obj in cousin.objects}
    opened = Usd.Stage.Open(str(stage))
    choice = opened.GetDefaultPrim().GetVariantSet("cousin")
    assert choice.GetVariantSelection() == "twin"
    assert set(choice.GetVariantNames()) == {"twin", *cousins}
    with pytest.raises(ExportError, match="no cousin “0009”"):
        read_usd(stage, "0009")


def test_what_did_not_change_is_not_written_again(stage: Path) -> None:
    home = stage.parent / "cousins"
    assert not (home / "0000").exists(), "poses, masses and frictions stand in the stage itself"
    assert {path.name for path in (home / "0001").glob("*.usdc")} == {"box.usdc", "ball.usdc", "bowl.usdc"}
    assert {path.name for path in (home / "0002").glob("*.usdc")} == {
        "ball_2.usdc",
        "clutter_9.usdc",
        "background.usdc",
    }
    layers, _, missing = UsdUtils.ComputeAllDependencies(str(stage.parents[2] / "table.usdz"))
    assert not missing
    assert sum("cousins" in layer.identifier for layer in layers) == 6


def test_engines_get_their_own_terms_in_each_variant(stage: Path, cousins: dict[str, Scene]) -> None:
    """Enabling PhysX is stronger than what a variant refers to: the background yields to the objects' friction."""
    for name, cousin in cousins.items():
        opened = Usd.Stage.Open(str(stage))
        sets = opened.GetDefaultPrim().GetVariantSets()
        sets.SetSelection("cousin", name)
        sets.SetSelection("PhysX", "Enabled")
        ground = UsdPhysics.MaterialAPI(opened.GetPrimAtPath("/table/Background/Materials/Contact"))
        assert ground.GetStaticFrictionAttr().Get() == 0
        bodies = [prim for prim in opened.Traverse() if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
        assert len(bodies) == len(cousin.objects)
        for body in bodies:
            assert "PhysxRigidBodyAPI" in body.GetPrimTypeInfo().GetAppliedAPISchemas()
            for piece in body.GetChild("Collision").GetChildren():
                assert UsdGeom.Mesh(piece)
                assert "PhysxCollisionAPI" in piece.GetPrimTypeInfo().GetAppliedAPISchemas()


def test_the_check_opens_cousins_too(stage: Path) -> None:
    folder = stage.parents[2]
    figures = check_usd(folder)
    assert figures["passed"], figures["problems"]
    assert (figures["cousins"], figures["cousins_checked"]) == (3, 3)


def test_what_is_not_as_the_record_says_is_named(stage: Path) -> None:
    record = json.loads((stage.parents[2] / "export.json").read_text())
    seen = {
        name: {
            "bodies": {obj["name"]: obj | {"pieces": told["parts"][obj["name"]]} for obj in told["objects"]},
            "settled": {obj["name"]: {key: obj[key] for key in ("position", "wxyz")} for obj in told["objects"]},
            "gaussians": told["gaussians"],
        }
        for name, told in record["cousins"].items()
    }
    assert compare_cousins(record, seen) == []
    seen["0000"]["bodies"]["box"] |= {"mass": 9.0}
    x, y, z = seen["0001"]["settled"]["ball"]["position"]
    seen["0001"]["settled"]["ball"]["position"] = [x + 0.03, y, z]
    seen["0005"] = seen.pop("0002")
    found = compare_cousins(record, seen)
    assert [text.split(" instead")[0] for text in found] == [
        "0002: there is no such cousin",
        "cousin 0000: box: mass 9 kg",
        "cousin 0001: ball: drifts 30.0 mm in 2 s in MuJoCo",
        "0005: the record knows no such cousin",
    ]


@needs_physx
@pytest.mark.parametrize("name", ["0001", "0002"])
def test_physx_steps_a_variant_as_mujoco_does(
    name: str, stage: Path, cousins: dict[str, Scene], tmp_path: Path
) -> None:
    over = f'#usda 1.0\n(\n defaultPrim = "table"\n subLayers = [@{stage}@]\n)\n'
    chosen = tmp_path / "chosen.usda"
    chosen.write_text(over + f'over "table" (\n variants = {{\n  string cousin = "{name}"\n }}\n)\n{{\n}}\n')
    opened = Usd.Stage.Open(str(chosen))
    assert len(opened.GetDefaultPrim().GetFilteredChildren(Usd.PrimIsDefined)) > len(cousins[name].objects)
    found = step_physx(chosen, "/table/PhysicsScene")["bodies"]
    rested = settle(cousins[name])
    assert len(found) == len(cousins[name].objects)
    for obj in cousins[name].objects:
        body = found[f"/table/{obj.name.replace('-', '_')}"]
        assert body["mass"][0] == pytest.approx(obj.physical.mass.value, rel=1e-4)
        assert body["position"] == pytest.approx(obj.position, abs=1e-5)
        assert np.linalg.norm(np.subtract(body["after"]["position"], rested.objects[obj.name].position)) < 0.003


@pytest.mark.parametrize("name", ["twin", "A B", "../x", ""])
def test_names_that_no_variant_can_have(name: str, tmp_path: Path) -> None:
    def one() -> Iterator[tuple[str, Scene]]:
        yield name, settled()

    with pytest.raises(ExportError, match="no new name"):
        write_usd(settled(), tmp_path / "out", cousins=one())
    assert not (tmp_path / "out").exists()
