"""A stage in MuJoCo with robot links that go exactly where they are told: the truth that motions are learned from."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import Body, Estimate, read_solid
from scan2sim.geometry import matrix_from_quaternion, quaternion_conjugate, quaternion_multiply, rotation_vector
from scan2sim.scene import Label, Physical, Scene, SceneObject
from scan2sim.sim import CONTACT, ContactTable, mujoco_spec
from scan2sim.splats import Gaussians
from splatwm.data.episode import GRAVITY

__all__ = ["Links", "Physics", "Poses", "State", "Step", "World"]

Array = NDArray[np.float64]
LINK_MASS = 1e4  # [kg] no contact moves it within a frame: 5 N for 1/30 s make 16 µm/s of it, which tell the impulse
LINK_INERTIA = 1e3  # [kg m²]
FAR = 1e3  # [m] where links do not touch anything
SHAPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
}


class Poses(NamedTuple):
    """Places and orientations of several things."""

    position: Array  # (N, 3) [m]
    wxyz: Array  # (N, 4)


class State(NamedTuple):
    """Where objects are and how they move; scene frame, at the origins of their frames."""

    position: Array  # (O, 3) [m]
    wxyz: Array  # (O, 4)
    velocity: Array  # (O, 3) [m/s]
    spin: Array  # (O, 3) [rad/s]


class Step(NamedTuple):
    """What a frame brought."""

    state: State
    impulse: Array  # (O, 3) [N s] of all contacts on an object
    touch: Array  # (K, 3) [N s] of all contacts on a link


class Physics(NamedTuple):
    """What an episode draws."""

    mass: Array  # (O,) [kg]
    friction: Array  # (O,)
    link_friction: Array  # (K,)


@dataclass(frozen=True)
class Links:
    """Solids that are moved: a pusher, or the parts of a gripper."""

    names: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()  # box:AxBxC, sphere:R or cylinder:RxH


class World:
    """Bodies over a background, stepped frame by frame while the links go where they are told.

    Links are bodies of 10 tonnes without weight that get their pose and speed anew at each frame; they touch neither
    the background nor each other.

    Args:
        bodies: the free ones, by name.
        background: what stands still.
        links: the solids that are moved.
        contact: the contact parameters.

    Raises:
        SceneError: MuJoCo cannot use a body.
        UsageError: a link is no solid of `scan2sim.bodies.read_solid`.
    """

    def __init__(
        self,
        bodies: dict[str, Body],
        background: Body,
        links: Links = Links(),
        contact: ContactTable = CONTACT,
    ) -> None:
        spec = mujoco_spec(_scene(bodies, background), contact)
        for i, (name, shape) in enumerate(zip(links.names, links.shapes, strict=True)):
            _add_link(spec, f"link-{i}", name, shape, [f"link-{k}" for k in range(i)])
        spec.delete(spec.key("home"))
        spec.option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)  # what rests costs nothing until it is touched
        self.model = spec.compile()
        self.model.opt.gravity[:] = [0, 0, -GRAVITY]
        self.data = mujoco.MjData(self.model)
        self._timestep = contact.timestep
        joints = [self.model.joint(name) for name in bodies]
        linked = [self.model.joint(f"link-{i}") for i in range(len(links.names))]
        self._qpos, self._qvel = _addresses(joints)
        self._link_qpos, self._link_qvel = _addresses(linked)
        self._bodies = np.array([self.model.body(name).id for name in bodies], dtype=int)
        self._link_bodies = np.array([self.model.body(f"link-{i}").id for i in range(len(linked))], dtype=int)
        self._center = np.array([body.center_of_mass for body in bodies.values()])
        self._nominal = self.model.body_mass.copy(), self.model.body_inertia.copy()
        self.set_physics(
            Physics(self.model.body_mass[self._bodies], self._frictions(self._bodies), np.full(len(linked), 0.3))
        )

    def set_physics(self, physics: Physics) -> None:
        """Give everything its mass and friction; inertias go with the masses."""
        mass, inertia = self._nominal
        self.model.body_mass[self._bodies] = physics.mass
        scale = np.asarray(physics.mass) / mass[self._bodies]
        self.model.body_inertia[self._bodies] = inertia[self._bodies] * scale[:, None]
        rows = np.concatenate([self._bodies, self._link_bodies])
        for body, friction in zip(rows, np.concatenate([physics.friction, physics.link_friction]), strict=True):
            first = self.model.body_geomadr[body]
            self.model.geom_friction[first : first + self.model.body_geomnum[body], 0] = friction
        mujoco.mj_setConst(self.model, self.data)
        # the solver's tolerance is relative to this, and the links' tonnes would make it careless
        self.model.stat.meaninertia = float(np.mean(self.model.body_inertia[self._bodies].mean(1) + physics.mass) / 2)
        self._mass = np.asarray(physics.mass, np.float64)

    def set_timestep(self, timestep: float) -> None:  # [s]
        """Step the physics coarser or finer than the contact table says, at most a frame at a time."""
        self.model.opt.timestep = self._timestep = timestep

    def reset(self, state: State, links: Poses | None = None) -> None:
        """Put everything where an episode begins."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[self._qpos] = np.concatenate([state.position, state.wxyz], axis=1)
        turned = matrix_from_quaternion(state.wxyz)
        spin = np.einsum("oji,oj->oi", turned, state.spin)  # MuJoCo's is in the body's frame
        self.data.qvel[self._qvel] = np.concatenate([state.velocity, spin], axis=1)
        self._links = links or Poses(np.zeros((0, 3)), np.zeros((0, 4)))
        self.data.qpos[self._link_qpos] = np.concatenate(self._links, axis=1)
        self.data.qvel[self._link_qvel] = 0.0
        self._momentum = self._momentum_of(state)
        mujoco.mj_forward(self.model, self.data)

    def step(self, dt: float, links: Poses | None = None) -> Step:
        """Go on for ``dt`` [s] while the links go to new poses."""
        pushed = _speeds(self._links, links or self._links, dt)
        state = self._advance(dt, links or self._links, pushed)
        before, self._momentum = self._momentum, self._momentum_of(state)
        impulse = self._momentum - before
        impulse[:, 2] += self._mass * GRAVITY * dt
        touch = LINK_MASS * (self.data.qvel[self._link_qvel] - pushed)[:, :3]
        return Step(state, impulse, touch)

    def follow(self, dt: float, links: Sequence[Poses]) -> list[State]:
        """The states after frames of ``dt`` [s] in which the links go from pose to pose, from where they are.

        The same as steps without what contacts gave, in half the time.
        """
        if not links:
            return []
        all_poses = [self._links, *links]
        first, then = (
            Poses(*(np.array(column) for column in zip(*part, strict=True))) for part in (all_poses[:-1], links)
        )
        speeds = _speeds(first, then, dt)
        states = [self._advance(dt, poses, pushed) for poses, pushed in zip(links, speeds, strict=True)]
        self._momentum = self._momentum_of(states[-1])
        return states

    def _advance(self, dt: float, links: Poses, pushed: Array) -> State:  # …, …, (K, 6)
        """Go on for ``dt`` [s] while the links go to new poses at the speeds that bring them there."""
        self.data.qpos[self._link_qpos] = np.concatenate(self._links, axis=1)
        self.data.qvel[self._link_qvel] = pushed
        steps = max(1, round(dt / self._timestep))
        if abs(steps * self.model.opt.timestep - dt) > 1e-9:  # a frame that is no whole number of steps
            self.model.opt.timestep = dt / steps
        mujoco.mj_step(self.model, self.data, steps)
        self._links = links
        return self.state()

    def state(self) -> State:
        """Where the objects are now."""
        poses, speeds = self.data.qpos[self._qpos], self.data.qvel[self._qvel]
        lengths = np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
        wxyz = np.asarray(poses[:, 3:] / lengths, np.float64)
        spin = np.einsum("oij,oj->oi", matrix_from_quaternion(wxyz), speeds[:, 3:])
        return State(poses[:, :3].astype(np.float64), wxyz, speeds[:, :3].astype(np.float64), spin)

    def deepest(self) -> float:
        """How deep the deepest contact of this moment is [m], ≥ 0."""
        return max(0.0, -float(self.data.contact.dist.min())) if self.data.ncon else 0.0

    def deepest_at(self, state: State) -> float:
        """How deep objects would be in each other and in the background [m], ≥ 0, with the links far away."""
        away = np.repeat(np.linspace(FAR, 2 * FAR, len(self._link_bodies))[:, None], 3, axis=1)
        upright = np.tile([1.0, 0.0, 0.0, 0.0], (len(self._link_bodies), 1))
        self.reset(state, Poses(away, upright))
        return self.deepest()

    def inertia(self) -> Array:  # (O, 3, 3) [kg m²] about the centre of mass, object frame
        """The inertias as they are now."""
        turned = matrix_from_quaternion(self.model.body_iquat[self._bodies])
        inertia = np.einsum("oij,oj,okj->oik", turned, self.model.body_inertia[self._bodies], turned)
        return inertia.astype(np.float64)

    def _momentum_of(self, state: State) -> Array:  # (O, 3) [kg m/s]
        arms = np.einsum("oij,oj->oi", matrix_from_quaternion(state.wxyz), self._center)
        speed = np.asarray(state.velocity + np.cross(state.spin, arms), dtype=np.float64)
        return self._mass[:, None] * speed

    def _frictions(self, bodies: NDArray[np.int_]) -> Array:
        return self.model.geom_friction[self.model.body_geomadr[bodies], 0].copy()


