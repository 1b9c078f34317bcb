"""Lenses that a sensor or a data set states are held while cameras are placed, and refined at the end."""

from __future__ import annotations

from collections.abc import Iterable

import pycolmap

__all__ = ["settle_lenses"]

SIGMA = 0.01  # relative, of stated focal lengths: phones refocus while they film
CONTRADICTED = 0.8  # refined lenses that reach less than this share of the stated ones' error show these to be wrong


def settle_lenses(
    model: pycolmap.Reconstruction,
    held: Iterable[int],  # ids of the cameras whose lens was stated
) -> tuple[pycolmap.Reconstruction, tuple[str, ...]]:
    """Refine lenses, cameras and points together, and keep that where it leaves the focal lengths within their sigma.

    Farther off it is kept only if it fits the photos far better, which is said in a warning; otherwise the refinement
    followed noise, and the stated lenses stay.
    """
    refined = pycolmap.Reconstruction(model)
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_principal_point = False
    pycolmap.bundle_adjustment(refined, options)
    changes = {
        camera: refined.cameras[camera].mean_focal_length() / model.cameras[camera].mean_focal_length() - 1
        for camera in held
        if camera in model.cameras
    }
    farthest = max(changes.values(), key=abs, default=0.0)
    if abs(farthest) <= SIGMA:
        return refined, ()
    before, after = (each.compute_mean_reprojection_error() for each in (model, refined))
    if after < CONTRADICTED * before:
        warning = (
            f"the stated focal length is wrong by {-farthest:+.1%} for these photos ({before:.2f} px against "
            f"{after:.2f} px); the photos' own was used → check that intrinsics belong to photos of this size"
        )
        return refined, (warning,)
    return model, ()
