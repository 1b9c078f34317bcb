"""Honest words for a thing whose category nobody knows: colour, shape and size."""

from __future__ import annotations

import numpy as np
import trimesh
from skimage.color import rgb2lab

from scan2sim.bodies import vertex_colors

__all__ = ["describe"]

# a bright and a darker shade of each colour word
_SHADES = (
    ("black", (25, 25, 25)), ("gray", (70, 70, 70)), ("gray", (128, 128, 128)), ("white", (235, 235, 235)),
    ("red", (190, 40, 40)), ("red", (120, 30, 30)), ("orange", (225, 125, 35)), ("yellow", (225, 200, 60)),
    ("yellow", (165, 135, 50)), ("green", (70, 140, 60)), ("green", (40, 80, 40)), ("green", (130, 140, 50)),
    ("cyan", (60, 170, 180)), ("blue", (50, 80, 180)), ("blue", (30, 40, 100)), ("purple", (120, 60, 150)),
    ("pink", (225, 140, 165)), ("brown", (110, 75, 45)), ("brown", (65, 45, 30)), ("beige", (210, 185, 145)),
)  # fmt: skip
# volume of the convex hull over the volume of the oriented box: exact values of the ideal shapes
_FILL = {"ellipsoid": np.pi / 6, "cylinder": np.pi / 4, "box": 1.0}
HOLLOW = 0.6  # less volume than this share of its hull is hollow or branched
FLAT = 0.22  # shortest over middle side
LIT = (0.6, 0.9)  # quantiles of lightness between which a surface is well lit and not glossy
LIGHTNESS = 0.7  # weight of lightness against hue and chroma when colours are compared
LONG = 2.2  # longest over middle side


def describe(mesh: trimesh.Trimesh) -> tuple[str, str, float, float]:
    """Words for the colour and shape of a closed mesh with vertex colours.

    Returns:
        colour word, shape word, longest side of its tightest box [m], and a confidence in 0..1 that falls where two
        shape words fit nearly as well as each other.
    """
    sides = np.sort(mesh.bounding_box_oriented.primitive.extents)[::-1]
    hull = mesh.convex_hull
    fill = hull.volume / max(float(np.prod(sides)), 1e-12)
    solidity = mesh.volume / hull.volume
    fits = sorted((abs(fill - ideal), word) for word, ideal in _FILL.items())
    confidence = float(np.clip(0.4 + 2 * (fits[1][0] - fits[0][0]), 0.3, 0.8))
    if solidity < HOLLOW:
        shape = "hollow-shape"
    elif sides[2] < FLAT * sides[1]:
        shape = "plate"
    elif sides[0] > LONG * sides[1]:
        shape = "long-" + fits[0][1]
    else:
        shape = fits[0][1]
    return _color_word(mesh), shape, float(sides[0]), confidence


def _color_word(mesh: trimesh.Trimesh) -> str:
    """The nearest named colour of the well-lit part: shade darkens a thing but is not its colour."""
    lab = rgb2lab(vertex_colors(mesh)[None, :, :3] / 255.0)[0]
    low, high = np.quantile(lab[:, 0], LIT)
    typical = np.median(lab[(lab[:, 0] >= low) & (lab[:, 0] <= high)], axis=0)
    table = rgb2lab(np.array([rgb for _, rgb in _SHADES])[None] / 255.0)[0]
    distance = np.linalg.norm((table - typical) * [LIGHTNESS, 1, 1], axis=1)
    return _SHADES[int(distance.argmin())][0]
