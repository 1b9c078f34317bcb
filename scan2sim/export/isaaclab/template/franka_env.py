"""Lift with a Franka Panda: the hand follows the task's action as the gripper that flies freely does."""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import torch
from isaaclab.controllers import DifferentialIKController, DifferentialIKControllerCfg
from isaaclab.utils.math import quat_from_matrix

from .gripper_env import GripperEnv
from .panda import OPEN, grip_of, joints_for, speeds_for
from .scan_env import ScanEnv
from .scan_env_cfg import ScanEnvCfg
from .scene_cfg import SCENE

__all__ = ["FrankaEnv", "make_lift"]

ARM = tuple(f"panda_joint{i}" for i in range(1, 8))
HAND = ("panda_finger_joint1", "panda_finger_joint2")
LEAD = 0.05  # [m], [rad × 5] by which the place that the hand shall have goes ahead of it at most


def make_lift(cfg: ScanEnvCfg, **more: Any) -> ScanEnv:
    """Lift with the Franka, or with the gripper that flies freely where the configuration has no Franka."""
    return FrankaEnv(cfg, **more) if cfg.franka else GripperEnv(cfg, **more)


class FrankaEnv(GripperEnv):
    """Environments side by side, each with the scene and a Franka beside it.

    The action moves the place and the yaw that the hand shall have; differential inverse kinematics of Isaac Lab turns
    them into places of the joints, whose drives are also told how fast they shall go.  A gripper is the same turned by
    half a turn, so yaws are counted within ±90° of the arm's own heading.
    """

    joints = (*ARM, *HAND)

    def __init__(self, cfg: ScanEnvCfg, render_mode: str | None = None, **kwargs: object) -> None:
        super().__init__(cfg, render_mode, **kwargs)
        self._aim = torch.zeros(self.num_envs, 4, device=self.device)
        self._motion = torch.zeros(self.num_envs, 6, device=self.device)
        settings = DifferentialIKControllerCfg(command_type="pose", use_relative_mode=False, ik_method="dls")
        self._solver = DifferentialIKController(settings, self.num_envs, self.device)
        self._base = torch.tensor([*SCENE["franka"]["position"], SCENE["franka"]["yaw"]], device=self.device)

    def _setup_scene(self) -> None:
        super()._setup_scene()
        rooms = [(task.gripper.low, task.gripper.high) for task in self.task.tasks]
        self._room = torch.tensor(rooms, device=self.device)[self.task.which]

    def tool_state(self) -> tuple[torch.Tensor, torch.Tensor]:  # (N, 6), (N, 6)
        """Grip point [m], yaw [rad] and fingers [m], and how fast they move."""
        places = self._tool.data.joint_pos.torch[:, self._joints]
        speeds = self._tool.data.joint_vel.torch[:, self._joints]
        grip = grip_of(places[:, :7])
        yaw = torch.atan2(grip.rotation[:, 1, 0], grip.rotation[:, 0, 0])
        moving = (grip.jacobian @ speeds[:, :7, None])[..., 0]
        turned = self._turn()
        place = self._base[:3] + grip.position @ turned.T
        tool = torch.cat([place, (yaw + self._base[3])[:, None], places[:, 7:]], dim=1)
        return tool, torch.cat([moving[:, :3] @ turned.T, moving[:, 5:], speeds[:, 7:]], dim=1)

    def _pre_physics_step(self, actions: torch.Tensor) -> None:
        super()._pre_physics_step(actions)
        now = self.tool_state()[0][:, :4]
        low, high = self._room[:, 0], self._room[:, 1]
        aim = self._aim + self._control[:, :4] * self.step_dt
        reach = aim.new_tensor([LEAD, LEAD, LEAD, 5 * LEAD])
        aim = torch.minimum(torch.maximum(aim, now - reach), now + reach)
        aim[:, :3] = torch.minimum(torch.maximum(aim[:, :3], low), high)
        moved = (aim - self._aim) / self.step_dt
        self._motion = torch.cat([moved[:, :3] @ self._turn(), torch.zeros_like(moved[:, :2]), moved[:, 3:]], dim=1)
        self._aim = aim

    def _apply_action(self) -> None:
        places = self._tool.data.joint_pos.torch[:, self._joints[:7]]
        grip, yaw = grip_of(places), self._aim[:, 3] - self._base[3]
        zero = torch.zeros_like(yaw)
        hanging = torch.stack([(yaw / 2).cos(), (yaw / 2).sin(), zero, zero], dim=1)  # xyzw: half a turn about x first
        self._solver.set_command(torch.cat([(self._aim[:, :3] - self._base[:3]) @ self._turn(), hanging], dim=1))
        wanted = self._solver.compute(grip.position, quat_from_matrix(grip.rotation), grip.jacobian, places)
        speeds = speeds_for(grip.jacobian, self._motion)
        self._tool.set_joint_velocity_target_index(target=speeds, joint_ids=self._joints[:7])
        fingers = self._control[:, 4:].clamp(max=OPEN)
        self._tool.set_joint_position_target_index(target=torch.cat([wanted, fingers], dim=1), joint_ids=self._joints)

    def _place_tool(self, tool: torch.Tensor, ids: torch.Tensor) -> None:
        """Put the hand there, at rest."""
        half = torch.pi
        yaw = torch.remainder(tool[:, 3] - self._base[3] + half / 2, half) - half / 2
        arm = joints_for((tool[:, :3] - self._base[:3]) @ self._turn(), yaw)
        self._aim[ids] = torch.cat([tool[:, :3], (yaw + self._base[3])[:, None]], dim=1)
        super()._place_tool(torch.cat([arm, tool[:, 4:].clamp(max=OPEN)], dim=1), ids)

    def _turn(self) -> torch.Tensor:  # (3, 3)
        """From the frame of the arm's base to the scene's."""
        c, s = self._base[3].cos(), self._base[3].sin()
        zero, one = torch.zeros_like(c), torch.ones_like(c)
        return torch.stack([c, -s, zero, s, c, zero, zero, zero, one]).reshape(3, 3)