def _add_link(spec: mujoco.MjSpec, joint: str, name: str, shape: str, others: Sequence[str]) -> None:
    solid = read_solid(shape)
    halved = {"box": (2, 2, 2), "sphere": (1,), "cylinder": (1, 2)}[solid.kind]  # MuJoCo takes half sides and heights
    lengths = [size / by for size, by in zip(solid.sizes, halved, strict=True)]
    body = spec.worldbody.add_body(name=joint, gravcomp=1)
    body.add_freejoint(name=joint)
    body.explicitinertial = True
    body.mass, body.inertia = LINK_MASS, [LINK_INERTIA] * 3
    geom = body.add_geom(
        spec.find_default("collision"), name=joint, type=SHAPES[solid.kind], size=[*lengths, 0, 0][:3], mass=0
    )
    geom.priority = 2  # its own friction counts
    for other in ("world", *others):
        spec.add_exclude(name=f"{joint}-{other}", bodyname1=joint, bodyname2=other)


def _addresses(joints: Sequence[mujoco.MjModel]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:  # (N, 7), (N, 6)
    qpos = np.array([joint.qposadr[0] for joint in joints], dtype=int)
    qvel = np.array([joint.dofadr[0] for joint in joints], dtype=int)
    return qpos[:, None] + np.arange(7), qvel[:, None] + np.arange(6)


def _speeds(before: Poses, after: Poses, dt: float) -> Array:  # (..., K, 6) [m/s] scene frame, [rad/s] body frame
    spin = rotation_vector(quaternion_multiply(quaternion_conjugate(before.wxyz), after.wxyz)) / dt
    return np.concatenate([(after.position - before.position) / dt, spin], axis=-1)


def _scene(bodies: dict[str, Body], background: Body) -> Scene:
    """Bodies and background as a scene, everything at the origin."""
    objects = tuple(_object(i + 1, name, body) for i, (name, body) in enumerate(bodies.items()))
    return Scene(Gaussians.empty(), background.pieces, objects, (), scale={}, gravity={})


def _object(id: int, name: str, body: Body) -> SceneObject:
    def known(value: float) -> Estimate:
        return Estimate(value, value, value, "measured")

    friction = known(CONTACT.ground_friction if body.friction is None else body.friction)
    volume = known(float(body.surface.volume))
    physical = Physical(known(body.mass), friction, known(0.0), volume, body.center_of_mass, body.inertia)
    visual = body.pieces[0]  # nobody looks
    origin, level = np.zeros(3), np.array([1.0, 0, 0, 0])
    label = Label(body.name, 1.0, "given")
    return SceneObject(id, name, label, origin, level, Gaussians.empty(), visual, body.pieces, physical, rests_on=None)
