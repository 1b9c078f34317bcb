"""What a motion is: bodies by their content, physics, and at each frame where everything is and what pressed on it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import Body

__all__ = ["GRAVITY", "Episode", "body_digest"]

Array = NDArray[np.float32]
GRAVITY = 9.81  # [m/s²] down z


@dataclass(frozen=True)
class Episode:
    """T frames of O objects and K robot links over a background that stands still; scene frame, z up.

    Frame 0 is the start.  Links move between frames on straight lines and with constant spin, so that the motion is
    told completely by its first row and the links' rows.
    """

    dt: float  # [s]
    kind: str  # push | drop | stack | topple | lift
    source: str  # the scene it happened in
    seed: int  # of the scene's draw and its own
    names: tuple[str, ...]  # O
    bodies: tuple[str, ...]  # O digests
    background: str  # digest of the body that stands still, in the scene frame; it has no mass
    links: tuple[str, ...]  # K names
    shapes: tuple[str, ...]  # K solids: box:AxBxC, sphere:R, cylinder:RxH
    mass: Array  # (O,) [kg]
    center_of_mass: Array  # (O, 3) [m] object frame
    inertia: Array  # (O, 3, 3) [kg m²] about the centre of mass, object frame
    friction: Array  # (O,) of an object against the background; between objects the larger counts
    link_friction: Array  # (K,) of a link against whatever it touches
    position: Array  # (T, O, 3) [m] of the object frame's origin
    wxyz: Array  # (T, O, 4)
    velocity: Array  # (T, O, 3) [m/s] of the object frame's origin
    spin: Array  # (T, O, 3) [rad/s] scene frame
    link_position: Array  # (T, K, 3) [m]
    link_wxyz: Array  # (T, K, 4)
    impulse: Array  # (T, O, 3) [N s] of all contacts on an object since the frame before; 0 at frame 0
    touch: Array  # (T, K, 3) [N s] of all contacts on a link since the frame before

    @property
    def frames(self) -> int:
        """T."""
        return len(self.position)


def body_digest(body: Body) -> str:
    """SHA-256 of what a body is, but for its name; numbers count in single precision, as they are stored."""
    digest = hashlib.sha256()
    for mesh in (body.surface, *body.pieces):
        digest.update(np.asarray(mesh.vertices, "<f4").tobytes() + b"|")
        digest.update(np.asarray(mesh.faces, "<i4").tobytes() + b"||")
    friction = np.nan if body.friction is None else body.friction
    numbers = [body.mass, friction, *body.center_of_mass, *np.asarray(body.inertia).ravel()]
    digest.update(np.asarray(numbers, "<f4").tobytes())
    return digest.hexdigest()
