# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.bodies import Texture, is_closed, mark_seen, split_at_seams, texture_mesh, vertex_colors, vertices_seen
from scan2sim.errors import OutputError, SceneError
from scan2sim.scene import (
    Scene,
    load_scene,
    read_obj,
    read_points,
    read_visual,
    save_scene,
    validate_scene,
    write_obj,
    write_points,
    write_visual,
)
from scan2sim.splats import Gaussians
from tests.scene.factory import bowl_mesh, make_scene

FIELDS = ("means", "log_scales", "opacity_logits", "sh")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_scene(make_scene(tmp_path / "photos"), tmp_path / "scene")
    return tmp_path / "scene"


def same_gaussians(a: Gaussians, b: Gaussians) -> bool:
    return all(np.allclose(getattr(a, f).numpy(), getattr(b, f).numpy(), atol=1e-6) for f in FIELDS)


def same_scene(a: Scene, b: Scene) -> None:
    assert same_gaussians(a.background, b.background)
    assert [o.name for o in a.objects] == [o.name for o in b.objects]
    for x, y in zip(a.objects, b.objects, strict=True):
        assert (x.id, x.label, x.mobility, x.joint, x.rests_on) == (y.id, y.label, y.mobility, y.joint, y.rests_on)
        assert np.array_equal(x.position, y.position)
        assert np.array_equal(x.wxyz, y.wxyz)
        assert same_gaussians(x.gaussians, y.gaussians)
        assert np.allclose(x.visual.vertices, y.visual.vertices, atol=1e-7)
        assert np.array_equal(x.visual.faces, y.visual.faces)
        assert np.array_equal(vertex_colors(x.visual), vertex_colors(y.visual))
        assert len(x.collision) == len(y.collision)
        for p, q in zip(x.collision, y.collision, strict=True):
            assert np.allclose(p.vertices, q.vertices, rtol=1e-8, atol=1e-12)
            assert np.array_equal(p.faces, q.faces)
        for name in ("mass", "friction", "restitution", "volume"):
            assert getattr(x.physical, name) == getattr(y.physical, name)
        assert np.array_equal(x.physical.inertia, y.physical.inertia)
        assert np.array_equal(x.physical.center_of_mass, y.physical.center_of_mass)
        assert x.unseen_fraction == y.unseen_fraction
        assert np.array_equal(vertices_seen(x.visual), vertices_seen(y.visual))
        assert x.texture is not None
        assert y.texture is not None
        assert np.array_equal(x.texture.image, y.texture.image)
        assert np.array_equal(x.texture.uv, y.texture.uv)
        assert x.figures == y.figures
    for s, t in zip(a.supports, b.supports, strict=True):
        assert (s.name, s.object) == (t.name, t.object)
        assert np.array_equal(s.polygon, t.polygon)
    for f, g in zip(a.cameras, b.cameras, strict=True):
        assert f.file == g.file
        assert np.array_equal(f.camera.world_from_camera, g.camera.world_from_camera)
    assert np.array_equal(a.points, b.points)
    assert np.array_equal(a.point_colors, b.point_colors)
    assert (a.scale, a.gravity, a.quality, a.provenance, a.light) == (
        b.scale,
        b.gravity,
        b.quality,
        b.provenance,
        b.light,
    )
    assert a.corrections == b.corrections


def test_what_is_saved_is_loaded(folder: Path, tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "photos")
    loaded = load_scene(folder)
    same_scene(scene, loaded)
    assert validate_scene(loaded) == ()
    for path, source in zip(loaded.images, scene.images, strict=True):
        assert path.read_bytes() == source.read_bytes()
        assert path.stat().st_ino != source.stat().st_ino  # a copy, not a link


def test_saving_what_was_loaded_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    save_scene(load_scene(folder), tmp_path / "again")
    files = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    for file in files:
        assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file


