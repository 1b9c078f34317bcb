"""How far a cousin is from its twin, part by part and in one number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.cousins.affordances import AFFORDANCES, Affordances, affordances
from scan2sim.cousins.colors import lab
from scan2sim.cousins.ground import ground_under
from scan2sim.cousins.physics import density_interval
from scan2sim.cousins.standing import mean_gap, standing_extents, standing_gap
from scan2sim.geometry import quaternion_angle, transform_points
from scan2sim.scene import Estimate, Scene, SceneObject
from scan2sim.splats import Gaussians

__all__ = ["UNITS", "Distance", "distance_between"]

Array = NDArray[np.float64]

UNITS = {
    "geometry": 0.06,
    "size": 0.3,
    "appearance": 12.0,
    "layout": 1.0,
    "physics": 0.577,
    "affordance": 0.25,
    "clutter": 0.5,
}
"""What counts as clearly different in each part, each in its own measure."""
SPLATS = 4000  # of each set of splats that are compared
LEVELS = np.linspace(0.01, 0.99, 50)  # of the quantiles in which distributions of colours are compared
DIRECTIONS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0.5**0.5, 0.5**0.5], [0, 0.5**0.5, -(0.5**0.5)]])  # in Lab
ANY_TURN = 0.5  # of 180°: where another thing stands, headings cannot be compared
FAR = 0.5  # [m] of a shift where nothing is known of the support


@dataclass(frozen=True)
class Distance:
    """The distance of a cousin to its twin; each part is a mean over the objects, 0 where nothing changed."""

    geometry: float = 0.0  # symmetric mean distance of the surfaces over the object's size (chamfer)
    size: float = 0.0  # |ln| of the ratio of the extents, mean of the three
    appearance: float = 0.0  # sliced earth mover's distance between the colours of splats [CIELAB]; the background too
    layout: float = 0.0  # shift over the farthest there is on the support, plus turn over 180°
    physics: float = 0.0  # density, friction, restitution: shares of the way to the interval's end, root mean square
    affordance: float = 0.0  # share of what an object affords that is no longer so, or new
    clutter: float = 0.0  # objects that the twin does not have over all objects
    combined: float = 0.0  # 0..1

    @staticmethod
    def of_parts(**parts: float) -> Distance:
        """With ``combined = 1 - exp(-½ Σ (1 - exp(-part / unit)))``, the units those of ``UNITS``.

        It is 0 at the twin, rises with each part, and stays below 1; a part that is very far counts as one that is
        clearly different and hides none of the others.
        """
        far = sum(1 - math.exp(-value / UNITS[name]) for name, value in parts.items())
        return Distance(**parts, combined=1 - math.exp(-far / 2))

    def as_json(self) -> dict[str, float]:
        """All parts by name."""
        return {f.name: float(getattr(self, f.name)) for f in fields(self)}


def distance_between(
    cousin: Scene,
    twin: Scene,
    known: Mapping[int, Affordances] | None = None,
) -> Distance:
    """Measure a cousin against its twin; objects belong together by id.

    What was not touched, and is the same Python object in both, is not measured again.  Affordances, which take longer
    than all the rest, are compared of the objects whose ids are in ``known``, which says what the twin's are; None
    measures and compares all.

    What has another name than in the twin was exchanged, and its frame has nothing to do with the twin's: the two are
    compared as they stand, turned about the vertical to where they are most alike.
    """
    known = {obj.id: affordances(obj) for obj in twin.objects} if known is None else known
    before = {obj.id: obj for obj in twin.objects}
    pairs = [(obj, before[obj.id]) for obj in cousin.objects if obj.id in before]
    colors = [(a.gaussians, b.gaussians) for a, b in pairs] + [(cousin.background, twin.background)]
    return Distance.of_parts(
        geometry=_mean([_geometry(a, b) for a, b in pairs]),
        size=_mean([_size(a, b) for a, b in pairs]),
        appearance=_mean([_appearance(a, b) for a, b in colors]),
        layout=_mean([_layout(a, b, twin) for a, b in pairs if b.mobility == "free"]),
        physics=_mean([_physics(a, b) for a, b in pairs]),
        affordance=_mean([_affordance(a, b, known.get(b.id)) for a, b in pairs]),
        clutter=1 - len(pairs) / max(1, len(cousin.objects)),
    )


def _geometry(a: SceneObject, b: SceneObject) -> float:
    if a.visual is b.visual:
        return 0.0
    if _exchanged(a, b):
        return standing_gap(a, b) / float(np.linalg.norm(standing_extents(b)))
    mine, other = (np.asarray(o.visual.vertices) - o.physical.center_of_mass for o in (a, b))
    if mine.shape == other.shape and (mine == other).all():
        return 0.0
    return mean_gap(mine, other) / float(np.linalg.norm(b.visual.extents))


def _size(a: SceneObject, b: SceneObject) -> float:
    if a.visual is b.visual:
        return 0.0
    now, then = (standing_extents(a), standing_extents(b)) if _exchanged(a, b) else (a.visual.extents, b.visual.extents)
    return float(np.abs(np.log(now / then)).mean())


def _layout(a: SceneObject, b: SceneObject, twin: Scene) -> float:
    ground = ground_under(twin, b)
    reach = ground.reach(b.position) if ground else FAR
    if _exchanged(a, b):
        centres = [transform_points(o.world_from_object, o.physical.center_of_mass[None])[0] for o in (a, b)]
        return float(np.linalg.norm(centres[0] - centres[1])) / reach + ANY_TURN
    shift = float(np.linalg.norm(a.position - b.position))
    turn = float(quaternion_angle(a.wxyz, np.asarray(b.wxyz) / np.linalg.norm(b.wxyz)))
    return 0.0 if shift == 0 and turn < 1e-7 else shift / reach + turn / math.pi


def _exchanged(a: SceneObject, b: SceneObject) -> bool:
    """Whether another thing stands there, whose frame has nothing to do with that of the twin's."""
    return a.name != b.name


