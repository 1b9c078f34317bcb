"""Stages that other programs wrote, and what is said of them."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from scan2sim.errors import ExportError
from scan2sim.export import check

GOOD = """#usda 1.0
(
    defaultPrim = "World"
    metersPerUnit = 1
    upAxis = "Z"
)
def Xform "World"
{
    def PhysicsScene "Scene" { }
    def Cube "Ground" ( prepend apiSchemas = ["PhysicsCollisionAPI"] )
    {
        double size = 0.2
        double3 xformOp:translate = (0, 0, -0.1)
        uniform token[] xformOpOrder = ["xformOp:translate"]
    }
    def Cube "Box" ( prepend apiSchemas = ["PhysicsRigidBodyAPI", "PhysicsCollisionAPI", "PhysicsMassAPI"] )
    {
        double size = 0.1
        float physics:mass = 0.2
        double3 xformOp:translate = (0, 0, 0.05)
        uniform token[] xformOpOrder = ["xformOp:translate"]
    }
}
"""


def stage(folder: Path, text: str) -> Path:
    path = folder / "theirs.usda"
    path.write_text(text)
    return path


def test_a_sound_stage_passes(tmp_path: Path) -> None:
    figures = check(stage(tmp_path, GOOD))
    assert figures["kind"] == "usd"
    assert figures["problems"] == []
    assert figures["passed"]
    assert figures["bodies"] == ["/World/Box"]
    assert figures["collision_pieces"] == 2
    if find_spec("ovphysx") is None:
        assert figures["physx"].startswith("not stepped")
    else:
        assert figures["physx"]["moved_m"]["/World/Box"] < 1e-3


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    wrong = GOOD.replace("float physics:mass = 0.2\n", "").replace('    defaultPrim = "World"\n', "")
    wrong = wrong.replace('"Ground" ( prepend apiSchemas = ["PhysicsCollisionAPI"] )', '"Ground"')
    wrong = wrong.replace('["PhysicsRigidBodyAPI", "PhysicsCollisionAPI", "PhysicsMassAPI"]', '["PhysicsRigidBodyAPI"]')
    figures = check(stage(tmp_path, wrong.replace('def PhysicsScene "Scene" { }', "")))
    said = "\n".join(figures["problems"])
    assert not figures["passed"]
    assert "/World/Box: a rigid body without anything that collides" in said
    assert "/World/Box: no mass and no density" in said
    assert "no default prim" in said
    assert figures["physx"] == "not stepped: it has no PhysicsScene"


def test_what_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.usda").write_text('#usda 1.0\ndef "A" {}\n')
    (tmp_path / "asset").mkdir()
    text = GOOD.replace('def PhysicsScene "Scene" { }', 'def "A" ( references = @../outside.usda@ ) { }')
    with pytest.raises(ExportError, match="outside its folder"):
        check(stage(tmp_path / "asset", text))


def test_what_is_no_usd_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="not a USD layer"):
        check(stage(tmp_path, "hello"))
    with pytest.raises(ExportError, match="nested too deeply"):
        check(stage(tmp_path, "#usda 1.0\n" + "(" * 100_000))
    (tmp_path / "packed.usdz").write_bytes(b"PK")
    with pytest.raises(ExportError, match="unpack it"):
        check(tmp_path / "packed.usdz")
