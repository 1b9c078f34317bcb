"""OpenUSD: a scene as a SimReady asset for Isaac Sim and others, and back.

`package.py` writes the folder, `stage.py` the main layer, `bodies.py` one layer an object with `meshes.py` and
`splats.py`, `runtimes.py` what PhysX, Newton and MuJoCo each want; `read.py` makes a Scene of it again; `check.py`
opens it in other programs, `foreign.py` what others wrote; `safety.py` and `parity.py` help.
"""

from scan2sim.export.usd.check import check_usd, step_newton, step_physx
from scan2sim.export.usd.foreign import check_foreign_usd
from scan2sim.export.usd.package import write_usd
from scan2sim.export.usd.read import read_usd

__all__ = ["check_foreign_usd", "check_usd", "read_usd", "step_newton", "step_physx", "write_usd"]
