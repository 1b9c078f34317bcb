"""What retrieval compares of things: shape, size, colours and what they can be used for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.special import sph_harm_y

from scan2sim.cousins.affordances import AFFORDANCES, Affordances, measure_affordances
from scan2sim.cousins.colors import lab
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene import SceneObject

__all__ = ["COLORS", "SHAPE", "Form", "form_distance", "form_of", "least_box"]

Array = NDArray[np.float64]

SAMPLES = 1500
PAIRS = 6000
BINS = 24  # of the distances of pairs, up to FARTHEST of their mean
FARTHEST = 2.6
LEVELS = 8  # of the height, for the profile
DEGREE = 6
DIRECTIONS = 256  # in which the farthest point is taken
BLOCKS = {"pairs": (BINS, 1.0), "profile": (2 * LEVELS, 1.2), "extents": (2, 0.5), "hull": (1, 0.6), "waves": (28, 0.8)}
"""How many numbers each part of the shape's descriptor has, and what it counts."""
SHAPE = sum(count for count, _ in BLOCKS.values())
LIGHTS, HUES = 4, 7  # bins of lightness, and of a* and b*: an odd number, so that grey lies in the middle of one
RANGE = np.array([[0.0, 100.0], [-63.0, 63.0], [-63.0, 63.0]])  # in CIELAB; what lies outside counts as its rim
COLORS = LIGHTS * HUES * HUES
YAWS = 90  # of the rectangles that are tried
SPLATS = 2000  # whose colours are counted
WEIGHTS = {"shape": 0.5, "size": 0.15, "color": 0.1, "affordance": 0.25}
SIZES = np.log(4.0)  # a ratio of sizes that counts as wholly different


@dataclass(frozen=True)
class Form:
    """What a thing is like as it stands: turning it about the vertical changes nothing but noise."""

    extents: Array  # (3,) [m] longer and shorter horizontal side, height
    shape: Array  # (SHAPE,) free of scale
    color: Array  # (COLORS,) a histogram in CIELAB, of sum 1
    affordances: Affordances

    @property
    def size(self) -> float:
        """Geometric mean of the sides [m]."""
        return float(np.prod(self.extents) ** (1 / 3))


def form_of(obj: SceneObject) -> Form:
    """The form of an object as it stands in its scene."""
    turn = np.eye(4)
    turn[:3, :3] = matrix_from_quaternion(obj.wxyz)
    mesh, *pieces = (part.copy().apply_transform(turn) for part in (obj.visual, *obj.collision))
    corners = mesh.convex_hull.vertices
    extents = np.append(least_box(corners[:, :2])[0], np.ptp(corners[:, 2]))
    return Form(extents, _shape(mesh, extents), _color(obj), measure_affordances(mesh, pieces))


def form_distance(one: Form, other: Form) -> float:
    """How unlike two things are, about 0..1: half for shape, a quarter for uses, the rest for size and colours.

    The shape's descriptor holds the distances of random pairs of surface points (D2; Osada et al. 2002, "Shape
    distributions"), mean and spread of the distance from the vertical axis at eight heights, the ratios of the sides,
    the share of the convex hull that is filled, and the energies of the spherical harmonics, by degree and order, of
    the farthest points from the middle (after Kazhdan et al. 2003, "Rotation invariant spherical harmonic
    representation of 3D shape descriptors"; by order too, because only turns about the vertical do not count).
    """
    start, shape = 0, 0.0
    for count, weight in BLOCKS.values():
        shape += weight * float(np.abs(one.shape[start : start + count] - other.shape[start : start + count]).mean())
        start += count
    differing = len(one.affordances.differing(other.affordances)) / len(AFFORDANCES)
    parts = {
        "shape": min(1.0, shape / sum(weight for _, weight in BLOCKS.values()) * 4),
        "size": min(1.0, abs(np.log(one.size / other.size)) / SIZES),
        "color": float(np.abs(one.color - other.color).sum()) / 2,
        "affordance": differing,
    }
    return float(sum(WEIGHTS[name] * value for name, value in parts.items()))


