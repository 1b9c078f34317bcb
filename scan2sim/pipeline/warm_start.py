"""``--warm-start BUILD``: what an earlier build hands to the training of this one."""

from __future__ import annotations

from pathlib import Path

from scan2sim.capture import load_capture
from scan2sim.errors import Scan2SimError, UsageError
from scan2sim.fit import align_start, load_fit
from scan2sim.pipeline.keys import digest_file
from scan2sim.poses import PosedCapture, load_posed
from scan2sim.splats import Gaussians

__all__ = ["load_start", "start_digests"]

TODO = "name the folder of a finished build, or build without --warm-start"
READ = ("capture/capture.json", "poses/posed.json", "poses/cameras.json", "splats/splats.ply")


def start_digests(earlier: Path, build: Path, folders: dict[str, str]) -> dict[str, str]:
    """Content hashes of what :func:`load_start` reads, for the cache key of the training.

    Args:
        earlier: the earlier build.
        build: this one.
        folders: each stage's folder by its name.

    Raises:
        UsageError: ``earlier`` is this build, or no finished one.
    """
    if earlier.resolve() == build.resolve():
        raise UsageError("--warm-start names the build itself", path=earlier, todo=TODO)
    digests = {}
    for name in READ:
        stage, _, file = name.partition("/")
        path = earlier / folders[stage] / file
        if not path.is_file():
            raise UsageError(f"--warm-start: no build with trained splats ({path} is missing)", path=earlier, todo=TODO)
        digests[f"warm-start/{folders[stage]}/{file}"] = digest_file(path)
    return digests


def load_start(earlier: Path, build: Path, folders: dict[str, str], posed: PosedCapture) -> Gaussians:
    """The earlier build's Gaussians in the frame of ``posed``, by the photos that both builds have.

    A photo is the same if it has the same name and the same content in both captures.

    Raises:
        Scan2SimError: the earlier build is not complete, or has too few photos in common with this one.
    """
    ours, theirs = (
        {frame.name: frame.image for frame in load_capture(root / folders["capture"]).frames}
        for root in (build, earlier)
    )
    try:
        shared = [name for name in ours.keys() & theirs.keys() if digest_file(ours[name]) == digest_file(theirs[name])]
        gaussians = load_fit(earlier / folders["splats"]).gaussians
        return align_start(gaussians, load_posed(earlier / folders["poses"]), posed, shared)
    except Scan2SimError as problem:
        raise type(problem)(f"--warm-start {earlier}: {problem.problem}", todo=problem.todo or TODO) from problem
