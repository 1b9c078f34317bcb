"""PLY files: what is written comes back; what is damaged is refused with the file's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import OutputError, SceneError
from scan2sim.splats import read_ply, write_ply
from tests.splats.scenes import PARAMETERS, blob


def ply(tmp_path: Path, header: str, data: bytes = b"") -> Path:
    path = tmp_path / "splats.ply"
    path.write_bytes(header.encode() + data)
    return path


def header(count: int | str = 0, names: list[str] | None = None, form: str = "binary_little_endian") -> str:
    names = names or [
        *("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"),
        *("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
    ]
    properties = "".join(f"property float {name}\n" for name in names)
    return f"ply\nformat {form} 1.0\nelement vertex {count}\n{properties}end_header\n"


@settings(max_examples=30, deadline=None, derandomize=True)
@given(count=st.integers(0, 20), degree=st.integers(0, 3), ids=st.booleans(), seed=st.integers(0, 99))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, count: int, degree: int, ids: bool, seed: int) -> None:
    scene = blob(count, degree, seed=seed)
    if ids:
        scene = scene.with_ids(torch.arange(count, dtype=torch.int32) * 1000 - 3)
    path = tmp_path_factory.mktemp("ply") / "splats.ply"
    write_ply(scene, path)
    found = read_ply(path)
    for name in PARAMETERS:
        assert torch.equal(getattr(found, name), getattr(scene, name)), name
    assert (found.object_ids is None) == (not ids)
    if ids:
        assert scene.object_ids is not None
        assert torch.equal(found.object_ids, scene.object_ids)  # pyright: ignore[reportArgumentType]


def test_layout_is_that_of_inria(tmp_path: Path) -> None:
    scene = blob(2)
    path = tmp_path / "splats.ply"
    write_ply(scene, path)
    text, _, data = path.read_bytes().partition(b"end_header\n")
    names = [line.split()[-1] for line in text.decode().splitlines() if line.startswith("property")]
    assert names[:10] == ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "f_rest_0"]
    assert names[-8:] == ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    rows = np.frombuffer(data, "<f4").reshape(2, 62)
    assert rows[1, names.index("f_rest_15")] == scene.sh[1, 1, 1]  # channel by channel: 15 of red, then green
    assert rows[1, names.index("rot_0")] == scene.quats[1, 0]
    assert rows[1, names.index("opacity")] == scene.opacity_logits[1]


def test_any_order_and_other_types(tmp_path: Path) -> None:
    text = (
        "ply\r\nformat binary_little_endian 1.0\r\ncomment made elsewhere\r\nelement vertex 1\r\nproperty uchar red\r\n"
        + "".join(f"property double rot_{i}\r\n" for i in (3, 2, 1, 0))
        + "".join(f"property float {n}\r\n" for n in ("opacity", "z", "y", "x", "f_dc_2", "f_dc_1", "f_dc_0"))
        + "".join(f"property float scale_{i}\r\n" for i in range(3))
        + "element face 1\r\nproperty list uchar int vertex_indices\r\nend_header\r\n"
    )
    data = b"\xff" + np.array([4, 3, 2, 1], "<f8").tobytes() + np.arange(10, dtype="<f4").tobytes() + b"\0\1\2\3"
    found = read_ply(ply(tmp_path, text, data))
    assert found.quats.tolist() == [[1, 2, 3, 4]]
    assert found.means.tolist() == [[3, 2, 1]]
    assert found.sh.tolist() == [[[6, 5, 4]]]
    assert found.log_scales.tolist() == [[7, 8, 9]]
    assert found.object_ids is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "header does not end"),
        ("plx\nend_header\n", "does not begin"),
        ("ply\n" + "comment x\n" * 10000, "header does not end"),
        (header(form="ascii"), "format ascii"),
        (header(form="binary_big_endian"), "format binary_big_endian"),
        (header(1), "cut off"),
        (header(100_000_000), "cut off"),
        (header(100_000_001), "element count"),
        (header("-1"), "element count"),
        (header("1e3"), "element count"),
        (header("²"), "element count"),
        (header("9" * 30), "element count"),
        (header(names=["x", "y", "z"]), "f_dc_0, f_dc_1"),
        (header().replace("property float y\n", "property float x\n"), "twice"),
        (header().replace("property float y\n", "property string y\n"), "unknown type"),
        (header().replace("property float y\n", "property list uchar float y\n"), "lists"),
        (header().replace("property float y\n", "property\n"), "not understood"),
        (header().replace("property float y\n", "property float y\nproperty float f_rest_0\n"), "f_rest"),
        (header().replace("element vertex", "element face"), "no “element vertex”|not understood"),
        (
            header().replace("end_header\n", "".join(f"property char p{i}\n" for i in range(300)) + "end_header\n"),
            "314",
        ),
    ],
)
def test_damaged_headers(tmp_path: Path, text: str, message: str) -> None:
    path = ply(tmp_path, text)
    with pytest.raises(SceneError, match=message) as error:
        read_ply(path)
    assert str(path) in str(error.value)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data())
def test_mutated_files_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("ply") / "splats.ply"
    write_ply(blob(2, degree=1), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(len(content) - 1, 700)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path.write_bytes(content)
    try:
        found = read_ply(path)
    except SceneError:
        return
    assert all(torch.isfinite(getattr(found, name)).all() for name in PARAMETERS)


def test_truncated_and_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "splats.ply"
    scene = blob(5)
    write_ply(scene, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(SceneError, match="cut off"):
        read_ply(path)
    scene.means[1, 2] = torch.nan
    scene.sh[4, 3, 1] = torch.inf
    scene.sh[4, 2, 1] = torch.nan
    write_ply(scene, path)
    with pytest.raises(SceneError, match="2 of 5 Gaussians"):
        read_ply(path)


def test_object_ids_must_be_whole_numbers(tmp_path: Path) -> None:
    text = header(1).replace("end_header", "property float object_id\nend_header")
    with pytest.raises(SceneError, match="object_id"):
        read_ply(ply(tmp_path, text, bytes(15 * 4)))


def test_paths_that_do_not_work(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="No such file"):
        read_ply(tmp_path / "none.ply")
    with pytest.raises(SceneError, match="directory"):
        read_ply(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_ply(blob(1), tmp_path / "file" / "splats.ply")


def test_opacities_of_converters_may_be_infinite(tmp_path: Path) -> None:
    """Niantic's writes the logits of the bytes 0 and 255 as they are."""
    scene = blob(3)
    scene.opacity_logits[:2] = torch.tensor([torch.inf, -torch.inf])
    write_ply(scene, tmp_path / "splats.ply")
    found = read_ply(tmp_path / "splats.ply").opacities
    assert found[:2].tolist() == pytest.approx([1 - 1e-6, 1e-6], abs=1e-7)
    scene.opacity_logits[0] = torch.nan
    write_ply(scene, tmp_path / "splats.ply")
    with pytest.raises(SceneError, match="1 of 3 Gaussians"):
        read_ply(tmp_path / "splats.ply")
