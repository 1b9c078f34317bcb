"""What is found out about a twin once, for all its cousins."""

from __future__ import annotations

from dataclasses import dataclass

from scan2sim.cousins.affordances import Affordances, affordances
from scan2sim.cousins.config import CousinsConfig
from scan2sim.cousins.shape import Anatomy, anatomy_of
from scan2sim.scene import Scene

__all__ = ["Study", "study_twin"]


@dataclass(frozen=True)
class Study:
    """How the objects of a twin are built and what they can be used for, by their ids."""

    anatomies: dict[int, Anatomy]
    affordances: dict[int, Affordances]


def study_twin(scene: Scene, config: CousinsConfig = CousinsConfig()) -> Study:  # noqa: B008  (frozen)
    """Study a scene before cousins of it are drawn; the configuration must be theirs."""
    shaped = [obj for obj in scene.objects if obj.joint is None] if "shape" in config.vary else []
    compared = scene.objects if config.affordances or "category" in config.vary else ()
    return Study(
        {obj.id: anatomy_of(obj, config.shape) for obj in shaped}, {obj.id: affordances(obj) for obj in compared}
    )
