"""A program of its own: open an MJCF or URDF file in MuJoCo, step it for two seconds, and write what was seen.

``python inspect_mujoco.py MODEL RESULT.json MEMORY [CONTACT.json]``.  It imports only numpy and MuJoCo, so that it
starts fast.  URDF holds no contact parameters: they are given, and each link's friction is read from its ``<contact>``.
"""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

import json
import resource
import sys
from typing import Any
from xml.etree import ElementTree

import mujoco
import numpy as np

SECONDS = 2.0


def main() -> None:
    """Inspect the model that the command line names."""
    model_path, result_path, memory = sys.argv[1:4]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    if model_path.endswith(".urdf"):
        model = _urdf(model_path, json.loads(sys.argv[4]))
    else:
        model = mujoco.MjModel.from_xml_path(model_path)
    model.opt.enableflags &= ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)  # contacts of what sleeps are not counted
    data = mujoco.MjData(model)
    home = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_KEY, "home")
    if home >= 0:
        mujoco.mj_resetDataKeyframe(model, data, home)
    mujoco.mj_forward(model, data)
    bodies = {model.body(i).name: _body(model, data, i) for i in range(1, model.nbody)}
    begun = deepest = _depth(data)
    steps = round(SECONDS / model.opt.timestep)
    for _ in range(steps):
        mujoco.mj_step(model, data)
        deepest = max(deepest, _depth(data))
    for i in range(1, model.nbody):
        bodies[model.body(i).name]["after"] = {"position": data.xpos[i].tolist(), "wxyz": data.xquat[i].tolist()}
    unstable = (mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQVEL, mujoco.mjtWarning.mjWARN_BADQACC)
    figures = {
        "bodies": bodies,
        "geoms": model.ngeom,
        "steps": steps,
        "penetration_at_start": begun,
        "penetration_deepest": deepest,
        "penetration": _depth(data),
        "stable": not any(int(data.warning[w].number) for w in unstable) and bool(np.isfinite(data.qpos).all()),
    }
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(figures, file)


def _urdf(path: str, contact: dict[str, Any]) -> mujoco.MjModel:
    """The model with our contact parameters, which are those of the MJCF export."""
    spec = mujoco.MjSpec.from_file(path)
    spec.option.timestep = contact["timestep"]
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    frictions = {
        link.get("name"): float(value.get("value", "nan"))
        for link in ElementTree.parse(path).getroot().iter("link")
        for value in link.iter("lateral_friction")
    }
    for geom in spec.geoms:
        own = frictions.get(geom.parent.name)
        geom.condim, geom.priority = contact["condim"], int(own is not None)
        geom.solref[:2], geom.solimp[:3] = contact["solref"], contact["solimp"]
        sliding = contact["ground_friction"] if own is None else own
        geom.friction = [sliding, contact["torsion"], contact["rolling"]]
    return spec.compile()


def _body(model: mujoco.MjModel, data: mujoco.MjData, i: int) -> dict[str, object]:
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.body_iquat[i])
    axes = rotation.reshape(3, 3)
    geoms = range(model.body_geomadr[i], model.body_geomadr[i] + model.body_geomnum[i])
    return {
        "mass": float(model.body_mass[i]),
        "center_of_mass": model.body_ipos[i].tolist(),
        "inertia": (axes @ np.diag(model.body_inertia[i]) @ axes.T).tolist(),
        "position": data.xpos[i].tolist(),
        "wxyz": data.xquat[i].tolist(),
        "pieces": sum(bool(model.geom_contype[g]) for g in geoms),
    }


def _depth(data: mujoco.MjData) -> float:
    return max(0.0, -min((float(d) for d in data.contact.dist), default=0.0))


if __name__ == "__main__":
    main()
