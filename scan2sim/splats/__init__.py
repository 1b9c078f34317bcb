"""The engine: Gaussians, their file format, rasterizers (native, torch, gsplat) and image metrics; knows no photos."""

from scan2sim.splats.compiled import available_isas, isa, set_isa, set_threads, threads
from scan2sim.splats.gaussians import SH_C0, Gaussians, concatenate
from scan2sim.splats.loss import photometric_loss
from scan2sim.splats.metrics import match_exposure, psnr, ssim
from scan2sim.splats.ply import read_ply, write_ply
from scan2sim.splats.rasterize import Backend, accumulate, dominant, rasterize
from scan2sim.splats.rendering import Rendering
from scan2sim.splats.sh import evaluate_sh, rotate_gaussians, rotate_sh, sh_basis

__all__ = [
    "SH_C0",
    "Backend",
    "Gaussians",
    "Rendering",
    "accumulate",
    "available_isas",
    "concatenate",
    "dominant",
    "evaluate_sh",
    "isa",
    "match_exposure",
    "photometric_loss",
    "psnr",
    "rasterize",
    "read_ply",
    "rotate_gaussians",
    "rotate_sh",
    "set_isa",
    "set_threads",
    "sh_basis",
    "ssim",
    "threads",
    "write_ply",
]
