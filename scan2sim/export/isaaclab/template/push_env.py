"""Push as an environment of Isaac Lab; what it is about is in `push_task`."""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import torch

from .push_task import PushState, PushTask
from .scan_env import ScanEnv

__all__ = ["PushEnv"]


class PushEnv(ScanEnv):
    """Environments side by side, each with the scene and a pusher."""

    joints = ("pusher_x", "pusher_y")

    def read_task(self, data: dict[str, Any]) -> PushTask:
        """The task of what ``data`` tells of it."""
        return PushTask.of(data)

    def state(self) -> PushState:
        """Of all environments, each in its own frame."""
        (target,), joints = self._targets, self._joints
        pose, velocity = target.data.root_link_pose_w.torch, target.data.root_link_vel_w.torch
        return PushState(
            tool=self._tool.data.joint_pos.torch[:, joints],
            tool_velocity=self._tool.data.joint_vel.torch[:, joints],
            position=pose[:, :3] - self.scene.env_origins,
            wxyz=pose[:, [6, 3, 4, 5]],
            velocity=velocity[:, :3],
            spin=velocity[:, 3:],
            goal=self._goal[:, 0],
        )

    def state_at_rest(self, tool: torch.Tensor, pose: torch.Tensor, goal: torch.Tensor) -> PushState:
        """As an episode starts: the pusher's place (N, 2), poses (N, 1, 7) with xyzw, goals (N, 1, 3)."""
        still = torch.zeros_like(pose[:, 0, :3])
        return PushState(tool, still[:, :2], pose[:, 0, :3], pose[:, 0, [6, 3, 4, 5]], still, still, goal[:, 0])

    def _apply_action(self) -> None:
        self._tool.set_joint_velocity_target_index(target=self._control, joint_ids=self._joints)
