"""Figures of a capture become a verdict, with what to film again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scan2sim.coach.figures import Figures

__all__ = ["Advice", "Color", "judge_figures"]

Color = Literal["green", "amber", "red"]

FEW, TOO_FEW = 16, 8  # frames
LINKED, TORN = 0.85, 0.5  # share of frames that hang together
SCENE = 4  # frames that hang together, but not with the others, may show another scene
WIDE, HALF = 75.0, 150.0  # widest gap in the ring [degrees]
BLURRED = 0.2  # share of frames; cameras are found for smeared photos too, only the scene is as smeared
STOPS = 0.5  # spread of exposure
GLOOMY = 0.1  # median exposure
STILL, SHAKY = 3.0, 55.0  # median parallax of linked frames [degrees]
LOW, HIGH = 25.0, 45.0  # the ring should reach down to, and up to [degrees]
SIDES = ("front", "front right", "right", "back right", "back", "back left", "left", "front left")


@dataclass(frozen=True)
class Advice:
    """One thing that was looked at."""

    name: str
    color: Color
    reason: str
    todo: str = ""


def judge_figures(figures: Figures) -> tuple[Advice, ...]:
    """What is good, what is doubtful (amber), and what will make a build fail (red)."""
    return tuple(each for part in (_amount, _light, _overlap, _coverage) for each in part(figures))


def _amount(f: Figures) -> Iterator[Advice]:
    color: Color = "red" if f.distinct < TOO_FEW else "amber" if f.distinct < FEW else "green"
    todo = "take 20 to 60 photos, or a video of 30 s or more, slowly all around" if color != "green" else ""
    same = f" ({f.frames - f.distinct} more are nearly the same picture)" if f.frames > f.distinct else ""
    yield Advice("views", color, f"{f.distinct} different views{same}", todo)
    color = "amber" if f.blurred > BLURRED else "green"
    todo = "move slower, hold the phone with both hands, or make more light" if color != "green" else ""
    yield Advice("sharpness", color, f"{f.blurred:.0%} of the views are blurred", todo)


def _light(f: Figures) -> Iterator[Advice]:
    if f.exposure < GLOOMY:
        yield Advice("light", "red", f"very dark: mean brightness {f.exposure:.0%}", "switch on more lights")
    elif f.exposure_spread > STOPS:
        todo = "hold a finger on the subject until the phone says that exposure is locked, then film"
        yield Advice("light", "amber", f"exposure varies by {f.exposure_spread:.1f} stops between views", todo)
    else:
        yield Advice("light", "green", f"exposure varies by {f.exposure_spread:.1f} stops between views")


def _overlap(f: Figures) -> Iterator[Advice]:
    color: Color = "red" if f.linked < TORN else "amber" if f.linked < LINKED else "green"
    reason = f"{f.linked:.0%} of the views overlap enough to be placed"
    lost = f": not {', '.join(f.alone[:4])}{' …' if len(f.alone) > 4 else ''}" if f.alone else ""
    todo = "take views between these, so that neighbours share two thirds of the picture, with some texture in view"
    if color != "green" and f.second >= SCENE:
        lost += f"; {f.second} of these hang together without the others: another scene, or a side without a way to it"
        todo = f"give one scene at a time; if it is one, {todo}"
    yield Advice("overlap", color, reason + lost, todo if color != "green" else "")
    if f.links and not STILL <= f.parallax <= SHAKY:
        still = f.parallax < STILL
        todo = "walk around the subject instead of turning on the spot" if still else "take smaller steps between views"
        reason = (
            f"neighbouring views differ by {f.parallax:.0f}° only" if still else f"they differ by {f.parallax:.0f}°"
        )
        yield Advice("parallax", "amber", reason, todo)


def _coverage(f: Figures) -> Iterator[Advice]:
    start, width = f.gap
    color: Color = "red" if width > 300 else "amber" if width > WIDE else "green"
    if color == "green":
        yield Advice("coverage", "green", f"filmed all around; the widest gap is {width:.0f}°")
    else:
        middle = (start + width / 2) % 360
        side = SIDES[round(middle / 45) % 8]
        missing = "more than half of the ring" if width > HALF else f"{width:.0f}° of the ring"
        reason = f"{missing} was not filmed: the {side}, as seen from {f.first}"
        yield Advice("coverage", color, reason, f"film the {side} again, on the same height")
    low, high = f.elevation
    if low > HIGH:
        yield Advice("height", "amber", f"all from above ({low:.0f}° or more)", "film another ring, lower")
    elif high < LOW:
        yield Advice("height", "amber", f"all from the side ({high:.0f}° or less)", "film another ring, higher")
    else:
        yield Advice("height", "green", f"from {low:.0f}° to {high:.0f}° above the subject")
