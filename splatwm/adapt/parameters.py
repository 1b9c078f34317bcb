"""The numbers that a recording may tell, and how they change a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import Body
from scan2sim.errors import UsageError
from splatwm.recorded import stated_physics
from splatwm.trained import Model

__all__ = [
    "ANYWHERE",
    "PARAMETERS",
    "Parameter",
    "applied",
    "believed_sigmas",
    "chosen_parameters",
    "place_of",
    "stated_values",
    "values_at",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """One number: what it is, between which bounds it is believed to lie, along its logarithm or not."""

    name: str
    what: str
    unit: str
    low: float
    high: float
    logarithmic: bool = False
    of_size: bool = False  # bounds and belief are shares of the body's longest side
    belief: float | None = None
    """Standard deviation around where the search begins, of the logarithm of a logarithmic one; None: anywhere between
    the bounds.  Of few tosses most numbers tell little: without beliefs each makes up for the others' errors."""


PARAMETERS = (
    Parameter("friction", "sliding friction", "", 0.03, 1.2, True),
    Parameter("slip_friction", "share by which friction grows with the speed of sliding", "s/m", -0.1, 0.6, belief=0.1),
    Parameter("impact_friction", "share by which friction falls in impacts", "s/m", 0.0, 1.0, belief=0.2),
    Parameter("restitution", "restitution", "", 0.0, 0.5),
    Parameter("contact_time", "time of a contact's spring", "s", 0.002, 0.02, True),
    Parameter("contact_damping", "damping of a contact's spring", "", 0.1, 2.0, True, belief=0.7),
    Parameter("impedance_low", "stiffness without penetration", "", 0.01, 0.9, False),
    Parameter("impedance_width", "penetration at which it is stiff", "m", 1e-4, 0.015, True),
    Parameter("friction_softness", "creep of sticking friction", "", 0.0, 1.0),
    Parameter("torsion", "torsional friction", "m", 1e-5, 0.02, True),
    Parameter("rolling", "rolling resistance", "m", 1e-5, 0.005, True),
    Parameter("size", "size beside the stated one", "", 0.95, 1.03, belief=0.005),
    Parameter("rounding", "radius of corners and edges", "m", 0.0, 0.06, of_size=True),
    Parameter("inertia", "inertia beside the stated one", "", 0.6, 2.0, True, belief=0.3),
    Parameter("center_x", "centre of mass along x", "m", -0.1, 0.1, of_size=True, belief=0.05),
    Parameter("center_y", "centre of mass along y", "m", -0.1, 0.1, of_size=True, belief=0.05),
    Parameter("center_z", "centre of mass along z", "m", -0.1, 0.1, of_size=True, belief=0.05),
    Parameter("gravity", "gravity in the recording's units", "m/s²", 9.3, 10.1, belief=0.15),
    Parameter("plane", "height of the plane", "m", -0.03, 0.03, of_size=True, belief=0.01),
    Parameter("lag", "age of the recording's velocities", "s", 0.0, 0.01, belief=0.002),
)
ANYWHERE = 1 / np.sqrt(12)  # standard deviation of a share that may be anything in 0..1
PUSHED = ("friction",)  # what the pushes of a kinematic robot tell, when nothing else is asked for
OF_PHYSICS = ("slip_friction", "impact_friction", "friction_softness", "torsion", "rolling")
OF_SPRING = {"contact_time": "time_constant", "contact_damping": "damping_ratio"}


def chosen_parameters(names: Sequence[str] | None, body: Body, pushed: bool) -> tuple[Parameter, ...]:
    """The parameters of these names with bounds for this body; by default those that such a recording can tell.

    Raises:
        UsageError: there is no such parameter, or none is asked for.
    """
    known = {each.name: each for each in PARAMETERS}
    wanted = list(names) if names is not None else list(PUSHED if pushed else known)
    odd = [name for name in wanted if name not in known]
    if odd or not wanted or len(set(wanted)) < len(wanted):
        raise UsageError(f"“{', '.join(odd or wanted)}” cannot be adapted", todo=f"choose among {', '.join(known)}")
    side = float(body.surface.extents.max())
    chosen = [known[name] for name in wanted]
    return tuple(_for_size(each, side) if each.of_size else each for each in chosen)


def _for_size(parameter: Parameter, side: float) -> Parameter:
    belief = None if parameter.belief is None else parameter.belief * side
    return replace(parameter, low=parameter.low * side, high=parameter.high * side, belief=belief)


def believed_sigmas(parameters: Sequence[Parameter]) -> Array:  # (P,)
    """How far places may be from where the search begins, as standard deviations, before anything is recorded."""
    widths = [np.log(p.high / p.low) if p.logarithmic else p.high - p.low for p in parameters]
    return np.array(
        [ANYWHERE if p.belief is None else p.belief / width for p, width in zip(parameters, widths, strict=True)]
    )


def values_at(place: Array, parameters: Sequence[Parameter]) -> dict[str, float]:  # (P,) each in 0..1
    """The numbers at a place between their bounds."""
    values = {}
    for each, share in zip(parameters, np.clip(place, 0.0, 1.0), strict=True):
        low, high = each.low, each.high
        values[each.name] = float(low * (high / low) ** share if each.logarithmic else low + (high - low) * share)
    return values


def place_of(values: Mapping[str, float], parameters: Sequence[Parameter]) -> Array:  # (P,)
    """Where numbers lie between their bounds; those beyond at the nearest bound."""
    place = []
    for each in parameters:
        value = float(np.clip(values[each.name], each.low, each.high))
        if each.logarithmic:
            place.append(np.log(value / each.low) / np.log(each.high / each.low))
        else:
            place.append((value - each.low) / (each.high - each.low))
    return np.array(place)


def stated_values(model: Model, body: Body) -> dict[str, float]:
    """All parameters as the model and the body have them."""
    physics, own = model.physics, model.body or stated_physics(body)
    low, _, width = physics.impedance
    values = {name: float(getattr(physics, name)) for name in OF_PHYSICS}
    values |= {name: float(getattr(physics, field)) for name, field in OF_SPRING.items()}
    values |= {"impedance_low": low, "impedance_width": width, "gravity": -physics.gravity[2]}
    return values | {name: float(value) for name, value in vars(own).items()}


def applied(model: Model, body: Body, values: Mapping[str, float]) -> Model:
    """The model with these numbers in place of its own."""
    everything = stated_values(model, body) | dict(values)
    _, high, _ = model.physics.impedance
    physics = replace(
        model.physics,
        gravity=(0.0, 0.0, -everything["gravity"]),
        impedance=(min(everything["impedance_low"], high), high, everything["impedance_width"]),
        **{name: everything[name] for name in OF_PHYSICS},
        **{field: everything[name] for name, field in OF_SPRING.items()},
    )
    own = model.body or stated_physics(body)
    return replace(model, physics=physics, body=replace(own, **{name: everything[name] for name in vars(own)}))
