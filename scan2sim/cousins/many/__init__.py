"""Many cousins on disk: the same ones however many workers make them and however often they are interrupted.

`plan.py` says what is wanted, `one.py` makes cousin k of a plan, `folder.py` knows the folder that they go to, and
`make.py` makes what is missing in it: with worker processes (`workers.py`, `worker.py`) or on a Ray cluster
(`ray_workers.py`).  `sheet.py` and `plot.py` draw what came out, `read.py` reads it
again.
"""

from scan2sim.cousins.many.folder import CousinEntry, Failure
from scan2sim.cousins.many.make import MadeCousins, make_cousins
from scan2sim.cousins.many.plan import CousinsPlan
from scan2sim.cousins.many.read import open_cousins

__all__ = ["CousinEntry", "CousinsPlan", "Failure", "MadeCousins", "make_cousins", "open_cousins"]
