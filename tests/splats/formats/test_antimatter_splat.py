from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import SceneError
from scan2sim.splats import SH_C0, Gaussians
from scan2sim.splats.formats import read_antimatter_splat, write_antimatter_splat
from tests.splats.formats.gaussians import angles, farthest, packable


@settings(max_examples=40, deadline=None, derandomize=True)
@given(count=st.sampled_from([0, 1, 257]), degree=st.integers(0, 3), seed=st.integers(0, 99))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, count: int, degree: int, seed: int) -> None:
    scene = packable(count, degree, seed)
    path = tmp_path_factory.mktemp("splat") / "scene.splat"
    write_antimatter_splat(scene, path)
    assert path.stat().st_size == 32 * count
    found = read_antimatter_splat(path)
    assert torch.equal(found.means, scene.means)
    assert farthest(found.log_scales, scene.log_scales) < 1e-5
    assert (angles(found, scene) < 1.2).all()
    assert farthest(found.opacities, scene.opacities) <= 0.5 / 255 + 2e-6
    assert farthest(found.base_colors, scene.base_colors.clamp(0, 1)) <= 0.5 / 255 + 2e-6
    assert found.sh_degree == 0
    again = path.with_name("again.splat")
    write_antimatter_splat(found, again)  # rotations may move by a step, as their bytes are not of unit length
    first, second = (np.frombuffer(p.read_bytes(), np.uint8).reshape(-1, 32) for p in (path, again))
    assert (first[:, :12] == second[:, :12]).all()
    assert (first[:, 24:28] == second[:, 24:28]).all()
    assert np.abs(first[:, 28:].astype(int) - second[:, 28:]).max(initial=0) <= 1


def test_layout(tmp_path: Path) -> None:
    scene = Gaussians(
        means=torch.tensor([[1.0, 2, 3]]),
        quats=torch.tensor([[2.0, 0, 0, -2]]),
        log_scales=torch.log(torch.tensor([[0.5, 0.25, 2]])),
        opacity_logits=torch.tensor([30.0]),
        sh=torch.tensor([[[0.5, 0, -9]]]) / SH_C0,
    )
    write_antimatter_splat(scene, tmp_path / "scene.splat")
    data = (tmp_path / "scene.splat").read_bytes()
    assert np.frombuffer(data[:24], "<f4").tolist() == pytest.approx([1, 2, 3, 0.5, 0.25, 2])
    assert list(data[24:]) == [255, 128, 0, 255, 219, 128, 128, 37]


def test_degenerate_records(tmp_path: Path) -> None:
    record = np.array([0, 0, 0, 0, 1, 1], "<f4").tobytes() + bytes([0, 0, 0, 0, 128, 128, 128, 128])
    (tmp_path / "scene.splat").write_bytes(record)
    found = read_antimatter_splat(tmp_path / "scene.splat")
    assert found.quats.tolist() == [[1, 0, 0, 0]]
    assert found.scales[0].tolist() == pytest.approx([0, 1, 1])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bytes(31), "31 bytes, expected a multiple of 32"),
        (np.array([0, np.nan, 0, 1, 1, 1], "<f4").tobytes() + bytes(8), "1 of 1 Gaussians"),
        (np.array([0, 0, 0, 1, -1, 1], "<f4").tobytes() + bytes(8), "1 of 1 Gaussians"),
        (np.array([0, 0, 0, 1, np.inf, 1], "<f4").tobytes() + bytes(8), "1 of 1 Gaussians"),
    ],
)
def test_damaged_files(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "scene.splat").write_bytes(data)
    with pytest.raises(SceneError, match=message):
        read_antimatter_splat(tmp_path / "scene.splat")
    with pytest.raises(SceneError, match="No such file"):
        read_antimatter_splat(tmp_path / "none.splat")


def test_too_many_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with (tmp_path / "scene.splat").open("wb") as file:
        file.truncate(32 * 100_000_001)  # a hole; takes no space
    with pytest.raises(SceneError, match="at most 100000000"):
        read_antimatter_splat(tmp_path / "scene.splat")


def test_scales_that_float32_cannot_hold_are_cut(tmp_path: Path) -> None:
    scene = replace(packable(1, 0), log_scales=torch.tensor([[-200.0, 200, 0]]))
    write_antimatter_splat(scene, tmp_path / "scene.splat")
    assert torch.isfinite(read_antimatter_splat(tmp_path / "scene.splat").log_scales).all()
