"""The main support is found where the poses put it, level or tilted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from scan2sim.objects.support import find_support


@dataclass(frozen=True)
class Seen:
    """A view of which only its surface points matter."""

    cloud: torch.Tensor  # (N, 3)

    def points(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.cloud, torch.ones(len(self.cloud), dtype=torch.bool)


@pytest.mark.parametrize("tilt", [0.0, 5.0, 15.0])
def test_a_tilted_table_is_found(tilt: float) -> None:
    rng = np.random.default_rng(0)
    table = rng.uniform([-0.5, -0.4, 0.003], [0.5, 0.4, 0.003], (20_000, 3))
    top = rng.uniform([-0.1, -0.1, 0.06], [0.05, 0.1, 0.06], (4_000, 3))  # of a box on it
    turn = Rotation.from_euler("x", tilt, degrees=True)
    cloud = turn.apply(np.concatenate([table, top]) + rng.normal(0, 5e-4, (24_000, 3)))
    known = turn.apply([0.0, 0.0, 1.0])
    nearly = Rotation.from_euler("y", 1.5, degrees=True).apply(known)
    plane = find_support([Seen(torch.from_numpy(cloud).float())], 0.5, 0, nearly)  # pyright: ignore[reportArgumentType]
    assert np.degrees(np.arccos(min(1.0, plane.normal @ known))) < 0.2
    assert plane.offset == pytest.approx(0.003, abs=5e-4)
    assert np.ptp(plane.polygon, axis=0) == pytest.approx([1.0, 0.8], abs=0.05)
