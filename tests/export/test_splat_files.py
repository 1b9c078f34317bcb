from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scan2sim.errors import ExportError
from scan2sim.export import SPLAT_KINDS, check_splat_file, write_splat_file
from scan2sim.geometry import transform_points
from scan2sim.scene import Scene, scene_gaussians
from scan2sim.splats import Gaussians, read_splats, write_splats
from tests.scene.factory import make_scene

KINDS = list(SPLAT_KINDS)


def with_harmonics(scene: Scene) -> Scene:
    """The same scene with a background whose colour depends on the direction."""
    degree_2 = torch.cat([scene.background.sh, 0.2 * torch.randn(len(scene.background), 8, 3)], 1)
    return replace(scene, background=replace(scene.background, sh=degree_2))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_passes_its_check(tmp_path: Path, kind: str) -> None:
    scene = with_harmonics(make_scene())
    path = write_splat_file(scene, tmp_path / "out", kind)
    assert path == tmp_path / "out" / SPLAT_KINDS[kind].file
    figures = check_splat_file(tmp_path / "out", kind)
    assert figures["passed"], figures["problems"]
    assert figures["gaussians"] == len(scene.background) + sum(len(o.gaussians) for o in scene.objects)
    assert figures["bytes"] == path.stat().st_size
    assert figures["psnr_db"] >= SPLAT_KINDS[kind].least_db
    (tmp_path / "out").rename(tmp_path / "moved")
    assert check_splat_file(tmp_path / "moved", kind)["passed"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_says_how_to_turn_back(tmp_path: Path, kind: str) -> None:
    """With the numbers that stand in the file: those of SPZ are read back turned into the axes of PLY."""
    scene = make_scene()
    found = read_splats(write_splat_file(scene, tmp_path / "out", kind)).means.double().numpy()
    in_file = found * [1, -1, -1] if kind == "spz" else found
    file_from_scene = np.array(json.loads((tmp_path / "out" / "export.json").read_text())["file_from_scene"])
    expected = transform_points(file_from_scene, scene_gaussians(scene).means.double().numpy())
    assert in_file.min(0) == pytest.approx(expected.min(0), abs=1e-4)
    assert in_file.max(0) == pytest.approx(expected.max(0), abs=1e-4)
    up = file_from_scene[:3, :3] @ [0, 0, 1]
    assert up.tolist() == ([0, 1, 0] if kind == "spz" else [0, -1, 0])
    assert np.linalg.det(file_from_scene) == pytest.approx(1)


def test_scenes_without_cameras_and_without_anything(tmp_path: Path) -> None:
    scene = replace(make_scene(), cameras=(), images=())
    write_splat_file(scene, tmp_path / "a", "spz")
    assert check_splat_file(tmp_path / "a", "spz")["passed"]
    with Image.open(tmp_path / "a" / "preview.png") as image:
        assert np.asarray(image).std() > 10  # it shows something
    write_splat_file(replace(scene, background=Gaussians.empty(), objects=()), tmp_path / "b", "spz")
    assert check_splat_file(tmp_path / "b", "spz")["passed"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_does_not_pass(tmp_path: Path, kind: str) -> None:
    path = write_splat_file(make_scene(), tmp_path / "out", kind)
    whole = read_splats(path)
    changes = {
        "Gaussians of degree": whole[1:],
        "bounds are off": replace(whole, means=whole.means * 1.1),
        "looks like the scene only": replace(whole, sh=-whole.sh),
    }
    for problem, changed in changes.items():
        write_splats(changed, path)
        figures = check_splat_file(tmp_path / "out", kind)
        assert not figures["passed"]
        assert any(problem in text for text in figures["problems"]), figures["problems"]


def test_damaged_exports_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    path = write_splat_file(make_scene(), folder, "spz")

    def damage(file: Path, data: bytes, message: str) -> None:
        before = file.read_bytes()
        file.write_bytes(data)
        with pytest.raises(ExportError, match=message):
            check_splat_file(folder, "spz")
        file.write_bytes(before)

    damage(path, path.read_bytes()[:-9], "cut off")
    damage(folder / "cameras.json", b"{}", "no list")
    damage(folder / "preview.png", b"\x89PNG", "cannot be read")
    Image.new("RGB", (3, 3)).save(tmp_path / "other.png")
    damage(folder / "preview.png", (tmp_path / "other.png").read_bytes(), "not the picture")
    record = json.loads((folder / "export.json").read_text())
    damage(folder / "export.json", json.dumps({**record, "bounds": [1, 2]}).encode(), "not complete")
    damage(folder / "export.json", json.dumps({**record, "kind": "ply"}).encode(), "of kind 'ply'")
    cameras = json.loads((folder / "cameras.json").read_text())
    cameras["intrinsics"] |= {"width": 60000, "height": 60000}
    damage(folder / "cameras.json", json.dumps(cameras).encode(), "not the picture")
    assert check_splat_file(folder, "spz")["passed"]


def test_a_full_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("important")
    with pytest.raises(ExportError, match="not an export"):
        write_splat_file(make_scene(), tmp_path / "thesis", "spz", overwrite=True)
    assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["thesis.tex"]
