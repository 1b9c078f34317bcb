"""How wrong a predicted state is, in millimetres of what moved."""

from __future__ import annotations

import torch
from torch import Tensor

from splatwm.model.rigid import quaternion_product
from splatwm.state import State

__all__ = ["step_error", "weighted_loss"]

FINE = 0.0001  # [m], and so much of what changed: smaller errors count by their squares
SHARE = 0.1
MOVED, RESTS = 0.0005, 0.00005  # [m] what moves less counts less, but what rests should


def step_error(predicted: State, truth: State, dt: float) -> Tensor:  # (B, O) [m]
    """Errors of poses and, by what they come to in a step, of velocities; turns by the radius of gyration."""
    radius = _radius(truth)[..., None]
    far = predicted.position - truth.position
    between = quaternion_product(predicted.wxyz, truth.wxyz * torch.tensor([1.0, -1, -1, -1]).to(truth.wxyz))
    turned = 2 * between[..., 1:] * torch.where(between[..., :1] < 0, -1.0, 1.0) * radius
    faster, spun = (predicted.linear - truth.linear) * dt, (predicted.angular - truth.angular) * dt * radius
    return (torch.cat([far, turned, faster, spun], -1).square().sum(-1) + 1e-14).sqrt()


def weighted_loss(error: Tensor, before: State, truth: State, dt: float) -> Tensor:
    """Mean over free bodies by how much they truly moved or changed their velocity since ``before``.

    Errors count by what changed, too: else impacts, which nobody foretells well, would drown slow pushes.
    """
    changed = step_error(before, truth, dt).detach()
    weight = (changed + RESTS) / (changed + MOVED) * before.free
    each = torch.sqrt(1 + (error / (FINE + SHARE * changed)).square()) - 1
    return (weight * each).sum() / weight.sum().clamp(min=1e-6)


def _radius(state: State) -> Tensor:  # (B, O) [m]
    trace = state.inertia.diagonal(dim1=-2, dim2=-1).sum(-1)
    return (trace / state.mass.clamp(min=1e-9)).sqrt().clamp(max=1.0)
