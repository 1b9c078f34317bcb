"""A build folder is read leniently: whatever is missing or damaged is missing in the record, nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import SceneError
from scan2sim.files import write_json
from scan2sim.report.record import inside, read_build
from tests.report.build_folder import folder_of, make_build

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["stage", "seconds", "peak_memory_mib", "figures", "warnings", "config", "versions", "dropped"])


def test_whole_build(tmp_path: Path) -> None:
    record = read_build(make_build(tmp_path / "tabletop"))
    assert record.name == "tabletop"
    assert [stage.name for stage in record.stages] == ["capture", "poses", "splats", "objects"]
    assert record.stages[2].seconds == pytest.approx(67.5)
    assert record.number("held_out_psnr") == pytest.approx(26.3)
    assert record.number("no such figure") is None
    assert [pair.psnr for pair in record.held_out] == pytest.approx([26.1, 26.5])
    assert record.dropped == (("notes.jpg", "not a picture: its first bytes are text"),)
    assert record.marked == (("IMG_0003.jpg", "blurred, dark"),)
    assert record.unregistered == ("IMG_0007.jpg",)
    assert record.scene is not None
    assert len(record.scene.objects) == 3


def test_damaged_files_are_as_good_as_absent(tmp_path: Path) -> None:
    build = make_build(tmp_path / "build", with_scene=False)
    for file in build.glob("*/*.json"):
        file.write_text("{ not json")
    (build / "03-splats" / "held-out" / "held-out.json").write_text("[1, null, {}]")
    record = read_build(build)
    assert [stage.name for stage in record.stages] == ["capture", "poses", "splats", "objects"]
    assert record.stages[0].seconds is None
    assert record.held_out == ()
    assert record.dropped == ()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.dictionaries(KEYS, ANY_JSON) | ANY_JSON)
def test_any_json_is_survived(tmp_path_factory: pytest.TempPathFactory, data: object) -> None:
    build = tmp_path_factory.mktemp("any")
    write_json(folder_of(build, 1, "capture") / "stage.json", data)
    write_json(build / "01-capture" / "capture.json", data)
    record = read_build(build)
    assert len(record.stages) == 1
    assert all(isinstance(warning, str) for warning in record.stages[0].warnings)


def test_damaged_scene_is_an_error(tmp_path: Path) -> None:
    build = make_build(tmp_path / "build")
    (build / "scene" / "scene.json").write_text("{}")
    with pytest.raises(SceneError):
        read_build(build)


def test_files_outside_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "file").write_text("y")
    assert inside(folder, "file") == folder / "file"
    for name in ("../secret", "link", str(tmp_path / "secret"), "", "absent", ".", "a\0b", None, 3, ["file"]):
        assert inside(folder, name) is None, name
