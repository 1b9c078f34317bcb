"""How well the size of a surface is known."""

from __future__ import annotations

import numpy as np

from scan2sim.objects.fusing import Refined
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import foot_of

__all__ = ["surface_sigma"]

HELD = 0.0006  # where photos or outlines hold a surface its common offset has this standard deviation …
FREE = 0.003  # … and where nothing does, this [camera distances]


def surface_sigma(refined: Refined, plane: SupportPlane, unit: float) -> float:  # [m]
    """Standard deviation of the mean offset of an object's surface along its normal.

    Errors of neighbouring places are alike: a gloss that seems to lie before a bowl's whole inside, a threshold that
    puts all surfaces a little too far out.  So they do not average out, and those of held and of free surface add up
    by their shares of the area.
    """
    mesh = refined.mesh
    area = np.bincount(mesh.faces.ravel(), np.repeat(mesh.area_faces / 3, 3), len(mesh.vertices))
    raised = ~foot_of(mesh, plane, unit)
    sigma = HELD + (FREE - HELD) * (1 - refined.trust)
    return float((area * raised * sigma).sum() / area.sum()) * unit
