"""The state of a batch of scenes, and how a Scene becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from scan2sim.errors import SceneError, UsageError
from scan2sim.scene import Scene, require_consistent
from scan2sim.sim import CONTACT
from splatwm.shapes import BodyShape, shape_from_object, shape_from_pieces

__all__ = ["Link", "Start", "State", "check_state", "stack", "start_from_scene", "state_of_bodies"]

BACKGROUND = "background"
STATIC, FREE, ROBOT = 0, 1, 2  # the friction of the higher one counts, as in scan2sim.sim
MAX_OBJECTS = 255


@dataclass(frozen=True)
class State:
    """B environments of O bodies each; float32 tensors, scene frame, quaternions wxyz."""

    position: Tensor  # (B, O, 3) [m] of the body's frame
    wxyz: Tensor  # (B, O, 4)
    linear: Tensor  # (B, O, 3) [m/s] of the centre of mass
    angular: Tensor  # (B, O, 3) [rad/s] scene axes
    mass: Tensor  # (B, O) [kg]
    inertia: Tensor  # (B, O, 3, 3) [kg m²] about the centre of mass, body axes
    center_of_mass: Tensor  # (B, O, 3) [m] body frame
    friction: Tensor  # (B, O)
    restitution: Tensor  # (B, O) 0..1
    latent: Tensor  # (B, O, L) what geometry does not tell
    priority: Tensor  # (B, O) int32: of two bodies the friction of the higher counts, of equals the larger
    kinematic: Tensor  # (B, O) bool: follows its velocity and nothing else
    shape: Tensor  # (B, O) int32: which of the shapes; -1 where there is no body
    still: Tensor  # (B, O) [s] how long it has been at rest

    @property
    def mask(self) -> Tensor:  # (B, O) bool
        """Where there are bodies."""
        return self.shape >= 0

    @property
    def free(self) -> Tensor:  # (B, O) bool
        """Where there are bodies that contacts move."""
        return self.mask & ~self.kinematic

    def clone(self) -> State:
        """A copy that shares no memory."""
        return State(**{name: value.contiguous().clone() for name, value in vars(self).items()})


@dataclass(frozen=True)
class Link:
    """A part of a robot: a body that follows given poses."""

    name: str
    shape: BodyShape
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)  # [m]
    wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    friction: float = CONTACT.pusher_friction


@dataclass(frozen=True)
class Start:
    """What a rollout starts from: the state, the shapes that it names, and each body's name."""

    state: State
    shapes: tuple[BodyShape, ...]
    names: tuple[tuple[str, ...], ...]  # for each environment, in the order of its bodies

    def index(self, name: str, environment: int = 0) -> int:
        """The place of a body in its environment.

        Raises:
            UsageError: there is no such body.
        """
        try:
            return self.names[environment].index(name)
        except ValueError:
            known = ", ".join(self.names[environment])
            raise UsageError(f"there is no body “{name}” in this scene", todo=f"there are: {known}") from None


def state_of_bodies(
    shape: Sequence[int],  # O of them
    position: object,  # (O, 3) [m]
    mass: Sequence[float],  # [kg]
    inertia: object,  # (O, 3, 3) [kg m²]
    *,
    wxyz: object | None = None,  # (O, 4)
    friction: float | Sequence[float] = 0.5,
    kinematic: Sequence[bool] | None = None,
    latents: int = 0,
) -> State:
    """One environment of bodies at rest whose frames are at their centres of mass."""
    count = len(shape)
    fixed = torch.tensor(kinematic if kinematic is not None else [False] * count)
    turned = torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1) if wxyz is None else _real(wxyz)
    rub = torch.full((count,), friction) if isinstance(friction, int | float) else _real(friction)
    zeros = torch.zeros(1, count, 3)
    return State(
        position=_real(position)[None],
        wxyz=turned[None],
        linear=zeros.clone(),
        angular=zeros.clone(),
        mass=_real(mass)[None],
        inertia=_real(inertia)[None],
        center_of_mass=zeros.clone(),
        friction=rub[None].float(),
        restitution=torch.zeros(1, count),
        latent=torch.zeros(1, count, latents),
        priority=torch.where(fixed, STATIC, FREE).to(torch.int32)[None],
        kinematic=fixed[None],
        shape=torch.tensor(list(shape), dtype=torch.int32)[None],
        still=torch.zeros(1, count),
    )


