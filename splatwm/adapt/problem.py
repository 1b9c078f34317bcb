"""How well a model with other numbers predicts a recording: one loss, and the residuals behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import Body
from scan2sim.geometry import quaternion_conjugate, quaternion_multiply, rotation_vector
from splatwm.adapt.parameters import Parameter, applied, values_at
from splatwm.recorded import RecordingPredictor
from splatwm.trained import Model

__all__ = ["Problem", "Residuals"]

Array = NDArray[np.float64]


class Residuals(NamedTuple):
    """Of E episodes over T frames after the first, in units of what counts as much; 0 where nothing was recorded."""

    position: Array  # (E, T, 3)
    rotation: Array  # (E, T, 3) rotation vectors
    share: Array  # (E, T) of each frame in its episode's mean; rows add up to 1

    @property
    def losses(self) -> Array:  # (E,)
        """Mean over an episode's frames of both errors together."""
        far, turned = (np.linalg.norm(each, axis=-1) for each in (self.position, self.rotation))
        return ((far + turned) * self.share).sum(1)


class Problem:
    """Predictions of one recording with some numbers of the model changed.

    Args:
        model: what is adapted.
        body: what was recorded.
        predictor: the episodes.
        parameters: the numbers that are sought.
        position: the error [m] that counts as much as …
        rotation: … this one [rad].
        threads: of the native core.
    """

    def __init__(
        self,
        model: Model,
        body: Body,
        predictor: RecordingPredictor,
        parameters: Sequence[Parameter],
        *,
        position: float,
        rotation: float,
        threads: int = 1,
    ) -> None:
        self.model, self.body, self.parameters = model, body, tuple(parameters)
        self.predictor, self._scales, self._threads = predictor, (position, rotation), threads
        known = np.isfinite(predictor.position[:, 1:, 0])
        self._known, self._share = known, known / known.sum(1, keepdims=True)
        self._truth = np.nan_to_num(predictor.position), np.where(known[..., None], predictor.wxyz[:, 1:], [1, 0, 0, 0])

    def until(self, share: float) -> Problem:
        """The same, judged by this share of the frames only: what comes early is less entangled."""
        frames = max(2, round(share * (self.predictor.frames - 1))) + 1
        far, turned = self._scales
        shorter = self.predictor.until(frames)
        return Problem(
            self.model,
            self.body,
            shorter,
            self.parameters,
            position=far,
            rotation=turned,
            threads=self._threads,
        )

    def model_at(self, place: Array) -> Model:  # (P,)
        """The model with the numbers at a place of the unit cube."""
        return applied(self.model, self.body, values_at(place, self.parameters))

    def residuals(self, place: Array) -> Residuals:  # (P,)
        """What the model predicts wrongly."""
        position, wxyz = self.predictor(self.model_at(place), self._threads)
        known = self._known[..., None]
        far = np.where(known, position[:, 1:] - self._truth[0][:, 1:], 0.0)
        turned = rotation_vector(quaternion_multiply(quaternion_conjugate(self._truth[1]), wxyz[:, 1:]))
        return Residuals(far / self._scales[0], np.where(known, turned, 0.0) / self._scales[1], self._share)

    def loss(self, place: Array) -> float:
        """Mean over the episodes of their losses."""
        return float(self.residuals(place).losses.mean())
