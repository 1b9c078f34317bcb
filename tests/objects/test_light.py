"""The light that the shadows of a box tell, against the lamps that cast them."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from scan2sim.geometry import rotation_between
from scan2sim.objects.light import estimate_light
from scan2sim.objects.patch import Patch, patch_around
from scan2sim.objects.shadow import Shading, find_shading
from scan2sim.objects.support import SupportPlane

HALF = np.array([0.05, 0.04])  # of the box [m]
HEIGHT = 0.06
SQUARE = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
TINT = np.array([1.1, 1.0, 0.8])  # of the lamp against the sky


def found(towards: np.ndarray, weights: np.ndarray, tilt: np.ndarray) -> Shading:
    """The shading of a table under lamps: (N, 3) directions in its frame, (N, 3) shares of its light."""
    plane = SupportPlane(tilt[:, 2], 0.03, 0.0003, SQUARE)
    mesh = trimesh.creation.box((*(2 * HALF), HEIGHT))
    mesh.apply_translation([0, 0, HEIGHT / 2])
    mesh.apply_transform(np.block([[plane.rotation, plane.position[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]]))
    patch = patch_around(plane, np.array([-HALF, HALF]), 0.2, 0.008)
    grain = np.random.default_rng(1).normal(1, 0.03, (*patch.shape, 1))
    color = np.array([0.6, 0.45, 0.35]) * kept(patch, towards, weights) * grain
    points = trimesh.sample.sample_surface(mesh, 6_000, seed=0)[0]
    under = (np.abs(flat_of(patch)) < HALF).all(-1)
    return find_shading(patch, color, ~under, [points])


def flat_of(patch: Patch) -> np.ndarray:
    return patch.plane.flat(patch.points().reshape(-1, 3)).reshape(*patch.shape, 2)


def kept(patch: Patch, towards: np.ndarray, weights: np.ndarray) -> np.ndarray:
    flat, out = flat_of(patch), np.ones((*patch.shape, 3))
    heights = np.linspace(0, HEIGHT, 13)[:, None, None, None]
    for direction, weight in zip(towards, weights, strict=True):
        ray = flat + heights * (direction[:2] / direction[2])
        out -= weight * (np.abs(ray) < HALF).all(-1).any(0)[..., None]
    return out


def sky(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    radius, angle = np.sqrt(rng.random(count)), rng.uniform(-np.pi, np.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)], 1)


@pytest.mark.parametrize("tilt", [np.eye(3), rotation_between([0, 0, 1], [0.1, -0.05, 1.0])], ids=["level", "tilted"])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_lamp_under_an_even_sky_is_found(share: float, tilt: np.ndarray) -> None:
    aim = np.array([0.7, 0.35, 1.0]) / np.linalg.norm([0.7, 0.35, 1.0])
    lamp = aim + np.random.default_rng(2).normal(0, 0.03, (20, 3))
    towards = np.vstack([lamp, sky(120)])
    weights = np.vstack([np.tile(share / 20 * TINT, (20, 1)), np.tile((1 - share * TINT) / 120, (120, 1))])
    light = estimate_light(found(towards, weights, tilt))
    sun, dome = light["sun"], light["dome"]
    plane = SupportPlane(tilt[:, 2], 0.03, 0.0003, SQUARE)
    assert np.degrees(np.arccos(-np.array(sun["direction"]) @ (plane.rotation @ aim))) < 6
    assert sun["share"] == pytest.approx(share, abs=0.1)
    assert sun["spread_deg"] < 20
    assert np.array(sun["color"]) == pytest.approx(TINT / TINT.max(), abs=0.06)
    upright = float(aim[2])
    both = [sun["intensity"] * np.array(sun["color"]) * upright, np.pi * dome["intensity"] * np.array(dome["color"])]
    assert np.sum(both, 0) == pytest.approx(np.pi * 1000, rel=0.05)


def test_an_even_sky_has_no_sun() -> None:
    light = estimate_light(found(sky(200), np.full((200, 3), 1 / 200), np.eye(3)))
    assert "sun" not in light
    assert light["dome"] == {"color": [1.0, 1.0, 1.0], "intensity": 1000.0}


def test_where_nothing_casts_a_shadow_nothing_is_said() -> None:
    assert estimate_light(found(sky(3), np.zeros((3, 3)), np.eye(3))) == {}
