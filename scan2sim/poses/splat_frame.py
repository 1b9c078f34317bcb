"""Where in a cloud of finished splats its subject stands, and which way is up: what cameras would have told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import PosesError, UsageError
from scan2sim.splats import Gaussians

__all__ = ["direction_of", "find_subject", "find_up", "opaque_centres"]

Array = NDArray[np.float64]

OPAQUE = 0.3  # opacity from which on a Gaussian is part of a surface
SAMPLES = 20_000  # of these, at most
DENSE = 0.4  # share of the Gaussians that the subject and its surroundings make up
ROUNDS = 15
HYPOTHESES, CHUNK = 2000, 100
THICKNESS = 0.03  # of the reach: half thickness of a support in the search
MIN_SHARE = 0.1  # of the surface near the subject that its support has to be
NO_UP = "no flat support is seen under the densest part of these splats, so up is unknown"


def direction_of(text: str) -> Array:  # (3,) unit
    """The direction that a person states, as ``z``, ``-y`` or ``0.1,0.9,0``.

    Raises:
        UsageError: it is none.
    """
    sign, axis = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    if axis in ("x", "y", "z"):
        return sign * np.eye(3)["xyz".index(axis)]
    try:
        direction = np.array([float(number) for number in text.split(",")])
    except ValueError:
        direction = np.zeros(0)
    length = np.linalg.norm(direction) if direction.shape == (3,) else 0.0
    if not (np.isfinite(length) and length > 0):
        raise UsageError(f"--up {text}: no direction", todo="give x, -x, y, -y, z, -z or three numbers as 0.1,0.9,0")
    return direction / length


def find_subject(gaussians: Gaussians) -> tuple[Array, float]:
    """The middle of the densest part (3,), and how far it reaches; trainers put most Gaussians where photos looked.

    The mean of the nearest two fifths, again and again.

    Raises:
        PosesError: hardly any Gaussians are opaque.
    """
    means = gaussians.means[gaussians.opacities > OPAQUE].double().numpy()
    if len(means) < 1000:
        problem = f"only {len(means)} of {len(gaussians)} Gaussians are opaque"
        raise PosesError(problem, todo="give splats of a whole scene, trained to the end")
    middle = np.median(means, axis=0)
    reach = 0.0
    for _ in range(ROUNDS):
        away = np.linalg.norm(means - middle, axis=1)
        reach = float(np.quantile(away, DENSE))
        middle = means[away <= reach].mean(axis=0)
    if not reach > 0:
        raise PosesError("all splats lie in one point", todo="give splats of a whole scene")
    return middle, reach


def opaque_centres(gaussians: Gaussians, middle: Array, radius: float, rng: np.random.Generator) -> Array:  # (N, 3)
    """Centres of opaque Gaussians within ``radius``, at most 20,000; small ones lie on surfaces, large ones are few."""
    means = gaussians.means[gaussians.opacities > OPAQUE].double().numpy()
    near = means[np.linalg.norm(means - middle, axis=1) < radius]
    return near[rng.permutation(len(near))[:SAMPLES]]


def find_up(points: Array, middle: Array, reach: float, rng: np.random.Generator) -> Array:  # (3,) unit
    """The normal of the plane that holds most of the surface near ``middle`` and has least of it behind it.

    Planes through random triples of points (RANSAC, Fischler and Bolles 1981); those near the middle count most.

    Raises:
        PosesError: none holds enough.
    """
    weights = np.exp(-(((points - middle) / (2 * reach)) ** 2).sum(1))
    weights /= weights.sum()
    triples = points[rng.choice(len(points), (HYPOTHESES, 3), p=weights)]
    normals = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    wide = lengths > (0.2 * reach) ** 2  # thin triangles carry no direction
    normals, anchors = normals[wide] / lengths[wide, None], triples[wide, 0]
    best, best_score = np.zeros(3), 0.0
    for start in range(0, len(normals), CHUNK):
        normal, anchor = normals[start : start + CHUNK], anchors[start : start + CHUNK]
        heights = points @ normal.T - (normal * anchor).sum(1)
        inside = weights @ (np.abs(heights) < THICKNESS * reach)
        for sign in (1, -1):
            scores = inside - weights @ (sign * heights < -2 * THICKNESS * reach)
            if scores.max() > best_score:
                best, best_score = sign * normal[scores.argmax()], float(scores.max())
    if best_score < MIN_SHARE:
        raise PosesError(NO_UP, todo="state it with --up, as in --up z or --up=-y")
    return best
