"""How boldly shapes are varied, and what a varied object must still be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["KINDS", "Kind", "ShapeConfig"]

Kind = Literal["stretch", "taper", "bulge", "bend", "twist", "bumps", "neck", "rim", "body", "wall"]
"""Families of deformations; the last four change parts and need a shape that has them."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class ShapeConfig:
    """How one object's shape is varied."""

    largest: float = 0.05
    """Mean distance between the surfaces of twin and cousin at amount 1, over the twin's longest side; less at once
    where the object cannot be changed that much in the way that was drawn."""
    kinds: tuple[Kind, ...] = KINDS
    """The deformations to draw from."""
    mix: int = 3
    """At least so many deformations are mixed, if there are as many."""
    tries: int = 24
    """At most so many deformations are drawn until one gives a valid object."""
    growth: float = 2.0
    """The volume grows or shrinks at most by this factor."""
    margin: float = 0.15
    """The centre of mass lies so far inside the support polygon, over the polygon's own radius, or half as far as the
    twin's if that is less."""
    lean: float = 0.3
    """An object that would tip is sheared by at most this much (1 is 45°) to bring its weight over its foot."""
    excess: float = 0.05
    """By how much the collision pieces may grow where they are made convex again, over the solid's volume."""
