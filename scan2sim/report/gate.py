"""The gate: figures become green, amber or red, each with its reason and what to do about it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from scan2sim.report.record import BuildRecord, read_build
from scan2sim.scene import Scene, SceneObject

__all__ = ["Check", "Color", "GateConfig", "Verdict", "gate", "judge"]

Color = Literal["green", "amber", "red", "unknown"]


@dataclass(frozen=True)
class GateConfig:
    """Where green ends; a check is red beyond its red limit, amber beyond its amber limit."""

    registered_amber: float = 0.8
    """Share of the photos with a pose: below it, a side of the scene is probably missing."""
    registered_red: float = 0.5
    """With fewer than half of the photos the reconstruction may be of something else."""
    reprojection_amber: float = 1.2
    """Mean reprojection error [px]: phones with a simple lens model reach 0.5 to 1."""
    reprojection_red: float = 2.5
    """Cameras this far off blur the splats and bend the geometry."""
    psnr_amber: float = 22.0
    """Held-out PSNR [dB]: below it, a viewer sees that surfaces are smeared."""
    psnr_red: float = 18.0
    """Below it, the rendering shows hardly more than the average colours."""
    ssim_amber: float = 0.7
    """Held-out SSIM: below it, texture is lost that a policy may look at."""
    ssim_red: float = 0.4
    """Below it, the rendering has hardly any structure of the photo."""
    drift_amber: float = 2.0
    """How far an object moves by itself in the finished scene [mm]: things that rest do not."""
    drift_red: float = 20.0
    """An object that slides or falls this far does not stand where the photos show it."""
    turn_amber: float = 2.0
    """How far an object turns by itself in the finished scene [degrees]."""
    turn_red: float = 30.0
    """An object that turns this far tips over or rolls away."""
    moved_amber: float = 5.0
    """How far an object was moved so that it rests [mm]: its splats now lie that far from where they were seen."""
    moved_red: float = 30.0
    """Moved this far, it was not seen where it stands now."""
    penetration_amber: float = 1.0
    """How deep things at rest sink into each other [mm]."""
    penetration_red: float = 5.0
    """A simulator throws things apart that overlap this much."""
    collision_amber: float = 2.5
    """Mean distance of the collision pieces from the object's surface [mm]: a gripper feels more than that."""
    collision_red: float = 10.0
    """Pieces this far off collide with something else than what is seen."""
    scale_amber: float = 0.1
    """Relative sigma of the scale; masses go with its cube, so 10 % is already 33 % of mass."""
    scale_contradiction: float = 3.0
    """Combined sigmas beyond which two sources of scale contradict each other."""
    tilt_said: float = 1.0
    """Tilt of the support against gravity [degrees] that is worth a word; tables are rarely level to a degree."""
    gravity_amber: float = 3.0
    """Sigma of the down direction [degrees]; tilted by 3 degrees, balls start to roll."""
    gravity_red: float = 15.0
    """At tan 15° = 0.27 many objects begin to slide off a level support."""
    unseen_amber: float = 0.5
    """Share of an object's surface that no photo saw; more than half is imagination."""
    splats_amber: int = 20
    """Splats of one object; with fewer it is a body that nobody can see, often a piece of something else."""
    hulls_amber: int = 64
    """Convex pieces of one object; contact detection slows down with them."""
    mass_ratio_amber: float = 10.0
    """Upper over lower end of a mass; over an order of magnitude a policy cannot rely on it."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    value: float | str | None  # None = not measured
    unit: str
    color: Color
    reason: str
    todo: str = ""
    objects: dict[str, float] = field(default_factory=dict)  # the figure of each object, where each has one


@dataclass(frozen=True)
class Verdict:
    """The checks and what follows from them."""

    color: Color  # the worst of the checks; something that was not measured counts as amber
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether the gate says yes: nothing is red."""
        return self.color != "red"

    @property
    def reasons(self) -> tuple[Check, ...]:
        """The checks that are not green, worst first."""
        order = ("red", "amber", "unknown")
        return tuple(sorted((c for c in self.checks if c.color in order), key=lambda c: order.index(c.color)))

    @property
    def headline(self) -> str:
        """The verdict in a few words."""
        counts = {color: sum(check.color == color for check in self.checks) for color in ("red", "amber", "unknown")}
        if counts["red"]:
            return "Do not use as it is" if counts["red"] == 1 else f"Do not use: {counts['red']} checks failed"
        if counts["amber"]:
            return (
                "Usable, with one reservation"
                if counts["amber"] == 1
                else f"Usable, with {counts['amber']} reservations"
            )
        return "Usable, but not everything was measured" if counts["unknown"] else "Ready to simulate"

    def as_dict(self) -> dict[str, Any]:
        """The verdict for JSON."""
        return {
            "color": self.color,
            "passed": self.passed,
            "headline": self.headline,
            "checks": [asdict(check) for check in self.checks],
        }


