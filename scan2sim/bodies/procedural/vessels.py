"""Hollow things, open upwards: bowls, cups, mugs, jars, plates, trays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray

from scan2sim.bodies.procedural.shape import circle, hull, revolved, skin, slabs
from scan2sim.bodies.solid import union

__all__ = ["bowl", "cup", "jar", "mug", "plate", "tray"]

Array = NDArray[np.float64]
Drawn = tuple[trimesh.Trimesh, list[trimesh.Trimesh], dict[str, float]]
Profile = ArrayLike  # (K, 2) radius and height, from the foot to the rim
EACH = 3  # points of a ring in a sector of the wall


def bowl(rng: np.random.Generator) -> Drawn:
    """A bowl with a curved wall and a flat foot."""
    values = {
        "height": rng.uniform(0.25, 0.5),
        "foot": rng.uniform(0.4, 0.65),  # over the rim's radius
        "belly": rng.uniform(1.3, 2.0),  # 2 for a wall that ends upright
        "wall": rng.uniform(0.025, 0.045),
    }
    wall, height, foot = values["wall"], values["height"], 0.5 * values["foot"]
    rise = np.array([0.0, 0.15, 0.5, 1.0])
    out = np.sqrt(1 - (1 - rise) ** values["belly"])
    outer = np.column_stack([foot + (0.5 - foot) * out, height * rise])
    low = foot - wall / 2
    inner = np.column_stack([low + (0.5 - wall - low) * out, wall + (height - wall) * rise])
    return *_vessel(outer, inner, sectors=16), values


def cup(rng: np.random.Generator) -> Drawn:
    """A cup without a handle, a little wider above."""
    values = {"radius": rng.uniform(0.28, 0.45), "foot": rng.uniform(0.75, 1.0), "wall": rng.uniform(0.03, 0.05)}
    return *_cup(values["radius"], values["foot"], values["wall"]), values


def mug(rng: np.random.Generator) -> Drawn:
    """A cup with a handle."""
    values = {
        "radius": rng.uniform(0.34, 0.46),
        "foot": rng.uniform(0.9, 1.0),
        "wall": rng.uniform(0.035, 0.05),
        "handle": rng.uniform(0.2, 0.3),  # how far it stands out
        "tube": rng.uniform(0.04, 0.055),
    }
    radius, wall, tube = values["radius"], values["wall"], values["tube"]
    mesh, pieces = _cup(radius, values["foot"], wall)
    bend = np.linspace(-np.pi / 2, np.pi / 2, 9)
    rise = 0.5 * 0.62  # half of the handle's height
    places = np.column_stack([radius + values["handle"] * np.cos(bend), rise * np.sin(bend)])
    ends = [radius * (values["foot"] + (1 - values["foot"]) * z) - wall / 2 for z in (0.5 - rise, 0.5 + rise)]
    line = np.vstack([(ends[0], -rise), places, (ends[1], rise)])  # (K, 2): x, z
    line[:, 1] += 0.5
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    along[0], along[-1] = (1, 0), (-1, 0)
    outline = circle(16) * tube
    rings = np.zeros((len(line), 16, 3))
    rings[:, :, 0] = line[:, :1] + along[:, 1:] * outline[:, 0]
    rings[:, :, 1] = outline[:, 1]
    rings[:, :, 2] = line[:, 1:] - along[:, :1] * outline[:, 0]
    handle = slabs(rings, 1.06)
    return union([mesh, skin(rings)]), [*pieces, *handle], values


def jar(rng: np.random.Generator) -> Drawn:
    """An open jar with a shoulder and a wide neck."""
    values = {
        "radius": rng.uniform(0.3, 0.45),
        "neck": rng.uniform(0.7, 0.88),  # over the radius
        "shoulder": rng.uniform(0.65, 0.75),
        "wall": rng.uniform(0.03, 0.045),
    }
    r, wall, z = values["radius"], values["wall"], values["shoulder"]
    neck = r * values["neck"]
    outer = [(r, 0.0), (r, z), (neck, z + 0.13), (neck, 1.0)]
    inner = [(r - wall, wall), (r - wall, z - wall / 3), (neck - wall, z + 0.13 - wall / 3), (neck - wall, 1.0)]
    return *_vessel(outer, inner, sectors=14), values


def plate(rng: np.random.Generator) -> Drawn:
    """A flat plate with a slanted rim."""
    values = {"height": rng.uniform(0.07, 0.13), "foot": rng.uniform(0.6, 0.75), "wall": rng.uniform(0.02, 0.03)}
    wall, foot = values["wall"], 0.5 * values["foot"]
    outer = [(foot, 0.0), (0.5, values["height"] - wall * 0.4)]
    inner = [(foot - wall / 3, wall), (0.5 - wall / 2, values["height"])]
    return *_vessel(outer, inner, sectors=24), values


def tray(rng: np.random.Generator) -> Drawn:
    """A rectangular tray with round corners."""
    values = {
        "depth": rng.uniform(0.55, 0.9),
        "height": rng.uniform(0.1, 0.25),
        "corner": rng.uniform(0.06, 0.12),
        "lean": rng.uniform(0.01, 0.05),
        "wall": rng.uniform(0.02, 0.035),
    }
    wall, height, lean = values["wall"], values["height"], values["lean"]
    insets = [(lean, 0.0), (0.0, height), (wall / 2, height + wall / 4), (wall, height), (lean + wall, wall)]
    rings = np.stack([_rounded_rectangle(0.5 - i, values["depth"] / 2 - i, values["corner"], z) for i, z in insets])
    starts = [corner * 9 + k for corner in range(4) for k in (0, 4, 8)]
    return *_walled(rings, starts), values


def _cup(radius: float, foot: float, wall: float) -> tuple[trimesh.Trimesh, list[trimesh.Trimesh]]:
    low = radius * foot
    return _vessel([(low, 0.0), (radius, 1.0)], [(low - wall, wall), (radius - wall, 1.0)], sectors=16)


def _vessel(outer: Profile, inner: Profile, sectors: int) -> tuple[trimesh.Trimesh, list[trimesh.Trimesh]]:
    """What is round about z, its wall between two profiles of as many places each, with a round rim."""
    outside, inside = np.asarray(outer, dtype=np.float64), np.asarray(inner, dtype=np.float64)
    width = outside[-1, 0] - inside[-1, 0]
    rim = outside[-1] + (-width / 2, width / 4)
    rings = revolved(np.vstack([outside, rim, inside[::-1]]), sectors * EACH)
    return _walled(rings, [EACH * k for k in range(sectors)])


def _walled(
    rings: Array,  # (2 K + 1, S, 3) up the outside, over the rim and down the inside
    starts: Sequence[int],  # the points of a ring at which the wall is cut
) -> tuple[trimesh.Trimesh, list[trimesh.Trimesh]]:
    """A wall in bands between the outside and the inside, each in sectors, and the floor in one piece."""
    count = len(rings) // 2
    pieces = [hull(rings[[0, -1]])]
    around = np.concatenate([rings, rings[:, :1]], axis=1)
    for band in range(count - 1):
        corners = [band, band + 1, -2 - band, -1 - band] + ([count] if band == count - 2 else [])
        for start, end in zip(starts, [*starts[1:], rings.shape[1]], strict=True):
            pieces.append(hull(around[corners, start : end + 1]))
    return skin(rings), pieces


def _rounded_rectangle(x: float, y: float, corner: float, z: float) -> Array:  # (36, 3)
    """Counter-clockwise, nine points each corner."""
    quarter = np.linspace(0, np.pi / 2, 9)
    points = []
    for turn, (sx, sy) in enumerate([(1, 1), (-1, 1), (-1, -1), (1, -1)]):
        middle = np.array([sx * (x - corner), sy * (y - corner)])
        angles = quarter + turn * np.pi / 2
        points.append(middle + corner * np.column_stack([np.cos(angles), np.sin(angles)]))
    flat = np.concatenate(points)
    return np.column_stack([flat, np.full(len(flat), z)])
