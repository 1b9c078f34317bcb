"""The command ``scan2sim``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scan2sim.program import Program, run_program

__all__ = ["main"]

COMMANDS = {
    "doctor": "what works here, what is missing, how to get it",
    "upload": "copy captures into the library",
    "coach": "in seconds: is this capture good enough, what to film again",
    "build": "turn a capture into a scene",
    "list": "what the library holds",
    "status": "how far a build is",
    "view": "a scene in the browser",
    "render": "pictures of a scene from given cameras",
    "scale": "give a finished scene its true size",
    "evaluate": "a scene against the truth",
    "edit": "merge, split, delete or rename objects of a scene",
    "physics": "what objects weigh and are made of",
    "cousins": "one scene becomes many, each possible, each with a known distance",
    "export": "a scene in a simulator's format",
    "check": "open an export or a scene in its simulator and step it",
    "report": "the quality report; exit code 3 when the gate says no",
}

PROGRAM = Program(
    name="scan2sim",
    about="A phone scan becomes a simulation: Gaussian splats, separate physical objects, environments for robots.",
    commands=COMMANDS,
    rooms="scan2sim.commands",
    resumed=("build", "cousins"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_program(PROGRAM, arguments)


if __name__ == "__main__":
    sys.exit(main())
