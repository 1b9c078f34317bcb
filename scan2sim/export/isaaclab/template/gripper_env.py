"""Lift and Rearrange as an environment of Isaac Lab; what they are about is in `gripper_task`."""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import torch

from .gripper_task import GripperState, GripperTask, gripper_task_of
from .scan_env import ScanEnv
from .scene_cfg import FINGERS

__all__ = ["GripperEnv"]


class GripperEnv(ScanEnv):
    """Environments side by side, each with the scene and a gripper."""

    joints = ("gripper_x", "gripper_y", "gripper_z", "gripper_yaw", *FINGERS)

    def read_task(self, data: dict[str, Any]) -> GripperTask:
        """The task of what ``data`` tells of it."""
        return gripper_task_of(data)

    def state(self) -> GripperState:
        """Of all environments, each in its own frame."""
        pose = torch.stack([body.data.root_link_pose_w.torch for body in self._targets], dim=1)
        velocity = torch.stack([body.data.root_link_vel_w.torch for body in self._targets], dim=1)
        tool, tool_velocity = self.tool_state()
        forces = [self.scene[finger].data.net_normal_forces_w.torch for finger in FINGERS]
        return GripperState(
            tool=tool,
            tool_velocity=tool_velocity,
            position=pose[..., :3] - self.scene.env_origins[:, None],
            wxyz=pose[..., [6, 3, 4, 5]],
            velocity=velocity[..., :3],
            spin=velocity[..., 3:],
            touch=torch.stack([force.reshape(self.num_envs, -1, 3).norm(dim=-1).sum(1) for force in forces], dim=1),
            goal=self._goal,
        )

    def tool_state(self) -> tuple[torch.Tensor, torch.Tensor]:  # (N, 6), (N, 6)
        """Grip point [m], yaw [rad] and fingers [m], and how fast they move."""
        data = self._tool.data
        return data.joint_pos.torch[:, self._joints], data.joint_vel.torch[:, self._joints]

    def state_at_rest(self, tool: torch.Tensor, pose: torch.Tensor, goal: torch.Tensor) -> GripperState:
        """As an episode starts: the gripper's joints (N, 6), poses (N, O, 7) with xyzw, goals (N, O, 3)."""
        still = torch.zeros_like(pose[..., :3])
        position, wxyz = pose[..., :3], pose[..., [6, 3, 4, 5]]
        return GripperState(
            tool, torch.zeros_like(tool), position, wxyz, still, still, torch.zeros_like(tool[:, :2]), goal
        )

    def _apply_action(self) -> None:
        flight, fingers = self._joints[:4], self._joints[4:]
        self._tool.set_joint_velocity_target_index(target=self._control[:, :4].contiguous(), joint_ids=flight)
        self._tool.set_joint_position_target_index(target=self._control[:, 4:].contiguous(), joint_ids=fingers)
