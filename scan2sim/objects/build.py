"""Gaussians become a Scene: separate objects on a support, and the background without them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

import torch
from torch import Tensor

from scan2sim.bodies import enclosed
from scan2sim.cameras import CameraFrame
from scan2sim.objects.background import clear_support, support_slab
from scan2sim.objects.config import ObjectsConfig
from scan2sim.objects.describe import describe
from scan2sim.objects.identity import match_earlier
from scan2sim.objects.ledges import find_ledges, upper_side
from scan2sim.objects.lightness import lightness_spread
from scan2sim.objects.masks import MaskSource
from scan2sim.objects.models import open_clip, open_sam
from scan2sim.objects.parts import Part, find_parts
from scan2sim.objects.photos import exposed_photos
from scan2sim.objects.recognize import Recognizer, recognize
from scan2sim.objects.relations import Resting, find_relations
from scan2sim.objects.sensed import sense_depth
from scan2sim.objects.support import SupportPlane, find_support
from scan2sim.objects.things import NOBODY, find_things
from scan2sim.objects.views import render_views
from scan2sim.poses import PosedCapture
from scan2sim.progress import Reporter, silent
from scan2sim.scene import Label, ObjectConfig, RestsOn, Scene, SceneObject, Support, object_from_mesh
from scan2sim.splats import Gaussians

__all__ = ["build_scene"]

MIN_WEIGHT = 5.0  # what painted less than this many pixels in all views was hardly seen


def build_scene(
    posed: PosedCapture,
    gaussians: Gaussians,  # scene frame
    config: ObjectsConfig = ObjectsConfig(),  # noqa: B008  (frozen)
    report: Reporter = silent,
    *,
    earlier: Sequence[SceneObject] = (),
    given_ids: Iterable[int] = (),
    masks: MaskSource | None = None,
    recognizer: Recognizer | None = None,
) -> Scene:
    """Separate what stands on the main support from it and from each other.

    Every Gaussian becomes part of one object or of the background; each object gets a closed, coloured mesh, convex
    pieces and physical estimates; the support's surface is continued under the objects.  A support with nothing on
    it gives a scene without objects.  Objects are numbered by volume, the largest first, but one that was among the
    ``earlier`` objects of the same build keeps its id and name.  Nothing new gets an id of ``given_ids``, which a
    person's corrections have given to parts of objects.

    Borders between what geometry finds are refined by ``masks``, which defaults to SAM 2 where ``config.sam`` names its
    weights; words are found by ``recognizer``, which defaults to CLIP where ``config.clip`` does.  Without them, all
    comes from geometry.

    Depth of a sensor, where frames have it, joins what Gaussians and photos tell of surfaces.

    Raises:
        ObjectsError: no support is seen, or a photo is damaged, or depth and confidence differ in size.
        PosesError: depth cannot be read.
        UsageError: given weights cannot be used.
    """
    masks = open_sam(config.sam) if masks is None and config.sam else masks
    recognizer = open_clip(config.clip) if recognizer is None and config.clip else recognizer
    unit = posed.camera_distance
    views = render_views(gaussians, [frame.camera for frame in posed.frames], config.view_size, report)
    views = sense_depth(views, posed)
    plane = find_support(views, unit, config.seed, posed.support_normal)
    photos = exposed_photos(posed.frames, views)
    compared = not posed.rendered and all(frame.image.is_file() for frame in posed.frames)  # with the photos
    config = config if compared else replace(config, stereo_groups=(), stereo=())
    found = find_things(views, photos, gaussians, plane, unit, config, masks, report)
    views, apart, labels = found.views, found.apart, found.labels
    parts = find_parts(apart, gaussians, labels, views, photos, plane, unit, config, report)
    doubtful = found.doubtful + len(labels[labels > 0].unique()) - len(parts)
    kept = torch.tensor([NOBODY, *(part.number for part in parts)])
    labels[~torch.isin(labels, kept)] = 0
    for part in parts:
        labels[part.members] = part.number
    parts.sort(key=lambda part: -part.mesh.volume)
    resting = find_relations([part.mesh for part in parts], plane, unit)
    numbers = [part.number for part in parts]
    words = recognize(recognizer, numbers, apart.pixels, photos, config.label_confidence) if recognizer else {}
    spreads = lightness_spread([part.mesh for part in parts], views, photos, unit)
    objects = [
        replace(thing, figures=thing.figures | {"lightness_spread": spread})
        for thing, spread in zip(
            _named(parts, resting, words, earlier, given_ids, posed.scale.relative_sigma, config, report),
            spreads,
            strict=True,
        )
    ]
    ledges = find_ledges(views, apart.pixels, plane, unit)
    background = _background(gaussians, labels, found.weight, parts)
    meshes = [part.mesh for part in parts]
    background, discs, light = clear_support(background, meshes, plane, views, photos, apart.pixels, unit, config.seed)
    return Scene(
        background=background,
        background_collision=tuple(support_slab(each, unit) for each in (plane, *ledges)),
        objects=tuple(objects),
        supports=tuple(_supports(plane, ledges, objects, unit)),
        scale={**vars(posed.scale), "evidence": list(posed.scale.evidence)},
        gravity={**vars(posed.gravity), "evidence": list(posed.gravity.evidence), "support_tilt_deg": _tilt(posed)},
        cameras=tuple(CameraFrame(f"images/{frame.name}", frame.camera) for frame in posed.frames),
        images=tuple(frame.image for frame in posed.frames),
        points=posed.points,
        point_colors=posed.point_colors,
        light=light,
        quality={
            "objects": len(objects),
            "support_noise_mm": plane.noise * 1e3,
            "doubtful": doubtful,
            "photos_compared": len(views) if config.stereo or config.stereo_groups else 0,
            "filled_discs": discs,
            "invented_splats": sum(part.invented for part in parts),
            "symmetric_objects": sum(bool(part.symmetries) for part in parts),
            "symmetry_residual_mm": max(
                (each.residual * 1e3 for part in parts for each in part.symmetries), default=0.0
            ),
            "camera_distance_m": unit,
            "views_with_sensor_depth": sum(view.sensed is not None for view in views),
            "mask_source": "geometry" if masks is None else masks.name,
        }
        | ({} if found.masks is None else {"masks_used": found.masks.used, "masks_refused": found.masks.refused}),
    )


def _tilt(posed: PosedCapture) -> float:
    """How far the main support, as the poses found it, is from level [degrees]."""
    return round(math.degrees(math.acos(min(1.0, posed.support_normal[2]))), 3)


def _supports(
    plane: SupportPlane, ledges: list[SupportPlane], objects: list[SceneObject], unit: float
) -> Iterator[Support]:
    """The main support, the background's others by their area, and the upper sides of objects."""
    yield Support("support", plane.position, plane.wxyz, plane.polygon)
    for i, ledge in enumerate(ledges, start=2):
        yield Support(f"support-{i}", ledge.position, ledge.wxyz, ledge.polygon)
    carriers = {thing.rests_on.id for thing in objects if thing.rests_on and thing.rests_on.relation == "on"}
    for thing in objects:
        mesh = thing.visual.copy().apply_translation(thing.position)
        if top := upper_side(mesh, plane, unit, thing.id in carriers):
            yield Support(f"{thing.name}-top", top.position, top.wxyz, top.polygon, thing.id)


