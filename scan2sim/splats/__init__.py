"""The engine: Gaussians, their file formats, rasterizers (native, torch, gsplat) and image metrics; knows no photos."""

from scan2sim.splats.adam import AdamMoments, adam_step
from scan2sim.splats.compiled import available_isas, isa, keep_freed_memory, set_isa, set_threads, threads
from scan2sim.splats.formats import (
    SPLAT_SUFFIXES,
    count_splats,
    encode_spz,
    read_ply,
    read_splats,
    write_ply,
    write_splats,
)
from scan2sim.splats.fusion import DepthPicture, FusionWeights, fuse_depths
from scan2sim.splats.gaussians import SH_C0, Gaussians, concatenate
from scan2sim.splats.in_sight import in_sight
from scan2sim.splats.loss import expose, photometric_loss
from scan2sim.splats.metrics import match_exposure, psnr, ssim
from scan2sim.splats.normals import shortest_axes
from scan2sim.splats.rasterize import Backend, accumulate, count_pairs, dominant, rasterize
from scan2sim.splats.rendering import Rendering
from scan2sim.splats.reprojection import RayPoints, WindowRules, compare_windows, look_up
from scan2sim.splats.sh import evaluate_sh, rotate_gaussians, rotate_sh, sh_basis
from scan2sim.splats.triangles import draw_triangles

__all__ = [
    "SH_C0",
    "SPLAT_SUFFIXES",
    "AdamMoments",
    "Backend",
    "DepthPicture",
    "FusionWeights",
    "Gaussians",
    "RayPoints",
    "Rendering",
    "WindowRules",
    "accumulate",
    "adam_step",
    "available_isas",
    "compare_windows",
    "concatenate",
    "count_pairs",
    "count_splats",
    "dominant",
    "draw_triangles",
    "encode_spz",
    "evaluate_sh",
    "expose",
    "fuse_depths",
    "in_sight",
    "isa",
    "keep_freed_memory",
    "look_up",
    "match_exposure",
    "photometric_loss",
    "psnr",
    "rasterize",
    "read_ply",
    "read_splats",
    "rotate_gaussians",
    "rotate_sh",
    "set_isa",
    "set_threads",
    "sh_basis",
    "shortest_axes",
    "ssim",
    "threads",
    "write_ply",
    "write_splats",
]
