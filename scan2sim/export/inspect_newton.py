"""A program of its own: open a USD stage in Newton, step it on the CPU with its MuJoCo solver, and write what was seen.

``python inspect_newton.py STAGE RESULT.json MEMORY SCENE SECONDS DT GX GY GZ``.  Newton wants a MuJoCo and an OpenUSD
of its own, so the interpreter is that of its environment, and nothing of ours is imported.  SCENE is the path of the
PhysicsScene, whose topmost prim gets the variants Newton=Enabled and MuJoCo=Enabled.
"""

# Newton lives in another environment
# pyright: reportMissingImports=false

import json
import resource
import sys
from importlib import import_module, metadata
from typing import Any

import numpy as np

ROOM = 8  # times the contacts at the start, for those to come


def main() -> None:
    """Step the stage that the command line names."""
    stage_path, result_path, memory, scene, seconds, dt = sys.argv[1:7]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    newton, warp = import_module("newton"), import_module("warp")
    warp.config.quiet = True
    warp.set_device("cpu")
    model, paths = _model(newton, stage_path, scene)
    model.set_gravity(tuple(float(each) for each in sys.argv[7:10]))
    solver = newton.solvers.SolverMuJoCo(
        model,
        integrator="implicitfast",
        cone="elliptic",
        enable_multiccd=True,  # with one point of contact for each pair of hulls, flat things creep
        nconmax=4096,
        njmax=8192,
    )
    now, after = model.state(), model.state()
    newton.eval_fk(model, model.joint_q, model.joint_qd, now)
    control, step = model.control(), float(dt)
    at_load = now.body_q.numpy().astype(float)
    steps = round(float(seconds) / step)
    for _ in range(steps):
        now.clear_forces()
        solver.step(now, after, control, None, step)
        now, after = after, now
    rested = now.body_q.numpy().astype(float)
    figures = {
        "bodies": {path: _body(model, index, at_load, rested) for path, index in paths.items()},
        "steps": steps,
        "version": metadata.version("newton"),
    }
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(figures, file)


def _model(newton: Any, stage_path: str, scene: str) -> tuple[Any, dict[str, int]]:
    """The stage as a model, and the number of each rigid body by its path."""
    stage = import_module("pxr.Usd").Stage.Open(stage_path)
    variants = stage.GetPrimAtPath("/" + scene.strip("/").split("/")[0]).GetVariantSets()
    for name in ("Newton", "MuJoCo"):
        if variants.HasVariantSet(name):
            variants.SetSelection(name, "Enabled")
    builder, schemas = newton.ModelBuilder(), import_module("newton.usd")
    newton.solvers.SolverMuJoCo.register_custom_attributes(builder)
    resolvers = [schemas.SchemaResolverMjc(), schemas.SchemaResolverNewton()]
    found = builder.add_usd(stage, schema_resolvers=resolvers, load_visual_shapes=False)
    return builder.finalize(), dict(found["path_body_map"])


def _body(model: Any, index: int, at_load: np.ndarray, rested: np.ndarray) -> dict[str, Any]:
    """In the words of the check in PhysX: quaternions are wxyz, the inertia is about the centre of mass."""
    return {
        "position": at_load[index, :3].tolist(),
        "orientation": at_load[index, [6, 3, 4, 5]].tolist(),
        "mass": [float(model.body_mass.numpy()[index])],
        "inertia": model.body_inertia.numpy()[index].ravel().astype(float).tolist(),
        "centerOfMassPosition": model.body_com.numpy()[index].astype(float).tolist(),
        "after": {
            "position": rested[index, :3].tolist(),
            "orientation": rested[index, [6, 3, 4, 5]].tolist(),
        },
    }


if __name__ == "__main__":
    main()
