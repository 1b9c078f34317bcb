"""Shapes given by signed distances, so that things that touch share one closed surface."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import trimesh
from numpy.typing import NDArray
from skimage.measure import marching_cubes
from trimesh.visual import ColorVisuals

Field = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # (N, 3) [m] to distances (N,)
CELL = 0.001
NEAR = np.array([0.001, 0.002, 0.004, 0.008])  # [m] from a surface, where it is asked how much is in light's way


def ball(centre: tuple[float, float, float], radius: float) -> Field:
    return lambda x: np.linalg.norm(x - np.array(centre), axis=-1) - radius


def box(centre: tuple[float, float, float], sides: tuple[float, float, float]) -> Field:
    return lambda x: np.abs(x - np.array(centre)).__sub__(np.array(sides) / 2).max(-1)


def tube(centre: tuple[float, float, float], radius: float, height: float) -> Field:
    """An upright cylinder."""

    def field(x: NDArray[np.float64]) -> NDArray[np.float64]:
        away = x - np.array(centre)
        return np.maximum(np.hypot(away[..., 0], away[..., 1]) - radius, np.abs(away[..., 2]) - height / 2)

    return field


def ring(centre: tuple[float, float, float], radius: float, thickness: float) -> Field:
    """A torus that stands upright in the plane y = centre y."""

    def field(x: NDArray[np.float64]) -> NDArray[np.float64]:
        away = x - np.array(centre)
        return np.hypot(np.hypot(away[..., 0], away[..., 2]) - radius, away[..., 1]) - thickness

    return field


def union(*fields: Field) -> Field:
    return lambda x: np.min([field(x) for field in fields], axis=0)


def welded(a: Field, b: Field, width: float) -> Field:
    """Two shapes with the crease between them filled (Quílez' exponential smooth minimum)."""
    return lambda x: -width * np.logaddexp(-a(x) / width, -b(x) / width)


def without(field: Field, *taken: Field) -> Field:
    return lambda x: np.max([field(x), *(-other(x) for other in taken)], axis=0)


def daylight(field: Field, vertices: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """How bright each vertex is, (V,) 0..1, when half the light comes from above and half from everywhere.

    The shade of what is near is Evans' (2006, "Fast approximations for global illumination on dynamic scenes"): how
    much nearer than ``d`` a surface is to the place at ``d`` along the normal, for some d, the near ones counting most.
    """
    near = np.stack([d - field(vertices + d * normals) for d in NEAR])
    shade = (near / NEAR[:, None] * 0.5 ** np.arange(1, len(NEAR) + 1)[:, None]).sum(0).clip(0, 1)
    return (0.75 + 0.25 * normals[:, 2]) * (1 - shade)


def mesh_of(field: Field, size: float, color: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None):
    """The surface within ±size, over z = 0, in one grey or with colours (V, 3) in 0..255 by position."""
    axis = np.arange(-size, size, CELL)
    up = np.arange(-3 * CELL, size, CELL)
    grid = np.stack(np.meshgrid(axis, axis, up, indexing="ij"), -1)
    values = np.maximum(field(grid), -grid[..., 2])
    vertices, faces, *_ = marching_cubes(values, 0.0)
    mesh = trimesh.Trimesh(vertices * CELL + [-size, -size, up[0]], faces[:, ::-1], process=True)
    if mesh.volume < 0:
        mesh.invert()
    rgb = np.full((len(mesh.vertices), 3), 150.0) if color is None else color(mesh.vertices)
    rgba = np.column_stack([rgb, np.full(len(rgb), 255.0)]).astype(np.uint8)
    mesh.visual = ColorVisuals(mesh, vertex_colors=rgba)
    return mesh
