"""What every command is: flags with types, something to do, and a reply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import tyro
from rich.console import RenderableType

from scan2sim.errors import UsageError
from scan2sim.progress import Reporter

__all__ = ["BuildArgument", "Command", "LibraryOption", "OutputFolder", "Reply", "SceneArgument", "read_point"]

SceneArgument = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SCENE")]
BuildArgument = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME|DIR")]
OutputFolder = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
LibraryOption = Annotated[Path | None, tyro.conf.arg(metavar="DIR")]


@dataclass(frozen=True)
class Reply:
    """What a command has to say: to a program, and to a person."""

    data: dict[str, Any]  # printed as one JSON object with --json
    text: RenderableType = ""  # printed without
    exit_code: int = 0
    then: Callable[[], None] | None = None  # what goes on after that, until Ctrl-C ends it


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """A command with its flags."""

    json: bool = False
    """Print one JSON object and nothing else on stdout."""

    @classmethod
    def parse(cls, arguments: Sequence[str], program: str) -> Self:
        """Read the flags; wrong ones end the program with exit code 2 and a message."""
        return tyro.cli(cls, prog=program, args=list(arguments), config=(tyro.conf.FlagCreatePairsOff,))

    @abstractmethod
    def run(self, report: Reporter) -> Reply:
        """Do it.

        Raises:
            Scan2SimError: the input cannot be used; shown to the person as it is.
        """


def read_point(text: str) -> list[float]:
    """``X,Y,Z`` as three numbers.

    Raises:
        UsageError: it is something else.
    """
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"“{text}” is no point", todo="give it as X,Y,Z in metres, as in 0.1,-0.25,0") from None
    return [x, y, z]
