"""``scan2sim cousins``: one scene becomes many, each possible, each with a known distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import tyro

from scan2sim.commands.command import Command, LibraryOption, OutputFolder, Reply, SceneArgument
from scan2sim.cousins import PARTS, CousinsConfig
from scan2sim.cousins.assets import PACKAGES, AssetConfig, package_objects
from scan2sim.cousins.many import CousinsPlan, MadeCousins, make_cousins
from scan2sim.errors import UsageError
from scan2sim.library import Library
from scan2sim.progress import Reporter

__all__ = ["Cousins"]

FAILED = 2
SHOWN = 5  # of what failed, and of the kinds of rejections


@dataclass(frozen=True, kw_only=True)
class Cousins(Command):
    """Make many scenes like one, each an ordinary scene folder; a repeated call goes on where the last one stopped."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library."""
    count: Annotated[int, tyro.conf.arg(name="n", aliases=["-n"], metavar="N")]
    """How many; more than before adds to those that are there."""
    output: OutputFolder
    """Gets a scene folder each, 0000/ and so on, cousins.json, sheet.png, distances.png and cousins.log."""
    distance: str = "0.5"
    """How far they are from the scene, 0 to 1; a range as in 0.1..0.8 lets each draw its own."""
    seed: int = 0
    """Cousin k of a seed is always the same one."""
    workers: int | None = None
    """Worker processes; if left out, one a core."""
    ray: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS|local")] = None
    """Make them on this Ray cluster, whose nodes see the same folders; “local” starts one on this machine."""
    assets: Annotated[Path | None, tyro.conf.arg(metavar="DIR|robosuite")] = None
    """A folder of meshes, splats and scanned scenes: things that may stand in for the scene's, or clutter it; or a
    package that brings some; if left out, a small set that comes with scan2sim."""
    asset: AssetConfig = field(default_factory=AssetConfig)
    """What is taken of that folder, and how: its unit, which axis is up, limits."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""
    config: Annotated[CousinsConfig, tyro.conf.arg(name="")] = field(default_factory=CousinsConfig)
    """What varies, and by how much."""

    @classmethod
    def parse(cls, arguments: Sequence[str], program: str) -> Self:
        """Let ``--vary shape,layout`` mean ``--vary shape layout``."""
        return super().parse(_spread(arguments), program)

    def run(self, report: Reporter) -> Reply:
        """Make those that are not there."""
        folder = Library(self.library).scene_of(self.scene)
        assets = self.assets
        if assets is not None and not assets.exists() and str(assets) in PACKAGES:
            assets = package_objects(str(assets))
        plan = CousinsPlan(folder.resolve(), _read_range(self.distance), self.seed, self.config, assets, self.asset)
        made = make_cousins(plan, self.count, self.output, workers=self.workers, ray=self.ray, report=report)
        return Reply(_data(made), _text(made, self.count), FAILED if made.failed else 0)


def _spread(arguments: Sequence[str]) -> list[str]:
    """Parts named with commas between them become words, at the end, where they cannot take others along."""
    rest, parts = [], []
    for word in arguments:
        rest += ["--vary", word.removeprefix("--vary=")] if word.startswith("--vary=") else [word]
    named = "--vary" in rest
    while "--vary" in rest:
        at = rest.index("--vary")
        end = min(at + 2, len(rest))
        while end < len(rest) and rest[end] in PARTS:
            end += 1
        parts += [part for word in rest[at + 1 : end] for part in word.split(",")]
        del rest[at:end]
    return [*rest, "--vary", *parts] if named else rest


def _read_range(text: str) -> tuple[float, float]:
    low, dots, high = text.partition("..")
    try:
        numbers = float(low), float(high if dots else low)
    except ValueError:
        numbers = (math.nan, math.nan)
    if not all(map(math.isfinite, numbers)):
        raise UsageError(f"--distance {text}: expected a number from 0 to 1", todo="give 0.4, or a range as 0.1..0.8")
    return numbers


def _data(made: MadeCousins) -> dict[str, Any]:
    rejected = [reason for each in (*made.entries, *made.failed.values()) for reason in each.rejected]
    return {
        "folder": str(made.folder),
        "cousins": [asdict(entry) for entry in made.entries],
        "made": len(made.entries),
        "new": made.new,
        "failed": {str(index): failure.reason for index, failure in sorted(made.failed.items())},
        "share_rejected": len(rejected) / max(1, len(rejected) + len(made.entries)),
        "rejected": _counted(rejected),
        "assets_refused": [{"path": str(each.path), "reason": each.reason} for each in made.refused],
    }


def _counted(reasons: Sequence[str]) -> dict[str, int]:
    """How often samples were rejected for each kind of reason, the word before its colon."""
    kinds = [reason.partition(":")[0] for reason in reasons]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds), key=lambda kind: (-kinds.count(kind), kind))}


def _text(made: MadeCousins, wanted: int) -> str:
    data, lines = _data(made), []
    distances = [entry.distance for entry in made.entries]
    before = len(made.entries) - made.new
    lines.append(
        f"{made.folder}: {len(distances)} cousins" + (f", {before} of them were there already" if before else "")
    )
    if distances:
        mean = sum(distances) / len(distances)
        lines.append(f"distance {mean:.2f} in the mean, {min(distances):.2f} to {max(distances):.2f}")
    if data["rejected"]:
        kinds = ", ".join(f"{kind} {count}" for kind, count in list(data["rejected"].items())[:SHOWN])
        lines.append(f"{100 * data['share_rejected']:.0f} % of the samples were rejected: {kinds}")
    lines += [f"{int(index):04d} failed: {reason}" for index, reason in list(data["failed"].items())[:SHOWN]]
    if made.refused:
        some = "; ".join(f"{each.path.name}: {each.reason}" for each in made.refused[:SHOWN])
        more = f" and {len(made.refused) - SHOWN} more" if len(made.refused) > SHOWN else ""
        lines.append(f"{len(made.refused)} of the assets cannot be used: {some}{more}")
    if made.failed:
        lines.append(f"{len(made.entries)} of {wanted} cousins are there; cousins.log in the folder says all")
    return "\n".join(lines)