def gate(build_or_scene: Path, config: GateConfig | None = None) -> Verdict:
    """Judge a build folder or a scene folder.

    Raises:
        SceneError: the folder is neither, or its scene is damaged.
    """
    return judge(read_build(build_or_scene), config or GateConfig())


def judge(record: BuildRecord, config: GateConfig) -> Verdict:
    """Judge a build that has been read already."""
    checks = [_NO_PHOTOS] if record.figures.get("source") == "splats" else _capture_checks(record, config)
    if record.scene is None:
        checks.append(
            Check("scene", "missing", "", "red", record.scene_problem, "run `scan2sim build` again: it resumes")
        )
    else:
        checks += _frame_checks(record.scene, shlex.quote(str(record.scene_folder)), config)
        checks += _object_checks(record, record.scene, config)
        checks += _corrections(record, record.scene)
    colors = {check.color for check in checks}
    color: Color = "red" if "red" in colors else "amber" if colors & {"amber", "unknown"} else "green"
    return Verdict(color, tuple(checks))


_NO_PHOTOS = Check(
    "held-out PSNR",
    None,
    "dB",
    "amber",
    "not measured: no photos, these splats came finished",
    "compare the scene with the real thing, or build from the photos that the splats were trained on",
)


def _capture_checks(record: BuildRecord, config: GateConfig) -> list[Check]:
    registered, frames = record.number("registered"), record.number("frames")
    share = registered / frames if registered is not None and frames else None
    psnr = record.number("held_out_psnr")
    views = record.number("held_out_views") or len(record.held_out)
    return [
        _below(
            "photos with a pose",
            share,
            "",
            (config.registered_amber, config.registered_red),
            lambda v: f"{registered:.0f} of {frames:.0f} photos were registered ({v:.0%})",
            "film again with more overlap between neighbouring photos and less blur",
        ),
        _above(
            "reprojection error",
            record.number("reprojection_px"),
            "px",
            (config.reprojection_amber, config.reprojection_red),
            lambda v: f"sparse points reproject {v:.2f} px from where the photos show them",
            "keep zoom and focus fixed while filming, and hold still for each photo",
        ),
        _below(
            "held-out PSNR",
            psnr,
            "dB",
            (config.psnr_amber, config.psnr_red),
            lambda v: (
                f"photos kept out of training are reproduced at {v:.1f} dB" + (f", {views:.0f} views" if views else "")
            ),
            "build with `--quality standard` or `high`, or add photos from the views that look worst",
        ),
        _below(
            "held-out SSIM",
            record.number("held_out_ssim"),
            "",
            (config.ssim_amber, config.ssim_red),
            lambda v: f"structure of the photos kept out of training is reproduced at an SSIM of {v:.2f}",
            "film again with less blur, or build with `--quality high`",
        ),
    ]


def _frame_checks(scene: Scene, folder: str, config: GateConfig) -> list[Check]:
    source, sigma = str(scene.scale.get("source", "unknown")), scene.scale.get("relative_sigma")
    measure = (
        f"measure one length in it, then run `scan2sim scale {folder} --length METRES --between X1,Y1,Z1 X2,Y2,Z2`"
    )
    if source == "guess" or sigma is None:
        spread = (
            ""
            if sigma is None
            else f"; lengths may be off by {sigma:.0%}, masses by a factor of {(1 + sigma) ** 3:.1f}"
        )
        scale = Check("scale", source, "", "amber", f"the scale is a guess{spread}", measure)
    else:
        against = _contradictions(scene.scale, config)
        color: Color = "amber" if sigma > config.scale_amber or against else "green"
        reason = "; ".join([f"from {source}, ± {sigma:.1%}", *against])
        todo = "check the sizes that were stated, or m" + measure[1:] if against else measure
        scale = Check("scale", sigma, "", color, reason, todo if color == "amber" else "")
    tilt = scene.gravity.get("support_tilt_deg") or 0.0
    tilted = f"; the support is tilted by {tilt:.1f}°" if tilt > config.tilt_said else ""
    gravity = _above(
        "gravity",
        scene.gravity.get("sigma_deg"),
        "°",
        (config.gravity_amber, config.gravity_red),
        lambda v: f"down is known to ± {v:.1f}° (from {scene.gravity.get('source', 'unknown')}){tilted}",
        "show more of the table or floor, or film with an app that records gravity",
    )
    return [scale, gravity]


