"""What is known of an object before its shape is varied, found once for all its cousins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scan2sim.bodies import vertex_colors, vertices_seen
from scan2sim.cousins.shape.carry_pieces import Piece, pieces_of
from scan2sim.cousins.shape.config import ShapeConfig
from scan2sim.cousins.shape.footing import Footing, footing_of
from scan2sim.cousins.shape.modes import Mode, mixed, modes_of, with_bumps
from scan2sim.cousins.shape.outline import Outline, outline_of
from scan2sim.cousins.shape.refine import Skin, with_short_edges
from scan2sim.cousins.shape.solid import Solid, cross_product, solid_of
from scan2sim.cousins.shape.surface_distance import Sample, sample_of
from scan2sim.cousins.shape.warp import Warp
from scan2sim.errors import SceneError
from scan2sim.scene import SceneObject

__all__ = ["Anatomy", "NothingToBendError", "anatomy_of"]

Array = NDArray[np.float64]

SAMPLES = 300  # points of the surface by which changes are measured …
SPREAD = 4000  # … and by which its parts are found
LONGEST_EDGE = 1 / 8  # over the object's size
LEAST_EFFECT = 0.04  # of what is asked for at the most; a deformation that does less is none
PARTNERS = 12  # neighbours among which a vertex's partner across a wall or a gap is sought


@dataclass(frozen=True)
class Anatomy:
    """An object in its standing frame (z = 0 under it), with the deformations that it allows."""

    footing: Footing
    skin: Skin  # visual mesh, standing frame, attributes RGBA and seen
    normals: Array  # (V, 3) of its vertices
    solid: Solid  # inside it, in the object's own frame
    pieces: tuple[Piece, ...]  # standing frame
    outline: Outline
    modes: tuple[Mode, ...]
    sample: Sample  # by which changes are measured
    partners: NDArray[np.int64]  # (P, 2) vertices that face each other or turn their backs on each other

    @property
    def span(self) -> tuple[float, float]:
        """Where the shape begins along x [m], and its length."""
        low = float(self.skin.vertices[:, 0].min())
        return low, float(self.skin.vertices[:, 0].max()) - low

    def distance(self, warp: Warp) -> float:
        """How far the warped surface lies from the twin's, over the twin's size."""
        return self.sample.moved_by(warp) / self.footing.size


class NothingToBendError(SceneError):
    """A shape has none of the parts that were to be varied."""


def anatomy_of(obj: SceneObject, config: ShapeConfig = ShapeConfig()) -> Anatomy:  # noqa: B008 (frozen)
    """Take an object apart.

    Raises:
        SceneError: it has no collision pieces, or its mesh bounds no solid.
        NothingToBendError: none of the configured deformations would change it.
    """
    if not obj.collision:
        raise SceneError(f"“{obj.name}” has no collision pieces, so nobody knows how it stands")
    footing = footing_of(obj)
    skin = with_short_edges(_skin(obj, footing), LONGEST_EDGE * footing.size)
    normals = _normals(skin.vertices, skin.faces)
    spread = sample_of(skin.vertices, normals, skin.faces, SPREAD)
    outline = outline_of(spread.points, spread.normals)
    sample = sample_of(skin.vertices, normals, skin.faces, SAMPLES)
    solid = solid_of(footing.in_object(skin.vertices), skin.faces)
    if solid.volume <= 0:
        raise SceneError(f"the mesh of “{obj.name}” bounds no solid", todo="close it first")
    known = Anatomy(
        footing, skin, normals, solid, pieces_of(obj, footing), outline, (), sample, np.zeros((0, 2), np.int64)
    )
    useful = tuple(m for m in modes_of(outline, config.kinds) if _effect(known, m) > LEAST_EFFECT * config.largest)
    if not useful:
        raise NothingToBendError(
            f"none of the deformations {', '.join(config.kinds)} would change the shape of “{obj.name}”",
            todo="allow others",
        )
    return replace(known, modes=useful, partners=_partners(skin.vertices, normals))


def _normals(vertices: Array, faces: NDArray[np.int64]) -> Array:  # (V, 3) unit
    """Area-weighted normals of a mesh's vertices."""
    a, b, c = vertices[faces].transpose(1, 2, 0)
    crossed, corners = cross_product(b - a, c - a), faces.ravel()
    sums = np.stack([np.bincount(corners, np.repeat(v, 3), minlength=len(vertices)) for v in crossed], axis=1)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-300)


def _skin(obj: SceneObject, footing: Footing) -> Skin:
    mesh = obj.visual
    attributes = np.column_stack([vertex_colors(mesh), vertices_seen(mesh)]).astype(np.float64)
    uv = None if obj.texture is None else obj.texture.uv
    faces = np.asarray(mesh.faces, dtype=np.int64)
    return Skin(footing.points(np.asarray(mesh.vertices, dtype=np.float64)), faces, attributes, uv)


def _effect(anatomy: Anatomy, mode: Mode) -> float:
    """The larger of the distances that a mode makes at its ends."""
    mode = with_bumps(mode, anatomy.sample.points, np.random.default_rng(0))
    ends = [mixed([mode], [strength], anatomy.outline, anatomy.span) for strength in (mode.low, mode.high)]
    return max(anatomy.distance(warp) for warp in ends)


def _partners(vertices: Array, normals: Array) -> NDArray[np.int64]:
    """Pairs of near vertices with opposite normals, each straight above or below the other: the two sides of a wall
    or of a gap, where a surface would first run through itself."""
    some = np.linspace(0, len(vertices) - 1, min(len(vertices), 1000)).astype(np.int64)
    near = np.asarray(KDTree(vertices).query(vertices[some], k=min(PARTNERS, len(vertices)))[1])
    opposite = np.einsum("ni,nki->nk", normals[some], normals[near]) < -0.3
    way = vertices[near] - vertices[some][:, None]
    straight = np.abs(np.einsum("ni,nki->nk", normals[some], way)) > 0.6 * np.linalg.norm(way, axis=2)
    row, column = np.nonzero(opposite & straight)
    return np.stack([some[row], near[row, column]], axis=1)
