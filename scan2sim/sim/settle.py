"""Let a scene come to rest in MuJoCo, and say how far everything moved."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass, field, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion, quaternion_angle, transform_points
from scan2sim.progress import Reporter, silent
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.bulges import without_bulges
from scan2sim.sim.contact import CONTACT, ContactTable
from scan2sim.sim.foot import with_flat_foot, with_steady_foot
from scan2sim.sim.model import compile_scene
from scan2sim.sim.resting import push_apart, rest_on_support
from scan2sim.sim.seat import with_level_seat

__all__ = ["Placed", "SettleResult", "Settled", "deepest_contact", "settle", "settled_scene"]

REPORTS = 20
DRIFT_TOLERANCE = 0.005  # [m] that a pose may be corrected by
STILL = 0.002  # [m] an object that drifts less than this in the simulator stands still …
UPRIGHT = np.radians(2.0)  # … if it turns less than this too
FEET = (0.005, 0.01, 0.02)  # of its height, by which the foot of a thing that rolls is flattened, tried in turn, …
SEATED = 0.04  # … and at last, with a level seat in the object that carries it
FALLS = 0.1  # [m] what moves farther than this rests on nothing, and no foot helps it
CALM = 0.9  # of the speed that is left after each step while a resting pose is looked for, …
CREEP = 1.0  # [s] … for so long: soft friction lets things slip downhill as long as one waits


@dataclass(frozen=True)
class Settled:
    """How one free object came to rest."""

    drift: float  # [m] between the positions of its centre of mass before and after
    turn: float  # [rad]
    speed: float  # [m/s] mean over the last half of the time
    position: NDArray[np.float64]  # (3,) [m] afterwards
    wxyz: NDArray[np.float64]  # (4,) afterwards
    penetration: float = 0.0  # [m] deepest contact of it at the end, ≥ 0


@dataclass(frozen=True)
class Placed:
    """What was done to one free object so that it stands."""

    moved: float  # [m]
    turned: float  # [rad]
    flattened: float  # [m] of its foot


@dataclass(frozen=True)
class SettleResult:
    """What two seconds of gravity did to a scene."""

    seconds: float
    objects: dict[str, Settled]  # the free objects, by name
    penetration: float  # [m] deepest contact at the end, ≥ 0
    unsettled: tuple[str, ...] = ()  # objects that do not stand still
    placed: dict[str, Placed] = field(default_factory=dict)  # what was done before, by name

    @property
    def drift(self) -> float:
        """The largest drift [m]; 0 without free objects."""
        return max((s.drift for s in self.objects.values()), default=0.0)

    @property
    def turn(self) -> float:
        """The largest turn [rad]; 0 without free objects."""
        return max((s.turn for s in self.objects.values()), default=0.0)


def settle(
    scene: Scene,
    seconds: float = 2.0,
    report: Reporter = silent,
    contact: ContactTable = CONTACT,
    calm: float = 1.0,
) -> SettleResult:
    """Step the scene as it stands, without any force but gravity, and measure each free object's drift.

    With ``calm`` < 1, speeds are multiplied by it after each step: things then creep to the nearest resting pose
    instead of swinging or rolling beyond it.

    Raises:
        SceneError: the scene is not consistent.
    """
    model = compile_scene(scene, contact)
    data = mujoco.MjData(model)
    free = {obj.name: obj for obj in scene.objects if obj.mobility == "free"}
    steps = max(1, round(seconds / model.opt.timestep))
    speeds = dict.fromkeys(free, 0.0)
    for step in range(steps):
        mujoco.mj_step(model, data)
        data.qvel *= calm
        if 2 * step >= steps:
            for name in free:
                speeds[name] += float(np.linalg.norm(data.joint(name).qvel[:3])) / (steps - steps // 2)
        if (step + 1) % max(1, steps // REPORTS) == 0:
            report("settling", step + 1, steps)
    mujoco.mj_forward(model, data)
    settled, depths = {}, _depths(model, data)
    for name, obj in free.items():
        position, wxyz = data.joint(name).qpos[:3].copy(), data.joint(name).qpos[3:].copy()
        before = obj.world_from_object @ np.append(obj.physical.center_of_mass, 1)
        drift = float(np.linalg.norm(data.body(name).xipos - before[:3]))
        depth = depths.get(model.body(name).id, 0.0)
        settled[name] = Settled(drift, _turn(obj, wxyz), speeds[name], position, wxyz, depth)
    return SettleResult(seconds, settled, deepest_contact(data))


def settled_scene(
    scene: Scene,
    seconds: float = 2.0,
    tolerance: float = DRIFT_TOLERANCE,  # [m]
    report: Reporter = silent,
) -> tuple[Scene, SettleResult]:
    """The scene with its free objects at rest, and how still they stand then.

    Pieces that bulge into a neighbour are cut (:func:`without_bulges`).  Objects are pushed out of each other and put
    onto what they rest on.  Then each one creeps to the resting pose nearest to where it was seen.  What moves more
    than 2 mm or 2° on the way, as round things do, gets a flatter foot (of 0.5, 1 or 2 % of its height), along the
    ground beneath it, and starts again.  What another object carries gets a level one of 4 % in the end, where it was
    seen, and a level seat for it (:func:`with_level_seat`): it stood still in all photos, and nobody saw on what.
    An object that ends within ``tolerance`` of where it was put takes that pose, the others keep the one they were put
    into.  At last all are let go for ``seconds``, and what moves then gets
    a larger foot, too: that is what the result tells, and what does not stand still is named in ``result.unsettled``.

    Raises:
        SceneError: the scene is not consistent.
    """
    seen = without_bulges(scene)
    start = rest_on_support(push_apart(seen))
    placed, flattened = start, {obj.name: 0.0 for obj in start.objects if obj.mobility == "free"}
    main = scene.supports[0].wxyz if scene.supports else (1.0, 0.0, 0.0, 0.0)
    up = matrix_from_quaternion(main)[:, 2]
    seated: set[str] = set()
    larger = iter((*FEET, SEATED))
    while True:
        result, share = settle(placed, CREEP, report, calm=CALM), next(larger, None)
        helpless = {name for name, after in result.objects.items() if after.drift >= FALLS}
        helpless |= {name for name in flattened if share == SEATED and not _carriers(scene, name)}
        restless = set(_restless(result)) - helpless
        if not restless or share is None:
            resting = _laid(placed, result, tolerance)
            final = settle(resting, seconds, report)
            restless = set(_restless(final)) - helpless
            if not restless or share is None:
                break
        flattened |= {obj.name: share * _height(obj, up) for obj in start.objects if obj.name in restless}
        seated |= restless if share == SEATED else set()
        posed = [old if old.name in seated else new for old, new in zip(seen.objects, start.objects, strict=True)]
        placed = _footed(replace(start, objects=tuple(posed)), flattened, seated, up)
        placed = rest_on_support(push_apart(without_bulges(placed)) if seated else placed)
    placed_by = {
        after.name: Placed(
            float(np.linalg.norm(after.position - before.position)), _turn(before, after.wxyz), flattened[after.name]
        )
        for before, after in zip(scene.objects, resting.objects, strict=True)
        if after.name in flattened
    }
    objects = [replace(o, figures=o.figures | _figures(o.name, final, placed_by)) for o in resting.objects]
    resting = replace(resting, objects=tuple(objects))
    return resting, replace(final, unsettled=tuple(_restless(final)), placed=placed_by)


def deepest_contact(data: mujoco.MjData) -> float:
    """How deep the deepest contact is [m], ≥ 0."""
    return max(0.0, -min((float(d) for d in data.contact.dist), default=0.0))


def _footed(scene: Scene, depths: dict[str, float], seated: set[str], up: NDArray[np.float64]) -> Scene:
    """The scene with a flat foot of some depth [m] for each object that has one, and a level seat for some."""
    objects = {obj.name: obj for obj in scene.objects}
    for name, depth in depths.items():
        if name in seated:
            objects[name] = with_flat_foot(objects[name], depth, up)
            for carrier in _carriers(scene, name):
                objects[carrier] = with_level_seat(objects[carrier], objects[name], up)
        elif depth:
            below = [*scene.background_collision]
            for carrier in (objects[other] for other in _carriers(scene, name)):
                below += [piece.copy().apply_transform(carrier.world_from_object) for piece in carrier.collision]
            objects[name] = with_steady_foot(objects[name], depth, up, below)
    return replace(scene, objects=tuple(objects.values()))


def _carriers(scene: Scene, name: str) -> list[str]:
    """The objects on which an object rests."""
    on = {obj.rests_on.id for obj in scene.objects if obj.name == name and obj.rests_on}
    return [obj.name for obj in scene.objects if obj.id in on]


def _height(obj: SceneObject, up: NDArray[np.float64]) -> float:
    """How far its collision pieces reach along ``up`` (3,) [m]."""
    corners = [transform_points(obj.world_from_object, piece.vertices) @ up for piece in obj.collision]
    return float(np.ptp(np.concatenate(corners)))


def _restless(result: SettleResult) -> list[str]:
    return [name for name, after in result.objects.items() if after.drift > STILL or after.turn > UPRIGHT]


def _figures(name: str, result: SettleResult, placed: dict[str, Placed]) -> dict[str, float]:
    """What the scene says of an object; nothing of those that cannot move."""
    if name not in placed:
        return {}
    before, after = placed[name], result.objects[name]
    return {
        "moved_mm": 1000 * before.moved,
        "turned_deg": float(np.degrees(before.turned)),
        "foot_flattened_mm": 1000 * before.flattened,
        "drift_mm": 1000 * after.drift,
        "turn_deg": float(np.degrees(after.turn)),
        "penetration_mm": 1000 * after.penetration,
    }


def _laid(scene: Scene, result: SettleResult, tolerance: float) -> Scene:
    """The scene with its objects as they came to rest."""
    return replace(
        scene, objects=tuple(_at_rest(obj, result.objects.get(obj.name), tolerance) for obj in scene.objects)
    )


def _at_rest(obj: SceneObject, after: Settled | None, tolerance: float) -> SceneObject:
    if after is None or after.drift > tolerance:
        return obj
    return replace(obj, position=after.position, wxyz=after.wxyz)


def _turn(obj: SceneObject, wxyz: NDArray[np.float64]) -> float:
    return float(quaternion_angle(wxyz, np.asarray(obj.wxyz) / np.linalg.norm(obj.wxyz)))


def _depths(model: mujoco.MjModel, data: mujoco.MjData) -> dict[int, float]:
    """The deepest contact of each body [m]."""
    depths: dict[int, float] = {}
    for pair, distance in zip(model.geom_bodyid[data.contact.geom], data.contact.dist, strict=True):
        for body in pair:
            depths[int(body)] = max(depths.get(int(body), 0.0), -float(distance))
    return depths
