"""Scenes that differ little from one on disk: what they share, what they cost, and that they lose nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.bodies import Texture, mark_seen, vertex_colors, vertices_seen
from scan2sim.errors import OutputError, SceneError
from scan2sim.scene import (
    SavedScene,
    Scene,
    SceneObject,
    SharedFiles,
    VariantSaver,
    load_scene,
    open_saved,
    read_visual,
    save_scene,
    validate_scene,
)
from tests.scene.factory import make_scene

STRETCH = np.array([1.2, 0.9, 1.1])


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> SavedScene:
    folder = tmp_path_factory.mktemp("saved")
    save_scene(make_scene(folder / "photos"), folder / "scene")
    return open_saved(folder / "scene")


@pytest.fixture
def saver(saved: SavedScene, tmp_path: Path) -> VariantSaver:
    return VariantSaver(saved, SharedFiles(tmp_path / "shared"))


def stretched(mesh: trimesh.Trimesh, factors: np.ndarray) -> trimesh.Trimesh:
    other = mesh.copy()
    other.vertices = mesh.vertices * factors
    mark_seen(other, vertices_seen(mesh))
    return other


def reshaped(obj: SceneObject, factors: np.ndarray = STRETCH) -> SceneObject:
    means = obj.gaussians.means * torch.tensor(factors, dtype=torch.float32)
    return replace(
        obj,
        visual=stretched(obj.visual, factors),
        collision=tuple(stretched(piece, factors) for piece in obj.collision),
        gaussians=replace(obj.gaussians, means=means),
    )


def with_object(scene: Scene, obj: SceneObject) -> Scene:
    return replace(scene, objects=tuple(obj if old.id == obj.id else old for old in scene.objects))


def own_bytes(folder: Path) -> int:
    """What a folder alone holds on to."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.stat().st_nlink == 1)


def test_what_did_not_change_is_a_link(saved: SavedScene, saver: VariantSaver, tmp_path: Path) -> None:
    box = saved.scene.objects[0]
    variant = with_object(saved.scene, replace(box, position=box.position + np.array([0.01, 0, 0])))
    saver.save(variant, tmp_path / "variant")
    own = {p.relative_to(tmp_path / "variant").as_posix() for p in (tmp_path / "variant").rglob("*") if p.is_file()}
    assert not any(name.startswith("images/") for name in own)  # they show the other scene
    for name in own - {"scene.json"}:
        assert (tmp_path / "variant" / name).samefile(saved.folder / name)
    found = load_scene(tmp_path / "variant")
    assert np.array_equal(found.objects[0].position, variant.objects[0].position)
    assert len(found.cameras) == len(saved.scene.cameras)


@pytest.mark.parametrize("textured", [True, False])
def test_a_reshaped_object_is_kept_in_small_files(
    textured: bool, saved: SavedScene, saver: VariantSaver, tmp_path: Path
) -> None:
    bowl = reshaped(saved.scene.objects[2])
    assert bowl.texture is not None
    bowl = bowl if textured else replace(bowl, texture=None)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder, factor in zip(folders, (1.0, 1.1), strict=True):
        saver.save(with_object(saved.scene, reshaped(bowl, factor * STRETCH)), folder)
    found = load_scene(folders[0])
    assert validate_scene(found) == ()
    (got,) = (obj for obj in found.objects if obj.id == bowl.id)
    expected = reshaped(bowl)
    assert np.allclose(got.visual.vertices, expected.visual.vertices, atol=1e-6)
    assert np.array_equal(got.visual.faces, expected.visual.faces)
    assert np.array_equal(vertex_colors(got.visual), vertex_colors(expected.visual))
    assert np.array_equal(vertices_seen(got.visual), vertices_seen(expected.visual))
    assert np.allclose(got.gaussians.means, expected.gaussians.means, atol=1e-4)
    assert got.gaussians.sh_degree == expected.gaussians.sh_degree
    if textured:
        assert got.texture is not None
        assert bowl.texture is not None
        assert np.array_equal(got.texture.image, bowl.texture.image)
        assert np.array_equal(got.texture.uv, bowl.texture.uv)
    homes = [folder / "objects" / "bowl" for folder in folders]
    assert (homes[0] / "splats.spz").exists()
    for name in ("faces.bin", "colors.bin") if textured else ("faces.bin",):  # to lose a picture is to be painted
        assert (homes[0] / name).samefile(homes[1] / name)
    assert own_bytes(homes[0]) < 0.6 * sum(p.stat().st_size for p in (saved.folder / "objects/bowl").rglob("*.*"))


