"""Stages of procedural household shapes on a table: training and held-out ones share neither families nor seeds."""

from __future__ import annotations

from typing import Literal

import numpy as np
import trimesh

from scan2sim.bodies import FAMILIES, UNKNOWN, Body, ProceduralShape, mass_properties, procedural_shape
from splatwm.data.stage import Stage, background_body, in_single_precision

__all__ = ["HELD_OUT_FAMILIES", "STREAMS", "TRAINING_FAMILIES", "Part", "procedural_stage"]

Part = Literal["training", "held-out"]
HELD_OUT_FAMILIES = ("bottle", "bracket", "jar", "lemon", "mug", "plate")
TRAINING_FAMILIES = tuple(family for family in FAMILIES if family not in HELD_OUT_FAMILIES)
STREAMS = {"training": 1, "held-out": 2}  # of random numbers
COUNTS = (2, 5)  # objects on a stage
ROOM = 0.25  # [m] from the middle of the table on each side
TABLE = (1.6, 1.6, 0.05)  # [m]
MASS = (0.02, 1.0)  # [kg] what things of such shapes weigh, whatever their volume
APART = 0.005  # [m] between footprints


def procedural_stage(seed: int, index: int, part: Part) -> Stage:
    """Stage ``index`` of two to five shapes at rest on a table whose top is z = 0.

    Masses range over the densities, frictions over the coefficients of unknown materials.
    """
    rng = np.random.default_rng([seed, STREAMS[part], index])
    families = TRAINING_FAMILIES if part == "training" else HELD_OUT_FAMILIES
    count = int(rng.integers(COUNTS[0], COUNTS[1] + 1))
    names, bodies, places, mass = [], [], [], []
    discs: list[tuple[float, float, float]] = []
    while len(bodies) < count:
        shape = procedural_shape(str(rng.choice(families)), rng)
        radius = float(np.linalg.norm(shape.mesh.vertices[:, :2], axis=1).max())
        spot = _free_spot(rng, discs, radius)
        if spot is None:
            continue
        discs.append((*spot, radius))
        volume = abs(float(shape.mesh.volume))
        densities = np.array([UNKNOWN.density.low, UNKNOWN.density.high])
        mass.append(np.clip(densities * volume, *MASS))
        body, center = _body(shape, float(np.sqrt(mass[-1].prod())))
        names.append(f"{shape.family}-{len(bodies) + 1}")
        bodies.append(body)
        places.append([*(spot + center[:2]), center[2]])
    friction = np.tile([UNKNOWN.friction.low, UNKNOWN.friction.high], (count, 1))
    return Stage(
        name=f"procedural-{part}:{seed}:{index}",
        names=tuple(names),
        bodies=tuple(bodies),
        background=_table(),
        position=np.array(places),
        wxyz=np.tile([1.0, 0.0, 0.0, 0.0], (count, 1)),
        mass=np.array(mass),
        friction=friction,
        alone=np.ones(count, dtype=bool),
        low=np.full(2, -ROOM),
        high=np.full(2, ROOM),
        level=0.0,
        up=np.array([0.0, 0.0, 1.0]),
    )


def _free_spot(rng: np.random.Generator, discs: list[tuple[float, float, float]], radius: float) -> np.ndarray | None:
    for _ in range(64):
        spot = rng.uniform(-ROOM, ROOM, 2)
        if all(np.hypot(spot[0] - x, spot[1] - y) > radius + r + APART for x, y, r in discs):
            return spot
    return None


def _body(shape: ProceduralShape, mass: float) -> tuple[Body, np.ndarray]:
    """The shape as a body whose frame is at its centre of mass, and where that is in the shape's frame."""
    solid = mass_properties(shape.mesh, 1.0)
    center = solid.center_of_mass
    surface, *pieces = (_moved(part, -center) for part in (shape.mesh, *shape.pieces))
    inertia = solid.inertia * (mass / solid.mass)
    body = Body(shape.family, surface, tuple(pieces), mass, np.zeros(3), inertia, UNKNOWN.friction.value)
    return in_single_precision(body), center


def _moved(mesh: trimesh.Trimesh, offset: np.ndarray) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices + offset, mesh.faces, process=False)


def _table() -> Body:
    slab = trimesh.creation.box(TABLE)
    slab.apply_translation([0, 0, -TABLE[2] / 2])
    return in_single_precision(background_body([slab]))
