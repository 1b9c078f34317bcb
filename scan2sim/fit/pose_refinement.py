"""Small corrections of the training photos' cameras, learned with the Gaussians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.fit.config import RefinementConfig
from scan2sim.fit.se3 import se3_exp
from scan2sim.splats import AdamMoments, adam_step

__all__ = ["PoseRefinement", "common_motions"]


class PoseRefinement:
    """One twist per photo: ``world_from_camera · exp(twist)``, so about the camera's centre and along its axes.

    Translations are in units of the scene's size.  Only the step's own photo is updated.  As cameras and Gaussians can
    move, turn and grow together without any photo noticing, that part is taken out of the corrections after each step:
    to first order they neither move, turn nor scale the cameras as a whole, and held-out cameras keep their meaning.
    """

    def __init__(
        self, cameras: Sequence[Camera], size: float, config: RefinementConfig, device: torch.device | str = "cpu"
    ) -> None:
        self._config, self._size = config, size
        self.values = torch.zeros(len(cameras), 6, dtype=torch.float64, device=device, requires_grad=config.rate > 0)
        self._moments = AdamMoments(torch.zeros_like(self.values.detach()), torch.zeros_like(self.values.detach()))
        self._steps = torch.zeros(len(cameras), device=device)
        self._given = torch.from_numpy(np.stack([camera.world_from_camera for camera in cameras])).to(device)
        self._common = torch.from_numpy(common_motions(cameras, size)).to(device)

    def is_active(self, share: float) -> bool:
        """Whether cameras move after ``share`` of the training (0..1)."""
        return self._config.rate > 0 and share >= self._config.start

    def pose(self, photo: int) -> Tensor:  # (4, 4) float64
        """The corrected ``world_from_camera``, attached to autograd."""
        twist = self.values[photo] * self.values.new_tensor([1.0, 1, 1, *[self._size] * 3])
        return self._given[photo] @ se3_exp(twist)

    def corrected(self, photo: int, camera: Camera) -> Camera:
        """A photo's camera with the correction found so far."""
        return replace(camera, world_from_camera=self.pose(photo).detach().cpu().numpy())

    def step(self, photo: int, share: float) -> None:
        """One Adam step for a photo's camera, if it has a gradient."""
        gradient, self.values.grad = self.values.grad, None
        if gradient is None:
            return
        seen = torch.arange(len(self.values), device=self.values.device) == photo
        self._steps[photo] += 1
        rate = self._config.rate * self._config.decay**share
        adam_step(self.values, gradient, self._moments, ((6, rate),), int(self._steps[photo]), seen)
        with torch.no_grad():
            flat = self.values.flatten()
            flat -= self._common @ (self._common.T @ flat)

    def figures(self) -> dict[str, float]:
        """Median size of the corrections."""
        values = self.values.detach().cpu()
        return {
            "pose_correction_deg": float(torch.rad2deg(values[:, :3].norm(dim=1)).median()),
            "pose_correction_mm": float(values[:, 3:].norm(dim=1).median() * self._size * 1000),
        }

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on exactly from here, as flat tensors."""
        moments = {"poses/first": self._moments.first, "poses/second": self._moments.second}
        return {"poses/values": self.values.detach(), "poses/steps": self._steps} | moments

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what :meth:`state` returned."""
        with torch.no_grad():
            self.values.copy_(state["poses/values"])
        self._moments.first.copy_(state["poses/first"])
        self._moments.second.copy_(state["poses/second"])
        self._steps.copy_(state["poses/steps"])


def common_motions(cameras: Sequence[Camera], size: float) -> np.ndarray:  # (6 P, K ≤ 7) orthonormal columns
    """Twists of all cameras, one after the other, as the scene is moved, turned or scaled as a whole."""
    poses = np.stack([camera.world_from_camera for camera in cameras])
    centres = poses[:, :3, 3] - poses[:, :3, 3].mean(0)
    columns = []
    for axis in np.eye(3):
        columns.append((np.zeros_like(centres), np.tile(axis, (len(poses), 1))))
        columns.append((np.tile(axis, (len(poses), 1)), np.cross(axis, centres)))
    columns.append((np.zeros_like(centres), centres))
    local = [
        # into each camera's own axes, positions in units of the scene's size
        np.concatenate([np.einsum("cji,cj->ci", poses[:, :3, :3], v) for v in (turn, shift / size)], 1).ravel()
        for turn, shift in columns
    ]
    u, singular, _ = np.linalg.svd(np.stack(local, 1), full_matrices=False)
    return u[:, singular > 1e-9 * singular[0]]