def test_other_programs_read_it_too(saved: SavedScene, saver: VariantSaver, tmp_path: Path) -> None:
    bowl = reshaped(saved.scene.objects[2])
    saver.save(with_object(saved.scene, bowl), tmp_path / "variant")
    path = tmp_path / "variant" / "objects" / "bowl" / "visual.glb"
    mesh = trimesh.load_scene(path).to_mesh()  # follows references by itself
    assert np.allclose(mesh.bounds, bowl.visual.bounds, atol=1e-6)
    assert len(mesh.faces) == len(bowl.visual.faces)


def test_other_colours_and_pictures(saved: SavedScene, saver: VariantSaver, tmp_path: Path) -> None:
    bowl = saved.scene.objects[2]
    assert bowl.texture is not None
    image = np.zeros((256, 256, 3), np.uint8)
    image[..., 0], image[..., 1] = np.meshgrid(np.arange(256), np.arange(256))
    visual = bowl.visual.copy()
    visual.visual.vertex_colors = 255 - vertex_colors(bowl.visual)
    mark_seen(visual, vertices_seen(bowl.visual))
    painted = replace(bowl, visual=visual, texture=Texture(image, bowl.texture.uv))
    saver.save(with_object(saved.scene, painted), tmp_path / "variant")
    home = tmp_path / "variant" / "objects" / "bowl"
    mesh, texture = read_visual(home / "visual.glb")
    assert np.array_equal(vertex_colors(mesh), vertex_colors(visual))
    assert texture is not None
    error = np.abs(texture.image.astype(float) - image)
    assert error.mean() < 2
    assert error.max() < 12
    assert (home / "splats.ply").samefile(saved.folder / "objects/bowl/splats.ply")


def test_new_objects_and_variants_of_variants(saved: SavedScene, saver: VariantSaver, tmp_path: Path) -> None:
    box = saved.scene.objects[0]
    more = replace(reshaped(box), id=9, name="block", position=box.position + np.array([0, 0.1, 0]))
    saver.save(replace(saved.scene, objects=(*saved.scene.objects, more)), tmp_path / "first")
    first = open_saved(tmp_path / "first")
    again = VariantSaver(first, SharedFiles(tmp_path / "shared"))
    again.save(with_object(first.scene, reshaped(first.scene.objects[1])), tmp_path / "second")
    shutil.rmtree(tmp_path / "first")
    shutil.rmtree(tmp_path / "shared")
    found = load_scene(tmp_path / "second")  # nothing is lost with the others
    assert [obj.name for obj in found.objects] == ["box", "ball", "bowl", "block"]
    assert np.allclose(found.objects[3].visual.vertices, more.visual.vertices, atol=1e-6)
    save_scene(found, tmp_path / "plain")
    plain = load_scene(tmp_path / "plain").objects[3]
    assert np.array_equal(plain.visual.vertices, found.objects[3].visual.vertices)
    assert torch.equal(plain.gaussians.means, found.objects[3].gaussians.means)


