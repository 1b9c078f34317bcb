"""Check any folder that this program wrote: an export in its own simulator, a scene by validating and settling it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from scan2sim.errors import ExportError
from scan2sim.export.compare import compare_model
from scan2sim.export.readings import restless
from scan2sim.export.record import RECORD, read_record
from scan2sim.export.table import EXPORTERS
from scan2sim.progress import Reporter, silent
from scan2sim.scene import load_scene, validate_scene
from scan2sim.sim import settle

__all__ = ["check"]

FOREIGN = {".xml": "mjcf", ".mjcf": "mjcf", ".urdf": "urdf"}  # models of other programs
FOREIGN_USD = (".usd", ".usda", ".usdc")


def check(path: Path, report: Reporter = silent) -> dict[str, Any]:
    """Open an exported folder, a scene folder, or anybody's MJCF, URDF or USD file and step it.

    Returns:
        Figures, among them ``kind``, ``passed`` and ``problems``.

    Raises:
        ExportError: it is none of these, does not open, or is not safe to open.
        SceneError: the scene is damaged.
    """
    folder = path if path.is_dir() else path.parent
    if (folder / RECORD).is_file():
        kind = str(read_record(folder).get("kind"))
        if kind not in EXPORTERS:
            raise ExportError(f"an export of unknown kind {kind!r}", path=folder, todo="update scan2sim")
        return {"kind": kind, **EXPORTERS[kind].check(folder)}
    for scene in (folder, folder / "scene"):
        if (scene / "scene.json").is_file():
            return _check_scene(scene, report)
    if path.is_file() and path.suffix.lower() in FOREIGN:
        return {"kind": FOREIGN[path.suffix.lower()], **compare_model(path, {"objects": []})}
    if path.is_file() and path.suffix.lower() in FOREIGN_USD:
        return {"kind": "usd", **import_module("scan2sim.export.usd").check_foreign_usd(path)}
    if path.suffix.lower() == ".usdz":
        raise ExportError("a packed USD file", path=path, todo="unpack it (it is a zip) and give the layer in it")
    raise ExportError(
        "neither an export nor a scene", path=path, todo=f"give a folder that holds {RECORD} or scene.json"
    )


def _check_scene(folder: Path, report: Reporter) -> dict[str, Any]:
    scene = load_scene(folder)
    problems = list(validate_scene(scene))
    figures: dict[str, Any] = {"kind": "scene", "bodies": len(scene.objects)}
    if not problems:
        result = settle(scene, report=report)
        drifts = {name: round(s.drift * 1000, 3) for name, s in result.objects.items()}
        problems = restless(drifts)
        figures |= {
            "drift_mm": drifts,
            "worst_drift_mm": round(result.drift * 1000, 3),
            "penetration_mm": round(result.penetration * 1000, 3),
        }
    return {"passed": not problems, "problems": problems, **figures}
