"""A scene held against the truth: its objects' places and shapes, the pixels they own, and what is behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from scan2sim.progress import Reporter, silent
from scan2sim.report.alignment import align
from scan2sim.report.pixels import background_figures, instance_overlaps
from scan2sim.report.shapes import pair_objects, shape_figures
from scan2sim.report.truth import Truth
from scan2sim.scene import Scene

__all__ = ["evaluate"]


def evaluate(scene: Scene, truth: Truth, report: Reporter = silent) -> dict[str, Any]:
    """Figures against the truth, lengths in the truth's metres after alignment by the cameras' centres (Umeyama 1991).

    ``scale_factor`` is what the scene would have to be scaled by.  Objects are paired so that their boxes overlap most;
    per pair: box error, mean distances and F-scores at 2 and 5 mm over the whole true surface, and over the part that
    some view saw, distance of the collision pieces, the volume with its interval beside the true one (after scaling;
    where the true mesh is closed), and intersection over union of its pixels over all views.  The background is judged
    by PSNR where objects hid it and in a ring around, after one gain and offset per channel and view.

    Raises:
        UsageError: the scene and the truth share fewer than three views, or a picture of the truth cannot be read.
    """
    alignment = align(scene, truth)
    meshes = {thing.id: alignment.mesh(thing, thing.visual) for thing in scene.objects}
    pairs = pair_objects(meshes, truth.objects)
    figures: dict[str, Any] = {
        "scale_factor": alignment.scale,
        "camera_residual_mm": 1000 * alignment.residual,
        "true_objects": len(truth.objects),
        "found_objects": len(pairs),
        "spurious_objects": len(scene.objects) - len(pairs),
        "missing": [thing.name for thing in truth.objects if thing.id not in pairs.values()],
        "spurious": [thing.name for thing in scene.objects if thing.id not in pairs],
    }
    views = {stem: truth.mask(stem) for stem in sorted(truth.masks) if stem in truth.cameras}
    overlaps = instance_overlaps(scene, truth, views, pairs, alignment, report)
    rows, by_id = [], {thing.id: thing for thing in truth.objects}
    for done, (found, true) in enumerate(pairs.items(), start=1):
        thing = next(thing for thing in scene.objects if thing.id == found)
        shown = [(truth.cameras[stem], mask == true) for stem, mask in views.items()]
        rows.append(shape_figures(thing, meshes[found], by_id[true], shown, alignment) | {"iou": overlaps.get(true)})
        report("comparing surfaces", done, len(pairs))
    figures["objects"] = rows
    for key in ("f_2mm", "f_5mm", "seen_f_2mm", "mean_distance_mm", "box_error_mm", "collision_mm"):
        values = [row[key] for row in rows if row[key] is not None]
        worst = min if key.startswith(("f_", "seen_f")) else max
        figures[f"mean_{key}"] = float(np.mean(values)) if values else None
        figures[f"worst_{key}"] = float(worst(values)) if values else None
    shares = [overlaps.get(thing.id, 0.0) for thing in truth.objects] if views else []
    figures["instance_miou"] = float(np.mean(shares)) if shares else None
    return figures | background_figures(scene, truth, views, alignment, report)
