"""A program of its own: open a USD stage in PhysX (ovphysx), step it on the CPU, and write what was seen.

``python inspect_physx.py STAGE RESULT.json MEMORY SCENE SECONDS DT GX GY GZ``.  PhysX is Isaac Sim's own engine;
ovphysx brings it as a package.  SCENE is the path of the PhysicsScene, whose gravity [m/s²] is replaced; its topmost
prim gets the variant PhysX=Enabled.
"""

import json
import resource
import sys
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np

STATIC = ("mass", "inertia", "centerOfMassPosition", "shapeCount")
SCHEMAS = ("PhysxSchema", "OmniUsdPhysicsDeformableSchema")


def main() -> None:
    """Step the stage that the command line names."""
    stage_path, result_path, memory, scene, seconds, dt = sys.argv[1:7]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    ovphysx, ovstage = import_module("ovphysx"), import_module("ovstage")  # an extra: not here for everybody
    session = _session(Path(stage_path), scene, np.array(sys.argv[7:10], dtype=float))
    package = metadata.distribution("physx-usd-schemas")
    schemas = [str(package.locate_file(f"physx_usd_schemas/{name}/resources")) for name in SCHEMAS]
    ovstage.population.register_usd_schemas([*schemas, str(ovphysx.newton_schema_root())])
    # no workers: a scan is small, and on busy cores waiting for them takes a hundred times as long as the work
    ovphysx.set_global_config(import_module("ovphysx.types").GlobalConfigKey.NUM_THREADS, 0)
    physx, stage = ovphysx.PhysX(), ovstage.Stage("scan2sim-check")
    ovstage.population.open_usd(stage, str(session), ordinal=1, domains=ovstage.PopulationDomain.ALL)
    stage.advance_write_floor(ordinal=1).wait()
    physx.wait_task(physx.attach_ovstage(stage, read_ordinal=1))
    at_load, fixed = _read(physx, ("position", "orientation")), _read(physx, STATIC)
    steps = round(float(seconds) / float(dt))
    for _ in range(steps):
        physx.step_sync(float(dt))
    after = _read(physx, ("position", "orientation"))
    figures = {
        "bodies": {path: {**at_load[path], **fixed[path], "after": after[path]} for path in at_load},
        "steps": steps,
        "version": metadata.version("ovphysx"),
    }
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(figures, file)
    physx.wait_task(physx.detach_ovstage())
    stage.destroy()
    physx.destroy()


def _session(stage: Path, scene: str, gravity: np.ndarray) -> Path:
    """A layer over the stage, in the working folder, that enables PhysX and sets gravity."""
    root, *below = scene.strip("/").split("/")
    strength = float(np.linalg.norm(gravity))
    x, y, z = gravity / (strength or 1.0)
    over = (
        f"vector3f physics:gravityDirection = ({x}, {y}, {z})",
        f"float physics:gravityMagnitude = {strength}",
    )
    opened = "".join(f'over "{name}" {{ ' for name in below)
    path = Path("session.usda").absolute()
    path.write_text(
        f'#usda 1.0\n(\n defaultPrim = "{root}"\n metersPerUnit = 1\n kilogramsPerUnit = 1\n upAxis = "Z"\n'
        f' subLayers = [@{stage}@]\n)\nover "{root}" ( variants = {{ string PhysX = "Enabled" }} )\n{{\n'
        + opened
        + "\n".join(over)
        + "\n"
        + "}" * len(below)
        + "\n}\n",
        encoding="utf-8",
    )
    return path


def _read(physx: Any, names: tuple[str, ...]) -> dict[str, dict[str, list[float]]]:
    """The values of each rigid body by its path; quaternions are turned to wxyz."""
    types = import_module("ovphysx.types")
    found: dict[str, dict[str, list[float]]] = {}
    for name in names:
        with physx.read_sync(types.SimObjectType.RIGID_BODY, [name], scope=types.ObjectScope.ALL) as result:
            for group in result.groups:
                if group.is_delete or group.is_array or not group.tensors:
                    continue
                rows = group.tensors[0].numpy().copy().reshape(group.prim_count, -1).astype(float)
                if name.lower().endswith("orientation"):
                    rows = rows[:, [3, 0, 1, 2]]
                for path, row in zip(result.dictionary.get_path_strings(group.prim_list), rows.tolist(), strict=True):
                    found.setdefault(path, {})[name] = row
    return found


if __name__ == "__main__":
    main()
