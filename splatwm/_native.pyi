"""What the compiled module offers, see native/module.cpp; arrays are C-contiguous on the CPU."""

from typing import Any

from numpy.typing import NDArray
from torch import Tensor

class Shape:
    def __init__(self, vertices: list[Any], planes: list[Any], radii: list[float]) -> None: ...

class Settings:
    gravity: list[float]
    impedance: list[float]
    margin: float
    turn: float
    tolerance: float
    stiffness: float
    damping: float
    torsion: float
    rolling: float
    friction_softness: float
    slip_friction: float
    impact_friction: float
    timestep: float
    convex: int
    sleep_linear: float
    sleep_angular: float
    sleep_after: float
    sleep_drift: float
    substeps: int
    sweeps: int
    position_sweeps: int
    contacts_per_pair: int

class State:
    def __init__(
        self,
        shapes: list[Shape],
        shape: Tensor,
        mass: Tensor,
        inertia: Tensor,
        center_of_mass: Tensor,
        friction: Tensor,
        restitution: Tensor,
        priority: Tensor,
        kinematic: Tensor,  # uint8
        position: Tensor,
        wxyz: Tensor,
        linear: Tensor,
        angular: Tensor,
        still: Tensor,
        latent: Tensor,  # (B, O, L)
    ) -> None: ...

class Network:
    def __init__(self, values: Tensor, width: int, latents: int) -> None: ...

def available_isas() -> list[str]: ...
def isa() -> str: ...
def set_isa(name: str) -> None: ...
def find_contacts(state: State, settings: Settings, dt: float) -> dict[str, NDArray[Any]]: ...
def looks(state: State, settings: Settings, dt: float) -> list[int]: ...
def solve(
    reals: list[Tensor],  # see kernel_table.h: 13 arrays of float32
    a: Tensor,
    b: Tensor,
    step: float,
    settings: Settings,
    impulse: Tensor,
    after: Tensor,
    mean: Tensor,
) -> None: ...
def solve_double(
    reals: list[Tensor],
    a: Tensor,
    b: Tensor,
    step: float,
    settings: Settings,
    impulse: Tensor,
    after: Tensor,
    mean: Tensor,
) -> None: ...
def solve_adjoint(
    reals: list[Tensor],
    a: Tensor,
    b: Tensor,
    step: float,
    settings: Settings,
    given: list[Tensor],  # gradients by impulse, after, mean
    found: list[Tensor],  # by before, free, gap, friction, velocity_bias, position_bias, warm
) -> None: ...
def solve_adjoint_double(
    reals: list[Tensor],
    a: Tensor,
    b: Tensor,
    step: float,
    settings: Settings,
    given: list[Tensor],
    found: list[Tensor],
) -> None: ...
def distances(shape: Shape, points: NDArray[Any], out: NDArray[Any]) -> None: ...
def roll_out(
    state: State,
    settings: Settings,
    dt: float,
    link_bodies: Tensor,
    link_position: Tensor,
    link_wxyz: Tensor,
    position: Tensor,
    wxyz: Tensor,
    impulse: Tensor,
    threads: int,
    network: Network | None = None,
) -> None: ...
def roll_out_gradient(
    state: State,
    settings: Settings,
    dt: float,
    link_bodies: Tensor,
    link_position: Tensor,
    link_wxyz: Tensor,
    position: Tensor,
    wxyz: Tensor,
    impulse: Tensor,
    threads: int,
    given: list[Tensor],  # gradients by position and wxyz
    found: list[Tensor],  # by position, wxyz, linear, angular, friction at the start, and link_position
) -> None: ...
