"""Compressed PLY: within its steps of the original, as PlayCanvas writes it, and refused when it contradicts itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scan2sim.errors import OutputError, SceneError
from scan2sim.splats import Gaussians
from scan2sim.splats.formats import read_compressed_ply, write_compressed_ply
from scan2sim.splats.formats.morton import morton_order
from tests.splats.formats.gaussians import REFERENCE, angles, farthest, packable, reference_gaussians

HALF_STEP = torch.tensor([0.5 / 2047, 0.5 / 1023, 0.5 / 2047])
ROUNDING = 2e-6


def half_steps(values: Tensor) -> Tensor:  # (N, 3)
    """Half a step of each value's chunk."""
    chunks = [(part.amax(0) - part.amin(0)).expand_as(part) for part in values.split(256)]
    return torch.cat(chunks) * HALF_STEP + ROUNDING


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    count=st.sampled_from([1, 2, 255, 256, 257, 600]),
    degree=st.integers(0, 3),
    keep=st.booleans(),
    seed=st.integers(0, 99),
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, count: int, degree: int, keep: bool, seed: int) -> None:
    scene = packable(count, degree, seed)
    path = tmp_path_factory.mktemp("compressed") / "splats.compressed.ply"
    write_compressed_ply(scene, path, keep_order=keep)
    found = read_compressed_ply(path)
    if not keep:
        scene = scene[torch.from_numpy(morton_order(scene.means.numpy()))]
    assert ((found.means - scene.means).abs() <= half_steps(scene.means)).all()
    assert ((found.log_scales - scene.log_scales).abs() <= half_steps(scene.log_scales)).all()
    assert angles(found, scene).max() < 0.3
    assert farthest(found.opacities, scene.opacities) <= 0.5 / 255 + ROUNDING
    colors = scene.base_colors
    chunks = torch.cat([(part.amax(0) - part.amin(0)).expand_as(part) for part in colors.split(256)])
    assert ((found.base_colors - colors).abs() <= chunks * 0.5 / 255 + ROUNDING).all()
    assert farthest(found.sh[:, 1:], scene.sh[:, 1:]) <= 4 / 256 + ROUNDING
    assert found.object_ids is None