def _affordance(a: SceneObject, b: SceneObject, of_b: Affordances | None) -> float:
    if a.collision is b.collision or of_b is None:
        return 0.0
    return len(affordances(a).differing(of_b)) / len(AFFORDANCES)


def _physics(a: SceneObject, b: SceneObject) -> float:
    mine, density = a.physical, density_interval(b)
    shares = [
        _share(mine.mass.value / mine.volume.value, density.value, density.low, density.high),
        _share_of(mine.friction, b.physical.friction),
        _share_of(mine.restitution, b.physical.restitution, logarithmic=False),
    ]
    return float(np.sqrt(np.mean(np.square(shares))))


def _share_of(now: Estimate, then: Estimate, logarithmic: bool = True) -> float:
    return _share(now.value, then.value, then.low, then.high, logarithmic)


def _share(now: float, then: float, low: float, high: float, logarithmic: bool = True) -> float:
    """How much of the way to the end of the interval a value went; 1 beyond it."""
    if logarithmic and min(now, then, low) > 0:
        now, then, low, high = (math.log(value) for value in (now, then, low, high))
    way = high - then if now > then else then - low
    return min(1.0, abs(now - then) / max(way, 1e-9)) if abs(now - then) > 1e-9 * max(1.0, abs(then)) else 0.0


def _appearance(a: Gaussians, b: Gaussians) -> float:
    if a.sh is b.sh or not len(a) or not len(b):
        return 0.0
    mine, other = _quantiles(a), _quantiles(b)
    return float(np.abs(mine - other).mean(0).mean())


def _quantiles(gaussians: Gaussians) -> Array:  # (levels, directions)
    """Quantiles of the colours along directions in Lab, each splat weighted with the surface that it covers."""
    some = gaussians[:: max(1, len(gaussians) // SPLATS)].detached()
    axes = torch.sort(some.scales, dim=1).values.numpy()
    weights = some.opacities.numpy().astype(np.float64) * axes[:, 1] * axes[:, 2]
    along = lab(some.base_colors.numpy().astype(np.float64)) @ DIRECTIONS.T
    columns = []
    for values in along.T:
        order = np.argsort(values)
        columns.append(np.interp(LEVELS, _levels(weights[order]), values[order]))
    return np.stack(columns, 1)


def _levels(weights: Array) -> Array:
    return (np.cumsum(weights) - weights / 2) / max(weights.sum(), 1e-30)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0
