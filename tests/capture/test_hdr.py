"""HEVC and HDR video: patches of known sRGB colours go in as light on a display and come out as they were."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scan2sim.capture import CaptureConfig, read_capture
from scan2sim.capture.clock import mend_clock
from scan2sim.capture.tone import sdr_from_hdr
from tests.capture.pictures import picture

PATCHES = np.array([[200, 40, 40], [40, 160, 60], [50, 70, 190], [128, 128, 128], [20, 20, 20], [190, 180, 60]])
RGB2020_FROM_XYZ = np.linalg.inv(
    np.array([[0.636958, 0.144617, 0.168881], [0.262700, 0.677998, 0.059302], [0.0, 0.028073, 1.060985]])
)
XYZ_FROM_RGB709 = np.array(
    [[0.412391, 0.357584, 0.180481], [0.212639, 0.715169, 0.072192], [0.019331, 0.119195, 0.950532]]
)


def light(srgb: NDArray[np.float64]) -> NDArray[np.float64]:  # IEC 61966-2-1
    v = srgb / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def pq(nits: NDArray[np.float64]) -> NDArray[np.float64]:  # SMPTE ST 2084, inverse EOTF
    y = (np.maximum(nits, 0) / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg(nits: NDArray[np.float64]) -> NDArray[np.float64]:  # BT.2100: inverse OOTF for 1,000 nits, then OETF
    nits = np.maximum(nits, 1e-9)
    luminance = nits @ [0.2627, 0.6780, 0.0593]
    scene = nits / 1000 * ((luminance / 1000) ** (-0.2 / 1.2))[..., None]
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


def hdr_signal(srgb: NDArray[np.float64], transfer: str) -> NDArray[np.float64]:
    """What an HDR camera would record where a display of 203 nits shows these colours."""
    wide = light(srgb) @ XYZ_FROM_RGB709.T @ RGB2020_FROM_XYZ.T
    return (pq if transfer == "pq" else hlg)(203 * wide)


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_ordinary_colours_come_out_as_they_were(transfer: str) -> None:
    signal = np.round(65535 * hdr_signal(PATCHES.astype(float), transfer)).astype(np.uint16)
    out = sdr_from_hdr(signal[None], transfer, wide=True)[0].astype(int)
    assert np.abs(out - PATCHES).max() <= 2


def test_highlights_stay_below_white_and_in_order() -> None:
    nits = np.array([100.0, 203, 400, 1000, 4000, 10_000])
    signal = np.round(65535 * np.repeat(pq(nits)[:, None], 3, axis=1)).astype(np.uint16)
    out = sdr_from_hdr(signal[None], "pq", wide=True)[0, :, 0].astype(int)
    assert (np.diff(out) >= 0).all()
    assert out[1] < out[2] < out[3] <= 255
    assert out[-1] == 255


@pytest.mark.parametrize("transfer", ["pq", "hlg", None])
def test_ten_bit_hevc(tmp_path: Path, transfer: str | None) -> None:
    """Written as YCbCr by the formulas of BT.2020 or BT.709; the patches drift so that frames differ."""
    path = tmp_path / "clip.mov"
    kr, kb = (0.2627, 0.0593) if transfer else (0.2126, 0.0722)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=10, options={"preset": "ultrafast", "crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 192, 128, "yuv420p10le"
        stream.codec_context.options = {"x265-params": "log-level=error"}
        context = stream.codec_context
        context.color_primaries, context.colorspace = (9, 9) if transfer else (1, 1)
        context.color_trc = {"pq": 16, "hlg": 18, None: 1}[transfer]
        context.color_range = 1
        for i in range(8):
            srgb = np.repeat(np.repeat(PATCHES.reshape(2, 3, 3), 64, axis=0), 64, axis=1).astype(float)
            srgb[40:64] = picture(i, 192, 24)
            rgb = hdr_signal(srgb, transfer) if transfer else srgb / 255
            y = rgb @ [kr, 1 - kr - kb, kb]
            cb, cr = (rgb[..., 2] - y) / (2 - 2 * kb), (rgb[..., 0] - y) / (2 - 2 * kr)
            planes = [64 + 876 * y, *(512 + 896 * c.reshape(64, 2, 96, 2).mean(axis=(1, 3)) for c in (cb, cr))]
            frame = av.VideoFrame(192, 128, "yuv420p10le")
            for plane, values in zip(frame.planes, planes, strict=True):
                rows = np.zeros((values.shape[0], plane.line_size // 2), np.uint16)
                rows[:, : values.shape[1]] = np.round(values)
                plane.update(rows.tobytes())
            frame.pts = i
            frame.color_trc, frame.color_primaries = context.color_trc, context.color_primaries
            frame.colorspace, frame.color_range = context.colorspace, context.color_range
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    capture = read_capture(path, tmp_path / "out", CaptureConfig(max_frames=8))
    assert len(capture.frames) == 8
    for frame in capture.frames:
        shown = np.asarray(Image.open(frame.image), dtype=float)
        for k, patch in enumerate(PATCHES):
            row, column = divmod(k, 3)
            seen = shown[64 * row + 8 : 64 * row + 32, 64 * column + 16 : 64 * column + 48].mean(axis=(0, 1))
            assert np.abs(seen - patch).max() < 6, (transfer, k, seen, patch)


def test_clocks_are_mended() -> None:
    steady = [0.1 * i for i in range(10)]
    assert mend_clock(steady) == (tuple(steady), None)
    for broken in ([0, 0.1, 0.2, 99.0, 99.1], [5, 5.1, 0.2, 0.3, 0.4], [0.0, 0.1, 0.1, 0.2, 0.3]):
        times, warning = mend_clock(broken)
        assert warning is not None
        assert "jumps 1 times" in warning
        np.testing.assert_allclose(np.diff(times), 0.1, atol=1e-6)
    assert mend_clock([0, 0.1, 0.2, 2.0, 3.0, 3.03])[1] is None  # a variable frame rate
