"""The command ``splatwm``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scan2sim.program import Program, run_program

__all__ = ["main"]

PROGRAM = Program(
    name="splatwm",
    about="A world model of scanned scenes: how every object moves when a robot acts.",
    commands={
        "collect": "simulate trajectories of scenes and procedural shapes",
        "train": "a model from trajectories, in one file",
        "adapt": "a model learns from a recording what one body is like",
        "rollout": "imagine what happens when a robot acts, and show it",
        "gns": "train the graph network that predictions are held against",
        "evaluate": "how far predictions are from what happened",
    },
    rooms="splatwm.commands",
    resumed=("collect", "adapt"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_program(PROGRAM, arguments)


if __name__ == "__main__":
    sys.exit(main())
