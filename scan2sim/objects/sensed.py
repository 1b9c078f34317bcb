"""Depth from a sensor joins the depth that Gaussians and photos give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from scan2sim.errors import ObjectsError
from scan2sim.fit import sensor_scale
from scan2sim.objects.views import Sensed, View
from scan2sim.poses import PosedCapture, PosedFrame, read_weighted_depth

__all__ = ["blend_sensed", "sense_depth"]

EDGE = 0.04  # relative range of depth around a pixel beyond which an edge runs, over which sensors bleed
SPLATS = 0.5  # how far depth of Gaussians is believed against a sensor's, which is as good: some millimetres
SAME = 0.03  # what a sensor sees so far from the surface is another [camera distances]


def sense_depth(views: Sequence[View], posed: PosedCapture) -> list[View]:
    """The views with their frames' sensor depth, which their own depth is averaged with; without any, as they are.

    Raises:
        PosesError: a file cannot be read.
        ObjectsError: depth and confidence have different sizes.
    """
    if all(frame.depth is None for frame in posed.frames):
        return list(views)
    scale = sensor_scale(posed)
    joined = []
    for view, frame in zip(views, posed.frames, strict=True):
        seen = replace(view, sensed=_sensed(frame, scale, view.size))
        depth, _ = blend_sensed(seen, view.depth, torch.full(view.size, SPLATS), posed.camera_distance)
        joined.append(replace(seen, depth=depth))
    return joined


def blend_sensed(
    view: View,
    depth: Tensor,  # (H, W) [m], 0 = none
    sure: Tensor,  # (H, W) how far it is believed; 1 and more: wholly
    unit: float,  # camera distance [m]
) -> tuple[Tensor, Tensor]:  # (H, W) [m], (H, W) how far the sensor's depth is believed besides
    """The mean of a depth and the sensor's, which counts by its confidence for as much as the other leaves open.

    Signed distances are averaged along with depths (Curless & Levoy 1996), so this is the fusion of both.
    """
    if view.sensed is None:
        return depth, torch.zeros_like(depth)
    sensed = view.sensed.depth
    same = (sensed > 0) & (depth > 0) & ((sensed - depth).abs() < SAME * unit)
    trust = torch.where(same, view.sensed.trust * (1 - sure).clamp_min(0), 0.0)
    return torch.where(same, (sure * depth + trust * sensed) / (sure + trust).clamp_min(1e-9), depth), trust


def _sensed(frame: PosedFrame, scale: float, size: tuple[int, int]) -> Sensed | None:
    """A frame's depth in the pixels of its view; between measured depths it is linear."""
    if frame.depth is None:
        return None
    depth, trust = (torch.from_numpy(values).float()[None, None] for values in read_weighted_depth(frame, ObjectsError))
    depth = depth * scale
    known = (depth > 0) & (trust > 0)
    farthest = max_pool2d(torch.where(known, depth, 0.0), 3, 1, 1)
    nearest = -max_pool2d(torch.where(known, -depth, -torch.inf), 3, 1, 1)
    known = (known & (farthest - nearest < EDGE * farthest)).float()
    share = interpolate(known, size, mode="bilinear")
    mean = interpolate(depth * known, size, mode="bilinear") / share.clamp_min(1e-6)
    trusted = interpolate(trust * known, size, mode="bilinear")
    return Sensed(torch.where(share > 0.5, mean, 0.0)[0, 0], torch.where(share > 0.5, trusted, 0.0)[0, 0])
