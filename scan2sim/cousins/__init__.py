"""One Scene becomes many: shapes, replaced objects, layouts, physics, appearance, each change recorded and measured."""

from scan2sim.cousins.change import PARTS, Change, Part

__all__ = ["PARTS", "Change", "Part"]
