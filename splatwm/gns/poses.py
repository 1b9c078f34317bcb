"""Poses before the first frame, and the poses of bodies whose nodes were moved."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.geometry import quaternion_from_matrix
from splatwm.model.rigid import rotation_matrix, turned_by
from splatwm.state import State

__all__ = ["earlier", "rigid_fit"]


def earlier(state: State, time: float) -> tuple[Tensor, Tensor]:  # [s] → (B, O, 3) [m], (B, O, 4)
    """Where bodies were if nothing had touched or pulled them."""
    center = state.center_of_mass[..., None]
    middle = state.position + (rotation_matrix(state.wxyz) @ center)[..., 0] - time * state.linear
    wxyz = turned_by(-time * state.angular, state.wxyz)
    return middle - (rotation_matrix(wxyz) @ center)[..., 0], wxyz


def rigid_fit(nodes: Tensor, goal: Tensor) -> tuple[Tensor, Tensor]:  # (..., N, 3) body frame, (..., N, 3)
    """The poses (..., 3), (..., 4) that bring nodes nearest to where they should be.

    Least squares by Kabsch 1976, "A solution for the best rotation to relate two sets of vectors".
    """
    here, there = nodes.mean(-2, keepdim=True), goal.mean(-2, keepdim=True)
    u, _, vt = torch.linalg.svd(((goal - there).transpose(-1, -2) @ (nodes - here)).double())
    sign = torch.ones(u.shape[:-1], dtype=u.dtype)
    sign[..., 2] = torch.sign(torch.linalg.det(u @ vt))
    turn = u * sign[..., None, :] @ vt
    position = there[..., 0, :] - (turn.float() @ here.transpose(-1, -2))[..., 0]
    return position, torch.from_numpy(quaternion_from_matrix(turn.numpy())).float()
