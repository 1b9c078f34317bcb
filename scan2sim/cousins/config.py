"""Everything that can be set about cousins; ``distance`` itself is given with each one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from scan2sim.cousins.change import PARTS, Part
from scan2sim.cousins.shape import ShapeConfig
from scan2sim.errors import UsageError

__all__ = [
    "AppearanceConfig",
    "ClutterConfig",
    "CousinsConfig",
    "LayoutConfig",
    "LightConfig",
    "ValidConfig",
    "check_config",
]


LONGEST = 60.0  # [s] that a cousin is let go for


@dataclass(frozen=True)
class LayoutConfig:
    """Where things stand."""

    gap: float = 0.004
    """Least distance between footprints [m]; things that stand nearer in the twin may stay as near."""
    places: int = 200
    """Places tried for each thing before its support counts as full."""
    change_relations: bool = False
    """Whether some things are also put on or into others, or taken off them."""


@dataclass(frozen=True)
class AppearanceConfig:
    """How colours may change at distance 1."""

    shift: float = 35.0
    """How far an object's mean colour goes [CIELAB]; 10 is clearly another colour, 100 from black to white."""
    background: float = 15.0
    """How far that of the background goes."""
    contrast: float = 0.5
    """Factor of what colours differ from the mean colour at the same luminance, natural logarithm, either way."""


@dataclass(frozen=True)
class LightConfig:
    """How light and cameras may change at distance 1."""

    intensity: float = 0.3
    """Factor of all light, natural logarithm."""
    tint: float = 0.12
    """Factor of each channel of light, natural logarithm."""
    direction: float = 0.4
    """Factor between surfaces that face the new light and those that face sideways, natural logarithm."""
    camera_shift: float = 0.03
    """Largest shift of a camera, in distances to the things."""
    camera_turn: float = 3.0
    """Largest turn of a camera [degrees]."""


@dataclass(frozen=True)
class ClutterConfig:
    """Things that the twin does not have."""

    most: int = 4
    """Distractors at distance 1."""
    smallest: float = 0.4
    """Smallest distractor, in sizes of the scene's middle object …"""
    largest: float = 1.2
    """… and largest."""


@dataclass(frozen=True)
class ValidConfig:
    """What a cousin must be to be handed out."""

    seconds: float = 2.0
    """How long it is let go for [s]."""
    drift: float = 0.002
    """What each object may drift in that time [m] …"""
    turn: float = 2.0
    """… and turn [degrees]."""
    penetration: float = 0.0005
    """How deep two things may overlap [m]."""


@dataclass(frozen=True)
class CousinsConfig:
    """What differs between a scene and its cousins."""

    vary: tuple[Part, ...] = ("shape", "layout", "physics")
    """What is varied."""
    tries: int = 20
    """Samples drawn for one cousin before giving up."""
    affordances: bool = False
    """Whether it is measured what objects can be used for after a deformation too, not only after an exchange; that
    takes about 40 ms an object."""
    shape: ShapeConfig = field(default_factory=ShapeConfig)
    """Shapes of objects."""
    layout: LayoutConfig = field(default_factory=LayoutConfig)
    """Where things stand."""
    appearance: AppearanceConfig = field(default_factory=AppearanceConfig)
    """Colours."""
    light: LightConfig = field(default_factory=LightConfig)
    """Light and cameras."""
    clutter: ClutterConfig = field(default_factory=ClutterConfig)
    """Distractors."""
    valid: ValidConfig = field(default_factory=ValidConfig)
    """What is checked."""


def check_config(config: CousinsConfig) -> None:
    """Refuse settings with which nothing can come out.

    Raises:
        UsageError: nothing varies, or something that no part is called; no tries; limits that are not positive.
    """
    if not config.vary:
        raise UsageError("nothing to vary", todo="choose from: " + ", ".join(PARTS))
    if unknown := [part for part in config.vary if part not in PARTS]:
        raise UsageError(f"“{unknown[0]}” is nothing that varies", todo="choose from: " + ", ".join(PARTS))
    if config.tries < 1:
        raise UsageError(f"{config.tries} tries for a cousin", todo="give 1 or more")
    valid = config.valid
    for name in ("seconds", "drift", "turn", "penetration"):
        value = getattr(valid, name)
        if not (math.isfinite(value) and value > 0):
            raise UsageError(f"valid.{name} is {value:g}", todo="give a positive number")
    if valid.seconds > LONGEST:
        raise UsageError(f"valid.seconds is {valid.seconds:g}", todo=f"give at most {LONGEST:g}")
