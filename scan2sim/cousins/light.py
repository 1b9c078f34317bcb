"""The same scene under other light, seen by cameras that are held otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from scan2sim.cameras import CameraFrame
from scan2sim.cousins.change import Change
from scan2sim.cousins.colors import LUMA, Array, shaded, shaded_object
from scan2sim.cousins.config import LightConfig
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene import Scene, SceneObject
from scan2sim.splats import shortest_axes

__all__ = ["vary_light"]


def vary_light(
    scene: Scene,
    amount: float,  # 0..1
    rng: np.random.Generator,
    config: LightConfig = LightConfig(),  # noqa: B008  (frozen)
) -> tuple[Scene, tuple[Change, ...]]:
    """Relight a scene and jitter its cameras; both are noted in ``scene.light``.

    Light that comes more from a direction l multiplies the colour of a surface with normal n by ``exp(c n·l)``, a
    shading ratio of low order that is smooth and positive (after Ramamoorthi and Hanrahan 2001, "An efficient
    representation for irradiance environment maps": irradiance hardly has more than nine terms), and by a tint and an
    intensity for all.  Shadows stay where they are.  Normals are the mesh's at the nearest vertex for objects; for the
    background a splat's shortest axis towards the cameras, which counts as far as the splat is flat.
    """
    brighter = float(np.exp(amount * config.intensity * rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 1)))
    tint = _tint(amount * config.tint, rng)
    towards, strength = _from_above(rng), amount * config.direction
    color = brighter * tint
    objects = tuple(_relit(obj, towards, strength, color) for obj in scene.objects)
    background = scene.background
    if len(background):
        background = shaded(background, _ratio(_background_normals(scene), towards, strength) * color)
    shift, turn = amount * config.camera_shift, amount * config.camera_turn
    light = {
        "intensity_factor": brighter,
        "tint": tint.tolist(),
        "towards": towards.tolist(),
        "direction_strength": strength,
        "camera_shift": shift,
        "camera_turn_deg": turn,
    }
    changed = replace(
        scene,
        objects=objects,
        background=background,
        cameras=tuple(_jittered(frame, scene, shift, turn, rng) for frame in scene.cameras),
        light=scene.light | {"relit": light},
    )
    return changed, (Change("light", "relight", "", dict(light)),)


def _relit(obj: SceneObject, towards: Array, strength: float, color: Array) -> SceneObject:
    world_from_object = matrix_from_quaternion(obj.wxyz)
    at_vertices = np.asarray(obj.visual.vertex_normals) @ world_from_object.T
    nearest = KDTree(obj.visual.vertices).query(obj.gaussians.means.detach().numpy())[1]
    ratio = _ratio(at_vertices, towards, strength) * color
    return shaded_object(obj, ratio[nearest], ratio)


def _ratio(normals: Array, towards: Array, strength: float) -> Array:  # (N, 3) → (N, 1)
    return np.exp(strength * normals @ towards)[:, None]


def _background_normals(scene: Scene) -> Array:  # (N, 3), shorter where a splat is not flat
    background = scene.background.detached()
    normals = shortest_axes(background).numpy().astype(np.float64)
    scales = np.sort(background.scales.numpy().astype(np.float64), axis=1)
    eye = (
        np.mean([frame.camera.position for frame in scene.cameras], axis=0) if scene.cameras else np.array([0, 0, 1.0])
    )
    towards_eye = eye - background.means.numpy()
    flat = 1 - scales[:, 0] / scales[:, 1].clip(1e-12)
    return normals * np.sign(np.einsum("ni,ni->n", normals, towards_eye))[:, None] * flat[:, None]


def _tint(strength: float, rng: np.random.Generator) -> Array:  # (3,)
    """Factors of the channels that leave a grey surface's luminance as it is."""
    direction = rng.normal(size=3)
    tint = np.exp(strength * direction / np.abs(direction).max())
    return tint / float(LUMA @ tint)


def _from_above(rng: np.random.Generator) -> Array:  # (3,) unit
    """A direction in the upper half, where lamps and windows are."""
    direction = rng.normal(size=3)
    direction[2] = abs(direction[2])
    return direction / np.linalg.norm(direction)


def _jittered(frame: CameraFrame, scene: Scene, shift: float, turn: float, rng: np.random.Generator) -> CameraFrame:
    """A camera moved by ``shift`` of its distance to the things, and turned, in random directions."""
    pose = frame.camera.world_from_camera.copy()
    middle = np.mean([obj.position for obj in scene.objects], axis=0)
    way, axis = rng.normal(size=(2, 3))
    pose[:3, 3] += shift * np.linalg.norm(pose[:3, 3] - middle) * way / np.linalg.norm(way)
    pose[:3, :3] = pose[:3, :3] @ Rotation.from_rotvec(np.radians(turn) * axis / np.linalg.norm(axis)).as_matrix()
    return replace(frame, camera=replace(frame.camera, world_from_camera=pose))