def start_from_scene(scene: Scene, links: Sequence[Link] = (), *, latents: int = 0) -> Start:
    """A scene as one environment: its background, its objects in their order, then links of a robot.

    Objects that are fixed or hang on a joint do not move.  The scene's restitution is a guess and is not used: contacts
    are damped as in ``scan2sim.sim``.

    Raises:
        SceneError: the scene is not consistent, has no objects, or more than the kernels take.
        UsageError: two bodies have one name.
    """
    require_consistent(scene)
    if not scene.objects:
        raise SceneError("this scene has no objects: nothing in it can move", todo="build one with objects")
    shapes = [shape_from_object(thing) for thing in scene.objects]
    if scene.background_collision:
        shapes.insert(0, shape_from_pieces(scene.background_collision, "the background"))
    shapes += [link.shape for link in links]
    if len(shapes) > MAX_OBJECTS:
        raise SceneError(f"this scene has {len(shapes)} bodies, at most {MAX_OBJECTS} are possible")
    first = [BACKGROUND] if scene.background_collision else []
    names = (*first, *(thing.name for thing in scene.objects), *(link.name for link in links))
    if len(set(names)) < len(names):
        raise UsageError("two bodies have the same name", todo="rename the robot's links")
    before, after = len(first), len(links)
    still = [True] * before + [thing.mobility != "free" for thing in scene.objects] + [True] * after
    zero, straight = [(0.0, 0.0, 0.0)] * before, [(1.0, 0.0, 0.0, 0.0)] * before
    state = state_of_bodies(
        range(len(shapes)),
        [*zero, *(thing.position for thing in scene.objects), *(link.position for link in links)],
        [1.0] * before + [thing.physical.mass.value for thing in scene.objects] + [1.0] * after,
        [np.eye(3)] * before + [thing.physical.inertia for thing in scene.objects] + [np.eye(3)] * after,
        wxyz=[*straight, *(thing.wxyz for thing in scene.objects), *(link.wxyz for link in links)],
        friction=[CONTACT.ground_friction] * before
        + [thing.physical.friction.value for thing in scene.objects]
        + [link.friction for link in links],
        kinematic=still,
        latents=latents,
    )
    centers = (
        [np.zeros(3)] * before + [thing.physical.center_of_mass for thing in scene.objects] + [np.zeros(3)] * after
    )
    priority = [STATIC] * before + [FREE] * len(scene.objects) + [ROBOT] * after
    state = replace(state, center_of_mass=_real(centers)[None], priority=torch.tensor([priority], dtype=torch.int32))
    check_state(state)
    return Start(state, tuple(shapes), (names,))


def stack(starts: Sequence[Start]) -> Start:
    """Several starts as one batch; environments with fewer bodies are filled up with empty rows.

    Raises:
        UsageError: there are none, or their latents differ in length.
    """
    if not starts or len({start.state.latent.shape[-1] for start in starts}) > 1:
        raise UsageError("a batch needs starts, with latents of one length")
    shapes = {id(shape): shape for start in starts for shape in start.shapes}
    place = {key: i for i, key in enumerate(shapes)}
    most = max(start.state.mass.shape[1] for start in starts)
    columns: dict[str, list[Tensor]] = {}
    for start in starts:
        table = torch.tensor([place[id(shape)] for shape in start.shapes] + [-1], dtype=torch.int32)
        state = replace(start.state, shape=table[start.state.shape.long()])
        empty = most - state.mass.shape[1]
        for name, value in vars(state).items():
            filler = value[:, :1].expand(-1, empty, *value.shape[2:])
            filler = torch.full_like(filler, -1) if name == "shape" else filler
            columns.setdefault(name, []).append(torch.cat([value, filler], 1))
    state = State(**{name: torch.cat(values) for name, values in columns.items()})
    return Start(state, tuple(shapes.values()), tuple(name for start in starts for name in start.names))


def check_state(state: State) -> None:
    """Refuse what physics cannot start from.

    Raises:
        SceneError: a number is not finite, a quaternion has no direction, or a mass or inertia is not positive.
    """
    there, free = state.mask, state.free
    reals = {name: value for name, value in vars(state).items() if value.is_floating_point()}
    if not torch.isfinite(torch.cat([value.flatten() for value in reals.values()])).all():
        for name, value in reals.items():
            if not torch.isfinite(value[there]).all():
                raise SceneError(
                    f"the state's {name} is not finite", todo="check the poses and the physics of the scene"
                )
    if not (state.wxyz[there].norm(dim=-1) > 0.5).all():
        raise SceneError("an orientation is no unit quaternion", todo="quaternions are w, x, y, z of length one")
    if not (state.mass[free] > 0).all():
        raise SceneError("a mass is not positive", todo="set it with scan2sim physics SCENE --mass NAME=…")
    if not (torch.linalg.eigvalsh(state.inertia[free].double()) > 0).all():
        raise SceneError("an inertia is not positive definite")
    if not (state.friction[there] >= 0).all() or not ((state.restitution >= 0) & (state.restitution <= 1))[there].all():
        raise SceneError("friction is negative, or restitution not between 0 and 1")


def _real(values: object) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))
