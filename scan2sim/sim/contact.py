"""The one table of contact and solver parameters; nothing else in the house sets any.

Measured with five scanned things (bowl, lemon, kiwi, mouse, board as convex pieces) half a millimetre over a slab at
1/480 s: the largest drift in 2 s, how deep they sink in, their largest mean speed at rest, how much the speed of the
board trembles while a finger pushes it steadily at 15 cm/s, and how many of 16 balls 1 cm across, dropped from 3 and
10 cm into the scanned bowl and cup, went through the wall.

=========================================  ========  ========  ==========  ==========  ============
setting                                    drift     sinks in  at rest     trembles    goes through
=========================================  ========  ========  ==========  ==========  ============
the table below                            2.0 mm    0.27 mm   1.0 mm/s    1.3 mm/s    0
solref 0.0045                              2.0 mm    0.25 mm   1.8 mm/s    1.6 mm/s    0
solref 0.01                                2.0 mm    0.32 mm   1.0 mm/s    1.1 mm/s    2
solref 0.02, MuJoCo's default              2.0 mm    0.40 mm   0.5 mm/s    0.7 mm/s    12
solimp (0.01 0.95 0.001)                   2.1 mm    0.49 mm   2.3 mm/s    1.0 mm/s    –
=========================================  ========  ========  ==========  ==========  ============

An impedance that starts near zero cures the trembling, which is pseudo-random friction that real things do not show
(with MuJoCo's default of 0.9 the board trembled ten times as much); letting it rise within half a millimetre keeps
things from sinking in.  A contact brings what hits at speed v to a halt within v · solref / e, at 1.5 m/s within 3 mm,
which is less than a small ball and a thin wall together are thick.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONTACT", "OBJECT_PRIORITY", "TOOL_PRIORITY", "ContactTable"]

OBJECT_PRIORITY, TOOL_PRIORITY = 1, 2  # the friction of the higher one counts; the background has 0


@dataclass(frozen=True)
class ContactTable:
    """MuJoCo's contact and solver settings for scanned things of grams to kilograms."""

    timestep: float = 1 / 480
    """Seconds a step: about 2 ms, sixteen steps for one action at 30 Hz."""
    integrator: str = "implicitfast"
    """Euler explodes with the stiff servo of a pusher."""
    cone: str = "elliptic"
    """The true friction cone; the pyramid lets things creep 1.4 mm in the last second of rest."""
    solref: tuple[float, float] = (0.006, 1.0)
    """Time constant [s] and damping ratio of a contact; MuJoCo needs at least two steps."""
    solimp: tuple[float, float, float] = (0.01, 0.95, 0.0005)
    """Impedance without and with penetration, and the depth [m] over which it rises."""
    condim: int = 6
    """Sliding, torsional and rolling friction: round things come to rest."""
    torsion: float = 0.005
    """Torsional friction as the radius of a patch [m]: MuJoCo's default."""
    rolling: float = 0.0005
    """Rolling resistance as a lever [m]: a ball of 3 cm that rolls at 15 cm/s stops after about 7 cm."""
    ground_friction: float = 0.5
    """Sliding friction of the background against things without a friction of their own."""
    pusher_friction: float = 0.3
    """Sliding friction of a smooth plastic finger."""
    gripper_friction: float = 1.0
    """Sliding friction of a gripper's rubber pads."""


CONTACT = ContactTable()
