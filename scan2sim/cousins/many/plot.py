"""The plot of distances: of each cousin in all above, by part below, over the slider, or over the cousins' numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from scan2sim.cousins.distance import UNITS
from scan2sim.cousins.many.folder import CousinEntry
from scan2sim.files import whole_file

__all__ = ["PLOT_FILE", "write_plot"]

PLOT_FILE = "distances.png"
WIDTH, HEIGHT = 960, 720  # [pixels]
FINE = 2  # drawn so many times larger, for smooth dots
LEFT, RIGHT, TOP, BETWEEN, BOTTOM = 70, 140, 30, 50, 50  # [pixels] around and between the two diagrams
DOT = 3  # [pixels] radius
TICKS = 5
INK, GRID, WHITE = (40, 40, 40), (225, 225, 225), (255, 255, 255)
# a palette that colour-blind people can tell apart (Okabe and Ito 2008)
PALETTE = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (0, 114, 178), (213, 94, 0), (120, 120, 120))
COLORS = dict(zip(UNITS, PALETTE, strict=True))

Color = tuple[int, int, int]


@dataclass(frozen=True)
class _Diagram:
    """Axes on a picture; positions in pixels of the finished picture."""

    draw: ImageDraw.ImageDraw
    top: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def axes(self, name: str) -> None:
        """Grid, numbers, and what y is."""
        for i in range(TICKS + 1):
            y = self.y_range[0] + (self.y_range[1] - self.y_range[0]) * i / TICKS
            x = self.x_range[0] + (self.x_range[1] - self.x_range[0]) * i / TICKS
            across, down = self.place(x, y)
            self._line((LEFT, down, WIDTH - RIGHT, down))
            self._line((across, self.top, across, self.bottom))
            self.text(LEFT - 8, down, f"{y:.3g}", "rm")
            self.text(across, self.bottom + 8, f"{x:.3g}", "mt")
        self.text(LEFT, self.top - 8, name, "lb")

    def dot(self, x: float, y: float, color: Color) -> None:
        """One cousin."""
        across, down = self.place(x, y)
        box = [FINE * value for value in (across - DOT, down - DOT, across + DOT, down + DOT)]
        self.draw.ellipse(box, fill=color)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a value lies on the picture."""
        right, up = ((value - low) / (high - low) for value, (low, high) in ((x, self.x_range), (y, self.y_range)))
        return LEFT + right * (WIDTH - LEFT - RIGHT), self.bottom - up * (self.bottom - self.top)

    def text(self, x: float, y: float, words: str, anchor: str, color: Color = INK) -> None:
        """Words, anchored as Pillow's."""
        font = ImageFont.load_default(size=13 * FINE)
        self.draw.text((FINE * x, FINE * y), words, color, font, anchor)

    def _line(self, ends: tuple[float, float, float, float]) -> None:
        self.draw.line([FINE * value for value in ends], GRID, FINE)


def _round_end(value: float) -> float:
    """The least end of an axis that is not below a value and whose ticks are round numbers."""
    step = 10.0 ** math.floor(math.log10(value / TICKS))
    return TICKS * step * next(k for k in (1, 2, 5, 10) if TICKS * step * k >= value)


def write_plot(folder: Path, entries: Sequence[CousinEntry]) -> None:
    """Write ``distances.png``.

    Raises:
        OutputError: it cannot be written.
    """
    sliders = [entry.slider for entry in entries]
    by_slider = len(set(sliders)) > 1
    across = sliders if by_slider else [float(entry.index) for entry in entries]
    x_range = (0.0, 1.0 if by_slider else float(TICKS * math.ceil(max([1.0, *across]) / TICKS)))
    steps = {part: [entry.parts.get(part, 0.0) / unit for entry in entries] for part, unit in UNITS.items()}
    varied = {part: values for part, values in steps.items() if any(values)}
    highest = _round_end(max([1.0, *(value for values in varied.values() for value in values)]))

    picture = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), WHITE)
    draw = ImageDraw.Draw(picture)
    middle = (TOP + HEIGHT - BOTTOM) / 2
    whole = _Diagram(draw, TOP, middle - BETWEEN / 2, x_range, (0.0, 1.0))
    parts = _Diagram(draw, middle + BETWEEN / 2, HEIGHT - BOTTOM, x_range, (0.0, highest))
    whole.axes("distance to the twin")
    parts.axes("by part; 1 is clearly different")
    for x, entry in zip(across, entries, strict=True):
        whole.dot(x, entry.distance, INK)
    for row, (part, values) in enumerate(varied.items()):
        for x, value in zip(across, values, strict=True):
            parts.dot(x, value, COLORS[part])
        parts.text(WIDTH - RIGHT + 15, parts.top + 10 + 20 * row, part, "lm", COLORS[part])
    parts.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "slider" if by_slider else "cousin", "mb")
    with whole_file(folder / PLOT_FILE) as file:
        picture.reduce(FINE).save(file, "PNG")
