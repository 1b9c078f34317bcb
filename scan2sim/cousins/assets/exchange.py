"""An object is replaced by a near neighbour from a library of assets."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.spatial import ConvexHull

from scan2sim.cousins.assets.form import Form, least_box
from scan2sim.cousins.assets.library import Asset, AssetLibrary, nearest
from scan2sim.cousins.assets.stand import lowest_middle, scaled, stand_at, upright_points
from scan2sim.cousins.change import Change
from scan2sim.errors import UsageError
from scan2sim.scene import Label, SceneObject

__all__ = ["replace_object"]

STRETCH = 2.5  # an asset is made at most so many times as large; or as small, where others fit
LONGER = 1.3  # its longest side may be so many times that of what it stands for
SPREAD = math.log(1.25)  # how far its size may differ from that of what it stands for, at amount 1
ROUND = 1.1  # ratio of second moments below which an outline is about as long as it is wide
FEW = 3  # of the same uses: where there are fewer, others are taken too


def replace_object(
    obj: SceneObject,
    library: AssetLibrary,
    amount: float,  # 0..1
    rng: np.random.Generator,
) -> tuple[SceneObject, tuple[Change, ...]]:
    """Another thing in the place of an object, the less like it the larger the amount.

    Assets are ranked by how like they are, those of the same uses before all others; the one that is taken is drawn
    from the first ``amount`` of the ranks, from their farther half.  It stands upright as in its own scene, turned so
    that it is longest where the object is (which end is where is drawn), its lowest point at the same height over the
    same place.  Its sides have the same geometric mean, or up to 25 % more or less at amount 1, but the longest is at
    most 1.3 times that of the object.  It keeps the object's id, and what it rests on; its name is made of the asset's
    and the id, its label says what it is and that it comes from a library.

    What is fixed or part of a joint stays as it is; so does everything at amount 0.

    Raises:
        UsageError: the amount is not in 0..1.
        SceneError: a file of the asset was removed or damaged meanwhile.
    """
    if not 0 <= amount <= 1:
        raise UsageError(f"amount {amount:g} is not in 0..1", todo="0 changes nothing, 1 takes what is least alike")
    if amount == 0 or obj.mobility != "free":
        return obj, ()
    form = library.form_of(obj)
    asset, distance = _draw(_ranked(obj, library), amount, rng)
    factor = _factor(form, asset.form, amount * SPREAD * rng.uniform(-1, 1))
    other = scaled(library.object_of(asset), factor)
    yaw = _yaw(obj) - _yaw(other) + math.pi * int(rng.integers(2))
    placed = stand_at(other, lowest_middle(obj), yaw)
    label = placed.label
    placed = replace(
        placed,
        id=obj.id,
        name=f"{asset.name}-{obj.id}",
        label=Label(label.text, label.confidence, f"library: {label.source}"),
        rests_on=obj.rests_on,
    )
    values: dict[str, float | str | list[float]] = {
        "asset": asset.name,
        "asset_digest": asset.digest,
        "unlike": distance,
        "scale": factor,
        "size_ratio": asset.form.size * factor / form.size,
    }
    uses = asset.form.affordances.scaled(factor)
    for name in form.affordances.differing(uses):
        values[name] = f"{getattr(form.affordances, name)} → {getattr(uses, name)}".lower()
    return placed, (Change("category", "replace", obj.name, values),)


def _ranked(obj: SceneObject, library: AssetLibrary) -> list[tuple[Asset, float]]:
    """What could stand for the object, those of the same uses first, each time the most alike first."""
    form = library.form_of(obj)
    near = nearest(library, obj, len(library.assets))
    fitting = [each for each in near if _fits(form, each[0].form)] or near
    same = [each for each in fitting if _same_uses(form, each[0].form)]
    others = [each for each in fitting if not _same_uses(form, each[0].form)]
    return [*same, *others[: max(0, FEW - len(same))]]


def _fits(form: Form, other: Form) -> bool:
    """Whether the other thing need not be made much larger or smaller."""
    return form.size / other.size <= STRETCH and _factor(form, other, 0.0) >= 1 / STRETCH


def _same_uses(form: Form, other: Form) -> bool:
    """Whether the other thing, as large as it would become, affords the same."""
    return not form.affordances.differing(other.affordances.scaled(_factor(form, other, 0.0)))


def _draw(ranked: list[tuple[Asset, float]], amount: float, rng: np.random.Generator) -> tuple[Asset, float]:
    last = amount * (len(ranked) - 1)
    return ranked[round(float(rng.uniform(last / 2, last)))]


def _factor(form: Form, other: Form, growth: float) -> float:
    """How many times as large the other thing becomes: of the same mean side, unless it would be much longer then."""
    factor = math.exp(growth) * form.size / other.size
    longest = LONGER * float(form.extents.max() / other.extents.max())
    return min(float(np.clip(factor, 1 / STRETCH, STRETCH)), longest)


def _yaw(obj: SceneObject) -> float:
    """Where a thing seen from above is longest [rad], in 0..π: the first principal axis of its outline's area.

    What is about as long as it is wide has none; there it is a side of the smallest rectangle round it.
    """
    points = upright_points(obj)[:, :2]
    corners = points[ConvexHull(points).vertices]
    corners -= corners.mean(0)
    following = np.roll(corners, -1, axis=0)
    areas = (corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]) / 2  # of triangles from the middle
    sums = corners + following
    mean = areas @ sums / (3 * areas.sum())
    second = sum(
        area / 12 * (np.outer(a, a) + np.outer(b, b) + np.outer(s, s))
        for area, a, b, s in zip(areas, corners, following, sums, strict=True)
    )
    lengths, ways = np.linalg.eigh(second / areas.sum() - np.outer(mean, mean))
    if lengths[1] < ROUND * lengths[0]:
        return least_box(corners)[1]
    return float(np.arctan2(ways[1, 1], ways[0, 1]) % np.pi)