def test_the_layout_is_the_contract(folder: Path) -> None:
    manifest = json.loads((folder / "scene.json").read_text())
    assert (manifest["format"], manifest["version"], manifest["units"], manifest["up"]) == (
        "scan2sim.scene",
        1,
        "m",
        "z",
    )
    assert manifest["background"] == {"splats": "background/splats.ply", "collision": ["background/collision/0.obj"]}
    bowl = next(o for o in manifest["objects"] if o["name"] == "bowl")
    assert bowl["splats"] == "objects/bowl/splats.ply"
    assert bowl["visual"] == "objects/bowl/visual.glb"
    assert bowl["rests_on"] == {"id": 0, "relation": "on"}
    assert set(bowl["mass"]) == {"value", "low", "high", "source"}
    for path in [bowl["splats"], bowl["visual"], *bowl["collision"], manifest["cameras"], manifest["points"]]:
        assert (folder / path).is_file()
    assert (folder / "images" / "view-0.png").is_file()


def test_a_moved_scene_still_loads(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    assert len(load_scene(tmp_path / "elsewhere").objects) == 3


def test_the_mesh_in_the_file_is_in_the_object_frame(folder: Path) -> None:
    ball = trimesh.load_scene(folder / "objects" / "ball" / "visual.glb").to_mesh()
    assert np.abs(ball.center_mass).max() < 1e-6
    assert ball.visual.kind == "texture"
    plain = trimesh.creation.box()
    write_visual(plain, folder / "plain.glb")
    assert trimesh.load_scene(folder / "plain.glb").to_mesh().visual.kind == "vertex"


def test_scenes_without_objects_or_photos(tmp_path: Path) -> None:
    bare = replace(
        make_scene(), objects=(), cameras=(), points=np.zeros((0, 3)), point_colors=np.zeros((0, 3), np.uint8)
    )
    save_scene(bare, tmp_path / "bare")
    loaded = load_scene(tmp_path / "bare")
    assert (loaded.objects, loaded.cameras, loaded.images) == ((), (), ())
    assert len(loaded.points) == 0


def test_an_inconsistent_scene_is_not_written(tmp_path: Path) -> None:
    scene = make_scene()
    with pytest.raises(SceneError, match="used by 2 objects"):
        save_scene(replace(scene, objects=(scene.objects[0], scene.objects[0])), tmp_path / "scene")
    assert not (tmp_path / "scene").exists()


def test_a_folder_that_holds_something_is_not_filled(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("hello")
    with pytest.raises(OutputError, match="not empty"):
        save_scene(make_scene(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def edited(folder: Path, **changes: object) -> None:
    data = json.loads((folder / "scene.json").read_text())
    for key, value in changes.items():
        target = data["objects"][0] if key in data["objects"][0] else data
        target[key] = value
    (folder / "scene.json").write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": "something"}, "not a scene manifest"),
        ({"version": 2}, "version 2"),
        ({"units": "inch"}, "units"),
        ({"splats": "../../secret.ply"}, "stay inside"),
        ({"visual": "/etc/passwd"}, "stay inside"),
        ({"collision": ["objects/box/../../../x.obj"]}, "stay inside"),
        ({"name": "Box 1"}, "name"),
        ({"id": 0}, "id"),
        ({"mass": {"value": "heavy", "low": 1, "high": 2, "source": "guess"}}, "mass.value"),
        ({"position": [0, 0]}, "position"),
        ({"inertia": [[1, 0, 0], [0, 1, 0]]}, "inertia"),
        ({"rests_on": {"id": 0, "relation": "under"}}, "relation"),
        ({"splats": "objects/box/none.ply"}, "none.ply"),
        ({"collision": ["objects/box/none.obj"]}, "none.obj"),
    ],
)
def test_bad_manifests_are_named(folder: Path, change: dict[str, object], match: str) -> None:
    edited(folder, **change)
    with pytest.raises(SceneError, match=match) as caught:
        load_scene(folder)
    assert str(folder) in str(caught.value)


def test_unknown_fields_are_allowed(folder: Path) -> None:
    data = json.loads((folder / "scene.json").read_text())
    data["new"] = data["objects"][0]["newer"] = {"x": 1}
    (folder / "scene.json").write_text(json.dumps(data))
    assert len(load_scene(folder).objects) == 3


def test_infinities_and_nan_are_refused(folder: Path) -> None:
    text = (folder / "scene.json").read_text()
    for word in ("NaN", "Infinity", "1e999"):
        (folder / "scene.json").write_text(text.replace('"unseen_fraction": 0.1', f'"unseen_fraction": {word}', 1))
        with pytest.raises(SceneError, match="unseen_fraction"):
            load_scene(folder)


def test_links_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    splats = folder / "objects" / "box" / "splats.ply"
    splats.rename(tmp_path / "outside.ply")
    os.symlink(tmp_path / "outside.ply", splats)
    with pytest.raises(SceneError, match="leaves the scene folder"):
        load_scene(folder)


@pytest.mark.parametrize(
    "file", ["scene.json", "cameras.json", "points.ply", "objects/box/visual.glb", "objects/box/collision/0.obj"]
)
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "noise"])
def test_damaged_files_are_named(folder: Path, file: str, damage: str) -> None:
    path = folder / file
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        noise = np.random.default_rng(0).bytes(len(data))
        cut = data[: len(data) // 2 - 3]
        path.write_bytes({"empty": b"", "half": cut, "noise": noise}[damage])
    with pytest.raises(Exception, match=path.name) as caught:
        load_scene(folder)
    assert type(caught.value).__name__ in ("SceneError", "PosesError")


def test_one_missing_photo_is_named(folder: Path) -> None:
    (folder / "images" / "view-2.png").unlink()
    with pytest.raises(SceneError, match=r"view-2\.png"):
        load_scene(folder)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no such scene folder"):
        load_scene(tmp_path / "nowhere")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(count=st.integers(0, 50), seed=st.integers(0, 1000))
def test_points_come_back_exactly(count: int, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    rng = np.random.default_rng(seed)
    points, colors = rng.normal(size=(count, 3)), rng.integers(0, 256, (count, 3)).astype(np.uint8)
    path = tmp_path_factory.getbasetemp() / "points.ply"
    write_points(points, colors, path)
    again, tints = read_points(path)
    assert np.array_equal(points, again)
    assert np.array_equal(colors, tints)


def test_others_read_our_points(tmp_path: Path) -> None:
    scene = make_scene()
    write_points(scene.points, scene.point_colors, tmp_path / "points.ply")
    theirs = trimesh.load(tmp_path / "points.ply")
    assert isinstance(theirs, trimesh.PointCloud)
    assert np.allclose(theirs.vertices, scene.points)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(factor=st.floats(1e-4, 1e3), shift=st.floats(-100, 100))
def test_meshes_come_back(factor: float, shift: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    mesh = bowl_mesh(sections=8)
    mesh.apply_scale(factor)
    mesh.apply_translation([shift, -shift, 0])
    folder = tmp_path_factory.getbasetemp()
    write_obj(mesh, folder / "mesh.obj")
    write_visual(mesh, folder / "mesh.glb")
    for again, precision in ((read_obj(folder / "mesh.obj"), 1e-8), (read_visual(folder / "mesh.glb")[0], 1e-6)):
        assert np.array_equal(again.faces, mesh.faces)
        assert np.abs(again.vertices - mesh.vertices).max() <= precision * np.abs(mesh.vertices).max()


def textured_ball() -> tuple[trimesh.Trimesh, Texture]:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.05)
    ball.visual.vertex_colors = np.column_stack(
        [np.random.default_rng(0).integers(0, 256, (642, 3)), 0 * ball.vertices[:, :1] + 255]
    )
    mark_seen(ball, ball.vertices[:, 2] > -0.01)
    return ball, texture_mesh(ball, lambda points: 0.5 + 10 * points, 128)


def test_a_textured_mesh_comes_back_closed_with_all_that_it_carries(tmp_path: Path) -> None:
    ball, texture = textured_ball()
    write_visual(ball, tmp_path / "ball.glb", texture)
    again, picture = read_visual(tmp_path / "ball.glb")
    assert is_closed(again)
    assert np.array_equal(again.faces, ball.faces)
    assert np.array_equal(vertex_colors(again), vertex_colors(ball))
    assert np.array_equal(vertices_seen(again), vertices_seen(ball))
    assert picture is not None
    assert np.array_equal(picture.image, texture.image)
    assert np.array_equal(picture.uv, texture.uv)
    write_visual(again, tmp_path / "again.glb", picture)
    assert (tmp_path / "again.glb").read_bytes() == (tmp_path / "ball.glb").read_bytes()


def test_others_see_the_picture_and_no_color_that_would_darken_it(tmp_path: Path) -> None:
    ball, texture = textured_ball()
    write_visual(ball, tmp_path / "ball.glb", texture)
    data = (tmp_path / "ball.glb").read_bytes()
    tree = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    names = set(tree["meshes"][0]["primitives"][0]["attributes"])
    assert names == {"POSITION", "TEXCOORD_0", "_COLOR", "_SEEN", "_VERTEX"}
    theirs = trimesh.load_scene(tmp_path / "ball.glb").to_mesh()
    assert theirs.visual.kind == "texture"
    expected = 255 * (0.5 + 10 * theirs.vertices)
    assert np.abs(vertex_colors(theirs)[:, :3] - expected).mean() < 8


def test_textured_meshes_of_other_programs_are_closed_again(tmp_path: Path) -> None:
    ball, texture = textured_ball()
    split, _ = split_at_seams(ball, texture)
    assert not is_closed(split)
    split.export(tmp_path / "theirs.glb")
    mesh, picture = read_visual(tmp_path / "theirs.glb")
    assert is_closed(mesh)
    assert picture is not None
    assert mesh.volume == pytest.approx(ball.volume, rel=1e-5)
    assert vertices_seen(mesh).all()


@pytest.mark.parametrize("numbers", [-1.0, 1e9, np.nan])
def test_damaged_numbers_of_vertices_are_refused(tmp_path: Path, numbers: float) -> None:
    ball, texture = textured_ball()
    split, origin = split_at_seams(ball, texture)
    split.vertex_attributes["_VERTEX"] = np.where(origin == 3, numbers, origin).astype(np.float32)
    split.export(tmp_path / "bad.glb")
    with pytest.raises(SceneError, match=r"bad\.glb"):
        read_visual(tmp_path / "bad.glb")


def test_pictures_of_a_monstrous_size_are_not_unpacked(tmp_path: Path) -> None:
    ball, texture = textured_ball()
    write_visual(ball, tmp_path / "bomb.glb", replace(texture, image=np.zeros((9000, 8000, 3), np.uint8)))
    assert (tmp_path / "bomb.glb").stat().st_size < 2 << 20
    with pytest.raises(SceneError, match="million pixels"):
        read_visual(tmp_path / "bomb.glb")


def test_obj_of_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "quad.obj"
    path.write_text(
        "# made elsewhere\nmtllib ../../x.mtl\nv 0 0 0 1\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvn 0 0 1\nf 1/1/1 2//1 3 4\n"
    )
    mesh = read_obj(path)
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize(
    "text", ["v 0 0\nf 1 1 1\n", "v 0 0 x\n", "v 0 0 0\nf 1 2 3\n", "v 0 0 nan\nf 1 1 1\n", "f -9 1 2\n"]
)
def test_damaged_obj_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.obj").write_text(text)
    with pytest.raises(SceneError, match=r"bad\.obj"):
        read_obj(tmp_path / "bad.obj")
