"""One Scene becomes many: shapes, replaced objects, layouts, physics, appearance, each change recorded and measured.

`sample.py` draws one cousin: `vary.py` varies every part (`shape/`, `assets/` and one file a part), the simulator lets
it come to rest, `valid.py` checks it, `distance.py` measures it.  `ground.py` knows supports and footprints,
`colors.py` the skin of things; `many/` makes folders full of cousins.
"""

from scan2sim.cousins.change import PARTS, Change, Part
from scan2sim.cousins.config import (
    AppearanceConfig,
    ClutterConfig,
    CousinsConfig,
    LayoutConfig,
    LightConfig,
    ValidConfig,
)
from scan2sim.cousins.distance import Distance, distance_between
from scan2sim.cousins.sample import Cousin, NoCousinError, sample
from scan2sim.cousins.study import Study, study_twin
from scan2sim.cousins.valid import problems

__all__ = [
    "PARTS",
    "AppearanceConfig",
    "Change",
    "ClutterConfig",
    "Cousin",
    "CousinsConfig",
    "Distance",
    "LayoutConfig",
    "LightConfig",
    "NoCousinError",
    "Part",
    "Study",
    "ValidConfig",
    "distance_between",
    "problems",
    "sample",
    "study_twin",
]