def _contradictions(scale: dict[str, Any], config: GateConfig) -> list[str]:
    """Evidence that does not agree with the scale that was taken, in words."""
    said = []
    for each in scale.get("evidence", []):
        try:
            factor, sigma = float(each["factor"]), float(each["relative_sigma"])
            apart = abs(math.log(factor)) / max(math.hypot(sigma, float(scale["relative_sigma"])), 1e-6)
        except (KeyError, TypeError, ValueError):
            continue  # written by something else: nothing to compare
        if not each.get("used") and apart > config.scale_contradiction:
            said.append(f"contradicted by {each.get('source')}, which makes everything {factor:.3g} times as large")
    return said


def _object_checks(record: BuildRecord, scene: Scene, config: GateConfig) -> list[Check]:
    objects = scene.objects
    if not objects:
        advice = "film so that each thing stands apart from the others on a flat support"
        return [Check("objects", 0.0, "", "amber", "no separate object was found", advice)]
    ratio = {o.name: o.physical.mass.high / max(o.physical.mass.low, 1e-9) for o in objects}
    unseen = {o.name: o.unseen_fraction for o in objects}
    widest, least_seen = max(ratio, key=lambda n: ratio[n]), max(unseen, key=lambda n: unseen[n])
    many = [n for n, share in unseen.items() if share > config.unseen_amber]
    return [
        _found(record, objects),
        _splats(objects, config),
        _closed(objects),
        _pieces(objects, config),
        _piece_distance(objects, config),
        *_settling_checks(record, objects, config),
        _above(
            "unseen surface",
            unseen[least_seen],
            "",
            (config.unseen_amber, None),
            lambda v: (
                f"{v:.0%} of {least_seen} was never seen"
                + (f"; {_count(len(many), 'object')} over {config.unseen_amber:.0%}" if len(many) > 1 else "")
            ),
            "film from more sides, low and high",
            unseen,
        ),
        _above(
            "mass interval",
            ratio[widest],
            "×",
            (config.mass_ratio_amber, None),
            lambda v: f"the mass of {widest} is known to a factor of {v:.1f}",
            "measure the scale first, as masses go with its cube; weigh the object if that is not enough",
            ratio,
        ),
    ]


def _found(record: BuildRecord, objects: tuple[SceneObject, ...]) -> Check:
    """How many objects there are, and what the objects stage doubts about them."""
    doubts = [warning for stage in record.stages if stage.name == "objects" for warning in stage.warnings]
    if not doubts:
        return Check("objects", float(len(objects)), "", "green", f"{_count(len(objects), 'separate object')}")
    reason = f"{_count(len(objects), 'separate object')}, with doubts: {'; '.join(doubts)}"
    todo = "look at them with `scan2sim view`, and correct them with `scan2sim edit`"
    return Check("objects", float(len(objects)), "", "amber", reason, todo)


def _corrections(record: BuildRecord, scene: Scene) -> list[Check]:
    """Whether what a person corrected survived the last rebuild, where anything was corrected."""
    if not scene.corrections:
        return []
    said, lost = _count(len(scene.corrections), "correction"), record.figures.get("corrections_lost")
    if not isinstance(lost, list) or not lost:
        return [Check("corrections", 0.0, "lost", "green", f"{said} by a person")]
    reason = f"{len(lost)} of {said} could not be done again: {'; '.join(map(str, lost))}"
    todo = "correct the scene again; remove what is no longer meant from corrections.json of the build"
    return [Check("corrections", float(len(lost)), "lost", "amber", reason, todo)]


def _piece_distance(objects: tuple[SceneObject, ...], config: GateConfig) -> Check:
    distances = _figures(objects, "collision_mm")
    farthest = max(distances, key=lambda n: distances[n], default="")
    return _above(
        "collision distance",
        distances.get(farthest),
        "mm",
        (config.collision_amber, config.collision_red),
        lambda v: f"collision pieces lie up to {v:.1f} mm from the surface on average ({farthest})",
        "rebuild from the objects stage with more or finer pieces",
        distances,
    )


