"""Make ``assets/objects``: a small library of scanned things and of shapes made from numbers.

    python assets/make_objects.py --banana outputs/banana/scene --tabletop outputs/tabletop/scene

The two scenes are builds of ``assets/captures/banana`` and ``assets/captures/tabletop`` (``scan2sim build … --quality
standard``).  The same scenes give the same set; without them only the shapes are made.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import trimesh
import tyro
from scipy.spatial import KDTree
from trimesh.visual import ColorVisuals

from scan2sim.bodies import ColorsAt, ProceduralShape, colors_of, decimate, procedural_shape, texture_mesh
from scan2sim.cousins.assets import open_library
from scan2sim.cousins.assets.sources import INDEX
from scan2sim.files import new_folder
from scan2sim.lock import LOCK_FILE
from scan2sim.scene import (
    Label,
    ObjectConfig,
    Scene,
    SceneObject,
    Support,
    load_scene,
    object_from_mesh,
    open_saved,
    save_scene,
    save_variant,
    surface_splats,
)
from scan2sim.splats import Gaussians

HERE = Path(__file__).parent
GAP = 0.26  # [m] between things in the set's own scene, which stand in rows
ROW = 6
TEXTURE, SPACING, SPLATS = 128, 0.003, (1000, 6500)  # [pixels], [m] between Gaussians, how many at least and most
SKY_POINTS, SKY_RAYS, GROUND_LIGHT = 2000, 60, 0.4
SIDE_POINTS, TURNED = 30_000, 0.03  # [m] that a turn by a radian counts as
KEPT_SPLATS, KEPT_FACES = 3500, 1600  # of what was scanned

SHAPES: tuple[tuple[str, str, int, float, str, tuple[int, int, int]], ...] = (
    # name, family, seed, size [m], material, colour
    ("carton", "box", 11, 0.105, "cardboard", (176, 138, 96)),
    ("notebook", "book", 4, 0.150, "paper", (62, 84, 128)),
    ("ramp", "wedge", 5, 0.090, "wood", (186, 142, 90)),
    ("angle", "bracket", 2, 0.080, "aluminium", (158, 160, 165)),
    ("tin", "can", 3, 0.100, "steel", (178, 52, 44)),
    ("jar", "jar", 6, 0.110, "glass", (120, 160, 150)),
    ("bottle", "bottle", 2, 0.180, "plastic", (48, 128, 84)),
    ("bowl", "bowl", 1, 0.130, "ceramic", (232, 228, 216)),
    ("cup", "cup", 2, 0.085, "plastic", (224, 168, 48)),
    ("mug", "mug", 3, 0.100, "ceramic", (70, 110, 150)),
    ("plate", "plate", 2, 0.180, "ceramic", (240, 240, 236)),
    ("tray", "tray", 3, 0.170, "plastic", (92, 96, 104)),
    ("pear", "pear", 4, 0.095, "fruit", (168, 176, 72)),
    ("lemon", "lemon", 2, 0.075, "fruit", (236, 208, 72)),
    ("potato", "potato", 2, 0.090, "fruit", (170, 128, 78)),
    ("roll", "capsule", 3, 0.100, "rubber", (60, 60, 66)),
    ("ring", "ring", 1, 0.090, "wood", (204, 120, 64)),
    ("spoon", "spoon", 3, 0.170, "wood", (196, 154, 104)),
)
SCANNED = {
    "banana": ("MIT, © 2019 Piero Toffanin", "a build of assets/captures/banana"),
    "tabletop": ("MIT, © 2025 Yufei Jia", "a build of assets/captures/tabletop, rendered from meshes of DISCOVERSE"),
}
LEFT_OUT = ("tabletop-brown-hollow-shape-1",)  # a tray that came out with a hole in its floor


@dataclass(frozen=True)
class Arguments:
    """What the set is made of, and where it goes."""

    banana: Path | None = None
    """The scene of assets/captures/banana."""
    tabletop: Path | None = None
    """The scene of assets/captures/tabletop."""
    output: Path = HERE / "objects"
    """Where the set goes; what is there is replaced."""


def main(arguments: Arguments) -> None:
    """Make the set and its index."""
    objects: list[SceneObject] = []
    told: dict[str, dict[str, str]] = {}
    for capture in SCANNED:
        path: Path | None = getattr(arguments, capture)
        if path is None:
            continue
        for obj in load_scene(path).objects:
            if f"{capture}-{obj.name}" in LEFT_OUT:
                continue
            name = f"{capture}-{obj.name}"
            objects.append(replace(light(obj), id=len(objects) + 1, name=name))
            licence, origin = SCANNED[capture]
            told[name] = {"licence": licence, "origin": f"{origin}, object {obj.name}"}
    for name, family, seed, size, material, color in SHAPES:
        shape = procedural_shape(family, np.random.default_rng(seed), size)
        objects.append(shaped(len(objects) + 1, name, shape, material, color))
        told[name] = {"licence": "Apache-2.0", "origin": f"scan2sim.bodies.procedural_shape {family}, seed {seed}"}
    scene = standing(objects, told)
    with new_folder(arguments.output) as fresh, tempfile.TemporaryDirectory() as scratch:
        save_scene(replace(scene, objects=(), supports=()), Path(scratch, "empty"))
        fresh.rmdir()
        save_variant(scene, fresh, open_saved(Path(scratch, "empty")))  # writes splats as SPZ
        (fresh / "LICENSE.md").write_text(licences(told), encoding="utf-8")
    open_library(arguments.output)
    (arguments.output / INDEX / LOCK_FILE).unlink()


def shaped(id: int, name: str, shape: ProceduralShape, material: str, color: tuple[int, int, int]) -> SceneObject:
    """An object made from numbers."""
    colors = painted(shape, color, id)
    mesh = shape.mesh.copy()
    mesh.visual = ColorVisuals(mesh, vertex_colors=np.round(255 * colors(mesh.vertices)).astype(np.uint8))
    return object_from_mesh(
        id,
        name,
        Label(f"{name}, a {shape.family} made from numbers", 1.0, "geometry"),
        mesh,
        surface_splats(mesh, colors, int(np.clip(mesh.area / SPACING**2, *SPLATS)), seed=id),
        ObjectConfig(texture=TEXTURE, surface_sigma=0.0005),
        material=material,
        colors_at=colors,
        pieces=shape.pieces,
    )


def painted(shape: ProceduralShape, color: tuple[int, int, int], seed: int) -> ColorsAt:
    """One colour with soft blotches, so that a camera sees the thing turn, under a sky that is bright all over."""
    rng = np.random.default_rng(seed)
    waves, phases = rng.normal(0, 60, (6, 3)), rng.uniform(0, 2 * math.pi, 6)
    sampled = trimesh.sample.sample_surface(shape.mesh, SKY_POINTS + SIDE_POINTS, seed=seed)
    points, normals = np.asarray(sampled[0]), shape.mesh.face_normals[sampled[1]]
    light = sky(shape, points[:SKY_POINTS], normals[:SKY_POINTS])
    sides = KDTree(points)  # which side of a thin wall a place lies on
    nearest = KDTree(np.hstack([points, TURNED * normals])[:SKY_POINTS])

    def colors(places: np.ndarray) -> np.ndarray:
        facing = normals[sides.query(places)[1]]
        distance, rows = nearest.query(np.hstack([places, TURNED * facing]), k=6)
        weights = 1 / (distance + 1e-4)
        shade = (light[rows] * weights).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
        blotches = 1 + 0.1 * np.sin(places @ waves.T + phases).mean(1, keepdims=True) * math.sqrt(6)
        return (np.array(color) / 255 * blotches * shade).clip(0, 1)

    return colors


def sky(shape: ProceduralShape, points: np.ndarray, normals: np.ndarray) -> np.ndarray:  # (N, 3), (N, 3) → (N,)
    """The light that reaches places of a shape: from above what its pieces do not hide, from below a little."""
    size, total, free = float(shape.mesh.extents.max()), np.zeros(len(points)), np.zeros(len(points))
    k = np.arange(SKY_RAYS) + 0.5
    z, turn = 1 - 2 * k / SKY_RAYS, k * np.pi * (1 + 5**0.5)
    for way in np.column_stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z]):
        facing = (normals @ way).clip(0)
        open_ = facing > 0
        for step in size * np.array([0.04, 0.1, 0.2, 0.35, 0.55, 0.8]):
            rows = np.flatnonzero(open_)
            places = points[rows] + 0.01 * size * normals[rows] + step * way
            for piece in shape.pieces:
                offsets = (piece.face_normals * piece.triangles_center).sum(1)
                near = ((places > piece.bounds[0]) & (places < piece.bounds[1])).all(1)
                open_[rows[near]] &= ~(places[near] @ piece.face_normals.T < offsets).all(1)
        total += facing
        free += facing * open_ * (1.0 if way[2] > 0 else GROUND_LIGHT)
    return 0.3 + 0.75 * free / total


def light(obj: SceneObject) -> SceneObject:
    """A scanned object with fewer faces and splats, and a smaller picture."""
    colors = colors_of(obj.visual, obj.texture)
    visual = decimate(obj.visual, KEPT_FACES)
    return replace(
        obj,
        gaussians=thinned(obj.gaussians),
        visual=visual,
        texture=texture_mesh(visual, colors, TEXTURE),
        rests_on=replace(obj.rests_on, id=0) if obj.rests_on else None,
    )


def thinned(gaussians: Gaussians) -> Gaussians:
    """Some of the Gaussians without the view-dependent part of their colours, larger by what the others covered."""
    rows = torch.randperm(len(gaussians), generator=torch.Generator().manual_seed(0))[:KEPT_SPLATS].sort().values
    kept = gaussians[rows]
    wider = 0.5 * math.log(len(gaussians) / max(1, len(kept)))
    return replace(kept, log_scales=kept.log_scales + wider, sh=kept.sh[:, :1].contiguous())


def standing(objects: list[SceneObject], told: dict[str, dict[str, str]]) -> Scene:
    """A scene in which everything stands in rows."""
    placed = []
    for k, obj in enumerate(objects):
        corners = np.concatenate([piece.vertices for piece in obj.collision])
        turned = corners @ replace(obj, position=np.zeros(3)).world_from_object[:3, :3].T
        low, high = turned.min(0), turned.max(0)
        spot = np.array([GAP * (k % ROW), GAP * (k // ROW), 0.0])
        placed.append(replace(obj, position=spot - np.array([*(low + high)[:2] / 2, low[2]])))
    x, y = GAP * ROW, GAP * (1 + len(objects) // ROW)
    polygon = np.array([[-GAP, -GAP], [x, -GAP], [x, y], [-GAP, y]])
    return Scene(
        background=Gaussians.empty(),
        background_collision=(),
        objects=tuple(placed),
        supports=(Support("ground", np.zeros(3), np.array([1.0, 0, 0, 0]), polygon),),
        scale={"source": "given", "relative_sigma": 0.02},
        gravity={"source": "given", "sigma_deg": 0.0},
        provenance={"made_by": "assets/make_objects.py", "assets": told},
    )


def licences(told: dict[str, dict[str, str]]) -> str:
    """Who made what, in words."""
    lines = [f"- `{name}`: {about['licence']}; {about['origin']}" for name, about in told.items()]
    return "\n".join(
        [
            "# Where these objects come from, and their licences",
            "",
            *lines,
            "",
            "The texts are `LICENSE` (Apache-2.0) in the root of the repository, `assets/captures/banana/LICENSE`",
            "and `assets/captures/tabletop/LICENSE.meshes` (MIT).",
            "",
        ]
    )


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