@settings(max_examples=30, deadline=None, derandomize=True)
@given(count=st.sampled_from([0, 1, 257, 500]), degree=st.integers(0, 3), seed=st.integers(0, 99))
def test_what_was_read_is_written_the_same(
    tmp_path_factory: pytest.TempPathFactory, count: int, degree: int, seed: int
) -> None:
    """All words and bytes; the chunks' bounds to rounding, as they are kept as coefficients in between."""
    folder = tmp_path_factory.mktemp("compressed")
    first, second = folder / "a.ply", folder / "b.ply"
    write_compressed_ply(packable(count, degree, seed), first, keep_order=True)
    write_compressed_ply(read_compressed_ply(first), second, keep_order=True)
    a, b = first.read_bytes(), second.read_bytes()
    assert len(a) == len(b)
    start = a.index(b"end_header\n") + 11
    chunks = -(-count // 256) * 18 * 4
    assert a[:start] == b[:start]
    assert a[start + chunks :] == b[start + chunks :]
    bounds = [np.frombuffer(data[start : start + chunks], "<f4") for data in (a, b)]
    assert bounds[1] == pytest.approx(bounds[0], abs=1e-6)


def test_nothing(tmp_path: Path) -> None:
    path = tmp_path / "none.compressed.ply"
    write_compressed_ply(Gaussians.empty(2), path)
    found = read_compressed_ply(path)
    assert (len(found), found.sh_degree) == (0, 2)


def test_as_playcanvas_writes_it(tmp_path: Path) -> None:
    scene = reference_gaussians()
    found = read_compressed_ply(REFERENCE / "playcanvas.compressed.ply")[torch.tensor([2, 1, 0])]
    assert ((found.means - scene.means).abs() <= half_steps(scene.means)).all()
    assert ((found.log_scales - scene.log_scales).abs() <= half_steps(scene.log_scales)).all()
    assert farthest(found.sh[:, 1:], scene.sh[:, 1:]) <= 4 / 256 + ROUNDING
    assert farthest(found.base_colors, scene.base_colors) <= 0.5 / 255 + ROUNDING
    assert angles(found, scene).max() < 0.3
    path = tmp_path / "ours.compressed.ply"
    write_compressed_ply(scene[torch.tensor([2, 1, 0])], path, keep_order=True)
    ours, theirs = (p.read_bytes().partition(b"end_header\n") for p in (path, REFERENCE / "playcanvas.compressed.ply"))
    lines = [line for line in theirs[0].splitlines() if not line.startswith(b"comment")]
    assert ours[0].splitlines() == lines
    assert ours[2] == theirs[2]


def test_files_without_colour_bounds(tmp_path: Path) -> None:
    """As they were before colours had bounds: the bytes stand for 0..1."""
    scene = packable(300, 0, seed=5)
    scene = replace(scene, sh=torch.linspace(-1.7, 1.7, 900).reshape(300, 1, 3))
    path = tmp_path / "splats.compressed.ply"
    write_compressed_ply(scene, path, keep_order=True)
    text, _, data = path.read_bytes().partition(b"end_header\n")
    chunks = np.frombuffer(data[: 2 * 72], "<f4").reshape(2, 18)
    words = np.frombuffer(data[2 * 72 :], "<u4").reshape(300, 4).copy()
    levels = (scene.base_colors.clamp(0, 1) * 255).round().numpy().astype(np.uint32)
    words[:, 3] = levels[:, 0] << 24 | levels[:, 1] << 16 | levels[:, 2] << 8 | words[:, 3] & 255
    older = b"\n".join(line for line in text.splitlines() if not line.endswith((b"_r", b"_g", b"_b")))
    path.write_bytes(older + b"\nend_header\n" + chunks[:, :12].tobytes() + words.tobytes())
    found = read_compressed_ply(path)
    assert farthest(found.base_colors, scene.base_colors) <= 0.5 / 255 + 0.02  # 1.7 is a bit more than white
    assert ((found.means - scene.means).abs() <= half_steps(scene.means)).all()


def test_infinitesimal_and_huge_scales_are_cut(tmp_path: Path) -> None:
    scene = packable(2, 0)
    path = tmp_path / "splats.compressed.ply"
    write_compressed_ply(replace(scene, log_scales=torch.tensor([[-90.0, 0, 1], [1, 2, 90]])), path, keep_order=True)
    assert read_compressed_ply(path).log_scales[:, [0, 2]].tolist() == [[-20, 1], [1, 20]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("element chunk 2", "element chunk 1", "1 chunks for 257"),
        ("element chunk 2", "element lump 2", "no “element chunk”"),
        ("element chunk 2", "element chunk 90000000", "90000000 chunks"),
        ("element vertex 257", "element vertex 512", "512 Gaussians"),
        ("element sh 257", "element sh 1", "1 rows of element sh"),
        ("uint packed_scale", "uint packed_shape", "packed_scale missing"),
        ("uint packed_scale", "float packed_scale", "packed_scale missing or of another type"),
        ("float max_r", "float max_q", "max_r missing"),
        ("float max_x", "double max_x", "max_x missing or of another type"),
        ("uchar f_rest_3", "uchar g_rest_3", "8 properties f_rest_"),
        ("uchar f_rest_3", "float f_rest_3", "f_rest_3 missing or of another type"),
        ("float min_x", "list uchar float min_x", "min_x missing"),
    ],
)
def test_contradictions(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "splats.compressed.ply"
    write_compressed_ply(packable(257, 1), path)
    content = path.read_bytes()
    assert content.count(old.encode()) == 1
    path.write_bytes(content.replace(old.encode(), new.encode()))
    with pytest.raises(SceneError, match=message):
        read_compressed_ply(path)


def test_cut_off_and_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "splats.compressed.ply"
    scene = packable(3, 1)
    write_compressed_ply(scene, path)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(SceneError, match="cut off"):
        read_compressed_ply(path)
    start = content.index(b"end_header\n") + 11
    for value in (np.nan, np.inf):
        path.write_bytes(content[:start] + np.float32(value).tobytes() + content[start + 4 :])
        with pytest.raises(SceneError, match="3 of 3 Gaussians"):
            read_compressed_ply(path)
    path.unlink()
    scene.means[1, 0] = torch.nan
    with pytest.raises(SceneError, match="1 of 3 Gaussians"):
        write_compressed_ply(scene, path)
    assert not path.exists()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_compressed_ply(packable(1, 0), tmp_path / "file" / "splats.compressed.ply")
