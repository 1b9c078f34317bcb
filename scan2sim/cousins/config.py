"""Everything that can be set about cousins; ``distance`` itself is given with each one."""

from __future__ import annotations

from dataclasses import dataclass, field

from scan2sim.cousins.change import Part

__all__ = [
    "AppearanceConfig",
    "ClutterConfig",
    "CousinsConfig",
    "LayoutConfig",
    "LightConfig",
    "ValidConfig",
]


@dataclass(frozen=True)
class LayoutConfig:
    """Where things stand."""

    gap: float = 0.004
    """Least distance between footprints [m]; things that stand nearer in the twin may stay as near."""
    places: int = 200
    """Places tried for each thing before its support counts as full."""


@dataclass(frozen=True)
class AppearanceConfig:
    """How colours may change at distance 1, each in natural logarithms or radians."""

    lightness: float = 0.35
    """Factor of all channels."""
    hue: float = 1.2
    """Angle about the grey axis [rad]."""
    saturation: float = 0.6
    """Factor of the distance from grey."""
    contrast: float = 0.6
    """Factor of the distance of each colour from the thing's mean colour, at equal luminance."""
    background: float = 0.6
    """Share of all this that the background takes."""


@dataclass(frozen=True)
class LightConfig:
    """How light and cameras may change at distance 1."""

    intensity: float = 0.3
    """Factor of all light, natural logarithm."""
    tint: float = 0.15
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
