"""Objects keep their ids and names when a scene is built again, from the same photos or from new ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from skimage.color import rgb2lab

from scan2sim.bodies import vertex_colors
from scan2sim.scene import SceneObject

__all__ = ["match_earlier"]

Array = NDArray[np.float64]
Pairs = list[tuple[int, int]]

OVERLAP = 0.3  # boxes that share at least this (intersection over union) hold the same thing
SIZES = 0.15  # relative difference of sides, as standard deviation
THIN = 0.1  # of the longest side: sides are compared no finer than this, as thin things are known worse
COLORS = 12.0  # difference of colours, as standard deviation [CIELAB]
ALIKE = 2.0  # standard deviations by which two views of one thing may differ
NEAR = 0.25  # of a thing's longest side: what lies so near to the place of another lies there
LARGEST_FACTOR = 3.0  # between the scales of two captures, whose guesses differ
MAX_TRIALS = 2000  # arrangements that are tried, the likeliest first
FORBIDDEN = 1e6


@dataclass(frozen=True)
class _Thing:
    """What is compared of an object."""

    vertices: Array  # (V, 3) [m]
    place: complex  # seen from above [m]
    sides: Array  # (3,) [m] of the tightest box, ascending
    color: Array  # (3,) median [CIELAB]


@dataclass(frozen=True)
class _Carry:
    """Where things of an earlier frame lie in the new one; both have z up and their origin on the support."""

    factor: complex = 1.0 + 0.0j  # the new scale over the earlier one, turned about the vertical
    shift: complex = 0.0j  # [m]

    @property
    def scale(self) -> float:
        return abs(self.factor)

    def place(self, place: complex) -> complex:
        return self.factor * place + self.shift

    def bounds(self, vertices: Array) -> Array:  # (V, 3) to (2, 3)
        seen = self.place(vertices[:, 0] + 1j * vertices[:, 1])  # pyright: ignore[reportArgumentType]  (works on arrays)
        carried = np.stack([np.real(seen), np.imag(seen), self.scale * vertices[:, 2]], 1)
        return np.stack([carried.min(0), carried.max(0)])


STILL = _Carry()


def match_earlier(meshes: Sequence[trimesh.Trimesh], earlier: Sequence[SceneObject]) -> list[SceneObject | None]:
    """Find for each mesh, in the scene frame, the earlier object that it is; None for a new one.

    New photos have a frame of their own, turned, shifted and scaled against the earlier one.  So first the arrangement
    is recognized: of no change at all, and of all similarities that take two earlier objects to two that look like
    them, the one that takes most objects to where one stands that looks like them.  In that frame, what stands where an
    earlier object stood is that object: the pairs whose boxes overlap most, all together.  Of the rest, what looks like
    an earlier object by the sides of its tightest box and its colour is that object, moved.
    """
    now = [_thing(mesh, np.zeros(3)) for mesh in meshes]
    before = [_thing(thing.visual, thing.position) for thing in earlier]
    carry = _recognized(now, before)
    found: list[SceneObject | None] = [None] * len(now)
    boxes, old_boxes = [STILL.bounds(thing.vertices) for thing in now], [carry.bounds(t.vertices) for t in before]
    for i, j in _pairs([[-_overlap(a, b) for b in old_boxes] for a in boxes], -OVERLAP):
        found[i] = earlier[j]
    taken = {thing.id for thing in found if thing is not None}
    lost = [i for i, thing in enumerate(found) if thing is None]
    free = [j for j, thing in enumerate(earlier) if thing.id not in taken]
    for i, j in _pairs([[_difference(now[i], before[j], carry.scale) for j in free] for i in lost], ALIKE):
        found[lost[i]] = earlier[free[j]]
    return found


def _recognized(now: list[_Thing], before: list[_Thing]) -> _Carry:
    """The similarity that takes most earlier things to things that look like them; none at all where it is as good."""
    best, most = STILL, _agreeing(now, before, STILL)
    for carry in islice(_arrangements(now, before), MAX_TRIALS):
        if len(most) == min(len(now), len(before)):
            break
        pairs = _agreeing(now, before, carry)
        if len(pairs) > len(most):
            best, most = carry, pairs
    if best == STILL:
        return best
    new = np.array([now[i].place for i, _ in most])
    old = np.array([before[j].place for _, j in most])
    around_new, around_old = new - new.mean(), old - old.mean()  # least squares over all that agree
    factor = complex(np.vdot(around_old, around_new) / np.vdot(around_old, around_old).real)
    return _Carry(factor, complex(new.mean() - factor * old.mean()))


def _arrangements(now: list[_Thing], before: list[_Thing]) -> Iterator[_Carry]:
    """Similarities that take two earlier things to two that look like them, those that look most alike first."""
    looks = [(_difference(a, b, None), i, j) for i, a in enumerate(now) for j, b in enumerate(before)]
    alike = sorted(entry for entry in looks if entry[0] <= ALIKE)
    for n, (_, i, j) in enumerate(alike):
        for _, k, m in alike[:n]:
            if k == i or m == j:
                continue
            old, new = before[j].place - before[m].place, now[i].place - now[k].place
            if abs(old) < 1e-9 or not 1 / LARGEST_FACTOR < abs(new) / abs(old) < LARGEST_FACTOR:
                continue
            factor = new / old
            yield _Carry(factor, now[i].place - factor * before[j].place)


def _agreeing(now: list[_Thing], before: list[_Thing], carry: _Carry) -> Pairs:
    """Which things look like an earlier one whose place is carried to theirs."""
    costs = []
    for a in now:
        apart = [abs(a.place - carry.place(b.place)) / (NEAR * a.sides[2]) for b in before]
        looks = [_difference(a, b, carry.scale) / ALIKE for b in before]
        costs.append([max(pair) for pair in zip(apart, looks, strict=True)])
    return _pairs(costs, 1.0)


def _pairs(costs: list[list[float]], highest: float) -> Pairs:
    if not costs or not costs[0]:
        return []
    table = np.array(costs)
    table[table > highest] = FORBIDDEN
    rows, columns = linear_sum_assignment(table)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if table[i, j] < FORBIDDEN]


def _overlap(a: Array, b: Array) -> float:
    shared = float(np.prod((np.minimum(a[1], b[1]) - np.maximum(a[0], b[0])).clip(0)))
    return shared / (float(np.prod(a[1] - a[0])) + float(np.prod(b[1] - b[0])) - shared)


def _thing(mesh: trimesh.Trimesh, position: Array) -> _Thing:
    vertices = np.asarray(mesh.vertices, dtype=np.float64) + position
    middle = (vertices.min(0) + vertices.max(0)) / 2
    color = np.median(rgb2lab(vertex_colors(mesh)[None, :, :3] / 255.0)[0], axis=0)
    sides = np.sort(mesh.bounding_box_oriented.primitive.extents)
    return _Thing(vertices, complex(middle[0], middle[1]), sides, color)


def _difference(a: _Thing, b: _Thing, scale: float | None) -> float:
    """By how many standard deviations ``a`` and ``b``, made ``scale`` times larger, differ, at most in size or colour.

    Without a scale, by the ratios of their sides only.
    """
    sides = [np.log(thing.sides + THIN * thing.sides[2]) for thing in (a, b)]
    apart = sides[0] - sides[1] - (sides[0][2] - sides[1][2] if scale is None else np.log(scale))
    return max(float(np.abs(apart).max() / SIZES), float(np.linalg.norm(a.color - b.color) / COLORS))
