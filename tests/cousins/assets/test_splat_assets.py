"""Files of splats without any mesh become objects: as large as the truth, hollow where it is, as it stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.bodies import close_mesh, is_closed
from scan2sim.cousins.affordances import affordances
from scan2sim.cousins.assets import AssetConfig
from scan2sim.cousins.assets.prepare import prepare
from scan2sim.cousins.assets.preparing import PREPARED
from scan2sim.cousins.assets.sources import find_sources
from scan2sim.cousins.assets.splat_solid import solid_of_splats
from scan2sim.errors import SceneError
from scan2sim.scene import SceneObject, load_object, load_scene, validate_scene
from scan2sim.splats import Gaussians, concatenate, rotate_gaussians, write_splats
from tests.cousins.shapes import shaped
from tests.scene.factory import BALL_RADIUS, splats_on

RED = (200, 30, 30)
Y_DOWN = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # from z up, as viewers take it


def ball(count: int = 3000) -> Gaussians:
    return splats_on(trimesh.creation.icosphere(subdivisions=4, radius=BALL_RADIUS), count, RED)


def test_a_ball_is_found_again() -> None:
    mesh, kept = solid_of_splats(ball())
    assert is_closed(close_mesh(mesh))
    assert len(kept) == 3000
    radii = np.linalg.norm(mesh.vertices, axis=1)
    assert radii.mean() == pytest.approx(BALL_RADIUS, rel=0.03)
    assert np.abs(radii - BALL_RADIUS).max() < 0.05 * BALL_RADIUS


def test_a_thing_without_an_underside_is_closed_flat() -> None:
    """As from a scan of what stood on a table."""
    half = ball()
    mesh, _ = solid_of_splats(half[half.means[:, 2] > 0])
    assert is_closed(close_mesh(mesh))
    assert mesh.volume == pytest.approx(2 / 3 * np.pi * BALL_RADIUS**3, rel=0.12)


def test_haze_and_what_floats_far_away_are_left_out() -> None:
    haze, crumb = ball(300), ball(20)
    haze = Gaussians(3 * haze.means, haze.quats, haze.log_scales, haze.opacity_logits - 9, haze.sh)
    crumb = Gaussians(0.02 * crumb.means + 0.3, crumb.quats, crumb.log_scales - 3, crumb.opacity_logits, crumb.sh)
    mesh, kept = solid_of_splats(concatenate([ball(), haze, crumb]))
    assert mesh.extents.max() < 2.2 * BALL_RADIUS
    assert len(kept) == 3000


def test_too_little_is_refused() -> None:
    with pytest.raises(SceneError, match="at least 100"):
        solid_of_splats(ball(60))
    same = ball(200)
    with pytest.raises(SceneError, match="one place"):
        solid_of_splats(Gaussians(0 * same.means, same.quats, same.log_scales, same.opacity_logits, same.sh))


@pytest.mark.parametrize("name", ["bowl.ply", "bowl.spz"])
def test_a_bowl_of_splats_contains(name: str, tmp_path: Path) -> None:
    bowl = shaped("bowl", seed=3)
    splats = splats_on(bowl.visual, 6000, RED)
    turned = Y_DOWN if name.endswith(".ply") else np.linalg.inv(Y_DOWN)
    splats = rotate_gaussians(splats, turned)
    millimetres = Gaussians(
        1000 * splats.means, splats.quats, splats.log_scales + np.log(1000), splats.opacity_logits, splats.sh
    )
    write_splats(millimetres, tmp_path / name)
    (source,), refused = find_sources(tmp_path, AssetConfig())
    assert (source.kind, source.name, refused) == ("mesh", "bowl", [])
    prepare(tmp_path / name, tmp_path / "scene", AssetConfig(metres=0.001, kept_faces=1000, texture=32))
    assert validate_scene(load_scene(tmp_path / "scene")) == ()
    found: SceneObject = load_object(tmp_path / "scene", PREPARED)
    assert found.visual.extents == pytest.approx(bowl.visual.extents, abs=0.003)
    assert affordances(found).can_contain
    assert len(found.gaussians) > 5900
    middle = found.gaussians.means + torch.from_numpy(found.position).float()
    assert float(middle[:, 2].min()) > -0.002
    assert np.abs(found.gaussians.base_colors.numpy() * 255 - RED).max() < 6


def test_large_files_and_builds(tmp_path: Path) -> None:
    write_splats(ball(500), tmp_path / "room.ply")
    _, (refused,) = find_sources(tmp_path, AssetConfig(most_splats=400))
    assert "500 splats; at most 400" in refused.reason
    assert "build a scene" in refused.reason
