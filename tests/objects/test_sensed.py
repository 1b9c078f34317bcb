"""Depth of a sensor shows what splats and photos do not: held to a ball with a hollow that nothing else tells of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from scan2sim.errors import ObjectsError
from scan2sim.objects.fusing import Outline
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.refine import refine_surfaces
from scan2sim.objects.sensed import blend_sensed, sense_depth
from scan2sim.objects.surface import object_surface
from scan2sim.objects.views import View
from scan2sim.poses import Gravity, PosedCapture, PosedFrame, Scale
from tests.objects.sphere import CENTRE, PLANE, RADIUS, cameras, photograph

UNIT = 0.5
HOLLOW = 0.008  # [m]
NOISE, HOLES = 0.006, 0.1  # of the distance, of the pixels
LOW, HIGH = torch.tensor([-0.055, -0.055, 0.0]), torch.tensor([0.055, 0.055, 0.105])


def inside(points: np.ndarray) -> np.ndarray:  # (N, 3) to (N,) [m]
    """How far the hollowed ball's surface lies inside the ball, in the direction of each point."""
    height = (points - CENTRE)[:, 2] / np.linalg.norm(points - CENTRE, axis=1)
    return HOLLOW * np.exp(-(((1 - height) / 0.12) ** 2))


def hollowed() -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(5, RADIUS)
    mesh.apply_translation(CENTRE)
    mesh.vertices = mesh.vertices - inside(mesh.vertices)[:, None] * (mesh.vertices - CENTRE) / RADIUS
    return mesh


@dataclass(frozen=True)
class Taken:
    """What was recorded of the hollowed ball; the splats' depth is that of a whole one."""

    views: list[View]
    photos: list[Tensor]
    masks: list[Tensor]
    posed: PosedCapture


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    folder, rng = tmp_path_factory.mktemp("sensed"), np.random.default_rng(0)
    views, photos, masks = zip(*(photograph(camera, textured=False) for camera in cameras()), strict=True)
    frames = []
    for i, (view, sight) in enumerate(zip(views, see_meshes([hollowed()], [v.camera for v in views]), strict=True)):
        depth = torch.where(sight.number > 0, sight.depth, view.depth).numpy()
        seen = depth * (1 + rng.normal(0, NOISE, depth.shape)) * (rng.uniform(size=depth.shape) > HOLES)
        wrong = rng.uniform(size=depth.shape) < 0.1  # of what the sensor itself is not sure
        paths = folder / f"{i}.depth.npy", folder / f"{i}.confidence.npy"
        np.save(paths[0], np.where(wrong, 0.9 * seen, seen)[::2, ::2].astype(np.float32))
        np.save(paths[1], np.where(wrong, 0, 2)[::2, ::2].astype(np.uint8))
        frames.append(PosedFrame(Path(f"{i}.png"), f"{i}.png", view.camera, 0.0, depth=paths[0], confidence=paths[1]))
    posed = PosedCapture(
        tuple(frames), np.zeros((0, 3)), np.zeros((0, 3), np.uint8), Scale("depth", 0.01), Gravity("support", 1)
    )
    return Taken(list(views), list(photos), list(masks), posed)


def hollow_error(views: list[View], taken: Taken) -> tuple[float, float]:
    """Mean distance from the truth, in the hollow and elsewhere above the foot [m]."""
    first = object_surface(views, taken.masks, LOW, HIGH, PLANE, 48)
    assert first is not None
    outline = Outline(taken.masks)
    mesh = refine_surfaces([first], [outline], views, taken.photos, PLANE, UNIT, 48, (0.016,))[0].mesh
    gaps = np.abs(np.linalg.norm(mesh.vertices - CENTRE, axis=1) - RADIUS + inside(mesh.vertices))
    height = (mesh.vertices[:, 2] - CENTRE[2]) / RADIUS
    return float(gaps[height > 0.75].mean()), float(gaps[(height > -0.5) & (height < 0.6)].mean())


def test_a_sensor_finds_what_photos_cannot_tell(taken: Taken) -> None:
    blind = hollow_error(taken.views, taken)
    sensed = hollow_error(sense_depth(taken.views, taken.posed), taken)
    assert blind[0] > 0.002
    assert sensed[0] < 0.001
    assert sensed[1] < blind[1] + 0.0005


def test_holes_and_doubt_tell_nothing(taken: Taken) -> None:
    for view in sense_depth(taken.views, taken.posed):
        assert view.sensed is not None
        assert 0.2 < float((view.sensed.depth > 0).float().mean()) < 1
        assert float(view.sensed.trust[view.sensed.depth == 0].abs().max()) == 0


def test_what_photos_agree_on_wholly_or_lies_elsewhere_stays(taken: Taken) -> None:
    view = sense_depth(taken.views, taken.posed)[0]
    depth = view.depth + 0.01
    wholly, none = torch.ones(view.size), torch.zeros(view.size)
    torch.testing.assert_close(blend_sensed(view, depth, wholly, UNIT)[0], depth)
    assert float((blend_sensed(view, depth, none, UNIT)[0] - depth).abs().max()) > 0.005
    torch.testing.assert_close(blend_sensed(view, depth + 0.1, none, UNIT)[0], depth + 0.1)


def test_without_a_sensor_nothing_changes(taken: Taken) -> None:
    bare = replace(taken.posed, frames=tuple(replace(f, depth=None, confidence=None) for f in taken.posed.frames))
    assert sense_depth(taken.views, bare) == taken.views


def test_confidence_of_another_size_is_said(taken: Taken, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.zeros((3, 4), np.uint8))
    frames = (replace(taken.posed.frames[0], confidence=tmp_path / "small.npy"), *taken.posed.frames[1:])
    with pytest.raises(ObjectsError, match="its confidence"):
        sense_depth(taken.views, replace(taken.posed, frames=frames))
