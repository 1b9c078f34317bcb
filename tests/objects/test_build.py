"""Known shapes on a table, given as splats: each is found whole, apart, where it is; the table has no holes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import ObjectsError
from scan2sim.geometry import look_at
from scan2sim.objects import ObjectsConfig, build_scene
from scan2sim.poses import Gravity, PosedCapture, PosedFrame, Scale
from scan2sim.scene import validate_scene
from scan2sim.splats import Gaussians, concatenate, rasterize
from tests.scene.factory import bowl_mesh, splats_on

INTRINSICS = Intrinsics(320, 240, 280.0, 280.0, 160.0, 120.0)
CONFIG = ObjectsConfig(mesh_faces=2000)
COLORS = {"box": (200, 40, 40), "ball": (60, 140, 50), "bowl": (50, 80, 190), "table": (150, 110, 75)}


def cameras(views: int = 24, tilt: np.ndarray | None = None) -> list[Camera]:
    poses = []
    for i in range(views):
        angle, height = 2 * np.pi * i / views, (0.2, 0.35)[i % 2]
        radius = np.sqrt(0.5**2 - height**2)
        poses.append(look_at([radius * np.cos(angle), radius * np.sin(angle), height], [0, 0, 0.01]))
    return [Camera(INTRINSICS, pose if tilt is None else tilt @ pose) for pose in poses]


def posed(views: list[Camera]) -> PosedCapture:
    frames = tuple(PosedFrame(Path(f"{i}.png"), f"{i}.png", camera, 0.0) for i, camera in enumerate(views))
    return PosedCapture(
        frames, np.zeros((0, 3)), np.zeros((0, 3), np.uint8), Scale("cameras", 0.01), Gravity("cameras", 1)
    )


def table() -> Gaussians:
    return splats_on(
        trimesh.creation.box((0.9, 0.8, 0.02), trimesh.transformations.translation_matrix([0, 0, -0.01])),
        40_000,
        COLORS["table"],
    )


def shapes() -> dict[str, trimesh.Trimesh]:
    box = trimesh.creation.box((0.06, 0.04, 0.05))
    box.apply_translation([-0.12, 0.05, 0.025])
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    ball.apply_translation([0.0, -0.1, 0.03])
    bowl = bowl_mesh()
    bowl.apply_translation([0.1, 0.06, 0])
    return {"box": box, "ball": ball, "bowl": bowl}


@pytest.fixture(scope="module")
def built():
    things = shapes()
    splats = concatenate(
        [table(), *(splats_on(mesh, 8000, COLORS[name], seed=i) for i, (name, mesh) in enumerate(things.items()))]
    )
    return things, splats, build_scene(posed(cameras()), splats, CONFIG)


def test_every_object_is_found_once_and_where_it_is(built):
    things, _, scene = built
    assert len(scene.objects) == len(things)
    assert validate_scene(scene) == ()
    for mesh in things.values():
        errors = [np.abs(thing.visual.bounds + thing.position - mesh.bounds).max() for thing in scene.objects]
        assert min(errors) < 0.005


def test_meshes_are_closed_with_nearly_the_true_volume_and_hollow_things_stay_hollow(built):
    things, _, scene = built
    for thing in scene.objects:
        assert thing.visual.is_volume
        truth = min(things.values(), key=lambda mesh: np.linalg.norm(mesh.centroid - thing.position))
        if truth is things["bowl"]:  # a wall of 5 mm comes out thicker, but the inside is free
            assert truth.volume < thing.physical.volume.value < 0.5 * truth.convex_hull.volume
        else:
            assert thing.physical.volume.value == pytest.approx(truth.volume, rel=0.2)
    bowl = min(scene.objects, key=lambda thing: np.linalg.norm(thing.position[:2] - [0.1, 0.06]))
    pool = np.array([[0.1, 0.06, 0.03]]) - bowl.position
    assert not bowl.visual.contains(pool)[0]
    assert not any(piece.contains(pool)[0] for piece in bowl.collision)


def test_names_say_the_colour_and_nothing_unknown(built):
    names = sorted(thing.name for thing in built[2].objects)
    assert {name.split("-")[0] for name in names} == {"red", "green", "blue"}


def test_every_gaussian_of_an_object_lies_on_that_object_and_none_is_left_behind(built):
    things, splats, scene = built
    for thing in scene.objects:
        truth = min(things.values(), key=lambda mesh: np.linalg.norm(mesh.centroid - thing.position))
        means = thing.gaussians.means.numpy()[::50] + thing.position
        assert np.abs(trimesh.proximity.signed_distance(truth, means)).max() < 0.01
    above = scene.background.means[:, 2] > 0.01
    assert above.sum() < 0.01 * len(splats)


def test_the_table_goes_on_under_the_objects_in_its_own_colour(built):
    things, _, scene = built
    for mesh in things.values():
        x, y = mesh.centroid[:2]
        camera = Camera(Intrinsics(32, 32, 300.0, 300.0, 16.0, 16.0), look_at([x, y, 0.4], [x, y, 0], up=[0, 1, 0]))
        rendering = rasterize(scene.background, [camera])
        assert rendering.alphas.min() > 0.8
        color = (rendering.colors[0] / rendering.alphas[0]).reshape(-1, 3).median(0).values.numpy() * 255
        assert np.abs(color - COLORS["table"]).max() < 25


def test_a_slightly_tilted_frame_finds_the_plane_it_has(built):
    tilt = np.eye(4)
    tilt[:3, :3] = trimesh.transformations.rotation_matrix(np.radians(1.5), [1, 0, 0])[:3, :3]
    splats = table()
    rotation = torch.from_numpy(tilt[:3, :3]).float()
    turned = replace(splats, means=splats.means @ rotation.T)
    scene = build_scene(posed(cameras(tilt=tilt)), turned, CONFIG)
    normal = scene.supports[0]
    z = trimesh.transformations.quaternion_matrix(normal.wxyz)[:3, 2]
    assert np.degrees(np.arccos(z @ tilt[:3, 2])) < 0.2


@pytest.fixture(scope="module")
def crowded():
    """A tray with a rim and a floor in its own colour, a ball standing on a slab, and two blocks side by side."""
    rim = trimesh.creation.annulus(r_min=0.06, r_max=0.065, height=0.014)
    rim.apply_translation([-0.13, 0.1, 0.007])
    floor = trimesh.creation.cylinder(radius=0.06, height=0.001)
    floor.apply_translation([-0.13, 0.1, 0.001])
    slab = trimesh.creation.box((0.1, 0.1, 0.02))
    slab.apply_translation([0.12, 0.1, 0.01])
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    ball.apply_translation([0.12, 0.1, 0.05])
    blocks = [trimesh.creation.icosphere(subdivisions=3, radius=0.035) for _ in range(2)]
    for side, block in zip((-1, 1), blocks, strict=True):
        block.apply_translation([0.035 * side, -0.1, 0.034])
    splats = [table(), splats_on(floor, 5000, (40, 60, 90)), splats_on(rim, 5000, (40, 60, 90))]
    splats += [splats_on(slab, 8000, (210, 210, 210)), splats_on(ball, 8000, (90, 140, 40))]
    splats += [splats_on(block, 8000, (170, 60, 50), seed=i) for i, block in enumerate(blocks)]
    return build_scene(posed(cameras()), concatenate(splats), CONFIG)


def nearest(scene, x: float, y: float):
    return min(scene.objects, key=lambda thing: np.hypot(*(thing.position[:2] - [x, y])))


def test_what_touches_comes_apart(crowded):
    assert validate_scene(crowded) == ()
    for x in (-0.035, 0.035):
        assert np.ptp(nearest(crowded, x, -0.1).visual.bounds, axis=0) == pytest.approx([0.07] * 3, abs=0.006)


def test_a_ball_rests_on_the_slab_whose_upper_side_is_a_support(crowded):
    ball = max(crowded.objects, key=lambda thing: thing.position[2])
    slab = next(thing for thing in crowded.objects if thing.id == ball.rests_on.id)
    assert np.abs(slab.position - [0.12, 0.1, 0.01]).max() < 0.005
    assert ball.rests_on.relation == "on"
    assert nearest(crowded, 0.035, -0.1).rests_on.id == 0
    top = next(support for support in crowded.supports if support.object == slab.id)
    assert top.position[2] == pytest.approx(0.02, abs=0.005)  # a pixel is 2 mm wide, a voxel 3 mm


def test_the_floor_of_a_tray_belongs_to_it(crowded):
    tray = nearest(crowded, -0.13, 0.1)
    low = (tray.gaussians.means + torch.tensor(tray.position).float())[:, :2] - torch.tensor([-0.13, 0.1])
    assert (low.norm(dim=1) < 0.05).sum() > 1000


def test_an_empty_table_is_a_scene_without_objects():
    scene = build_scene(posed(cameras()), table(), CONFIG)
    assert scene.objects == ()
    assert len(scene.background) == 40_000


def test_no_surface_at_all_is_said():
    rng = np.random.default_rng(0)
    mist = splats_on(trimesh.creation.icosphere(), 4000, (200, 200, 200))
    mist = replace(
        mist,
        means=torch.tensor(rng.uniform([-0.3, -0.3, -0.1], [0.3, 0.3, 0.2], (4000, 3))).float(),
        log_scales=torch.full((4000, 3), float(np.log(0.006))),
    )
    with pytest.raises(ObjectsError, match="no flat surface"):
        build_scene(posed(cameras()), mist, CONFIG)
