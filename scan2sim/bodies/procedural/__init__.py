"""Household shapes made from numbers: closed meshes with their convex pieces known by construction.

`draw.py` knows the families, `blocks.py`, `rounds.py` and `vessels.py` make them of what `shape.py` holds.
"""

from scan2sim.bodies.procedural.draw import FAMILIES, procedural_shape
from scan2sim.bodies.procedural.shape import ProceduralShape, lying_turn

__all__ = ["FAMILIES", "ProceduralShape", "lying_turn", "procedural_shape"]
