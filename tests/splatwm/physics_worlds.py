"""Small worlds with known physics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import trimesh

from splatwm.shapes import BodyShape, box, cylinder, ground, shape_from_pieces, sphere
from splatwm.state import Start, State, state_of_bodies

FAR = (0.0, 0.0, 0.0)


def box_inertia(mass: float, half: Sequence[float]) -> np.ndarray:
    x, y, z = (2 * h for h in half)
    return mass / 12 * np.diag([y * y + z * z, x * x + z * z, x * x + y * y])


def ball_inertia(mass: float, radius: float) -> np.ndarray:
    return 0.4 * mass * radius**2 * np.eye(3)


def on_the_ground(
    shapes: Sequence[BodyShape],
    position: object,
    mass: Sequence[float],
    inertia: Sequence[np.ndarray],
    **options: object,
) -> Start:
    """Bodies over the plane z = 0, which is body 0."""
    wxyz = options.pop("wxyz", None)
    count = len(shapes)
    turned = None if wxyz is None else np.concatenate([[[1.0, 0, 0, 0]], np.asarray(wxyz)])
    state = state_of_bodies(
        range(count + 1),
        np.concatenate([[FAR], np.asarray(position, float)]),
        [1.0, *mass],
        [np.eye(3), *inertia],
        wxyz=turned,
        kinematic=[True] + [False] * count,
        **options,  # type: ignore[arg-type]
    )
    return Start(state, (ground(), *shapes), (("ground", *(f"body-{i}" for i in range(count))),))


def in_space(
    shapes: Sequence[BodyShape], position: object, mass: Sequence[float], inertia: object, **options: object
) -> Start:
    """Bodies without any ground."""
    state = state_of_bodies(range(len(shapes)), position, mass, inertia, **options)  # type: ignore[arg-type]
    return Start(state, tuple(shapes), (tuple(f"body-{i}" for i in range(len(shapes))),))


def moving(state: State, linear: object = None, angular: object = None) -> State:
    """The state with velocities (O, 3)."""
    changes = {}
    for name, value in (("linear", linear), ("angular", angular)):
        if value is not None:
            changes[name] = torch.tensor(np.asarray(value, np.float32))[None]
    return replace(state, **changes)


def rubble(seed: int, count: int = 5) -> Start:
    """Boxes, balls, cylinders and hulls of chance above the ground, some in each other."""
    rng = np.random.default_rng(seed)
    shapes, inertia, mass = [], [], []
    for i in range(count):
        weight = float(rng.uniform(0.05, 0.5))
        half = rng.uniform(0.01, 0.04, 3)
        if i % 4 == 0:
            shapes.append(box(half))
        elif i % 4 == 1:
            shapes.append(sphere(half[0]))
        elif i % 4 == 2:
            shapes.append(cylinder(half[0], half[1]))
        else:
            shapes.append(shape_from_pieces([trimesh.PointCloud(rng.normal(size=(20, 3)) * half).convex_hull]))
        mass.append(weight)
        inertia.append(box_inertia(weight, half))
    position = rng.uniform([-0.1, -0.1, 0.05], [0.1, 0.1, 0.25], (count, 3))
    quaternion = rng.normal(size=(count, 4))
    quaternion /= np.linalg.norm(quaternion, axis=1, keepdims=True)
    start = on_the_ground(shapes, position, mass, inertia, wxyz=quaternion, friction=float(rng.uniform(0.1, 1)))
    speeds = np.concatenate([np.zeros((1, 3)), rng.normal(size=(count, 3)) * 0.3])
    spins = np.concatenate([np.zeros((1, 3)), rng.normal(size=(count, 3)) * 3])
    return replace(start, state=moving(start.state, speeds, spins))


def round_tray(radius: float, height: float, wall: float, flare: float) -> list[trimesh.Trimesh]:
    """A floor and eight wall panels; the floor's radius is smaller by the share ``flare``."""
    pieces, floor = [], []
    for k in range(8):
        corners = []
        for angle in (2 * np.pi * k / 8, 2 * np.pi * (k + 1) / 8):
            out = np.array([np.cos(angle), np.sin(angle), 0.0])
            low, high = (1 - flare) * radius, radius
            corners += [
                low * out,
                (low - wall) * out,
                high * out + [0, 0, height],
                (high - wall) * out + [0, 0, height],
            ]
            floor += [low * out, low * out + [0, 0, wall]]
        pieces.append(trimesh.PointCloud(np.array(corners)).convex_hull)
    return [*pieces, trimesh.PointCloud(np.array(floor)).convex_hull]


def energy(state: State, gravity: float = 9.81) -> float:
    """Kinetic and potential energy of the free bodies [J], with frames at centres of mass."""
    from splatwm.model.rigid import rotation_matrix

    free = state.free[0]
    turned = rotation_matrix(state.wxyz[0].double())
    spin = (turned.transpose(1, 2) @ state.angular[0].double()[..., None])[..., 0]
    turning = 0.5 * (spin * (state.inertia[0].double() @ spin[..., None])[..., 0]).sum(-1)
    mass = state.mass[0].double()
    moving_ = 0.5 * mass * state.linear[0].double().square().sum(-1)
    return float((turning + moving_ + mass * gravity * state.position[0, :, 2].double())[free].sum())


def momentum(state: State) -> np.ndarray:  # (6,) about the origin
    from splatwm.model.rigid import rotation_matrix

    turned = rotation_matrix(state.wxyz[0].double())
    inertia = turned @ state.inertia[0].double() @ turned.transpose(1, 2)
    linear = state.mass[0].double()[:, None] * state.linear[0].double()
    spin = (inertia @ state.angular[0].double()[..., None])[..., 0]
    angular = spin + torch.linalg.cross(state.position[0].double(), linear)
    free = state.free[0]
    return torch.cat([linear[free].sum(0), angular[free].sum(0)]).numpy()
