"""Surfaces that nothing holds, pushed in or out over wide areas to where photos that had no say in them agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from scan2sim.objects.choosing import opinions, plain_pixels
from scan2sim.objects.fairing import smoothed, spread
from scan2sim.objects.fusing import Refined, above
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import foot_of
from scan2sim.objects.windows import StereoView

__all__ = ["pushed_to_agreement"]

REACH, STEP = 3, 0.002  # pushes to each side that are tried, and how far apart they are [camera distances]
FINE = 20  # pushes between two of them that are told apart
HELD = 0.5  # trust from which a vertex is not pushed
EVEN, ABOUT, WIDE = 6, 30, 800  # rounds of smoothing over the surface: of normals, of trust, of what photos say
GAIN = (0.01, 0.02)  # in likeness from which a push counts, and for which it counts wholly

Array = NDArray[np.float64]


def pushed_to_agreement(
    surfaces: Sequence[Refined],
    views: list[StereoView],  # what each photo sees of the meshes
    plane: SupportPlane,
    unit: float,  # camera distance [m]
) -> list[Refined]:
    """Push what nothing holds along its normals to where photos are most alike.

    Between vertices that are held, a surface hangs as smoothly as it can, but where on its plain parts the splats left
    it: inside a bowl by millimetres too high.  Windows on such parts tell next to nothing one by one, and mirrored
    lights mislead the few that do; together, over areas as wide as the part, they tell.  So all that is not held is
    pushed by the same few distances, by how little it is held; what photos say of each (:func:`opinions`, which the
    surface was not fitted to, and only where no light was mirrored before) is averaged over wide areas, and each area
    goes where its photos were most alike, less far where that gains little.
    """
    loose = [_loose(surface, foot_of(surface.mesh, plane, unit)) for surface in surfaces]
    plain, pushes = plain_pixels(len(loose), views, unit), np.arange(-REACH, REACH + 1)
    total, count = ([np.zeros((len(each.free), len(pushes))) for each in loose] for _ in range(2))
    for i, push in enumerate(pushes):
        moved = [each.pushed(push * STEP * unit, plane) for each in loose]
        sights = see_meshes(moved, [view.camera for view in views])
        seen = [StereoView(view.camera, view.gray, sight) for view, sight in zip(views, sights, strict=True)]
        for opinion in opinions(moved, seen, plain, unit):
            which = opinion.number - 1
            corners = moved[which].faces[opinion.face.numpy()].ravel()
            total[which][:, i] += np.bincount(corners, np.repeat(opinion.likeness.numpy(), 3), len(total[which]))
            count[which][:, i] += np.bincount(corners, minlength=len(total[which]))
    best = [_best(each, said, times) for each, said, times in zip(loose, total, count, strict=True)]
    moved = [each.pushed(push * STEP * unit, plane) for each, push in zip(loose, best, strict=True)]
    return [replace(surface, mesh=mesh) for mesh, surface in zip(moved, surfaces, strict=True)]


@dataclass(frozen=True)
class _Loose:
    """A surface that can be pushed."""

    mesh: trimesh.Trimesh
    normals: Array  # (V, 3) unit, even
    free: Array  # (V,) 0..1: by how much each vertex is not held

    def pushed(self, way: Array | float, plane: SupportPlane) -> trimesh.Trimesh:  # (V,) or () [m], outwards
        move = (way * self.free)[:, None] * self.normals
        return above(trimesh.Trimesh(self.mesh.vertices + move, self.mesh.faces, process=False), plane)


def _loose(surface: Refined, foot: NDArray[np.bool_]) -> _Loose:  # (V,): what stands on the support
    normals = smoothed(surface.mesh, surface.mesh.vertex_normals, EVEN)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    free = smoothed(surface.mesh, np.where(foot, 0, np.clip(1 - surface.trust / HELD, 0, 1)), ABOUT)
    return _Loose(surface.mesh, normals, np.where(foot, 0, free))


def _best(loose: _Loose, total: Array, count: Array) -> Array:  # (V, T), (V, T) to (V,) in steps
    """The push for which photos are most alike about each vertex, by how much that gains."""
    total, count = (spread(loose.mesh, loose.free[:, None] * each, WIDE) for each in (total, count))
    fine = np.linspace(-REACH, REACH, 2 * REACH * FINE + 1)
    curve = CubicSpline(np.arange(-REACH, REACH + 1), total / np.maximum(count, 1e-9), axis=1)(fine)
    gain = (curve.max(1) - curve[:, REACH * FINE] - GAIN[0]) / (GAIN[1] - GAIN[0])
    return spread(loose.mesh, fine[curve.argmax(1)] * np.clip(gain, 0, 1), WIDE)