def _settling_checks(record: BuildRecord, objects: tuple[SceneObject, ...], config: GateConfig) -> list[Check]:
    look = "look at the collision pieces with `scan2sim view`: pieces that overlap push each other away"
    return [
        _above(
            "settling drift",
            record.number("settle_drift_mm"),
            "mm",
            (config.drift_amber, config.drift_red),
            lambda v: f"left alone in the simulator, the objects move up to {v:.1f} mm",
            look,
            _figures(objects, "drift_mm"),
        ),
        _above(
            "settling turn",
            record.number("settle_turn_deg"),
            "°",
            (config.turn_amber, config.turn_red),
            lambda v: f"left alone in the simulator, the objects turn up to {v:.1f}°",
            look,
            _figures(objects, "turn_deg"),
        ),
        _above(
            "penetration",
            record.number("settle_penetration_mm"),
            "mm",
            (config.penetration_amber, config.penetration_red),
            lambda v: f"at rest, things sink up to {v:.2f} mm into each other",
            look,
            _figures(objects, "penetration_mm"),
        ),
        _above(
            "moved to rest",
            record.number("settle_moved_mm"),
            "mm",
            (config.moved_amber, config.moved_red),
            lambda v: f"objects were moved up to {v:.1f} mm so that they rest",
            "film the places where things touch, or correct them with `scan2sim edit`",
            _figures(objects, "moved_mm"),
        ),
    ]


def _figures(objects: tuple[SceneObject, ...], name: str) -> dict[str, float]:
    return {o.name: o.figures[name] for o in objects if name in o.figures}


def _splats(objects: tuple[SceneObject, ...], config: GateConfig) -> Check:
    fewest = float(min(len(o.gaussians) for o in objects))
    bare = [o.name for o in objects if len(o.gaussians) < config.splats_amber]
    if not bare:
        return Check("visible objects", fewest, "", "green", f"every object has at least {fewest:.0f} splats")
    reason = f"hardly any splats: {', '.join(bare)}; these bodies are felt but not seen"
    return Check("visible objects", fewest, "", "amber", reason, "delete them, or merge them with what they belong to")


def _closed(objects: tuple[SceneObject, ...]) -> Check:
    opened = [o.name for o in objects if not o.visual.is_watertight]
    if not opened:
        return Check("closed meshes", float(len(objects)), "", "green", "every object's mesh is closed")
    reason = f"open: {', '.join(opened)}; an open mesh has no volume, so its mass means nothing"
    return Check(
        "closed meshes", float(len(objects) - len(opened)), "", "red", reason, "rebuild from the objects stage"
    )


def _pieces(objects: tuple[SceneObject, ...], config: GateConfig) -> Check:
    counts = {o.name: len(o.collision) for o in objects}
    most = max(counts, key=lambda n: counts[n])
    reason = f"{_count(sum(counts.values()), 'convex piece')}, at most {counts[most]} ({most})"
    if bare := [n for n, count in counts.items() if not count]:
        return Check("collision", 0.0, "", "red", f"no collision: {', '.join(bare)}", "rebuild from the objects stage")
    color: Color = "amber" if counts[most] > config.hulls_amber else "green"
    todo = "allow a coarser decomposition in the objects stage" if color == "amber" else ""
    return Check("collision", float(counts[most]), "", color, reason, todo, {n: float(c) for n, c in counts.items()})


def _below(
    name: str,
    value: float | None,
    unit: str,
    limits: tuple[float, float | None],  # amber, red
    reason: Callable[[float], str],
    todo: str,
) -> Check:
    """A check of a figure that should be high."""
    if value is None:
        return Check(name, None, unit, "unknown", "not measured")
    amber, red = limits
    color: Color = "red" if red is not None and value < red else "amber" if value < amber else "green"
    return Check(name, value, unit, color, reason(value), "" if color == "green" else todo)


def _above(
    name: str,
    value: float | None,
    unit: str,
    limits: tuple[float, float | None],
    reason: Callable[[float], str],
    todo: str,
    objects: dict[str, float] | None = None,
) -> Check:
    """A check of a figure that should be low."""
    each = objects or {}
    if value is None:
        return Check(name, None, unit, "unknown", "not measured", objects=each)
    flipped = _below(
        name, -value, unit, (-limits[0], None if limits[1] is None else -limits[1]), lambda v: reason(-v), todo
    )
    return Check(name, value, unit, flipped.color, flipped.reason, flipped.todo, each)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
