"""Things with flat sides: boxes, books, wedges, brackets."""

from __future__ import annotations

from itertools import product

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray

from scan2sim.bodies.procedural.shape import hull
from scan2sim.bodies.solid import union

__all__ = ["book", "box", "bracket", "tee", "wedge"]

Array = NDArray[np.float64]
Drawn = tuple[trimesh.Trimesh, list[trimesh.Trimesh], dict[str, float]]
EDGE = np.deg2rad(30)  # between the facets of a rounded edge


def box(rng: np.random.Generator) -> Drawn:
    """A box with rounded edges."""
    values = {
        "width": rng.uniform(0.5, 1.0),
        "depth": rng.uniform(0.4, 1.0),
        "height": rng.uniform(0.4, 1.0),
        "edge": rng.uniform(0.01, 0.08),
    }
    solid = _rounded_box((values["width"], values["depth"], values["height"]), (0, 0, 0), values["edge"])
    return solid.copy(), [solid], values


def book(rng: np.random.Generator) -> Drawn:
    """A thin board or a book, lying."""
    values = {"depth": rng.uniform(0.5, 0.9), "height": rng.uniform(0.06, 0.18), "edge": rng.uniform(0.005, 0.02)}
    solid = _rounded_box((1.0, values["depth"], values["height"]), (0, 0, 0), values["edge"])
    return solid.copy(), [solid], values


def wedge(rng: np.random.Generator) -> Drawn:
    """A wedge: a ramp with a blunt thin end."""
    values = {"depth": rng.uniform(0.4, 0.8), "height": rng.uniform(0.3, 0.6), "tip": rng.uniform(0.05, 0.12)}
    x, y = 0.5, values["depth"] / 2
    corners = [(sx * x, sy * y, 0.0) for sx, sy in product((-1, 1), repeat=2)]
    corners += [(-x, sy * y, values["height"]) for sy in (-1, 1)] + [(x, sy * y, values["tip"]) for sy in (-1, 1)]
    solid = _rounded(corners, 0.01)
    return solid.copy(), [solid], values


def bracket(rng: np.random.Generator) -> Drawn:
    """An L: a foot and an upright at its end."""
    values = {
        "depth": rng.uniform(0.3, 0.7),
        "height": rng.uniform(0.5, 0.9),
        "foot": rng.uniform(0.15, 0.3),
        "upright": rng.uniform(0.12, 0.25),
    }
    foot = _rounded_box((1.0, values["depth"], values["foot"]), (0, 0, 0), 0.012)
    upright = _rounded_box(
        (values["upright"], values["depth"], values["height"]), (values["upright"] / 2 - 0.5, 0, 0), 0.012
    )
    return union([foot, upright]), [foot, upright], values


def tee(rng: np.random.Generator) -> Drawn:
    """A flat T, lying."""
    values = {
        "stem": rng.uniform(0.5, 0.9),
        "bar": rng.uniform(0.2, 0.35),
        "width": rng.uniform(0.2, 0.35),
        "height": rng.uniform(0.15, 0.35),
    }
    bar = _rounded_box((1.0, values["bar"], values["height"]), (0, 0, 0), 0.012)
    length = values["stem"] + values["bar"] / 2  # it begins in the middle of the bar
    stem = _rounded_box((values["width"], length, values["height"]), (0, -length / 2, 0), 0.012)
    return union([bar, stem]), [bar, stem], values


def _rounded_box(size: tuple[float, float, float], middle: tuple[float, float, float], edge: float) -> trimesh.Trimesh:
    """A box on the plane through ``middle``."""
    signs = np.array(list(product((-1, 1), (-1, 1), (0, 2))))
    return _rounded(np.array(middle) + signs * np.array(size) / 2, edge)


def _rounded(corners: ArrayLike, edge: float) -> trimesh.Trimesh:  # corners (N, 3)
    """The hull of balls of radius ``edge`` in the corners of what is between them, drawn in by as much."""
    places = np.asarray(corners, dtype=np.float64)
    middle, half = (places.max(0) + places.min(0)) / 2, np.ptp(places, axis=0) / 2
    inner = middle + (places - middle) * (1 - edge / half)
    turns = np.arange(0, 2 * np.pi - 1e-9, EDGE)
    tilts = np.arange(-np.pi / 2, np.pi / 2 + 1e-9, EDGE)
    ball = np.array([(np.cos(t) * np.cos(a), np.cos(t) * np.sin(a), np.sin(t)) for t in tilts for a in turns])
    return hull(inner[:, None] + edge * ball)
