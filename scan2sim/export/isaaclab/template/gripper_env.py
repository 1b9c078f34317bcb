"""Lift and Rearrange as an environment of Isaac Lab; what they are about is in `gripper_task`."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence

import torch
from isaaclab.assets import Articulation
from isaaclab.envs import DirectRLEnv

from .gripper_env_cfg import GripperEnvCfg
from .gripper_task import GripperState, Start, read_gripper_task
from .scene_cfg import DATA, FINGERS, GRIPPER, SCENE

__all__ = ["GripperEnv"]

JOINTS = ["gripper_x", "gripper_y", "gripper_z", "gripper_yaw", *FINGERS]


class GripperEnv(DirectRLEnv):
    """Environments side by side, each with the scene and a gripper."""

    cfg: GripperEnvCfg

    def __init__(self, cfg: GripperEnvCfg, render_mode: str | None = None, **kwargs: object) -> None:
        self.task = read_gripper_task(DATA / "tasks.json", cfg.task)
        super().__init__(cfg, render_mode, **kwargs)
        self._joints = self._gripper.find_joints(JOINTS, preserve_order=True)[0]

    def _setup_scene(self) -> None:
        """The scene configuration has set it all up; only names are looked up."""
        names = {data["name"]: data["identifier"] for data in SCENE["objects"]}
        self._gripper: Articulation = self.scene[GRIPPER]
        self._targets = [self.scene[names[name]] for name in self.task.objects]
        self._goal = torch.zeros(self.num_envs, len(self._targets), 3, device=self.device)
        self._potential = torch.zeros(self.num_envs, device=self.device)
        self._control = torch.zeros(self.num_envs, 6, device=self.device)

    def state(self) -> GripperState:
        """Of all environments, each in its own frame."""
        pose = torch.stack([body.data.root_link_pose_w.torch for body in self._targets], dim=1)
        velocity = torch.stack([body.data.root_link_vel_w.torch for body in self._targets], dim=1)
        forces = [self.scene[finger].data.net_normal_forces_w.torch for finger in FINGERS]
        return GripperState(
            tool=self._gripper.data.joint_pos.torch[:, self._joints],
            tool_velocity=self._gripper.data.joint_vel.torch[:, self._joints],
            position=pose[..., :3] - self.scene.env_origins[:, None],
            wxyz=pose[..., [6, 3, 4, 5]],
            velocity=velocity[..., :3],
            spin=velocity[..., 3:],
            touch=torch.stack([force.reshape(self.num_envs, -1, 3).norm(dim=-1).sum(1) for force in forces], dim=1),
            goal=self._goal,
        )

    def _pre_physics_step(self, actions: torch.Tensor) -> None:
        self._control = self.task.gripper.control(actions)

    def _apply_action(self) -> None:
        flight, fingers = self._joints[:4], self._joints[4:]
        self._gripper.set_joint_velocity_target_index(target=self._control[:, :4].contiguous(), joint_ids=flight)
        self._gripper.set_joint_position_target_index(target=self._control[:, 4:].contiguous(), joint_ids=fingers)

    def _get_observations(self) -> dict[str, torch.Tensor]:
        return {"policy": self.task.observation(self.state())}

    def _get_rewards(self) -> torch.Tensor:
        state = self.state()
        potential = self.task.potential(state)
        reward = potential - self._potential + self.task.success(state)
        self._potential = potential
        return reward

    def _get_dones(self) -> tuple[torch.Tensor, torch.Tensor]:
        state = self.state()
        success = self.task.success(state)
        self.extras["is_success"] = success
        return success | self.task.failed(state), self.episode_length_buf >= self.max_episode_length

    def _reset_idx(self, env_ids: Sequence[int] | torch.Tensor | None) -> None:
        ids = torch.arange(self.num_envs, device=self.device)
        ids = ids if env_ids is None else torch.as_tensor(env_ids, device=self.device)
        super()._reset_idx(ids)
        start = self.task.sample_start(len(ids), self.device)
        placed = torch.zeros(len(ids), len(self._targets), 7, device=self.device)
        for obj in self.scene.rigid_objects.values():
            pose = obj.data.default_root_pose.torch[ids].clone()
            if obj in self._targets:
                number = self._targets.index(obj)
                pose[:, :2] += start.shift[:, number]
                pose[:, 3:] = _turned(pose[:, 3:], start.yaw[:, number])
                placed[:, number] = pose
            pose[:, :3] += self.scene.env_origins[ids]
            obj.write_root_pose_to_sim_index(root_pose=pose, env_ids=ids)
            obj.write_root_velocity_to_sim_index(root_velocity=torch.zeros_like(pose)[:, :6], env_ids=ids)
        self._goal[ids] = start.goal
        self._potential[ids] = self.task.potential(_at_rest(start, placed))
        joints, still = self._joints, torch.zeros_like(start.tool)
        self._gripper.write_joint_position_to_sim_index(position=start.tool, joint_ids=joints, env_ids=ids)
        self._gripper.write_joint_velocity_to_sim_index(velocity=still, joint_ids=joints, env_ids=ids)


def _at_rest(start: Start, pose: torch.Tensor) -> GripperState:  # (N, O, 7) position and xyzw
    """The state as an episode starts."""
    still = torch.zeros_like(pose[..., :3])
    touch = torch.zeros_like(start.tool[:, :2])
    return GripperState(
        start.tool,
        torch.zeros_like(start.tool),
        pose[..., :3],
        pose[..., [6, 3, 4, 5]],
        still,
        still,
        touch,
        start.goal,
    )


def _turned(xyzw: torch.Tensor, yaw: torch.Tensor) -> torch.Tensor:  # (N, 4), (N,) [rad] → (N, 4)
    """Turned about the vertical."""
    x, y, z, w = xyzw.unbind(1)
    c, s = (yaw / 2).cos(), (yaw / 2).sin()
    return torch.stack([c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z], dim=1)
