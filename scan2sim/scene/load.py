"""A scene folder becomes a Scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from scan2sim.cameras import CameraFrame, read_cameras
from scan2sim.errors import SceneError
from scan2sim.files import read_json
from scan2sim.scene.manifest import ManifestEstimate, ManifestObject, parse_manifest
from scan2sim.scene.parts import read_points
from scan2sim.scene.pieces import read_pieces
from scan2sim.scene.types import Estimate, Joint, Label, Physical, RestsOn, Scene, SceneObject, Support
from scan2sim.scene.visual import read_visual
from scan2sim.splats import read_splats

__all__ = ["load_object", "load_scene"]


def load_scene(folder: Path) -> Scene:
    """Read a scene folder that anybody may have made.

    Paths in it must stay inside the folder, also through symbolic links.  Whether the content is consistent is
    :func:`validate_scene`'s question.

    Raises:
        SceneError: a file is missing, damaged, too large or outside the folder; the message names it.
        PosesError: the cameras file is damaged.
    """
    if not folder.is_dir():
        raise SceneError("no such scene folder", path=folder, todo="give the folder that holds scene.json")
    manifest = parse_manifest(read_json(folder / "scene.json", SceneError), folder / "scene.json")
    cameras = read_cameras(_inside(folder, manifest.cameras)) if manifest.cameras else ()
    points, colors = np.zeros((0, 3)), np.zeros((0, 3), np.uint8)
    if manifest.points:
        points, colors = read_points(_inside(folder, manifest.points))
    return Scene(
        background=read_splats(_inside(folder, manifest.background.splats)),
        background_collision=_pieces(folder, manifest.background.collision),
        objects=tuple(_object(entry, folder) for entry in manifest.objects),
        supports=tuple(
            Support(s.name, np.array(s.position), np.array(s.wxyz), np.array(s.polygon), s.object)
            for s in manifest.supports
        ),
        scale=manifest.scale,
        gravity=manifest.gravity,
        cameras=cameras,
        images=_images(folder, cameras),
        points=points,
        point_colors=colors,
        light=manifest.light,
        quality=manifest.quality,
        provenance=manifest.provenance,
        corrections=_corrections(folder),
    )


def load_object(folder: Path, name: str) -> SceneObject:
    """Read one object of a scene folder, and nothing else of it.

    Raises:
        SceneError: there is no such object, or a file is missing, damaged, too large or outside the folder.
    """
    path = folder / "scene.json"
    for entry in parse_manifest(read_json(path, SceneError), path).objects:
        if entry.name == name:
            return _object(entry, folder)
    raise SceneError(f"the scene has no object “{name}”", path=path)


def _object(entry: ManifestObject, folder: Path) -> SceneObject:
    visual, texture = read_visual(_inside(folder, entry.visual))
    joint = entry.joint and Joint(
        parent=entry.joint.parent,
        type=entry.joint.type,
        position=np.array(entry.joint.position),
        axis=np.array(entry.joint.axis),
        lower=entry.joint.lower,
        upper=entry.joint.upper,
        damping=entry.joint.damping,
        friction=entry.joint.friction,
    )
    return SceneObject(
        id=entry.id,
        name=entry.name,
        label=Label(entry.label.text, entry.label.confidence, entry.label.source),
        position=np.array(entry.position),
        wxyz=np.array(entry.wxyz),
        gaussians=read_splats(_inside(folder, entry.splats)),
        visual=visual,
        collision=_pieces(folder, entry.collision),
        physical=Physical(
            mass=_estimate(entry.mass),
            friction=_estimate(entry.friction),
            restitution=_estimate(entry.restitution),
            volume=_estimate(entry.volume),
            center_of_mass=np.array(entry.center_of_mass),
            inertia=np.array(entry.inertia),
        ),
        mobility=entry.mobility,
        joint=joint,
        rests_on=entry.rests_on and RestsOn(entry.rests_on.id, entry.rests_on.relation),
        unseen_fraction=entry.unseen_fraction,
        texture=texture,
        figures=dict(entry.figures),
    )


def _pieces(folder: Path, paths: Sequence[str]) -> tuple[trimesh.Trimesh, ...]:
    """All pieces of the files in their order."""
    return tuple(piece for path in paths for piece in read_pieces(_inside(folder, path)))


def _estimate(entry: ManifestEstimate) -> Estimate:
    return Estimate(entry.value, entry.low, entry.high, entry.source)


def _images(folder: Path, cameras: tuple[CameraFrame, ...]) -> tuple[Path, ...]:
    """All photos, or none where a scene was made without them."""
    paths = tuple(_inside(folder, frame.file) for frame in cameras)
    missing = [path for path in paths if not path.is_file()]
    if missing and len(missing) < len(paths):
        raise SceneError("the scene lacks this photo", path=missing[0], todo="build or copy the scene again")
    return () if missing else paths


def _inside(folder: Path, relative: str) -> Path:
    path = folder / relative
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SceneError(f"the path {relative!r} leaves the scene folder", path=folder)
    return path


def _corrections(folder: Path) -> tuple[dict[str, Any], ...]:
    path = folder / "corrections.json"
    if not path.exists():
        return ()
    entries = read_json(path, SceneError)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SceneError("not a list of corrections", path=path)
    return tuple(entries)
