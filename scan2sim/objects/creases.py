"""Where one thing could end and the next begin: creases, dark lines and borders of colours, and the pieces between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree
from skimage.color import rgb2lab

from scan2sim.bodies import vertex_colors

__all__ = ["Pieces", "cut_at_creases"]

Array = NDArray[np.float64]

FINE = 0.0025  # noise that is smoothed away [camera distances]
COARSE = 0.006  # scale at which creases and lines are seen [camera distances]
HOLLOW = 0.1  # a surface that rises so steeply from a vertex on all sides (sine of the mean elevation) is a crease
DARK = 2.0  # so much darker than around it is a line [CIELAB lightness]
HINT = 0.4  # evidence that colours are at most: a light's mirror image has a border, too, and often a dent
COLORED = 8.0  # where colours differ by this from their mean (half of the step between two) is a border [CIELAB a, b]
REACH = 0.005  # what lies within this of a crease belongs to no core; wider gaps in a crease let two cores touch
SMALLEST = 0.02  # side of the smallest square that is a core [camera distances]
STEEP = 4.0  # how many times its length a way along a full crease costs


@dataclass(frozen=True)
class Pieces:
    """A surface in pieces, cut where it is hollow, has a dark line or changes its colour."""

    labels: NDArray[np.int64]  # (V,) piece 0..count - 1 of each vertex
    hollow: Array  # (V,) sine of the mean elevation of the surface around each vertex: > 0 in a crease, < 0 on a ridge
    evidence: Array  # (V,) of an end of a thing, by shape, darkness and colour; 1 = strong
    color: Array  # (V, 3) CIELAB
    contrast: Array  # (V,) how much colours differ around each vertex, standard deviation [CIELAB]
    count: int


def cut_at_creases(
    mesh: trimesh.Trimesh,  # vertex colours
    floor: NDArray[np.bool_],  # (V,) vertices next to the support
    unit: float,  # camera distance [m]
) -> Pieces:
    """Cut a surface into pieces whose rims are creases, dark lines or borders of colours, too many rather than too few.

    Where two things touch, their common surface has a crease all around the contact, little light gets in, and colours
    often differ.  A vertex's evidence is the sum of its hollowness, of how much darker it is than its surroundings and
    of how much colours differ around it.  What is far from strong evidence falls apart into connected cores, though a
    crease have small gaps; then the cores grow until they meet, most slowly across evidence (Meyer 1994's watersheds by
    shortest paths).
    """
    steps = _Diffusion(mesh)
    normals = steps.spread(np.array(mesh.vertex_normals), FINE * unit)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12)
    near = steps.spread(np.array(mesh.vertices), FINE * unit)
    around = steps.spread(near, COARSE * unit)
    hollow = ((around - near) * normals).sum(1) / (COARSE * unit)
    color = rgb2lab(vertex_colors(mesh)[None, :, :3] / 255.0)[0]
    dark = steps.spread(color[:, 0], COARSE * unit) - color[:, 0]
    light, tint = _spread(color[:, :1], steps, unit), _spread(color[:, 1:], steps, unit)
    evidence = hollow.clip(0) / HOLLOW + dark.clip(0) / DARK + (tint / COLORED).clip(max=HINT)
    cores = _cores(mesh, (evidence > 1) | floor, unit)
    labels = _grow(mesh, cores, evidence.clip(0, 1))
    return Pieces(labels, hollow, evidence, color, np.hypot(light, tint), int(labels.max()) + 1)


def _spread(values: Array, steps: _Diffusion, unit: float) -> Array:  # (V, C) to (V,)
    """Standard deviation of values around each vertex."""
    square = steps.spread((values**2).sum(1), COARSE * unit)
    return np.sqrt((square - (steps.spread(values, COARSE * unit) ** 2).sum(1)).clip(0))


class _Diffusion:
    """Means over the surroundings of each vertex along the surface, by a random walk on the edges."""

    def __init__(self, mesh: trimesh.Trimesh) -> None:
        edges, count = mesh.edges_unique, len(mesh.vertices)
        ones = np.ones(len(edges))
        links = sparse.coo_matrix((ones, (edges[:, 0], edges[:, 1])), shape=(count, count)).tocsr()
        links = links + links.T + sparse.eye_array(count, format="csr")
        degree = np.asarray(links.sum(1)).ravel()
        self._mean = sparse.diags_array(1 / degree) @ links
        stay = 1 / degree.mean()
        self._step = float((mesh.edges_unique_length**2).mean() * (1 - stay)) ** 0.5  # [m] root mean square

    def spread(self, values: Array, radius: float) -> Array:
        """The mean of (V, …) values within about ``radius`` [m], one root mean square of the walk."""
        for _ in range(max(1, round((radius / self._step) ** 2))):
            values = self._mean @ values
        return values


def _cores(mesh: trimesh.Trimesh, cut: NDArray[np.bool_], unit: float) -> NDArray[np.int64]:
    """Connected parts of what is far from all cuts, from 0; -1 = none."""
    far = np.ones(len(cut), bool)
    if cut.any():
        far = KDTree(mesh.vertices[cut]).query(mesh.vertices)[0] > REACH * unit
    edges = mesh.edges_unique[far[mesh.edges_unique].all(1)]
    graph = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(far),) * 2)
    part = connected_components(graph, directed=False)[1]
    area = np.zeros(len(far))
    np.add.at(area, mesh.faces.ravel(), np.repeat(mesh.area_faces / 3, 3))
    large = far & (np.bincount(part, area)[part] >= (SMALLEST * unit) ** 2)
    labels = np.full(len(far), -1)
    labels[large] = np.unique(part[large], return_inverse=True)[1]
    return labels


def _grow(mesh: trimesh.Trimesh, cores: NDArray[np.int64], evidence: Array) -> NDArray[np.int64]:
    """Every vertex takes the core with the cheapest way to it; a connected piece without a core is one of its own."""
    edges = mesh.edges_unique
    cost = mesh.edges_unique_length * (1 + STEEP * evidence[edges].mean(1))
    graph = sparse.coo_matrix((cost, (edges[:, 0], edges[:, 1])), shape=(len(cores),) * 2).tocsr()
    whole = connected_components(graph, directed=False)[1]
    bare, first = np.unique(np.where(np.isin(whole, whole[cores >= 0]), -1, whole), return_index=True)
    cores = cores.copy()
    cores[first[bare >= 0]] = cores.max(initial=-1) + 1 + np.arange((bare >= 0).sum())
    seeds = np.flatnonzero(cores >= 0)
    *_, source = dijkstra(graph, directed=False, indices=seeds, min_only=True, return_predecessors=True)
    return cores[source]
