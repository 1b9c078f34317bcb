"""A folder is opened as a library: what is in it is found, prepared, measured, kept; what is no asset is listed."""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import is_closed, procedural_shape, vertex_colors
from scan2sim.child import ChildError
from scan2sim.cousins.assets import AssetConfig, AssetLibrary, open_library, package_objects, shipped_objects
from scan2sim.cousins.assets.beside import files_beside
from scan2sim.cousins.assets.preparing import ENDED, PREPARED, SCENE, Unprepared, prepare_meshes
from scan2sim.cousins.assets.sources import INDEX, Source, find_sources
from scan2sim.errors import UsageError
from scan2sim.progress import silent
from scan2sim.scene import Scene, save_scene, validate_scene
from scan2sim.splats import Gaussians, write_splats
from tests.cousins.shapes import shaped
from tests.scene.factory import colored, splats_on

RED = (200, 30, 30)
CONFIG = AssetConfig(faces=10_000, texture=64)


def save_objects(folder: Path, *objects: object, **provenance: object) -> None:
    save_scene(Scene(Gaussians.empty(), (), objects, (), {}, {}, provenance=provenance), folder)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mesh with y up, a broken one, a large one, splats, a scene, and what is none of these."""
    home = tmp_path_factory.mktemp("library")
    pin = colored(procedural_shape("frustum", np.random.default_rng(0), 0.2).mesh, RED)
    pin.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))  # z up becomes y up
    pin.export(home / "My Pin (1).glb")
    (home / "broken.ply").write_bytes(
        b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nend_header\nno numbers"
    )
    (home / "deep").mkdir()
    trimesh.creation.icosphere(subdivisions=5, radius=0.05).export(home / "deep" / "fine.stl")
    write_splats(splats_on(pin, 50, RED), home / "cloud.spz")
    (home / "notes.txt").write_text("nothing")
    cup, pole = shaped("cup"), replace(shaped("can"), id=2, name="pole", mobility="fixed")
    save_objects(home / "scan", cup, pole, assets={"cup": {"licence": "MIT", "origin": "a kitchen"}})
    return home


@pytest.fixture(scope="module")
def library(folder: Path) -> AssetLibrary:
    return open_library(folder, CONFIG)


def test_meshes_and_objects_of_scenes_are_assets(library: AssetLibrary) -> None:
    assets = {asset.name: asset for asset in library.assets}
    assert set(assets) == {"my-pin-1", "cup"}
    assert (assets["cup"].licence, assets["cup"].origin) == ("MIT", "a kitchen")
    for asset in library.assets:
        obj = library.object_of(asset)
        assert library.object_of(asset) is obj
        assert validate_scene(Scene(Gaussians.empty(), (), (replace(obj, rests_on=None),), (), {}, {})) == ()
    pin = library.object_of(assets["my-pin-1"])
    assert pin.visual.extents == pytest.approx(assets["my-pin-1"].form.extents, abs=0.003)
    drawn = procedural_shape("frustum", np.random.default_rng(0), 0.2).mesh
    assert pin.visual.extents == pytest.approx(drawn.extents, abs=0.001), "it stands"
    assert pin.visual.volume == pytest.approx(drawn.volume, rel=0.01)
    assert is_closed(pin.visual)
    assert np.abs(vertex_colors(pin.visual)[:, :3].astype(int) - RED).max() <= 2
    assert np.abs(pin.gaussians.base_colors.numpy() * 255 - RED).max() <= 2
    assert assets["cup"].form.affordances.can_contain
    assert not assets["my-pin-1"].form.affordances.can_contain


def test_what_is_no_asset_is_listed_with_its_reason(library: AssetLibrary) -> None:
    reasons = {each.path.name: each.reason for each in library.refused}
    assert set(reasons) == {"broken.ply", "fine.stl", "cloud.spz", "scene.json"}
    assert "cannot be read" in reasons["broken.ply"]
    assert "20480 faces; at most 10000" in reasons["fine.stl"]
    assert "50 splats that are not transparent; at least 100" in reasons["cloud.spz"]
    assert "“pole” is fixed" in reasons["scene.json"]


def test_what_is_known_is_kept(library: AssetLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scan2sim.cousins.assets.preparing.run_child", never)
    monkeypatch.setattr("scan2sim.cousins.assets.open.form_of", never)
    again = open_library(folder, CONFIG)
    assert [asset.digest for asset in again.assets] == [asset.digest for asset in library.assets]
    assert {each.reason for each in again.refused} == {each.reason for each in library.refused}
    for one, other in zip(library.assets, again.assets, strict=True):
        assert np.allclose(one.form.shape, other.form.shape, atol=1e-6)
        assert not one.form.affordances.differing(other.form.affordances)


@pytest.mark.parametrize("damage", ["forms.npz", "index.json", "version"])
def test_a_damaged_index_is_made_again(library: AssetLibrary, folder: Path, tmp_path: Path, damage: str) -> None:
    home = tmp_path / "copy"
    shutil.copytree(folder / "scan", home / "scan")
    before = open_library(home).assets[0].form
    index = home / INDEX
    if damage == "version":
        told = json.loads((index / "index.json").read_text())
        (index / "index.json").write_text(json.dumps(told | {"version": 99}))
    else:
        (index / damage).write_bytes((index / damage).read_bytes()[:-9])
    assert np.allclose(open_library(home).assets[0].form.shape, before.shape, atol=1e-6)
    assert json.loads((index / "index.json").read_text())["version"] == 1


def test_a_folder_that_cannot_be_written_is_opened_all_the_same(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    shutil.copytree(folder / "scan", home / "scan")
    (home / INDEX).write_text("in the way")  # as good as a read-only folder, also for root
    assert [asset.name for asset in open_library(home).assets] == ["cup"]
    assert (home / INDEX).read_text() == "in the way"


def test_large_files_and_links_that_leave_are_not_opened(tmp_path: Path) -> None:
    home = tmp_path / "library"
    save_objects(home / "scan", shaped("can"))
    (home / "huge.stl").write_bytes(bytes(2 << 20))
    visual = home / "scan" / "objects" / "can" / "visual.glb"
    visual.rename(tmp_path / "outside.glb")
    visual.symlink_to(tmp_path / "outside.glb")
    with pytest.raises(UsageError, match="nothing here is an asset") as problem:
        open_library(home, AssetConfig(megabytes=1))
    assert "2 MiB; at most 1" in str(problem.value)
    assert "a path of “can” leaves the scene folder" in str(problem.value)


def test_a_mesh_at_which_the_child_dies_is_refused_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def child(program: Path, jobs: Path, memory: int, *, seconds: float) -> None:
        started.append(seconds)
        for k, path in enumerate(json.loads(jobs.read_text())["meshes"]):
            home = jobs.with_name(str(k))
            if "deadly" in path:
                raise ChildError("crashed with signal 11: it said nothing")
            (home / SCENE).mkdir(parents=True)
            (home / SCENE / "scene.json").write_text(path)
            (home / ENDED).write_text("null")

    monkeypatch.setattr("scan2sim.cousins.assets.preparing.run_child", child)
    names = [*"abc", "deadly", *"defghijk"]
    sources = [Source("mesh", tmp_path / name, name, name) for name in names]
    assert prepare_meshes(sources, tmp_path, AssetConfig(), silent) == {
        "deadly": Unprepared("preparing it crashed with signal 11: it said nothing", died=True)
    }
    assert sorted(path.parent.name for path in tmp_path.glob("meshes/*/scene.json")) == sorted({*names} - {"deadly"})
    assert len(started) == 2
    assert not list(tmp_path.glob(".preparing*"))


def test_a_mesh_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "slow.stl"
    trimesh.creation.icosphere(subdivisions=5, radius=0.05).export(path)
    refused = prepare_meshes([Source("mesh", path, "slow", "slow")], tmp_path, AssetConfig(seconds=0.001), silent)
    assert refused == {"slow": Unprepared("took more than 0.001 s to prepare", died=True)}


def test_what_was_stopped_is_tried_again_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_objects(tmp_path / "scan", shaped("can"))
    trimesh.creation.box((0.1, 0.1, 0.1)).export(tmp_path / "box.stl")
    started = []

    def child(program: Path, jobs: Path, memory: int, *, seconds: float) -> None:
        started.append(seconds)
        raise ChildError("was stopped by signal 9")

    with monkeypatch.context() as patched:
        patched.setattr("scan2sim.cousins.assets.preparing.run_child", child)
        library = open_library(tmp_path)
        assert [asset.name for asset in library.assets] == ["can"]
        assert [each.path.name for each in library.refused] == ["box.stl"]
        open_library(tmp_path, again=False)
        assert len(started) == 1

        def healthy(program: Path, jobs: Path, memory: int, *, seconds: float) -> None:
            save_objects(jobs.with_name("0") / SCENE, replace(shaped("can"), name=PREPARED))
            (jobs.with_name("0") / ENDED).write_text("null")

        patched.setattr("scan2sim.cousins.assets.preparing.run_child", healthy)
        assert {asset.name for asset in open_library(tmp_path).assets} == {"box", "can"}
    trimesh.creation.box((0.1, 0.2, 0.1)).export(tmp_path / "box.stl")
    started.clear()
    monkeypatch.setattr("scan2sim.cousins.assets.preparing.run_child", child)
    for _ in range(5):
        open_library(tmp_path)
    assert len(started) == 3


def test_the_digest_of_a_mesh_covers_the_files_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "cup.obj").write_text("mtllib cup colours.mtl\nv 0 0 0\n")
    (tmp_path / "cup colours.mtl").write_text("newmtl a\nmap_Kd -s 1 1 1 maps/red.png\n")
    (tmp_path / "maps" / "red.png").write_bytes(b"red")
    buffers = {
        "buffers": [{"uri": "pot%20data.bin"}],
        "images": [{"uri": "data:image/png;base64,"}, {"uri": "../p.png"}],
    }
    (tmp_path / "pot.gltf").write_text(json.dumps(buffers))
    (tmp_path / "pot data.bin").write_bytes(b"1")
    (tmp_path / "jug.glb").write_bytes(glb({"buffers": [{"uri": "jug.bin"}]}))
    (tmp_path / "jar.ply").write_bytes(b"ply\ncomment TextureFile jar.png\n")
    (tmp_path / "bad.gltf").write_text("{")
    limit = 1 << 20
    assert files_beside(tmp_path / "pot.gltf", limit) == [tmp_path / "pot data.bin"]
    assert files_beside(tmp_path / "bad.gltf", limit) == files_beside(tmp_path / "no.obj", limit) == []

    def digests() -> dict[str, str]:
        return {source.path.name: source.digest for source in find_sources(tmp_path, AssetConfig())[0]}

    before = digests()
    changed = {
        "cup colours.mtl": "cup.obj",
        "maps/red.png": "cup.obj",
        "pot data.bin": "pot.gltf",
        "jug.bin": "jug.glb",
        "jar.png": "jar.ply",
    }
    for file, mesh in changed.items():
        with (tmp_path / file).open("ab") as stream:
            stream.write(b"\n# other")
        now = digests()
        assert {name for name in now if now[name] != before[name]} == {mesh}
        before = now


def glb(document: dict[str, object]) -> bytes:
    text = json.dumps(document).encode()
    return struct.pack("<4sII", b"glTF", 2, 20 + len(text)) + struct.pack("<II", len(text), 0x4E4F534A) + text


@pytest.mark.parametrize(
    "wrong", [{"metres": 0.0}, {"metres": float("nan")}, {"smallest": 2.0}, {"faces": 0}, {"seconds": -1.0}]
)
def test_limits_with_which_nothing_is_an_asset(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        AssetConfig(**wrong)  # type: ignore[arg-type]


def test_folders_that_are_no_library(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        open_library(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="nothing here is an asset"):
        open_library(tmp_path)
    for k in range(4):
        (tmp_path / f"{k}.txt").touch()
    with pytest.raises(UsageError, match="more than 3 files"):
        open_library(tmp_path, AssetConfig(files=3))


def test_a_package_is_found_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meshes = tmp_path / "robosuite" / "models" / "assets" / "objects" / "meshes"
    meshes.mkdir(parents=True)
    (tmp_path / "robosuite" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert package_objects("robosuite") == meshes
    with pytest.raises(UsageError, match="no objects are known of a package 'numpy'"):
        package_objects("numpy")
    meshes.rmdir()
    with pytest.raises(UsageError, match="robosuite is not installed"):
        package_objects("robosuite")


def test_one_thing_in_two_formats_is_one_asset(tmp_path: Path) -> None:
    for name in ("can.stl", "can.glb", "pot.ply"):
        (tmp_path / name).touch()
    sources, refused = find_sources(tmp_path, AssetConfig())
    assert [source.path.name for source in sources] == ["can.glb", "pot.ply"]
    assert [(each.path.name, each.reason) for each in refused] == [
        ("can.stl", "the same as can.glb beside it, by its name")
    ]


def test_the_shipped_set_opens_from_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scan2sim.cousins.assets.open.form_of", never)
    library = open_library()
    assert len(library.assets) >= 20
    assert not library.refused
    assert all(asset.licence for asset in library.assets)
    assert sum(path.stat().st_size for path in shipped_objects().rglob("*") if path.is_file()) <= 3e6
    contain = {asset.name for asset in library.assets if asset.form.affordances.can_contain}
    assert {"bowl", "cup", "jar", "mug", "plate", "tray", "tabletop-gray-hollow-shape-1"} == contain


def test_clutter_is_as_large_as_asked_for_and_stands_on_the_ground() -> None:
    library = open_library()
    one, two = (library.draw_clutter((0.03, 0.06), np.random.default_rng(5)) for _ in range(2))
    assert one.name == two.name
    assert np.array_equal(one.wxyz, two.wxyz)
    corners = np.concatenate([piece.vertices for piece in one.collision])
    placed = corners @ one.world_from_object[:3, :3].T + one.position
    assert placed[:, 2].min() == pytest.approx(0, abs=1e-9)
    assert np.abs(placed[:, :2].max(0) + placed[:, :2].min(0)).max() < 1e-9
    assert 0.029 < one.visual.extents.max() < 0.09
    with pytest.raises(UsageError, match="clutter of"):
        library.draw_clutter((0.06, 0.03), np.random.default_rng(0))


def never(*_: object, **__: object) -> None:
    raise AssertionError("this was known already")