def _named(
    parts: list[Part],
    resting: list[Resting],
    words: dict[int, tuple[str, float]],  # by number, of what was recognized
    earlier: Sequence[SceneObject],
    given_ids: Iterable[int],
    scale_sigma: float,
    config: ObjectsConfig,
    report: Reporter,
) -> list[SceneObject]:
    objects = []
    before = match_earlier([part.mesh for part in parts], earlier)
    unused = count(max((*(thing.id for thing in earlier), *given_ids), default=0) + 1)
    ids = [next(unused) if thing is None else thing.id for thing in before]
    names = {thing.name for thing in earlier}
    for number, (part, rest, thing) in enumerate(zip(parts, resting, before, strict=True)):
        color, shape, length, confidence = describe(part.mesh)
        word, sure = words.get(part.number, (f"{color} {shape.replace('-', ' ')}", confidence))
        source = "clip" if part.number in words else "geometry"
        name = thing.name if thing else next(n for i in count(1) if (n := f"{color}-{shape}-{i}") not in names)
        names.add(name)
        objects.append(
            object_from_mesh(
                ids[number],
                name,
                Label(f"{word}, {100 * length:.0f} cm", sure, source),
                part.mesh,
                part.gaussians,
                ObjectConfig(config.mesh_faces, config.convex, surface_sigma=part.surface_sigma, seed=config.seed),
                scale_sigma=scale_sigma,
                rests_on=RestsOn(0 if rest.on is None else ids[rest.on], rest.relation),
                unseen_fraction=part.unseen,
                colors_at=part.colors_at,
            )
        )
        report("making bodies", number + 1, len(parts))
    return objects


def _background(gaussians: Gaussians, labels: Tensor, weight: Tensor, parts: list[Part]) -> Gaussians:
    """What belongs to no object; without the Gaussians in objects, and those under them that no view ever saw."""
    keep = labels == 0
    hidden = keep & (weight < MIN_WEIGHT)
    for part in parts:
        low, high = torch.tensor(part.mesh.bounds, dtype=torch.float32)
        around = ((gaussians.means > low - 0.1 * (high - low)) & (gaussians.means < high)).all(1)
        keep &= ~(hidden & around)
        near = (keep & around).nonzero()[:, 0]
        keep[near[torch.from_numpy(enclosed(part.mesh, gaussians.means[near].numpy()))]] = False
    return gaussians[keep]
