"""The light of a capture, as the shadows on the support tell it: an even sky and, where one stands out, a sun."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.objects.shadow import Shading, sky_directions

__all__ = ["estimate_light"]

Array = NDArray[np.float64]
LOBE_DEG = 25.0  # directions so near to the brightest are its lamp
LOWEST = 0.1  # sine of the height above the support from which on a direction can be the sun's
LEAST_SHARE = 0.15  # of the support's light that a sun must bring
LEAST_EXPLAINED = 0.1  # of the support's variance that shadows must explain before they are believed
DOME = 1000.0  # OpenUSD: what a dome alone has; the level is a convention, since the support's albedo is not known


def estimate_light(shading: Shading) -> dict[str, Any]:
    """A dome and at most one distant light, for ``scene.light``.

    The shadows' fit (:func:`scan2sim.objects.shadow.find_shading`) gives the share of the support's light from each
    direction that an object hides.  What the brightest lobe brings beyond an even sky is the sun, if it is enough;
    everything else is an even dome.  What both bring to the support together is white, and as much as a dome of
    intensity 1000 alone would: neither the support's albedo nor the exposure is known, so level and hue are
    conventions, and the ratio, the direction and the difference of hue are what is measured.

    Returns:
        ``source``, ``explained`` (share of the support's variance that the shadows explain, 0 to 1), ``dome``
        (``color``, ``intensity``), and, where there is one, ``sun``: ``direction`` in which it shines, ``color``,
        ``intensity`` (irradiance across its direction), ``share`` of the support's light, ``spread_deg`` (how wide the
        lobe is, which holds the uncertainty of its direction).  Empty where nothing can be said.
    """
    if shading.sky is None or shading.explained < LEAST_EXPLAINED:
        return {}
    towards, sky = sky_directions(), shading.sky
    power = sky.mean(1)
    near = towards @ towards.T > np.cos(np.radians(LOBE_DEG))
    members = near[int(np.argmax((near @ power) * (towards[:, 2] > LOWEST)))]
    even = float(members.mean())  # what an even sky alone would bring from there
    shares = ((sky[members].sum(0) - even) / (1 - even)).clip(0, 1)  # per channel
    share = float(shares.mean())
    about = {"source": "shadows on the support", "explained": round(shading.explained, 3)}
    if share < LEAST_SHARE:
        return about | {"dome": {"color": [1.0, 1.0, 1.0], "intensity": DOME}}
    aim = (power[members, None] * towards[members]).sum(0)
    aim /= np.linalg.norm(aim)
    off = np.degrees(np.arccos((towards[members] @ aim).clip(-1, 1)))
    spread = float(np.sqrt((power[members] * off**2).sum() / power[members].sum()))
    direction = -shading.patch.plane.rotation @ aim
    return about | {
        "sun": {
            "direction": direction.tolist(),
            **_lamp(shares, np.pi * DOME / max(float(aim[2]), LOWEST)),
            "share": round(share, 3),
            "spread_deg": round(spread, 1),
        },
        "dome": _lamp(1 - shares, DOME),
    }


def _lamp(shares: Array, whole: float) -> dict[str, Any]:  # (3,)
    """Colour with the brightest channel at 1, and the intensity that makes up for it."""
    most = float(max(shares.max(), 1e-6))
    return {"color": (shares / most).tolist(), "intensity": whole * most}
