"""What is found out about a twin once, for all its cousins."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from scan2sim.cousins.affordances import Affordances, affordances
from scan2sim.cousins.config import CousinsConfig
from scan2sim.cousins.shape import Anatomy, NothingToBendError, ShapeConfig, anatomy_of
from scan2sim.scene import Scene

__all__ = ["Study", "study_twin"]


@dataclass(frozen=True)
class Study:
    """How the objects of a twin are built and what they can be used for, by their ids."""

    anatomies: dict[int, Anatomy]  # of those whose shapes vary
    affordances: dict[int, Affordances]


def study_twin(scene: Scene, config: CousinsConfig = CousinsConfig()) -> Study:  # noqa: B008  (frozen)
    """Study a scene before cousins of it are drawn; the configuration must be theirs.

    Things that none of the configured deformations would change keep their shapes.

    Raises:
        SceneError: shapes are to vary and none of the things can, or one has no solid mesh.
    """
    compared = scene.objects if config.affordances or "category" in config.vary else ()
    anatomies = _anatomies(scene, config.shape) if "shape" in config.vary else {}
    return Study(anatomies, {obj.id: affordances(obj) for obj in compared})


def _anatomies(scene: Scene, config: ShapeConfig) -> dict[int, Anatomy]:
    found: dict[int, Anatomy] = {}
    shaped = [obj for obj in scene.objects if obj.joint is None]
    for obj in shaped:
        with suppress(NothingToBendError):
            found[obj.id] = anatomy_of(obj, config)
    if shaped and not found:
        raise NothingToBendError(
            f"none of the deformations {', '.join(config.kinds)} would change anything in this scene",
            todo="allow others with --shape.kinds, or leave “shape” out of --vary",
        )
    return found
