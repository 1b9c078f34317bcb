"""``scan2sim doctor``: what works on this machine, what is missing, how to get it."""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec

from rich.table import Table

import scan2sim
from scan2sim.commands.apps import find_app
from scan2sim.commands.command import Command, Reply
from scan2sim.export import ENVIRONMENT, newton_python
from scan2sim.progress import Reporter

__all__ = ["Doctor"]

PATIENCE = 60  # [s] until PhysX counts as not loading


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    works: bool
    needed: bool  # False: an extra that nobody has to have
    detail: str
    todo: str = ""


@dataclass(frozen=True, kw_only=True)
class Doctor(Command):
    """Show what works on this machine, what is missing and how to get it."""

    def run(self, report: Reporter) -> Reply:
        """Look at everything."""
        checks: list[Callable[[], Finding]] = [
            _python,
            _native,
            _torch,
            *(_needed(name, use) for name, use in _NEEDED.items()),
            _viewer,
            _usd,
            _physx,
            _newton,
            _simready,
            _cuda,
            *(_extra(name, extra, use) for name, (extra, use) in _EXTRAS.items()),
        ]
        findings = []
        for done, check in enumerate(checks, start=1):
            findings.append(check())
            report("looking around", done, len(checks))
        table = Table("", "what", "found", box=None, pad_edge=False, show_header=False)
        for found in findings:
            mark = "ok" if found.works else "MISSING" if found.needed else "absent"
            table.add_row(
                mark, found.name, found.detail + (f" → {found.todo}" if found.todo and not found.works else "")
            )
        ready = all(found.works for found in findings if found.needed)
        return Reply({"ready": ready, "findings": [asdict(found) for found in findings]}, table)


_NEEDED = {
    "pycolmap": "camera poses",
    "mujoco": "simulation",
    "coacd": "convex pieces",
    "av": "videos",
    "pillow_heif": "HEIC photos",
    "lzfse": "depth maps of Record3D",
    "trimesh": "meshes",
    "gymnasium": "environments",
}
_EXTRAS = {
    "transformers": ("sam", "for masks by SAM 2 and words by CLIP"),
    "ray": ("ray", "for cousins made on a cluster"),
    "mujoco_menagerie": ("robots", "for export --robot"),
    "starlette": ("server", "for uploads from a phone, to come"),
}


def _python() -> Finding:
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Finding(f"scan2sim {scan2sim.__version__}", True, True, f"Python {detail}")


def _import(module: str) -> str:
    """Why a module cannot be imported; empty if it can."""
    try:
        importlib.import_module(module)
    except Exception as problem:  # a broken library may raise anything while it loads
        return f"{type(problem).__name__}: {problem}".splitlines()[0]
    return ""


def _needed(package: str, use: str) -> Callable[[], Finding]:
    def look() -> Finding:
        problem = _import(package)
        detail = problem or f"{metadata.version(package)} ({use})"
        return Finding(package, not problem, True, detail, f"pip install {package}")

    return look


def _extra(package: str, extra: str, use: str) -> Callable[[], Finding]:
    def look() -> Finding:
        problem = _import(package)
        detail = f"not installed ({use})" if problem else f"{metadata.version(package)} ({use})"
        return Finding(package, not problem, False, detail, f"pip install 'scan2sim[{extra}]'")

    return look


def _native() -> Finding:
    """The C++ rasterizer, and which of its instruction sets this processor runs."""
    try:
        splats = importlib.import_module("scan2sim.splats")
    except ImportError as problem:
        todo = "install a C++ compiler, then pip install scan2sim again"
        return Finding("native kernel", False, True, f"not built ({problem})", todo)
    detail = f"{splats.isa()} of {', '.join(splats.available_isas())}, {splats.threads()} threads"
    return Finding("native kernel", True, True, detail)


def _cuda() -> Finding:
    """The same rasterizer on a graphics card."""
    problem = _import("torch")
    if problem or not importlib.import_module("torch").cuda.is_available():
        return Finding("CUDA", False, False, "torch sees no NVIDIA card; everything works without", "nothing to do")
    problem = _import("gsplat")
    card = importlib.import_module("torch").cuda.get_device_name()
    detail = f"{card}, gsplat not installed" if problem else f"{card}, gsplat {metadata.version('gsplat')}"
    return Finding("CUDA", not problem, False, detail, "pip install 'scan2sim[cuda]'")


def _usd() -> Finding:
    problem = _import("pxr.Usd")
    detail = problem or f"{metadata.version('usd-core')} (OpenUSD exports)"
    return Finding("usd-core", not problem, False, detail, "pip install usd-core")


def _physx() -> Finding:
    """Isaac Sim's engine, loaded in a process of its own: it brings its own USD and talks while it loads."""
    todo = "pip install 'scan2sim[physx]'"
    missing = [name for name in ("ovphysx", "ovstage", "physx_usd_schemas", "newton_usd_schemas") if not _exists(name)]
    if missing:
        return Finding("PhysX", False, False, f"{', '.join(missing)} not installed (checks of USD exports)", todo)
    program = "import ovphysx, ovstage; raise SystemExit(not ovstage.population.available())"
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=PATIENCE, check=False)
        works = done.returncode == 0
    except subprocess.TimeoutExpired:
        works = False
    detail = f"ovphysx {metadata.version('ovphysx')}" + ("" if works else " is installed but does not load")
    return Finding("PhysX", works, False, f"{detail} (checks of USD exports)", todo)


def _newton() -> Finding:
    python, use = newton_python(), "checks of USD exports, tasks in Isaac Lab"
    return Finding(
        "Newton",
        python is not None,
        False,
        f"{ENVIRONMENT} ({use})" if python else f"no {ENVIRONMENT} in this checkout ({use})",
        "make test-isaaclab",
    )


def _simready() -> Finding:
    works = _exists("simready.validate") and _exists("simready.foundation.tier_core")
    detail = metadata.version("simready-validate") if works else "not installed"
    return Finding(
        "SimReady validator", works, False, f"{detail} (checks of USD exports)", "pip install 'scan2sim[simready]'"
    )


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent
        return False


def _torch() -> Finding:
    problem = _import("torch")
    detail = problem or f"{metadata.version('torch')} (training)"
    return Finding("torch", not problem, True, detail, "pip install torch")


def _viewer() -> Finding:
    """The program behind ``scan2sim view``."""
    todo = "pip install scan2sim again, so that its entry points exist"
    try:
        found = find_app("viewer") is not None
    except Exception as problem:  # as in _import
        return Finding("viewer", False, True, f"{type(problem).__name__}: {problem}".splitlines()[0], todo)
    detail = f"viser {metadata.version('viser')}" if found else "its entry point is not installed"
    return Finding("viewer", found, True, detail, todo)
