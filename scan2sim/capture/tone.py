"""HDR video becomes the SDR pictures that everything after expects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["TRANSFERS", "sdr_from_hdr"]

TRANSFERS = {16: "pq", 18: "hlg"}  # ITU-T H.273, table 3
WHITE = 203.0  # [cd/m²] diffuse white in HDR production (ITU-R BT.2408)
HLG_PEAK = 1000.0  # [cd/m²] of the display that HLG's system gamma of 1.2 is for (ITU-R BT.2100)
KNEE = 0.75  # of white; darker colours come out as they are, brighter ones are pressed below white
RGB709_FROM_RGB2020 = np.array(  # linear light, ITU-R BT.2087
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)


def sdr_from_hdr(
    signal: NDArray[np.uint16],  # (H, W, 3) R'G'B', full range
    transfer: str,  # "pq" or "hlg"
    wide: bool,  # primaries are BT.2020's
) -> NDArray[np.uint8]:  # (H, W, 3) sRGB
    """Tone-map a frame: to light, to BT.709 primaries, highlights pressed below white, sRGB's curve.

    Diffuse white becomes 7/8 of full light, whatever is darker than 3/4 of it keeps its brightness, and the largest
    channel decides for all three, so that highlights keep their hue.
    """
    light = _LIGHT[transfer][signal]
    if transfer == "hlg":
        luminance = light @ np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)
        light *= (HLG_PEAK / WHITE * np.maximum(luminance, 1e-6) ** np.float32(0.2))[..., None]
    if wide:
        light = light @ RGB709_FROM_RGB2020.T
    np.clip(light, 0, None, out=light)
    brightest = light.max(axis=2)
    over = np.maximum(brightest - KNEE, 0) / (1 - KNEE)
    pressed = np.minimum(brightest, KNEE) + (1 - KNEE) * over / (1 + over)
    light *= (pressed / np.maximum(brightest, 1e-6))[..., None]
    return _SRGB[(light * (len(_SRGB) - 1) + 0.5).astype(np.uint16)]


def _pq_light(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light over diffuse white (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    return 10_000 / WHITE * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def _hlg_scene(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light of the scene in 0..1 (ITU-R BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


_CODES = np.linspace(0, 1, 1 << 16)
_LIGHT = {"pq": _pq_light(_CODES).astype(np.float32), "hlg": _hlg_scene(_CODES).astype(np.float32)}
_SRGB = np.round(255 * _srgb(_CODES)).astype(np.uint8)
