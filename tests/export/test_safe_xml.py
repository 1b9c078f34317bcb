import os
from pathlib import Path

import pytest

from scan2sim.errors import ExportError
from scan2sim.export.safe_xml import refuse_unsafe_model

GOOD = '<mujoco><compiler meshdir="assets"/><asset><mesh file="a.obj"/></asset></mujoco>'


def test_a_harmless_model_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "scene.xml").write_text("<!-- hello -->" + GOOD)
    refuse_unsafe_model(tmp_path / "scene.xml")


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><mujoco model="&a;"/>',
        "<!doctype x><mujoco/>",
        '<mujoco><include file="other.xml"/></mujoco>',
        '<mujoco><extension><plugin plugin="x"/></extension></mujoco>',
        '<mujoco><asset><model name="m" file="other.xml"/></asset></mujoco>',
        GOOD.replace("a.obj", "/etc/passwd"),
        GOOD.replace("a.obj", "../a.obj"),
        GOOD.replace("a.obj", "..\\a.obj"),
        GOOD.replace('"assets"', '"../assets"'),
        GOOD.replace('"assets"', '"/tmp"'),
        '<mujoco><asset><texture fileup="/etc/passwd"/></asset></mujoco>',
        "<mujoco>",
        "",
    ],
)
def test_what_reaches_out_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "scene.xml").write_text(text)
    with pytest.raises(ExportError, match=r"scene\.xml"):
        refuse_unsafe_model(tmp_path / "scene.xml")


def test_other_encodings_do_not_hide_anything(tmp_path: Path) -> None:
    (tmp_path / "scene.xml").write_bytes("<!DOCTYPE x><mujoco/>".encode("utf-16"))
    with pytest.raises(ExportError, match="UTF-8"):
        refuse_unsafe_model(tmp_path / "scene.xml")


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model" / "assets").mkdir(parents=True)
    (tmp_path / "secret.obj").write_text("v 0 0 0")
    os.symlink(tmp_path / "secret.obj", tmp_path / "model" / "assets" / "a.obj")
    (tmp_path / "model" / "scene.xml").write_text(GOOD)
    with pytest.raises(ExportError, match="outside"):
        refuse_unsafe_model(tmp_path / "model" / "scene.xml")
