"""Things weigh, slide and bounce otherwise, within what the scene holds possible and some material makes likely."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from scan2sim.bodies import MATERIALS, UNKNOWN, Estimate, Material, Range
from scan2sim.cousins.change import Change
from scan2sim.scene import SceneObject

__all__ = ["density_interval", "vary_physics"]

TRIES = 100  # directions tried until one leads to a material
NO_MATERIAL = "no material of the table"  # the scene's intervals hold none, so any direction is as good


def vary_physics(
    obj: SceneObject,
    amount: float,  # 0..1
    rng: np.random.Generator,
) -> tuple[SceneObject, tuple[Change, ...]]:
    """Other density, friction and restitution, and with them mass and inertia.

    A direction is drawn from the unit sphere, so each of its three parts t is uniform in -1..1 (Archimedes) while all
    together are always as large.  Each quantity goes ``amount · |t|`` of the way to the upper end of its interval
    (t > 0) or the lower one, in logarithms for density and friction.  Where the scene only guesses what an object is
    made of, a direction is taken whose end some material of the table has, in all three quantities: what is as
    light as foam slides and bounces like foam.  Where the intervals lead to no material, the change says so.

    Mass and inertia follow the density at the object's own volume; intervals stay as they are.
    """
    physical = obj.physical
    density = density_interval(obj)
    guessed = physical.mass.source == "guess"
    direction, material = _unit(rng), None
    for _ in range(TRIES if guessed else 0):
        end = [
            _towards(density, direction[0]),
            _towards(physical.friction, direction[1]),
            _between(physical.restitution, direction[2]),
        ]
        material = next((m for m in MATERIALS if m is not UNKNOWN and _is(m, end)), None)
        if material:
            break
        direction = _unit(rng)
    factor = _towards(density, amount * direction[0]) / density.value
    friction = _towards(physical.friction, amount * direction[1])
    restitution = _between(physical.restitution, amount * direction[2])
    changed = replace(
        physical,
        mass=replace(physical.mass, value=_inside(physical.mass, physical.mass.value * factor)),
        inertia=physical.inertia * factor,
        friction=replace(physical.friction, value=friction),
        restitution=replace(physical.restitution, value=restitution),
    )
    values: dict[str, float | str | list[float]] = {
        "mass_kg": changed.mass.value,
        "density_factor": factor,
        "friction": friction,
        "restitution": restitution,
    }
    if guessed:
        values["towards"] = material.name if material else NO_MATERIAL
    return replace(obj, physical=changed), (Change("physics", "draw", obj.name, values),)


def density_interval(obj: SceneObject) -> Range:  # [kg/m³]
    """What the object's density may be: the part of its mass's interval that its volume does not explain.

    The mass's logarithmic half-widths are √(density² + volume²) (:func:`scan2sim.bodies.estimate_physical`); here the
    volume is the mesh's.  Of a mass that somebody measured, the whole interval is the density's.
    """
    mass, volume = obj.physical.mass, obj.physical.volume
    known = mass.source == "measured"

    def half(mass_ratio: float, volume_ratio: float) -> float:
        return math.sqrt(max(0.0, math.log(mass_ratio) ** 2 - (0.0 if known else math.log(volume_ratio) ** 2)))

    value = mass.value / volume.value
    low = half(mass.value / mass.low, volume.value / volume.low) if mass.low > 0 and volume.low > 0 else 0.0
    high = half(mass.high / mass.value, volume.high / volume.value)
    return Range(value, value * math.exp(-low), value * math.exp(high))


def _unit(rng: np.random.Generator) -> np.ndarray:  # (3,)
    direction = rng.normal(size=3)
    return direction / np.linalg.norm(direction)


def _towards(interval: Range | Estimate, t: float) -> float:
    """From the value (t = 0) to the upper end (1) or the lower one (-1), evenly in logarithms."""
    end = interval.high if t > 0 else interval.low
    if interval.value <= 0 or end <= 0:
        return interval.value
    return _inside(interval, interval.value * (end / interval.value) ** abs(t))


def _between(interval: Estimate, t: float) -> float:
    """The same, evenly in the quantity itself."""
    end = interval.high if t > 0 else interval.low
    return _inside(interval, interval.value + abs(t) * (end - interval.value))


def _inside(interval: Range | Estimate, value: float) -> float:
    """Against rounding."""
    return min(max(value, interval.low), interval.high)


def _is(material: Material, end: list[float]) -> bool:
    ranges = (material.density, material.friction, material.restitution)
    return all(row.low <= value <= row.high for row, value in zip(ranges, end, strict=True))
