"""One object in another shape: deformations that carry its splats, mesh, collision pieces and mass along."""

from scan2sim.cousins.shape.anatomy import Anatomy, NothingToBendError, anatomy_of
from scan2sim.cousins.shape.config import KINDS, Kind, ShapeConfig
from scan2sim.cousins.shape.vary import vary_shape

__all__ = ["KINDS", "Anatomy", "Kind", "NothingToBendError", "ShapeConfig", "anatomy_of", "vary_shape"]
