"""Isaac Lab: a package of tasks that runs with Newton on any computer, and with PhysX and RTX in Isaac Sim.

`write.py` makes the folder from the files of `template/`, the scene's data and its OpenUSD layers; `variants.py` writes
what the scene and each cousin need, with one stage an environment (`stages.py`) and the tools (`pusher.py`,
`gripper.py`, of parts in `joints.py`); `check.py` holds the package against the scene and, where Isaac
Lab is installed, steps it there.
"""

from scan2sim.export.isaaclab.check import check_isaaclab, step_isaaclab
from scan2sim.export.isaaclab.write import write_isaaclab

__all__ = ["check_isaaclab", "step_isaaclab", "write_isaaclab"]
