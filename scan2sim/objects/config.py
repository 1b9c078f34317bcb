"""Everything that can be set about separating objects; lengths are relative to the camera distance.

Scale is unknown from photos alone, so no length here is in metres: the unit is the median distance from the cameras
to the subject, about half a metre for a tabletop filmed with a phone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from scan2sim.bodies import ConvexConfig

__all__ = ["ObjectsConfig", "objects_preset"]


@dataclass(frozen=True)
class ObjectsConfig:
    """How Gaussians become a scene of separate objects."""

    view_size: int = 480
    """Long side of the depth pictures that separation and meshing work on [pixels]."""
    voxel: float = 0.006
    """Edge of the voxels in which touching surface pieces are joined into objects [camera distances]."""
    min_height: float = 0.008
    """What rises less than this above the support is part of it [camera distances]."""
    min_size: float = 0.03
    """Smallest thing that counts as an object, along its longest side [camera distances]."""
    max_size: float = 1.0
    """Largest thing that counts as an object, along its longest side [camera distances]."""
    min_views: int = 3
    """A surface voxel counts when at least this many views hit it …"""
    min_agreement: float = 0.5
    """… and at least this share of the views that see there agree that it is not free space."""
    min_seen: float = 0.5
    """… and when it lies inside the picture of at least this share of all views."""
    min_own: float = 0.5
    """At least this share of an object's pixels must be painted by Gaussians of its own, not by its support's."""
    min_coherence: float = 0.8
    """At least this share of an object's pixels must hang together in each view; scattered bumps are none."""
    max_unseen: float = 0.7
    """A thing of whose surface no view saw more than the rest of this share is none."""
    mesh_cells: int = 96
    """Cells along an object's longest side for its mesh."""
    stereo_groups: tuple[float, ...] = (0.016,)
    """How far a group's surface may move to where the photos agree on it before what touches is cut at its creases,
    pass after pass [camera distances]; () = not."""
    group_cells: int = 160
    """Cells along a group's longest side."""
    stereo: tuple[float, ...] = (0.012,)
    """How far an object's surface may move after that."""
    sam: Path | None = None
    """Folder with the weights of SAM 2, whose masks then refine the objects' borders; None = geometry alone."""
    mask_agreement: float = 0.6
    """A mask whose overlap with geometry's pixels (intersection over union) is less is not used in that view."""
    clip: Path | None = None
    """Folder with the weights of CLIP, which then finds words for the objects; None = colour, shape and size."""
    label_confidence: float = 0.5
    """A word that CLIP is less sure of is not used."""
    mesh_faces: int = 4000
    """Triangles of an object's visual mesh, at most."""
    convex: ConvexConfig = field(default_factory=ConvexConfig)
    """How collision pieces are cut."""
    seed: int = 0
    """Seed of every random choice."""


_DRAFT = ObjectsConfig()
_STANDARD = ObjectsConfig(
    view_size=720, mesh_cells=128, mesh_faces=8000, group_cells=192, stereo_groups=(0.016, 0.012), stereo=(0.006,)
)
_HIGH = replace(_STANDARD, view_size=960, mesh_cells=160, mesh_faces=16_000, group_cells=256)
_PRESETS = {"draft": _DRAFT, "standard": _STANDARD, "high": _HIGH}


def objects_preset(quality: str, seed: int = 0) -> ObjectsConfig:
    """The configuration of ``draft``, ``standard`` or ``high``.

    Raises:
        KeyError: there is no such preset.
    """
    return replace(_PRESETS[quality], seed=seed)