def test_copies_where_links_are_impossible(
    saved: SavedScene, saver: VariantSaver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    saver.save(with_object(saved.scene, reshaped(saved.scene.objects[0])), tmp_path / "variant")
    path = tmp_path / "variant" / "background" / "splats.ply"
    assert path.stat().st_nlink == 1
    assert path.read_bytes() == (saved.folder / "background" / "splats.ply").read_bytes()
    assert validate_scene(load_scene(tmp_path / "variant")) == ()


def test_what_is_wrong_is_refused(saved: SavedScene, saver: VariantSaver, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not empty"):
        saver.save(saved.scene, saved.folder)
    with pytest.raises(SceneError, match="not consistent"):
        saver.save(with_object(saved.scene, replace(saved.scene.objects[0], name="A b")), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    saver.save(with_object(saved.scene, reshaped(saved.scene.objects[0])), tmp_path / "variant")
    home = tmp_path / "variant" / "objects" / "box"
    glb = (home / "visual.glb").read_bytes()
    (home / "other.bin").write_bytes((home / "faces.bin").read_bytes())
    (home / "visual.glb").write_bytes(glb.replace(b"faces.bin", b"other.bin"))
    with pytest.raises(SceneError, match=r"visual\.glb"):  # of other files it says nothing, whatever they hold
        load_scene(tmp_path / "variant")
    (home / "visual.glb").write_bytes(glb)
    (home / "faces.bin").unlink()
    (home / "faces.bin").symlink_to(saved.folder / "scene.json")
    with pytest.raises(SceneError, match=r"visual\.glb"):
        load_scene(tmp_path / "variant")
    (home / "faces.bin").unlink()
    (home / "faces.bin").write_bytes(b"short")
    with pytest.raises(SceneError, match=r"visual\.glb"):
        load_scene(tmp_path / "variant")


def test_pictures_that_come_by_do_not_pile_up(
    saver: VariantSaver, saved: SavedScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of clutter do, which each variant has anew."""
    monkeypatch.setattr("scan2sim.scene.variant.KEPT", 3)
    box = saved.scene.objects[0]
    uv = np.zeros((len(box.visual.faces), 3, 2))
    held = []
    for k in range(7):
        image = np.full((4, 4, 3), k, np.uint8)
        extra = replace(box, id=99, name="extra", texture=Texture(image, uv))
        saver.save(replace(saved.scene, objects=(*saved.scene.objects, extra)), tmp_path / f"{k}")
        held.append(len(saver._pictures))
    assert max(held) == held[-1] == 3
    read = read_visual(tmp_path / "6" / "objects" / "extra" / "visual.glb")[1]
    assert read is not None
    assert (read.image == 6).all()


def test_other_pieces_lie_in_one_file_and_are_linked_from_there(
    saved: SavedScene, saver: VariantSaver, tmp_path: Path
) -> None:
    box, *others = saved.scene.objects
    first = with_object(saved.scene, reshaped(box))
    saver.save(first, tmp_path / "first")
    home = tmp_path / "first" / "objects" / box.name
    assert [path.name for path in home.glob("collision*")] == ["collision.glb"]
    of = open_saved(tmp_path / "first")
    expected, found = reshaped(box), of.scene.objects[0]
    for a, b in zip(found.collision, expected.collision, strict=True):
        assert np.abs(a.vertices - b.vertices).max() < 1e-7
    bowl = others[-1]
    second = with_object(of.scene, replace(bowl, position=bowl.position + np.array([0.01, 0, 0])))
    VariantSaver(of, SharedFiles(tmp_path / "more")).save(second, tmp_path / "second")
    assert (tmp_path / "second" / "objects" / box.name / "collision" / "0.glb").samefile(home / "collision.glb")
    again = load_scene(tmp_path / "second")
    assert validate_scene(again) == ()
    for a, b in zip(again.objects[0].collision, found.collision, strict=True):
        assert np.array_equal(a.vertices, b.vertices)
    save_scene(again, tmp_path / "third")
    assert (tmp_path / "third" / "objects" / box.name / "collision" / "0.obj").is_file()
