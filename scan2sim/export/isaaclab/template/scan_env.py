"""What the environments of all tasks have in common; which task it is, the environments of the tools say."""

# pyright: reportMissingImports=false

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from isaaclab.assets import Articulation
from isaaclab.envs import DirectRLEnv

from .pictures import decoded, paint_goals, shrunk
from .scan_env_cfg import ScanEnvCfg
from .scene_cfg import CAMERA, RAYS, TOOL, VARIANTS, identifier_of, variants_of
from .task_batch import TaskBatch

__all__ = ["ScanEnv"]


class ScanEnv(DirectRLEnv):
    """Environments side by side, each with the scene or one of its cousins, and a tool."""

    cfg: ScanEnvCfg
    joints: Sequence[str]  # of the tool, in the order of the states
    variants: list[str]  # of the scene, by environment

    def __init__(self, cfg: ScanEnvCfg, render_mode: str | None = None, **kwargs: object) -> None:
        super().__init__(cfg, render_mode, **kwargs)
        self._joints = self._tool.find_joints(list(self.joints), preserve_order=True)[0]

    @abstractmethod
    def read_task(self, data: dict[str, Any]) -> Any:
        """The task of what ``data`` tells of it."""

    @abstractmethod
    def state(self) -> Any:
        """Of all environments, each in its own frame."""

    @abstractmethod
    def state_at_rest(self, tool: torch.Tensor, pose: torch.Tensor, goal: torch.Tensor) -> Any:
        """As an episode starts: the tool's joints, poses (N, O, 7) with xyzw, goals (N, O, 3)."""

    def _setup_scene(self) -> None:
        """The scene configuration has set it all up; what is where in which cousin is looked up."""
        used = variants_of(self.cfg.task)
        layout = self.sim.get_clone_plan().topology.world_prototype_layout
        which = torch.as_tensor(layout, dtype=torch.long, device=self.device)
        self.variants = [used[number] for number in layout]
        self.task = TaskBatch([self.read_task(VARIANTS[name]["tasks"][self.cfg.task]) for name in used], which)
        self._tool: Articulation = self.scene[TOOL]
        self._targets = [self.scene[identifier_of(name)] for name in self.task.objects]
        objects = self.scene.rigid_objects
        poses = [[VARIANTS[name]["poses"][key] for key in objects] for name in used]
        self._home = dict(zip(objects, torch.tensor(poses, device=self.device)[which].unbind(1), strict=True))
        self._goal = torch.zeros(self.num_envs, len(self._targets), 3, device=self.device)
        self._potential = torch.zeros(self.num_envs, device=self.device)
        self._control = self.task.control(torch.zeros(self.num_envs, self.task.action_size, device=self.device))

    def _pre_physics_step(self, actions: torch.Tensor) -> None:
        self._control = self.task.control(actions)

    def _get_observations(self) -> dict[str, torch.Tensor]:
        seen = {"policy": self.task.observation(self.state())}
        if self.cfg.camera:
            seen["camera"] = self._pictures()
        return seen

    def _pictures(self) -> torch.Tensor:  # (N, 3, H, W) in 0..1
        """What the cameras see, with the goals as discs on the table where nothing hides them."""
        camera, seen = self.scene[CAMERA], self.scene[CAMERA].data
        colors = seen.output["rgb"].torch[..., :3].float() / 255
        if camera.cfg.renderer_cfg.renderer_type == "newton_warp":
            colors = decoded(colors)
        depth = seen.output["distance_to_image_plane"].torch[..., 0]
        place, marks = seen.pos_w.torch - self.scene.env_origins, self.task.marks(self._goal)
        painted = paint_goals(colors, depth, seen.intrinsic_matrices.torch, place, seen.quat_w_ros.torch, marks)
        return shrunk(painted, RAYS).movedim(-1, 1).contiguous()

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
        start = self.task.sample_start(ids)
        shift, yaw = start.shift.view(len(ids), -1, 2), start.yaw.view(len(ids), -1)
        placed = torch.zeros(len(ids), len(self._targets), 7, device=self.device)
        for name, obj in self.scene.rigid_objects.items():
            pose = self._home[name][ids].clone()
            if obj in self._targets:
                number = self._targets.index(obj)
                pose[:, :2] += shift[:, number]
                pose[:, 3:] = _turned(pose[:, 3:], yaw[:, number])
                placed[:, number] = pose
            pose[:, :3] += self.scene.env_origins[ids]
            obj.write_root_pose_to_sim_index(root_pose=pose, env_ids=ids)
            obj.write_root_velocity_to_sim_index(root_velocity=torch.zeros_like(pose)[:, :6], env_ids=ids)
        goal = start.goal.view(len(ids), -1, 3)
        self._goal[ids] = goal
        self._potential[ids] = self.task.potential(self.state_at_rest(start.tool, placed, goal), ids)
        self._place_tool(start.tool, ids)

    def _place_tool(self, tool: torch.Tensor, ids: torch.Tensor) -> None:
        """Put the tool's joints there, at rest."""
        joints, still = self._joints, torch.zeros_like(tool)
        self._tool.write_joint_position_to_sim_index(position=tool, joint_ids=joints, env_ids=ids)
        self._tool.write_joint_velocity_to_sim_index(velocity=still, joint_ids=joints, env_ids=ids)


def _turned(xyzw: torch.Tensor, yaw: torch.Tensor) -> torch.Tensor:  # (N, 4), (N,) [rad] → (N, 4)
    """Turned about the vertical."""
    x, y, z, w = xyzw.unbind(1)
    c, s = (yaw / 2).cos(), (yaw / 2).sin()
    return torch.stack([c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z], dim=1)
