"""Shapes of bodies: convex pieces, made from a Scene's collision pieces or from a few numbers.

A piece is a convex polyhedron rounded by a radius, so a sphere is one vertex and a capsule two; everything that touches
is found from pieces.  Distances are exact for them, in C++ (``native/narrow.inl``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, HalfspaceIntersection, QhullError

from scan2sim.errors import SceneError
from scan2sim.scene import SceneObject
from splatwm import _native

__all__ = [
    "BodyShape",
    "ConvexPiece",
    "box",
    "capsule",
    "cylinder",
    "ground",
    "rounded",
    "shape_from_object",
    "shape_from_pieces",
    "sphere",
]

Array = NDArray[np.float32]
MAX_VERTICES = 4096
MAX_PIECES = 1023
SIDES = 48  # of a cylinder; its flats lie within 0.1 % of the radius
LEAST_CORE = 0.05  # of a rounded piece's half thickness
GROUND = 20.0  # [m] edge of the block that stands for the ground


@dataclass(frozen=True, eq=False)
class ConvexPiece:
    """A convex polyhedron grown by a radius."""

    vertices: Array  # (V, 3) [m] body frame
    planes: Array  # (F, 4) outward normal and offset, n · x ≤ d inside; none for points and segments
    radius: float = 0.0  # [m]


@dataclass(frozen=True, eq=False)
class BodyShape:
    """The convex pieces of one rigid body in its frame; bodies may share it."""

    pieces: tuple[ConvexPiece, ...]

    @cached_property
    def native(self) -> _native.Shape:
        """The same for the compiled kernels."""
        return _native.Shape(
            [piece.vertices for piece in self.pieces],
            [piece.planes for piece in self.pieces],
            [piece.radius for piece in self.pieces],
        )

    @cached_property
    def vertices(self) -> Array:  # (V, 3)
        """The vertices of all pieces, without their radii."""
        return np.concatenate([piece.vertices for piece in self.pieces])


def shape_from_object(thing: SceneObject) -> BodyShape:
    """The shape of a Scene's object in the object's frame.

    Raises:
        SceneError: it has no collision pieces, or one that is no solid.
    """
    return shape_from_pieces(thing.collision, thing.name)


def shape_from_pieces(pieces: Sequence[trimesh.Trimesh], name: str = "a body") -> BodyShape:
    """The shape of a body that is the union of the convex hulls of meshes.

    Raises:
        SceneError: there are no pieces or too many, or one is not finite, flat, or has too many corners.
    """
    if not 0 < len(pieces) <= MAX_PIECES:
        raise SceneError(f"{name} has {len(pieces)} collision pieces, expected 1 to {MAX_PIECES}")
    return BodyShape(tuple(_hull(np.asarray(piece.vertices), f"a collision piece of {name}") for piece in pieces))


def sphere(radius: float) -> BodyShape:
    """A ball about the origin."""
    return BodyShape((ConvexPiece(np.zeros((1, 3), np.float32), np.zeros((0, 4), np.float32), _positive(radius)),))


def capsule(radius: float, half_length: float) -> BodyShape:
    """A segment along z of twice ``half_length``, grown by ``radius`` [m]."""
    ends = np.array([[0, 0, -1], [0, 0, 1]], np.float32) * _positive(half_length)
    return BodyShape((ConvexPiece(ends, np.zeros((0, 4), np.float32), _positive(radius)),))


def box(half_extents: ArrayLike) -> BodyShape:  # (3,) [m]
    """A box about the origin."""
    half = np.array([_positive(float(h)) for h in np.asarray(half_extents).ravel()])
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half
    return BodyShape((_hull(corners, "a box"),))


def cylinder(radius: float, half_height: float, sides: int = SIDES) -> BodyShape:
    """A cylinder along z as a prism, half of whose corners' excess over ``radius`` lies outside."""
    angles = np.arange(sides) * 2 * np.pi / sides
    out = _positive(radius) * 2 / (1 + np.cos(np.pi / sides))
    rim = out * np.column_stack([np.cos(angles), np.sin(angles)])
    corners = [np.column_stack([rim, np.full(sides, z)]) for z in (-_positive(half_height), half_height)]
    return BodyShape((_hull(np.vstack(corners), "a cylinder"),))


def ground() -> BodyShape:
    """A block of 20 m whose top is the plane z = 0."""
    half = GROUND / 2
    corners = np.array([[x, y, z] for x in (-half, half) for y in (-half, half) for z in (-half, 0)])
    return BodyShape((_hull(corners, "the ground"),))


def rounded(shape: BodyShape, radius: float, size: float = 1.0) -> BodyShape:
    """The shape ``size`` times as large about its origin, its corners and edges rounded by ``radius`` [m].

    Pieces keep where their faces are: the planes go inwards by the radius, and all is grown by it again.  A piece that
    is too thin for that gets the largest radius that leaves it a core.
    """
    if radius == 0 and size == 1:
        return shape
    return BodyShape(tuple(_rounded(piece, radius, size) for piece in shape.pieces))


def _rounded(piece: ConvexPiece, radius: float, size: float) -> ConvexPiece:
    vertices, planes = piece.vertices * np.float32(size), piece.planes * np.array([1, 1, 1, size], np.float32)
    own = piece.radius * size
    if radius <= 0 or not len(planes):
        return ConvexPiece(vertices, planes, own)
    middle = vertices.mean(0).astype(np.float64)
    inside = (planes[:, 3] - planes[:, :3] @ middle).min()
    radius = float(min(radius, (1 - LEAST_CORE) * inside))
    inset = planes.astype(np.float64) - [0, 0, 0, radius]
    halves = np.column_stack([inset[:, :3], -inset[:, 3]])
    corners = HalfspaceIntersection(halves, middle).intersections
    return ConvexPiece(np.ascontiguousarray(corners, np.float32), np.ascontiguousarray(inset, np.float32), own + radius)


def _positive(value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise SceneError(f"the size of a shape is {value}", todo="give positive metres")
    return value


def _hull(points: NDArray[np.floating], name: str) -> ConvexPiece:
    if points.ndim != 2 or not 4 <= len(points) <= MAX_VERTICES or not np.isfinite(points).all():
        raise SceneError(f"{name} has corners that are not finite, or not 4 to {MAX_VERTICES} of them")
    try:
        hull = ConvexHull(points)
    except QhullError as problem:
        raise SceneError(f"{name} is flat", todo="give it some thickness") from problem
    planes = np.unique(np.round(hull.equations, 7), axis=0) * [1, 1, 1, -1]
    return ConvexPiece(
        np.ascontiguousarray(points[hull.vertices], np.float32), np.ascontiguousarray(planes, np.float32)
    )
