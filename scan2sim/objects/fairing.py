"""Surfaces where nothing is known: as smooth as what is known around them allows."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

__all__ = ["fair", "smoothed", "solved", "spread", "stiffness"]

STIFFNESS = 0.5  # of the surface against a vertex that is trusted wholly
LEAST = 1e-5  # trust that every vertex has
TAUT = 2.0  # of a membrane against a vertex that is trusted wholly


def fair(
    mesh: trimesh.Trimesh,
    trust: NDArray[np.float64],  # (V,) 0..1
    taut: NDArray[np.bool_] | None = None,  # (V,) vertices between which it is a membrane as well
) -> trimesh.Trimesh:
    """Keep the trusted vertices and bend the surface between them as little as possible.

    Minimises ``Σ trust_i |x_i - v_i|² + STIFFNESS Σ |(L x)_i|²`` with the umbrella operator L, a thin plate on the
    mesh (Kobbelt et al. 1998, "Interactive multi-resolution modeling on arbitrary meshes").  A plate goes on as its
    rim slopes; a membrane, ``+ TAUT Σ |x_i - x_j|²`` over its edges, goes straight across.
    """
    vertices = solved(stiffness(mesh, trust, taut), np.maximum(trust, LEAST)[:, None] * mesh.vertices)
    return trimesh.Trimesh(vertices, mesh.faces, process=False)


def stiffness(
    mesh: trimesh.Trimesh,
    trust: NDArray[np.float64],  # (V,) 0..1
    taut: NDArray[np.bool_] | None = None,  # (V,)
) -> sparse.csr_matrix:  # (V, V)
    """The matrix K of what :func:`fair` minimises: moving its result by u (V,) along an axis costs uᵀ K u."""
    umbrella = sparse.identity(len(mesh.vertices)) - _mean_of_neighbours(mesh)
    held = sparse.diags(np.maximum(trust, LEAST)) + STIFFNESS * (umbrella.T @ umbrella)
    return sparse.csr_matrix(held if taut is None else held + TAUT * _membrane(mesh, taut))


def smoothed(
    mesh: trimesh.Trimesh,
    values: NDArray[np.float64],  # (V, …)
    rounds: int,
) -> NDArray[np.float64]:  # (V, …)
    """Values of the vertices, each round halfway to the mean of their neighbours'."""
    mean = _mean_of_neighbours(mesh)
    for _ in range(rounds):
        values = (values + mean @ values) / 2
    return values


def spread(
    mesh: trimesh.Trimesh,
    values: NDArray[np.float64],  # (V, …)
    rounds: float,
) -> NDArray[np.float64]:  # (V, …)
    """About what :func:`smoothed` gives after many rounds, in one step: ``x + rounds / 2 (x - mean x) = values``."""
    share = sparse.identity(len(mesh.vertices)) - _mean_of_neighbours(mesh)
    return solved(sparse.csr_matrix(sparse.identity(len(mesh.vertices)) + rounds / 2 * share), values)


def solved(
    system: sparse.csr_matrix,  # (V, V) of a symmetric pattern, and positive definite but for scales of its rows
    right: NDArray[np.float64],  # (V, …)
) -> NDArray[np.float64]:  # (V, …)
    """What the system maps to the right side; ordered for symmetry, and without pivots, which it does not need."""
    symmetric = {"SymmetricMode": True}
    factors = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=symmetric)
    return factors.solve(right)


def _membrane(mesh: trimesh.Trimesh, taut: NDArray[np.bool_]) -> sparse.csr_matrix:  # (V, V)
    """The matrix of Σ |x_i - x_j|² over the edges between taut vertices."""
    edges = mesh.edges_unique[taut[mesh.edges_unique].all(1)]
    rows = np.repeat(np.arange(len(edges)), 2)
    across = sparse.coo_matrix((np.tile([1.0, -1.0], len(edges)), (rows, edges.ravel())), (len(edges), len(taut)))
    return sparse.csr_matrix(across.T @ across)


def _mean_of_neighbours(mesh: trimesh.Trimesh) -> sparse.csr_matrix:  # (V, V)
    count, edges = len(mesh.vertices), mesh.edges_unique
    rows, columns = np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]]
    links = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()
    degree = np.maximum(np.asarray(links.sum(1)).ravel(), 1)
    return sparse.csr_matrix(sparse.diags(1 / degree) @ links)
