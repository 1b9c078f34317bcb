"""Pieces of one surface become things: they join across ridges, and with what they cannot stand without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, Delaunay, KDTree, QhullError

from scan2sim.objects.creases import Pieces

__all__ = ["join_pieces"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

CONCAVE = 0.03  # a border that is on average less hollow than this (sine of elevation) runs within one thing
RIDGE = 0.0  # … and one that is no hollower than this runs within one thing whatever its other borders are
WEAK = 0.5  # evidence under this is a gap in a border; …
GAPS = 0.08  # … with more of it than this share, …
SPECK = 0.04  # … and than this altogether, the border runs within one thing [camera distances]
FLAT, STEEP = 0.7, 0.2  # upward part of the normals of what something stands on, at least, and of what stands, at most
BULGE = 0.002  # volume over area^1.5 of a thing at least: a dent's is negative, a plate's 0.01, a ball's 0.094
RELIEF = 0.75  # mean upward part of the normals; what is flatter and stands on another thing is its relief …
PLAIN = 4.0  # … and so is what lies on another thing, and colours differ less than this about its border [CIELAB], …
CONTRAST = 12.0  # … unless its colour differs by so much [CIELAB, with less weight on lightness]
STANDING = 1.5  # so many times that contrast it counts to stand on a piece whose colour differs by half of it
MOST = 2.0  # so many times that contrast, at most, counts between two pieces
BESIDE = 0.02  # colours are compared so near to a border [camera distances]
SHADE = 0.3  # weight of lightness: shade changes it
SLACK = 0.15  # how far the middle may lie outside of what carries it [square root of the thing's area]


@dataclass(frozen=True)
class _Border:
    """Between two parts of a surface, on average."""

    length: float  # [m]
    hollow: float
    gaps: float  # share
    shade: float  # how much colours differ about it [CIELAB]
    contrast: float
    standing: float  # share along which one part stands on the other

    @property
    def pull(self) -> float:
        """How much a part that is no thing belongs to the other: by the border's length, and by alike colours."""
        return self.length / (1 + self.contrast / CONTRAST)


@dataclass(frozen=True)
class _Borders:
    """Edges whose ends belong to two pieces."""

    edges: NDArray[np.int64]  # (E, 2) vertices
    length: Array  # (E,) [m], hardly anything where no view saw the surface
    hollow: Array  # (E,)
    gap: Flags  # (E,) nothing shows that a thing ends there
    shade: Array  # (E,) how much colours differ about it [CIELAB]
    contrast: Array  # (E,) between the colours of the two pieces next to their border
    standing: Flags  # (E,) the upper piece is steep next to their border, and the lower one faces up

    def between(self, labels: NDArray[np.int64]) -> dict[tuple[int, int], _Border]:
        """Each pair's border, the lower number first."""
        pair = np.sort(labels[self.edges], axis=1)
        cut = pair[:, 0] != pair[:, 1]
        pairs, which = np.unique(pair[cut], axis=0, return_inverse=True)
        parts = (np.ones(len(cut)), self.hollow, self.gap, self.shade, self.contrast, self.standing)
        length, *sums = (np.bincount(which.ravel(), (self.length * part)[cut]) for part in parts)
        rows = zip(pairs.tolist(), length, *(total / length for total in sums), strict=True)
        return {(a, b): _Border(*map(float, row)) for (a, b), *row in rows}


def join_pieces(
    mesh: trimesh.Trimesh,
    pieces: Pieces,
    floor: Flags,  # (V,) vertices next to the support
    seen: Flags,  # (V,) vertices that some view saw
    unit: float,  # camera distance [m]
    smallest: float,  # [m] longest side of a thing, at least
) -> tuple[NDArray[np.int64], int]:  # (V,) thing 0..count - 1 of each vertex, -1 = a fleck; count
    """Join the pieces of a surface into things.

    Two pieces whose border is a ridge are one thing, and so are two that both have such a border with a third (Stein
    et al. 2014, "Object partitioning using local convexity"): bananas of one bunch have creases between them, but all
    have the crown.  Then pieces join whose border has gaps or is level, the most ridge-like first.  Of what is left, a
    piece is no thing of its own if it does not bulge out of its border, is too small, is a relief in the colour of what
    is around it, or would fall: the support and the rims that it shares with others below its middle must carry it.  A
    low piece is a relief, and one on another piece with no shade about its border: a lamp's mirror image may sink a
    glossy surface around what patterns hold, but little light gets into a crease.  It joins the piece that it has the
    longest border with, rather one of a like colour; what is small and touches nothing is a fleck.
    """
    edges = mesh.edges_unique
    weight = mesh.edges_unique_length * np.where(seen[edges].all(1), 1.0, 1e-3)
    above = ~floor[edges].any(1)
    gap = pieces.evidence[edges].mean(1) < WEAK
    contrast, standing = _beside(mesh, pieces, edges[above], floor, BESIDE * unit)
    hollow = pieces.hollow[edges].mean(1)[above]
    shade = pieces.contrast[edges].mean(1)[above]
    borders = _Borders(edges[above], weight[above], hollow, gap[above], shade, contrast, standing)
    labels = pieces.labels.copy()
    ridges = [pair for pair, border in borders.between(labels).items() if border.hollow < RIDGE]
    labels = _united(pieces.count, ridges)[labels]
    while within := _within(borders.between(labels), unit):
        a, b = min(within, key=lambda pair: (within[pair], pair))
        labels[labels == b] = a
    while between := borders.between(labels):
        areas = np.bincount(labels[mesh.faces[:, 0]], mesh.area_faces)
        for number in sorted({n for pair in between for n in pair}, key=lambda n: areas[n]):
            pair = max((pair for pair in between if number in pair), key=lambda pair: (between[pair].pull, pair))
            other = pair[0] if pair[1] == number else pair[1]
            if not _is_thing(mesh, labels == number, floor, smallest, between[pair]):
                labels[labels == number] = other
                break
        else:
            break
    numbers, labels = np.unique(labels, return_inverse=True)
    alone = ~np.isin(np.arange(len(numbers)), list({int(n) for pair in borders.between(labels) for n in pair}))
    sides = [float(np.ptp(mesh.vertices[labels == n], axis=0).max()) for n in range(len(numbers))]
    small = alone & (np.array(sides) < smallest)
    renumber = np.where(small, -1, np.cumsum(~small) - 1)
    return renumber[labels], int((~small).sum())


