"""From a shape and a material to mass, inertia, friction and restitution, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies.mass import mass_properties
from scan2sim.bodies.materials import UNKNOWN, Material, Range

__all__ = ["TWO_SIDED_95", "BodyEstimate", "Estimate", "estimate_physical", "shape_sigma"]

TWO_SIDED_95 = 1.96  # standard deviations on each side of a 95 % interval
MOST = 0.6  # relative sigma of a volume of which nothing is known
FOOT = 0.6  # up to this share unseen is what things stand on, and the support tells where that ends
PER_UNSEEN = 0.5  # relative sigma of the volume per share that was unseen beyond it


@dataclass(frozen=True)
class Estimate:
    """A value with the interval that it lies in with about 95 % and where it comes from."""

    value: float
    low: float
    high: float
    source: Literal["measured", "material", "guess"]


@dataclass(frozen=True)
class BodyEstimate:
    """Physical properties of a body."""

    mass: Estimate  # [kg]
    friction: Estimate
    restitution: Estimate
    volume: Estimate  # [m³]
    center_of_mass: NDArray[np.float64]  # (3,) [m] in the mesh's frame
    inertia: NDArray[np.float64]  # (3, 3) [kg m²] about the centre of mass


def estimate_physical(
    mesh: trimesh.Trimesh,
    material: Material | None = None,
    scale_sigma: float = 0.0,
    shape_sigma: float = 0.03,
) -> BodyEstimate:
    """Physical properties of the solid inside a closed mesh.

    Intervals are combined as independent lognormal factors: the volume's relative width is three times that of the
    length scale together with that of the shape, and the mass adds the density's.

    Args:
        mesh: closed, in metres.
        material: a row of the table; None means that nothing is known, which makes wide guesses.
        scale_sigma: relative standard deviation of the length scale.
        shape_sigma: relative standard deviation of the volume at a known scale.

    Raises:
        SceneError: the mesh is not closed.
    """
    row = material or UNKNOWN
    source: Literal["material", "guess"] = "guess" if row is UNKNOWN else "material"
    solid = mass_properties(mesh, row.density.value)
    volume = solid.mass / row.density.value
    width = math.exp(TWO_SIDED_95 * math.hypot(3 * scale_sigma, shape_sigma))
    mass_low = math.hypot(math.log(row.density.value / row.density.low), math.log(width))
    mass_high = math.hypot(math.log(row.density.high / row.density.value), math.log(width))
    return BodyEstimate(
        mass=Estimate(solid.mass, solid.mass * math.exp(-mass_low), solid.mass * math.exp(mass_high), source),
        friction=_interval(row.friction, source),
        restitution=_interval(row.restitution, source),
        volume=Estimate(volume, volume / width, volume * width, "measured"),
        center_of_mass=solid.center_of_mass,
        inertia=solid.inertia,
    )


def shape_sigma(
    mesh: trimesh.Trimesh,  # closed
    surface_sigma: float,  # [m]
    unseen_fraction: float = 0.0,
) -> float:
    """Relative standard deviation of the volume inside a reconstructed surface whose scale is known.

    A surface that lies off by δ on the whole encloses ``δ · area`` too much, so the volume of thin and hollow things is
    known worse than that of round ones: sigma = ``surface_sigma · area / volume``.  What was never seen adds to it,
    beyond the foot that the support explains.

    Args:
        mesh: the surface.
        surface_sigma: standard deviation of its mean offset along the normal.
        unseen_fraction: share of the surface that no photo saw.
    """
    surface = surface_sigma * float(mesh.area) / float(mesh.volume)
    return min(MOST, math.hypot(surface, PER_UNSEEN * max(0.0, unseen_fraction - FOOT)))


def _interval(span: Range, source: Literal["material", "guess"]) -> Estimate:
    return Estimate(span.value, span.low, span.high, source)
