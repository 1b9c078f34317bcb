"""Objects that other people's packages bring along, where they are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from scan2sim.errors import UsageError

__all__ = ["PACKAGES", "package_objects"]

PACKAGES = {"robosuite": "models/assets/objects/meshes"}
"""The folder of household meshes in each package: robosuite (MIT; Zhu et al. 2020) has bottles, cans, bread and so on.

``mujoco-menagerie`` holds robots only; ``splatset`` holds splats, whose folder can be named once it has fetched them
over the network.
"""


def package_objects(package: str) -> Path:
    """The folder of a package's meshes, for :func:`scan2sim.cousins.assets.open_library`; nothing of it is imported.

    Raises:
        UsageError: no objects are known of this package, or it is not installed.
    """
    if package not in PACKAGES:
        raise UsageError(f"no objects are known of a package {package!r}", todo=f"there are {', '.join(PACKAGES)}")
    spec = find_spec(package)
    for home in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(home) / PACKAGES[package]
        if folder.is_dir():
            return folder
    raise UsageError(f"{package} is not installed with its objects", todo=f"pip install {package}")
