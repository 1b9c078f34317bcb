"""A program of its own: open a stage of ours, draw its splats, settle it in MuJoCo, and write what was seen.

``python inspect_usd.py STAGE RESULT.json MEMORY FOLDER``.  Nothing is composed before every path in every layer was
found to stay in FOLDER.
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from pxr import Usd, UsdPhysics, UsdValidation

from scan2sim.cameras import read_cameras
from scan2sim.export.preview import picture
from scan2sim.export.usd.package import CAMERA, PREVIEW
from scan2sim.export.usd.read import choose_cousin, open_stage, read_stage
from scan2sim.export.usd.safety import refuse_unsafe_usd
from scan2sim.export.usd.variants import CHECKED_COUSINS, CHOICE, TWIN
from scan2sim.scene import PREVIEW_SIDE, Scene, scene_gaussians
from scan2sim.sim import settle
from scan2sim.splats import Gaussians, psnr

MOST_DB = 99.0  # what is said of equal pictures


def main() -> None:
    """Inspect the stage that the command line names."""
    stage_path, result_path, memory, folder = sys.argv[1:5]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    refuse_unsafe_usd(Path(stage_path), Path(folder))
    stage = open_stage(Path(stage_path))
    scene = read_stage(stage, Path(stage_path))
    root = stage.GetDefaultPrim()
    paths = {prim.GetDisplayName(): str(prim.GetPath()) for prim in root.GetChildren()}
    scenes = [str(prim.GetPath()) for prim in root.GetChildren() if prim.IsA(UsdPhysics.Scene)]
    gaussians = scene_gaussians(scene).with_ids(None)
    figures = {
        "bodies": {thing.name: _body(thing) | {"path": paths.get(thing.name, "")} for thing in scene.objects},
        "settled": _settled(scene),
        "gaussians": len(gaussians),
        "physics_scene": scenes[0] if scenes else "",
        "invalid": _invalid(stage),
        "psnr_db": _likeness(gaussians, Path(folder)),
        "cousins": _cousins(stage, Path(stage_path)),
    }
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(figures, file)


def _cousins(stage: Usd.Stage, path: Path) -> dict[str, dict[str, Any]]:
    """What the first variants of the set of cousins hold, but the twin."""
    names = [name for name in stage.GetDefaultPrim().GetVariantSet(CHOICE).GetVariantNames() if name != TWIN]
    found = {}
    for name in names[:CHECKED_COUSINS]:
        choose_cousin(stage, name, path)
        scene = read_stage(stage, path)
        found[name] = {
            "bodies": {thing.name: _body(thing) for thing in scene.objects},
            "settled": _settled(scene),
            "gaussians": len(scene_gaussians(scene)),
        }
    return found


def _body(thing: Any) -> dict[str, Any]:
    return {
        "mass": thing.physical.mass.value,
        "center_of_mass": thing.physical.center_of_mass.tolist(),
        "inertia": thing.physical.inertia.tolist(),
        "position": thing.position.tolist(),
        "wxyz": thing.wxyz.tolist(),
        "pieces": len(thing.collision),
    }


def _settled(scene: Scene) -> dict[str, Any]:
    """What two seconds in MuJoCo did to the free objects."""
    return {
        name: {
            "position": after.position.tolist(),
            "wxyz": after.wxyz.tolist(),
        }
        for name, after in settle(scene).objects.items()
    }


def _invalid(stage: Usd.Stage) -> list[str]:
    """What OpenUSD's own validators call an error."""
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    errors = UsdValidation.ValidationContext(validators).Validate(stage)
    wrong = UsdValidation.ValidationErrorType.Error
    return sorted({f"{e.GetName()}: {e.GetMessage()}" for e in errors if e.GetType() == wrong})


def _likeness(gaussians: Gaussians, folder: Path) -> float:
    """How like the preview [dB] the splats look."""
    camera = read_cameras(folder / CAMERA)[0].camera
    size = (camera.intrinsics.width, camera.intrinsics.height)
    with Image.open(folder / PREVIEW, formats=["PNG"]) as image:
        if image.size != size or max(size) > PREVIEW_SIDE or image.mode != "RGB":
            raise ValueError(f"{PREVIEW} is not the picture that goes with {CAMERA}")
        expected = torch.from_numpy(np.asarray(image).copy()).float() / 255
    return min(psnr(picture(gaussians, camera), expected).item(), MOST_DB)


if __name__ == "__main__":
    main()
