"""Gaussians as OpenUSD's ``ParticleField3DGaussianSplat`` (UsdVol, OpenUSD 26.03) and back.

The schema wants linear scales, opacities in 0..1, unit quaternions with the real part first, and spherical harmonics
with the (degree + 1)² coefficients of a particle one after the other: https://openusd.org/release/user_guides/schemas/usdVol.
Colours were fitted to photos as they are, so their space is that of the display.
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pxr import Gf, Sdf, Usd, UsdGeom, UsdVol, Vt

from scan2sim.errors import ExportError
from scan2sim.export.usd.meshes import linear_from_srgb
from scan2sim.splats import Gaussians

__all__ = ["define_splats", "read_splats"]

COLOR_SPACE = "srgb_rec709_display"
SIGMAS = 3.0  # how far a Gaussian reaches, for the extent
LEAST = 1e-7  # opacities are read no nearer to 0 and 1: 16-bit programs write both


def define_splats(stage: Usd.Stage, path: str, gaussians: Gaussians) -> UsdVol.ParticleField3DGaussianSplat:
    """Write Gaussians, in the frame of the prim above, as one prim."""
    splats = UsdVol.ParticleField3DGaussianSplat.Define(stage, path)
    means = gaussians.means.detach().cpu().numpy().astype(np.float32)
    scales = gaussians.scales.detach().cpu().numpy().astype(np.float32)
    quats = gaussians.quats.detach().cpu().numpy().astype(np.float64)
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    sh = gaussians.sh.detach().cpu().numpy().astype(np.float32)
    splats.CreatePositionsAttr(Vt.Vec3fArray.FromNumpy(means))
    splats.CreateScalesAttr(Vt.Vec3fArray.FromNumpy(scales))
    splats.CreateOrientationsAttr(_quaternions(quats))
    splats.CreateOpacitiesAttr(Vt.FloatArray.FromNumpy(gaussians.opacities.detach().cpu().numpy().astype(np.float32)))
    splats.CreateRadianceSphericalHarmonicsDegreeAttr(gaussians.sh_degree)
    coefficients = splats.CreateRadianceSphericalHarmonicsCoefficientsAttr(Vt.Vec3fArray.FromNumpy(sh.reshape(-1, 3)))
    primvar = UsdGeom.Primvar(coefficients)
    primvar.SetInterpolation(UsdGeom.Tokens.vertex)
    primvar.SetElementSize(sh.shape[1])
    splats.CreateProjectionModeHintAttr("perspective")
    splats.CreateSortingModeHintAttr("zDepth")
    mean = gaussians.base_colors.detach().cpu().numpy().astype(np.float64).clip(0, 1).mean(0)
    splats.CreateDisplayColorAttr([Gf.Vec3f(*linear_from_srgb(mean).tolist())])  # for viewers that draw boxes
    UsdGeom.Boundable(splats).CreateExtentAttr(_extent(means, scales))
    Usd.ColorSpaceAPI.Apply(splats.GetPrim()).CreateColorSpaceNameAttr(COLOR_SPACE)
    return splats


def read_splats(prim: Usd.Prim) -> Gaussians:
    """Read such a prim, whether its numbers are of 32 or 16 bits.

    Raises:
        ExportError: lengths do not fit together, or numbers are not finite.
    """
    splats = UsdVol.ParticleField3DGaussianSplat(prim)
    means = _array(prim, "positions", 3)
    scales, quats, opacities = _array(prim, "scales", 3), _array(prim, "orientations", 4), _array(prim, "opacities", 1)
    coefficients = _array(prim, "radiance:sphericalHarmonicsCoefficients", 3)
    count, degree = len(means), splats.GetRadianceSphericalHarmonicsDegreeAttr().Get()
    bands = (degree + 1) ** 2 if degree in (0, 1, 2, 3) else 0
    if not bands or {len(scales), len(quats), len(opacities)} != {count} or len(coefficients) != count * bands:
        raise ExportError(f"{prim.GetPath()}: the splats' arrays do not fit together")
    parts = (means, scales, quats, opacities, coefficients)
    if not all(np.isfinite(part).all() for part in parts) or (scales <= 0).any():
        raise ExportError(f"{prim.GetPath()}: splats that are not finite, or without size")
    inside = opacities[:, 0].astype(np.float64).clip(LEAST, 1 - LEAST)
    return Gaussians(
        means=torch.from_numpy(means),
        quats=torch.from_numpy(quats),
        log_scales=torch.from_numpy(np.log(scales.astype(np.float64)).astype(np.float32)),
        opacity_logits=torch.from_numpy(np.log(inside / (1 - inside)).astype(np.float32)),
        sh=torch.from_numpy(coefficients.reshape(count, bands, 3)),
    )


def _quaternions(wxyz: NDArray[np.float64]) -> Vt.QuatfArray:  # (N, 4)
    """Gf keeps the imaginary part first in memory, and Vt takes arrays as they lie there."""
    return Vt.QuatfArray.FromNumpy(np.ascontiguousarray(wxyz[:, [1, 2, 3, 0]].astype(np.float32)))


def _extent(means: NDArray[np.float32], scales: NDArray[np.float32]) -> Vt.Vec3fArray:
    if not len(means):
        return Vt.Vec3fArray([Gf.Vec3f(0), Gf.Vec3f(0)])
    reach = SIGMAS * scales.max(1, keepdims=True)
    return Vt.Vec3fArray.FromNumpy(np.stack([(means - reach).min(0), (means + reach).max(0)]).astype(np.float32))


def _array(prim: Usd.Prim, name: str, width: int) -> NDArray[np.float32]:  # (N, width); quaternions wxyz
    """An attribute, or its half-precision twin, whose name ends in h."""
    for attribute in (prim.GetAttribute(name), prim.GetAttribute(f"{name}h")):
        value = attribute.Get() if attribute else None
        if value is not None and len(value):
            array = np.asarray(value, dtype=np.float32).reshape(-1, width)
            is_quaternion = attribute.GetTypeName() in (Sdf.ValueTypeNames.QuatfArray, Sdf.ValueTypeNames.QuathArray)
            return np.ascontiguousarray(array[:, [3, 0, 1, 2]]) if is_quaternion else np.array(array)
    return np.zeros((0, width), np.float32)
