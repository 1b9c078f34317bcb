"""SPZ: within its steps of the original, byte for byte as Niantic's library writes it, bounded when it lies."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import SceneError
from scan2sim.splats import Gaussians, rotate_gaussians
from scan2sim.splats.formats import read_spz, write_spz
from scan2sim.splats.formats.spz import HALF_TURN_SH
from tests.splats.formats.gaussians import REFERENCE, angles, farthest, packable, reference_gaussians

ROUNDING = 2e-6


def header(
    count: int, *, magic: bytes = b"NGSP", version: int = 3, degree: int = 0, bits: int = 12, flags: int = 0
) -> bytes:
    return struct.pack("<4sIIBBBB", magic, version, count, degree, bits, flags, 0)


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def header_4(count: int, *, degree: int = 0, flags: int = 0, streams: int = 5, table: int = 32) -> bytes:
    return struct.pack("<4sIIBBBBI12x", b"NGSP", 4, count, degree, 12, flags, streams, table)


def check_close(found: Gaussians, scene: Gaussians, *, turn: float = 0.3, step: float = 0.5 / 2**14) -> None:
    assert farthest(found.means, scene.means) <= step + ROUNDING * scene.means.abs().max()
    assert farthest(found.log_scales, scene.log_scales) <= 1 / 32 + ROUNDING
    assert angles(found, scene).max() < turn
    assert farthest(found.opacities, scene.opacities) <= 0.5 / 255 + ROUNDING
    assert farthest(found.base_colors, scene.base_colors) <= 1 / 270
    assert farthest(found.sh[:, 1:4], scene.sh[:, 1:4]) <= 4.5 / 128 + ROUNDING
    assert farthest(found.sh[:, 4:], scene.sh[:, 4:]) <= 8.5 / 128 + ROUNDING


@settings(max_examples=40, deadline=None, derandomize=True)
@given(count=st.sampled_from([1, 2, 257]), degree=st.integers(0, 3), seed=st.integers(0, 99))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, count: int, degree: int, seed: int) -> None:
    scene = packable(count, degree, seed)
    path = tmp_path_factory.mktemp("spz") / "splats.spz"
    write_spz(scene, path)
    check_close(read_spz(path), scene)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    count=st.sampled_from([0, 1, 257]),
    degree=st.integers(0, 3),
    seed=st.integers(0, 99),
    size=st.floats(1e-3, 1e6),
)
def test_what_was_read_is_written_the_same(
    tmp_path_factory: pytest.TempPathFactory, count: int, degree: int, seed: int, size: float
) -> None:
    folder = tmp_path_factory.mktemp("spz")
    scene = packable(count, degree, seed)
    write_spz(replace(scene, means=scene.means * size), folder / "a.spz")
    write_spz(read_spz(folder / "a.spz"), folder / "b.spz")
    assert (folder / "a.spz").read_bytes() == (folder / "b.spz").read_bytes()


def test_nothing(tmp_path: Path) -> None:
    write_spz(Gaussians.empty(2), tmp_path / "none.spz")
    found = read_spz(tmp_path / "none.spz")
    assert (len(found), found.sh_degree) == (0, 2)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_as_niantic_writes_it(version: int) -> None:
    """Version 2 keeps x, y, z of a quaternion in 8 bits each; w suffers most where it is small."""
    found = read_spz(REFERENCE / f"version-{version}.spz")
    check_close(found, reference_gaussians(), turn=1.0 if version == 2 else 0.3, step=0.5 / 2**12)


def test_the_same_bytes_as_niantics(tmp_path: Path) -> None:
    write_spz(reference_gaussians(), tmp_path / "ours.spz", fractional_bits=12)
    ours, theirs = (gzip.decompress(p.read_bytes()) for p in (tmp_path / "ours.spz", REFERENCE / "version-3.spz"))
    assert ours == theirs


def test_the_half_turn_is_one() -> None:
    """Sign by sign what turning by 180° about x does."""
    scene = packable(50, 3)
    turned = rotate_gaussians(scene, [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]])
    assert turned.sh.numpy() == pytest.approx(scene.sh.numpy() * HALF_TURN_SH, abs=1e-5)


def test_the_file_is_right_up_back(tmp_path: Path) -> None:
    scene = replace(packable(1, 0), means=torch.tensor([[1.0, 2, 3]]))
    write_spz(scene, tmp_path / "splats.spz")
    position = gzip.decompress((tmp_path / "splats.spz").read_bytes())[16:25]
    axes = [int.from_bytes(position[i : i + 3], "little", signed=True) / 2**14 for i in (0, 3, 6)]
    assert axes == [1, -2, -3]


def test_large_scenes_get_coarser_steps(tmp_path: Path) -> None:
    scene = replace(packable(3, 0), means=torch.tensor([[0.0, 1, 2], [3, 5000, 6], [-8e6, 1, 1]]))
    write_spz(scene, tmp_path / "splats.spz")
    check_close(read_spz(tmp_path / "splats.spz"), scene, step=0.5)
    with pytest.raises(SceneError, match="reaches 8388608 m"):
        write_spz(replace(scene, means=scene.means * 2), tmp_path / "farther.spz")
    assert not (tmp_path / "farther.spz").exists()


def test_what_lies_beyond_the_ranges_is_cut(tmp_path: Path) -> None:
    scene = packable(2, 1)
    scene = replace(scene, log_scales=torch.tensor([[-30.0, 30, 0], [0, 0, 0]]), sh=scene.sh * 0 + 9)
    write_spz(scene, tmp_path / "splats.spz")
    found = read_spz(tmp_path / "splats.spz")
    assert found.log_scales[0].tolist() == [-10, 5.9375, 0]
    assert found.sh[0, :, 0].tolist() == pytest.approx([0.5 / 0.15, 1, 1, 1], abs=0.01)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an SPZ file"),
        (b"ply\n", "not an SPZ file"),
        (b"\x1f\x8b", "cut off"),
        (b"\x1f\x8bxxxxxxxxxxxxxxxxxxxxxxxx", "damaged"),
        (packed(b"NGSP"), "cut off"),
        (packed(header(0, magic=b"JPEG")), "something else"),
        (packed(header(0, version=1)), "version 1"),
        (packed(header(0, version=4)), "version 4"),
        (packed(header(1, degree=4)), "degree 4"),
        (packed(header(1, degree=255)), "degree 255"),
        (packed(header(1, bits=25)), "25 fractional bits"),
        (packed(header(1)), "cut off"),
        (packed(header(4_000_000_000)), "more than 3[46] bytes can hold"),
        (packed(header(50_000_000)), "more than 3[46] bytes can hold"),
        (packed(header(1) + bytes(19)), "cut off"),
        (packed(header(1) + bytes(21)), "holds more than the 1 Gaussians"),
        (packed(header(1) + bytes(20))[:-1], "cut off"),
        (packed(header(1) + bytes(20))[:-6] + b"xxxxxx", "damaged"),
        (packed(header(0, flags=2) + struct.pack("<III", 0xADBE0003, 4, 6)), "coordinate system 6"),
        (packed(header(0, flags=2) + struct.pack("<II", 0xADBE0003, 4)), "coordinate system -1"),
        (header_4(0)[:20], "cut off"),
        (b"NGSP" + struct.pack("<I", 5) + bytes(24), "version 5"),
        (header_4(1), "cut off"),
        (header_4(0), "cut off"),
        (header_4(0, streams=0, table=0), "cut off"),
        (header_4(0, streams=0, table=4_000_000_000), "cut off"),
        (header_4(4_000_000_000), "more than 32 bytes can hold"),
        (header_4(0, streams=0) + b"x", "1 bytes follow"),
        (header_4(0, streams=1) + bytes(16), "1 streams, expected 0"),
        (header_4(0, streams=0, flags=2, table=44) + struct.pack("<III", 0xADBE0003, 4, 12), "coordinate system 12"),
        (header_4(1, streams=5) + struct.pack("<QQ", 10, 1 << 60) * 5, "stream 0 has"),
        (header_4(1, streams=5) + struct.pack("<QQ", 1 << 60, 9) * 5, "cut off"),
        (header_4(1, streams=5) + struct.pack("<QQ", 1, 9) * 5 + bytes(5), "damaged|another size"),
    ],
)  # fmt: skip
def test_damaged_files(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "splats.spz"
    path.write_bytes(data)
    with pytest.raises(SceneError, match=message) as error:
        read_spz(path)
    assert str(path) in str(error.value)


def test_extensions_that_do_not_matter_are_skipped(tmp_path: Path) -> None:
    for axes in (0, 4):
        records = struct.pack("<IIfff", 0xADBE0002, 12, 1, 2, 3) + struct.pack("<III", 0xADBE0003, 4, axes)
        for data in (
            packed(header(0, flags=2) + records),
            header_4(0, streams=0, flags=2, table=32 + len(records)) + records,
        ):
            (tmp_path / "splats.spz").write_bytes(data)
            assert len(read_spz(tmp_path / "splats.spz")) == 0


def test_streams_that_unpack_to_more_are_refused(tmp_path: Path) -> None:
    parts = [zstandard.compress(bytes(size)) for size in (9, 1, 3, 3, 4)]
    long = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 20))
    for first, ok in ((parts[0], True), (long, False)):
        chunks = [first, *parts[1:]]
        sizes = zip(map(len, chunks), (9, 1, 3, 3, 4), strict=True)
        table = b"".join(struct.pack("<QQ", *pair) for pair in sizes)
        (tmp_path / "splats.spz").write_bytes(header_4(1) + table + b"".join(chunks))
        if ok:
            assert len(read_spz(tmp_path / "splats.spz")) == 1
        else:
            with pytest.raises(SceneError, match="another size"):
                read_spz(tmp_path / "splats.spz")


BOMB = packed(header(1) + bytes(64 << 20))  # 64 KiB that unpack to 64 MiB
BOMB_4 = zstandard.compress(bytes(64 << 20))


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        packed(header(3_000_000)),
        packed(header(3_000_000) + bytes(1 << 20)),
        header_4(1) + struct.pack("<QQ", len(BOMB_4), 9) + struct.pack("<QQ", 0, 0) * 4 + BOMB_4,
        header_4(1) + struct.pack("<QQ", len(BOMB_4), 64 << 20) + struct.pack("<QQ", 0, 0) * 4 + BOMB_4,
        header_4(100_000_000) + struct.pack("<QQ", len(BOMB_4), 900_000_000) * 5 + BOMB_4,
    ],
    ids=["more than claimed", "less than claimed", "some of what is claimed", "stream", "table", "count"],
)
def test_bombs_are_not_unpacked(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "splats.spz"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(SceneError):
            read_spz(path)
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()
