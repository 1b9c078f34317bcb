"""Round solids: cans, frustums, bottles, fruit, capsules, rings, spoons."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies.procedural.shape import circle, hull, lying_turn, revolved, skin, slabs

__all__ = ["bottle", "can", "capsule", "ellipsoid", "frustum", "lemon", "pear", "potato", "ring", "spoon"]

Array = NDArray[np.float64]
Drawn = tuple[trimesh.Trimesh, list[trimesh.Trimesh], dict[str, float]]
UPRIGHT, ROLLED = 64, 48  # points of a ring; what rolls on coarser hulls tips from side to side
BEVEL = 0.012
X_UP = np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])  # the ring's axis z becomes x


def can(rng: np.random.Generator) -> Drawn:
    """A cylinder with bevelled rims."""
    values = {"radius": rng.uniform(0.2, 0.6), "height": rng.uniform(0.5, 1.0)}
    return _upright(_drum(values["radius"], values["radius"], values["height"]), values)


def frustum(rng: np.random.Generator) -> Drawn:
    """A cone without its tip, wide end down."""
    values = {"radius": rng.uniform(0.3, 0.5), "top": rng.uniform(0.25, 0.75), "height": rng.uniform(0.5, 1.0)}
    return _upright(_drum(values["radius"], values["radius"] * values["top"], values["height"]), values)


def bottle(rng: np.random.Generator) -> Drawn:
    """A closed bottle: body, shoulder, neck and cap."""
    values = {
        "radius": rng.uniform(0.14, 0.24),
        "neck": rng.uniform(0.35, 0.55),  # over the radius
        "body": rng.uniform(0.5, 0.68),  # where the shoulder begins
        "shoulder": rng.uniform(0.08, 0.2),
    }
    r, neck, z = values["radius"], values["radius"] * values["neck"], values["body"]
    profile = [(r - BEVEL, 0.0), (r, BEVEL), (r, z)]
    for share in np.linspace(0, 1, 6)[1:]:  # half a wave from the body to the neck
        profile.append((neck + (r - neck) * (1 + np.cos(np.pi * share)) / 2, z + values["shoulder"] * share))
    profile += [(neck, 0.9), (neck * 1.15, 0.905), (neck * 1.15, 0.99), (neck * 1.05, 1.0)]
    return _upright(profile, values)


def ellipsoid(rng: np.random.Generator) -> Drawn:
    """An ellipsoid on its flat side."""
    values = {"depth": rng.uniform(0.65, 1.0), "height": rng.uniform(0.55, 0.95)}
    values["height"] *= values["depth"]
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    mesh.apply_scale([1.0, values["depth"], values["height"]])
    return _at_rest(mesh, [hull(mesh.vertices)], values)


def lemon(rng: np.random.Generator) -> Drawn:
    """A lemon, lying: round about its long axis, with two tips."""
    values = {"radius": rng.uniform(0.28, 0.38), "tip": rng.uniform(0.6, 0.85)}
    places = -np.cos(np.linspace(0, np.pi, 16))[1:-1]
    profile = [(values["radius"] * (1 - t * t) ** values["tip"], t / 2) for t in places]
    return _rolled(profile, values)


def pear(rng: np.random.Generator) -> Drawn:
    """A pear, lying: a large ball and a small one, joined smoothly."""
    values = {"radius": rng.uniform(0.28, 0.38), "top": rng.uniform(0.4, 0.6), "waist": rng.uniform(0.5, 0.8)}
    large, small = values["radius"], values["radius"] * values["top"]
    places = (1 - np.cos(np.linspace(0, np.pi, 18))[1:-1]) / 2
    profile = []
    for z in places:
        balls = [max(0.0, large**2 - (z - large) ** 2), max(0.0, small**2 - (z - 1 + small) ** 2)]
        share = np.clip((z - large) / (1 - small - large), 0, 1)
        between = large + (small - large) * (3 - 2 * share) * share**2  # from one ball's middle to the other's
        inside = large < z < 1 - small
        profile.append((float(between if inside else np.sqrt(max(balls))), float(z)))
    return _rolled(profile, values)


def potato(rng: np.random.Generator) -> Drawn:
    """An ellipsoid with gentle, smooth dents, lying."""
    values = {"depth": rng.uniform(0.6, 0.9), "height": rng.uniform(0.5, 0.8), "dents": rng.uniform(0.04, 0.1)}
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    waves, phases = rng.normal(0, 1.6, (8, 3)), rng.uniform(0, 2 * np.pi, 8)
    noise = np.sin(mesh.vertices / 0.5 @ waves.T + phases).mean(1)
    mesh.vertices = (
        mesh.vertices * [1.0, values["depth"], values["height"]] * (1 + 2 * values["dents"] * noise[:, None])
    )
    return _at_rest(mesh, [hull(mesh.vertices)], values)


def capsule(rng: np.random.Generator) -> Drawn:
    """A cylinder with round ends, lying."""
    values = {"radius": rng.uniform(0.12, 0.35)}
    r = values["radius"]
    angles = np.linspace(0, np.pi / 2, 7)[1:]
    start = [(r * np.sin(a), r - r * np.cos(a)) for a in angles]
    return _rolled([*start, *((radius, 1 - z) for radius, z in reversed(start))], values)


def ring(rng: np.random.Generator) -> Drawn:
    """A torus, lying, in sectors."""
    values = {"tube": rng.uniform(0.08, 0.16), "height": rng.uniform(0.7, 1.2)}  # over the tube's radius
    tube, sectors, each = values["tube"], 20, 3
    outline = np.column_stack([circle(16)[:, 0], circle(16)[:, 1] * values["height"]]) * tube
    rings = np.stack(
        [np.column_stack([(0.5 - tube + outline[:, :1]) * turn, outline[:, 1]]) for turn in circle(sectors * each)]
    )
    around = np.concatenate([rings, rings[:1]])
    pieces = [hull(around[each * k : each * (k + 1) + 1]) for k in range(sectors)]
    return skin(rings, cyclic=True), pieces, values


def spoon(rng: np.random.Generator) -> Drawn:
    """A wooden spoon without its hollow: a long handle that widens into a flat, oval head."""
    values = {"head": rng.uniform(0.25, 0.35), "width": rng.uniform(0.09, 0.14), "handle": rng.uniform(0.02, 0.035)}
    head, width, handle, thin = values["head"], values["width"], values["handle"], rng.uniform(0.3, 0.5)
    places = np.concatenate([[0.0, 0.01], np.linspace(0.03, 1 - head, 6), 1 - head * np.linspace(0.92, 0.02, 12)])
    oval = width * np.sqrt(np.clip(1 - ((places - 1 + head / 2) / (head / 2)) ** 2, 0, 1))
    half = np.maximum(oval, np.where(places < 1 - head / 2, handle * np.clip(places / 0.03 * 0.4 + 0.6, 0, 1), 0))
    high = np.maximum(oval * thin * 0.5, np.minimum(half, handle * 0.8))
    rings = np.zeros((len(places), 32, 3))
    rings[:, :, 0] = places[:, None]
    rings[:, :, 1] = half[:, None] * circle(32)[:, 0]
    rings[:, :, 2] = high[:, None] * circle(32)[:, 1]
    return _at_rest(skin(rings), slabs(rings, 1.02), values)


def _drum(low: float, high: float, height: float) -> list[tuple[float, float]]:
    return [(low - BEVEL, 0.0), (low, BEVEL), (high, height - BEVEL), (high - BEVEL, height)]


def _upright(profile: list[tuple[float, float]], values: dict[str, float]) -> Drawn:
    rings = revolved(profile, UPRIGHT)
    return skin(rings), slabs(rings), values


def _rolled(profile: list[tuple[float, float]], values: dict[str, float]) -> Drawn:
    """What is round about x."""
    rings = revolved(profile, ROLLED) @ X_UP[:3, :3].T
    return _at_rest(skin(rings), slabs(rings), values)


def _at_rest(mesh: trimesh.Trimesh, pieces: list[trimesh.Trimesh], values: dict[str, float]) -> Drawn:
    turn = lying_turn(mesh)
    for part in (mesh, *pieces):
        part.apply_transform(turn)
    return mesh, pieces, values
