"""Push as an environment of Isaac Lab; what it is about is in `push_task`."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence

import torch
from isaaclab.assets import Articulation, RigidObject
from isaaclab.envs import DirectRLEnv

from .push_env_cfg import PushEnvCfg
from .push_task import PushState, PushTask, Start
from .scene_cfg import DATA, PUSHER, SCENE

__all__ = ["PushEnv"]


class PushEnv(DirectRLEnv):
    """Environments side by side, each with the scene and a pusher."""

    cfg: PushEnvCfg

    def __init__(self, cfg: PushEnvCfg, render_mode: str | None = None, **kwargs: object) -> None:
        self.task = PushTask.read(DATA / "tasks.json", cfg.task)
        names = {data["name"]: data["identifier"] for data in SCENE["objects"]}
        self._target_name = names[self.task.target]
        super().__init__(cfg, render_mode, **kwargs)
        self._joints = self._pusher.find_joints(["pusher_x", "pusher_y"], preserve_order=True)[0]

    def _setup_scene(self) -> None:
        """The scene configuration has set it all up; only names are looked up."""
        self._pusher: Articulation = self.scene[PUSHER]
        self._target: RigidObject = self.scene[self._target_name]
        self._goal = torch.zeros(self.num_envs, 3, device=self.device)
        self._potential = torch.zeros(self.num_envs, device=self.device)
        self._control = torch.zeros(self.num_envs, 2, device=self.device)

    def state(self) -> PushState:
        """Of all environments, each in its own frame."""
        joints = self._joints
        pose = self._target.data.root_link_pose_w.torch
        velocity = self._target.data.root_link_vel_w.torch
        return PushState(
            tool=self._pusher.data.joint_pos.torch[:, joints],
            tool_velocity=self._pusher.data.joint_vel.torch[:, joints],
            position=pose[:, :3] - self.scene.env_origins,
            wxyz=pose[:, [6, 3, 4, 5]],
            velocity=velocity[:, :3],
            spin=velocity[:, 3:],
            goal=self._goal,
        )

    def _pre_physics_step(self, actions: torch.Tensor) -> None:
        self._control = self.task.control(actions)

    def _apply_action(self) -> None:
        self._pusher.set_joint_velocity_target_index(target=self._control, joint_ids=self._joints)

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
        for obj in self.scene.rigid_objects.values():
            pose = obj.data.default_root_pose.torch[ids].clone()
            if obj is self._target:
                pose[:, :2] += start.shift
                pose[:, 3:] = _turned(pose[:, 3:], start.yaw)
                self._potential[ids] = self.task.potential(_at_rest(start, pose))
            pose[:, :3] += self.scene.env_origins[ids]
            obj.write_root_pose_to_sim_index(root_pose=pose, env_ids=ids)
            obj.write_root_velocity_to_sim_index(root_velocity=torch.zeros_like(pose)[:, :6], env_ids=ids)
        self._goal[ids] = start.goal
        joints, still = self._joints, torch.zeros_like(start.tool)
        self._pusher.write_joint_position_to_sim_index(position=start.tool, joint_ids=joints, env_ids=ids)
        self._pusher.write_joint_velocity_to_sim_index(velocity=still, joint_ids=joints, env_ids=ids)


def _at_rest(start: Start, pose: torch.Tensor) -> PushState:  # (N, 7) position and xyzw
    """The state as an episode starts."""
    still = torch.zeros_like(pose[:, :3])
    return PushState(start.tool, still[:, :2], pose[:, :3], pose[:, [6, 3, 4, 5]], still, still, start.goal)


def _turned(xyzw: torch.Tensor, yaw: torch.Tensor) -> torch.Tensor:  # (N, 4), (N,) [rad] → (N, 4)
    """Turned about the vertical."""
    x, y, z, w = xyzw.unbind(1)
    c, s = (yaw / 2).cos(), (yaw / 2).sin()
    return torch.stack([c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z], dim=1)
