"""All formats: chosen rightly, alike when rendered, small, and never more memory than a file may ask for."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import SceneError, UsageError
from scan2sim.splats import SPLAT_SUFFIXES, Gaussians, count_splats, psnr, rasterize, read_splats, write_splats
from tests.splats.formats.gaussians import packable
from tests.splats.scenes import PARAMETERS, camera

PSNR = {".ply": 200.0, ".compressed.ply": 40.0, ".spz": 35.0, ".splat": 45.0}  # [dB] of 500 random Gaussians
BYTES = {
    ".ply": 248.0,
    ".compressed.ply": 16 + 45 + 1,
    ".spz": 50.0,
    ".splat": 32.0,
}  # per Gaussian of degree 3, at most


@pytest.mark.parametrize("suffix", SPLAT_SUFFIXES)
def test_it_looks_the_same(tmp_path: Path, suffix: str) -> None:
    scene = packable(500, 3, seed=7)
    write_splats(scene, tmp_path / f"scene{suffix}")
    found = read_splats(tmp_path / f"scene{suffix}")
    kept = replace(scene, sh=scene.sh[:, :1].clamp(-1.772, 1.772)) if suffix == ".splat" else scene
    pictures = [rasterize(g, [camera(320, 240)]).colors.clamp(0, 1) for g in (kept, found)]
    assert pictures[0].std() > 0.1  # there is something to see
    quality = psnr(*pictures).item()
    assert quality > PSNR[suffix], quality


@pytest.mark.parametrize("suffix", SPLAT_SUFFIXES)
def test_sizes(tmp_path: Path, suffix: str) -> None:
    write_splats(packable(5000, 3), tmp_path / f"scene{suffix}")
    size = (tmp_path / f"scene{suffix}").stat().st_size
    assert size / 5000 <= BYTES[suffix] + 0.5


@pytest.mark.parametrize("suffix", SPLAT_SUFFIXES)
@pytest.mark.parametrize("count", [0, 1, 257])
def test_contents_decide_where_they_can(tmp_path: Path, suffix: str, count: int) -> None:
    named = tmp_path / f"Scene{suffix.upper()}"
    write_splats(packable(count, 1), named)
    assert len(read_splats(named)) == count
    other = named.rename(tmp_path / "scene.bin")
    if suffix != ".splat" or count:
        assert len(read_splats(other)) == count == count_splats(other)
    else:  # nothing tells an empty file of that kind
        with pytest.raises(SceneError, match=r"\.compressed\.ply, \.ply, \.spz, \.splat"):
            read_splats(other)


def test_noise_is_not_taken_for_splat(tmp_path: Path) -> None:
    path = tmp_path / "noise.bin"
    path.write_bytes(np.random.default_rng(0).bytes(32 * 300))
    assert count_splats(path) is None
    with pytest.raises(SceneError, match="no splats of a known format"):
        read_splats(path)


def test_unknown_names_and_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"scene\.obj.*\.spz"):
        write_splats(packable(1, 0), tmp_path / "scene.obj")
    with pytest.raises(SceneError, match="No such file"):
        read_splats(tmp_path / "none.spz")
    with pytest.raises(SceneError, match="directory"):
        read_splats(tmp_path)
    (tmp_path / "photo.ply").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(SceneError, match="no splats of a known format"):
        read_splats(tmp_path / "photo.ply")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data(), suffix=st.sampled_from(SPLAT_SUFFIXES))
def test_damaged_files_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("damaged") / f"scene{suffix}"
    write_splats(packable(3, 1), path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path.write_bytes(content)
    tracemalloc.start()
    try:
        found = read_splats(path)
        assert all(torch.isfinite(getattr(found, name)).all() for name in PARAMETERS)
    except SceneError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 << 20


@pytest.mark.parametrize("suffix", [".ply", ".compressed.ply", ".spz"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9, 0.999])
def test_cut_off_files_are_refused(tmp_path: Path, suffix: str, keep: float) -> None:
    path = tmp_path / f"scene{suffix}"
    write_splats(packable(300, 3), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(SceneError, match=r"cut off|does not end|need"):
        read_splats(path)


def test_all_identical_gaussians_come_back(tmp_path: Path) -> None:
    """They are squeezed as hard as gzip can, which must not look like an attack."""
    one = packable(1, 3)
    many = Gaussians(*(getattr(one, name).repeat(20000, *[1] * (getattr(one, name).ndim - 1)) for name in PARAMETERS))
    write_splats(many, tmp_path / "scene.spz")
    assert (tmp_path / "scene.spz").stat().st_size < 20000
    assert len(read_splats(tmp_path / "scene.spz")) == 20000
