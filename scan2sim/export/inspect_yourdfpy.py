"""A program of its own: read a URDF file with yourdfpy and write what was seen.

``python inspect_yourdfpy.py SCENE.urdf RESULT.json MEMORY``
"""

import json
import resource
import sys

import numpy as np
from yourdfpy import URDF

from scan2sim.geometry import quaternion_from_matrix


def main() -> None:
    """Inspect the file that the command line names."""
    path, result_path, memory = sys.argv[1:4]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    robot = URDF.load(path, build_collision_scene_graph=True, load_collision_meshes=True)
    moving = [joint for joint in robot.joint_map.values() if joint.type in ("revolute", "prismatic")]
    if moving:
        robot.update_cfg({joint.name: 0.0 for joint in moving})
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump({name: _link(robot, name) for name, link in robot.link_map.items() if link.inertial}, file)


def _link(robot: URDF, name: str) -> dict[str, object]:
    link, world_from_link = robot.link_map[name], robot.get_transform(name, robot.base_link)
    link_from_inertial = np.eye(4) if link.inertial.origin is None else link.inertial.origin
    turn = link_from_inertial[:3, :3]
    return {
        "mass": float(link.inertial.mass),
        "center_of_mass": link_from_inertial[:3, 3].tolist(),
        "inertia": (turn @ link.inertial.inertia @ turn.T).tolist(),
        "position": world_from_link[:3, 3].tolist(),
        "wxyz": quaternion_from_matrix(world_from_link[:3, :3]).tolist(),
        "pieces": len(link.collisions),
    }


if __name__ == "__main__":
    main()
