"""Splats that were trained elsewhere become a scene: up, metres and things are found, and nothing is made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from scan2sim.errors import SceneError, UsageError
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.library import Library
from scan2sim.pipeline import BuildConfig, build_capture, build_config
from scan2sim.pipeline.finished_splats import is_finished
from scan2sim.report import gate
from scan2sim.scene import load_scene, validate_scene
from scan2sim.splats import Gaussians, concatenate, read_splats, rotate_gaussians, write_ply, write_splats
from tests.scene.factory import splats_on

UNIT = 0.27  # [m] of the splats' own units
BOX, BALL = (0.06, 0.045, 0.05), 0.06  # sides, diameter [m]


def table_with_things() -> Gaussians:
    """A box and a ball on a table: metres, z up."""
    table = trimesh.creation.box((0.5, 0.45, 0.02), trimesh.transformations.translation_matrix([0, 0, -0.01]))
    box = trimesh.creation.box(BOX, trimesh.transformations.translation_matrix([-0.06, 0.02, BOX[2] / 2]))
    ball = trimesh.creation.icosphere(subdivisions=3, radius=BALL / 2)
    ball.apply_translation([0.06, -0.03, BALL / 2])
    parts = [splats_on(table, 12_000, (150, 110, 75)), splats_on(box, 3000, (200, 40, 40))]
    return concatenate([*parts, splats_on(ball, 3000, (60, 140, 50))])


@pytest.fixture(scope="module")
def splats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In the frame of somebody's trainer: turned, moved, of another unit."""
    theirs_from_ours = np.eye(4)
    theirs_from_ours[:3, :3] = matrix_from_quaternion([0.5, -0.7, 0.2, 0.4]) / UNIT
    theirs_from_ours[:3, 3] = 3.0, -1.0, 7.0
    path = tmp_path_factory.mktemp("given") / "point_cloud.ply"
    write_ply(rotate_gaussians(table_with_things(), theirs_from_ours), path)
    return path


def quick(**poses: object) -> BuildConfig:
    draft = build_config("draft")
    objects = replace(draft.objects, view_size=320, mesh_cells=32, mesh_faces=600)
    return replace(draft, objects=objects, poses=replace(draft.poses, **poses))


@pytest.fixture(scope="module")
def build(splats: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs") / "given"
    build_capture(splats, folder, quick(unit=UNIT))
    return folder


def test_things_are_found_where_up_and_metres_are_unlike_ours(build: Path) -> None:
    scene = load_scene(build / "scene")
    assert not validate_scene(scene)
    assert len(scene.objects) == 2
    sizes = sorted(sorted(thing.visual.bounding_box_oriented.primitive.extents) for thing in scene.objects)
    assert np.allclose(sizes, sorted([sorted(BOX), [BALL] * 3]), atol=0.006)
    apart = np.diff([thing.position for thing in scene.objects], axis=0)[0]
    assert np.hypot(apart[0], apart[1]) == pytest.approx(0.13, abs=0.005)
    heights = sorted(float(thing.position[2]) for thing in scene.objects)
    assert heights == pytest.approx(sorted([BOX[2] / 2, BALL / 2]), abs=0.004)


def test_what_no_photo_told_is_not_told(build: Path) -> None:
    scene = load_scene(build / "scene")
    assert scene.provenance["images"] == "rendered from the splats"
    assert not {"held_out_psnr", "registered", "reprojection_px"} & scene.quality.keys()
    assert scene.scale["source"] == "unit"
    assert scene.gravity["source"] == "support"
    checks = {check.name: check for check in gate(build).checks}
    assert checks["held-out PSNR"].color == "amber"
    assert "no photos" in checks["held-out PSNR"].reason
    assert "photos with a pose" not in checks
    assert json.loads((build / "03-splats" / "stage.json").read_text())["figures"]["trained"] is False
    assert 12 <= len(scene.images) <= 40
    assert all(image.is_file() for image in scene.images)


@pytest.mark.parametrize("suffix", [".compressed.ply", ".spz", ".splat"])
def test_every_format_is_known_by_its_content(splats: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"given{suffix}"
    write_splats(read_splats(splats), path)
    unnamed = path.rename(tmp_path / "download")
    assert is_finished(unnamed)
    build_capture(unnamed, tmp_path / "build", quick(up="0.1,0.2,1"), until="capture")
    kept = read_splats(tmp_path / "build" / "01-capture" / "splats.ply")
    assert len(kept) == len(read_splats(splats))
    (entry,) = Library(tmp_path / "library").upload([unnamed])
    assert is_finished(entry.capture)


def test_other_files_are_not_taken_for_splats(tmp_path: Path) -> None:
    mesh = tmp_path / "mesh.ply"
    trimesh.creation.icosphere().export(mesh)
    noise = tmp_path / "noise.splat"
    noise.write_bytes(np.random.default_rng(0).bytes(32 * 5000))
    assert not is_finished(mesh)
    assert not is_finished(noise)
    assert not is_finished(tmp_path)


def test_what_cannot_work_is_refused_first(splats: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--marker needs photos"):
        build_capture(splats, tmp_path / "a", quick(marker="tag36h11:0.05"))
    with pytest.raises(UsageError, match="--up sideways: no direction"):
        build_capture(splats, tmp_path / "b", quick(up="sideways"))
    with pytest.raises(UsageError, match="--up is for finished splats"):
        build_capture(tmp_path, tmp_path / "c", quick(up="z"))
    few = quick()
    with pytest.raises(UsageError, match="18000 Gaussians"):
        build_capture(splats, tmp_path / "d", replace(few, capture=replace(few.capture, max_splats=10_000)))
    cut = tmp_path / "cut.ply"
    cut.write_bytes(splats.read_bytes()[:-1000])
    with pytest.raises(SceneError, match="cut off"):
        build_capture(cut, tmp_path / "e", quick())
    assert not list(tmp_path.glob("?/0*"))
