"""What a model is: physics, what is varied to see how sure it is, and what its errors were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from splatwm.config import PhysicsConfig
from splatwm.model import ContactNetwork
from splatwm.trained.body import BodyPhysics
from splatwm.trained.calibration import Calibration
from splatwm.trained.ensemble import EnsembleConfig

__all__ = ["Model"]


@dataclass(frozen=True)
class Model:
    """Everything that a prediction needs besides a scene and what a robot does in it."""

    physics: PhysicsConfig = field(default_factory=PhysicsConfig)
    ensemble: EnsembleConfig = field(default_factory=EnsembleConfig)
    calibration: Calibration | None = None  # None: it was never held against anything, and its uncertainty is not known
    body: BodyPhysics | None = None  # of the one body that it was adapted to; None: bodies are what they say
    network: ContactNetwork | None = None  # corrects contacts; None: the analytic solver alone
    card: dict[str, Any] = field(default_factory=dict)  # data, errors, limits, and the command that made it