def _within(between: dict[tuple[int, int], _Border], unit: float) -> dict[tuple[int, int], tuple[bool, float]]:
    """Pairs whose border runs within one thing: whether it has few gaps, and how hollow it is.

    Two colours need a less complete crease to be two things, and less differing ones do where one stands on the other,
    for there the crease lies in its shade.  The more gaps it has the deeper it must be: one without any half as deep,
    one with as many as may be half as deep again.
    """
    within = {}
    for pair, border in between.items():
        standing = STANDING * border.standing * min(2 * border.contrast / CONTRAST, 1)
        apart = 1 + min(max(border.contrast / CONTRAST - 1, 0) + standing, MOST)
        most = max(GAPS * apart, SPECK * unit / border.length)
        least = CONCAVE / apart * (0.5 + min(1.0, border.gaps / (GAPS * apart)))
        if border.hollow < least or border.gaps > most:
            within[pair] = border.gaps <= most, border.hollow
    return within


def _united(count: int, pairs: list[tuple[int, int]]) -> NDArray[np.int64]:
    """The group of each of ``count`` pieces when the pairs are in one group each."""
    a, b = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = sparse.coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _beside(
    mesh: trimesh.Trimesh,
    pieces: Pieces,
    edges: NDArray[np.int64],  # (E, 2)
    floor: Flags,
    beside: float,  # [m]
) -> tuple[Array, Flags]:  # (E,), (E,)
    """Of two pieces next to their border: how far their typical colours are apart, and whether one stands on the other.

    It does where its wall goes up, or leans out, from what faces up and is lower: few things have such a shape alone.
    """
    pair = np.sort(pieces.labels[edges], axis=1)
    contrast, standing = np.zeros(len(edges)), np.zeros(len(edges), bool)
    for a, b in np.unique(pair[pair[:, 0] != pair[:, 1]], axis=0):
        mine = (pair == (a, b)).all(1)
        border = KDTree(mesh.vertices[edges[mine]].mean(1))
        colors, sides = [], []
        for piece in (a, b):
            inside = np.flatnonzero(pieces.labels == piece)
            near = inside[border.query(mesh.vertices[inside], distance_upper_bound=beside)[0] < beside]
            colors.append(np.median(pieces.color[near], axis=0))
            walls = near if floor[near].all() else near[~floor[near]]
            sides.append((float(np.median(mesh.vertices[walls, 2])), float(np.median(mesh.vertex_normals[walls, 2]))))
        contrast[mine] = np.linalg.norm((colors[0] - colors[1]) * [SHADE, 1, 1])
        (_, below), (_, above) = sorted(sides)
        standing[mine] = below > FLAT and above < STEEP
    return contrast, standing


def _is_thing(mesh: trimesh.Trimesh, mine: Flags, floor: Flags, smallest: float, border: _Border) -> bool:
    if float(np.ptp(mesh.vertices[mine], axis=0).max()) < smallest:
        return False
    faces = mine[mesh.faces[:, 0]]
    area = float(mesh.area_faces[faces].sum())
    crossing = mesh.edges_unique[mine[mesh.edges_unique].sum(1) == 1]
    rim = mesh.vertices[crossing].mean(1)
    apex = rim.mean(0) if len(rim) else mesh.vertices[mine].mean(0)
    a, b, c = (mesh.triangles[faces] - apex).transpose(1, 0, 2)
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
    if volume < BULGE * area**1.5:
        return False
    upward = float(np.average(mesh.face_normals[faces, 2], weights=mesh.area_faces[faces]))
    bare = border.shade < PLAIN and not (mine & floor).any()
    if border.contrast < CONTRAST and (upward > RELIEF or bare):
        return False
    middle = np.average(mesh.triangles_center[faces], axis=0, weights=mesh.area_faces[faces])
    carrying = np.concatenate([rim[rim[:, 2] < middle[2]], mesh.vertices[mine & floor]])
    return _carries(carrying[:, :2], middle[:2], SLACK * area**0.5)


def _carries(points: Array, middle: Array, slack: float) -> bool:
    """Whether a point of the plane lies in the convex hull of others, or not farther out than ``slack``."""
    if len(points) < 3:
        return False
    try:
        if Delaunay(points).find_simplex(middle) >= 0:
            return True
        hull = points[ConvexHull(points).vertices]
    except QhullError:  # all on one line
        return False
    start, along = hull, np.roll(hull, -1, axis=0) - hull
    part = ((middle - start) * along).sum(1) / (along**2).sum(1).clip(1e-18)
    nearest = start + part.clip(0, 1)[:, None] * along
    return bool(np.linalg.norm(nearest - middle, axis=1).min() <= slack)