def least_box(outline: Array) -> tuple[Array, float]:  # (N, 2) [m]
    """The sides of the smallest rectangle round points, longer one first [m], and its yaw [rad] in 0..π."""
    yaws = np.pi / 2 * np.arange(YAWS) / YAWS
    along = outline @ np.stack([np.cos(yaws), np.sin(yaws)])
    across = outline @ np.stack([-np.sin(yaws), np.cos(yaws)])
    width, depth = np.ptp(along, axis=0), np.ptp(across, axis=0)
    best = int((width * depth).argmin())
    if width[best] < depth[best]:
        return np.array([depth[best], width[best]]), float(yaws[best] + np.pi / 2)
    return np.array([width[best], depth[best]]), float(yaws[best])


def _shape(mesh: trimesh.Trimesh, extents: Array) -> Array:  # (SHAPE,)
    points = np.asarray(trimesh.sample.sample_surface(mesh, SAMPLES, seed=0)[0])
    low, high = mesh.bounds
    middle = (low + high) / 2
    rng = np.random.default_rng(0)
    distances = np.linalg.norm(
        points[rng.integers(SAMPLES, size=PAIRS)] - points[rng.integers(SAMPLES, size=PAIRS)], axis=1
    )
    pairs = np.histogram(distances / distances.mean(), BINS, (0, FARTHEST))[0] / PAIRS
    size = float(extents.max())
    away = np.linalg.norm((points - middle)[:, :2], axis=1) / size
    level = np.minimum(((points[:, 2] - low[2]) / max(extents[2], 1e-9) * LEVELS).astype(int), LEVELS - 1)
    rows = [away[level == k] if (level == k).any() else away for k in range(LEVELS)]
    profile = [np.mean(row) for row in rows] + [np.std(row) for row in rows]
    ratios = np.sort(extents[:2])[0] / extents[:2].max(), extents[2] / size
    filled = mesh.volume / mesh.convex_hull.volume
    return np.concatenate([pairs * 4, profile, ratios, [filled], _waves((points - middle) / size)])


def _waves(points: Array) -> Array:  # (N, 3) → (28,)
    """Amplitudes of the spherical harmonics of the farthest points, degrees and orders 0 ≤ m ≤ l ≤ 6."""
    k = np.arange(DIRECTIONS) + 0.5
    z, turn = 1 - 2 * k / DIRECTIONS, k * np.pi * (1 + 5**0.5)
    across = np.sqrt(1 - z**2)
    directions = np.column_stack([across * np.cos(turn), across * np.sin(turn), z])
    reach = np.linalg.norm(points, axis=1)
    seen = points / np.maximum(reach, 1e-12)[:, None]
    near = KDTree(seen).query(directions, k=6)[1]
    farthest = reach[near].max(1)
    polar, around = np.arccos(z), np.mod(turn, 2 * np.pi)
    waves = [
        np.abs((farthest * np.conj(sph_harm_y(degree, order, polar, around))).mean()) * 4 * np.pi
        for degree in range(DEGREE + 1)
        for order in range(degree + 1)
    ]
    return np.array(waves)


def _color(obj: SceneObject) -> Array:  # (COLORS,)
    gaussians = obj.gaussians
    if not len(gaussians):
        return np.full(COLORS, 1 / COLORS)
    rows = torch.linspace(0, len(gaussians) - 1, min(SPLATS, len(gaussians))).long()
    colors = lab(gaussians[rows].base_colors.detach().numpy().astype(np.float64))
    weights = gaussians[rows].opacities.detach().numpy()
    bins = (LIGHTS, HUES, HUES)
    counts = np.histogramdd(colors.clip(*RANGE.T), bins, list(RANGE), weights=weights)[0].ravel()
    return counts / max(counts.sum(), 1e-12)
