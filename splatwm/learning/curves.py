"""The picture of a training: losses and held-out errors over steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from scan2sim.files import whole_file

__all__ = ["write_curves"]

WIDTH, HEIGHT, FINE = 900, 320, 2  # [pixels] of each diagram; drawn larger, for smooth lines
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 30, 35
TICKS = 4
INK, GRID, WHITE = (40, 40, 40), (225, 225, 225), (255, 255, 255)
# a palette that colour-blind people can tell apart (Okabe and Ito 2008)
PALETTE = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0))

Curve = Sequence[tuple[float, float]]  # step, value


def write_curves(path: Path, diagrams: Mapping[str, Mapping[str, Curve]]) -> None:
    """One diagram under the other, each with its curves; empty ones are left out.

    Raises:
        OutputError: it cannot be written.
    """
    shown = {title: {n: c for n, c in curves.items() if len(c)} for title, curves in diagrams.items()}
    shown = {title: curves for title, curves in shown.items() if curves}
    picture = Image.new("RGB", (FINE * WIDTH, FINE * HEIGHT * max(1, len(shown))), WHITE)
    draw = ImageDraw.Draw(picture)
    for i, (title, curves) in enumerate(shown.items()):
        _diagram(draw, i * HEIGHT, title, curves)
    with whole_file(path) as file:
        picture.resize((WIDTH, HEIGHT * max(1, len(shown))), Image.Resampling.LANCZOS).save(file, "PNG")


def _diagram(draw: ImageDraw.ImageDraw, above: int, title: str, curves: Mapping[str, Curve]) -> None:
    xs, ys = zip(*(point for curve in curves.values() for point in curve), strict=True)
    right, high = max(max(xs), 1), max(max(ys), 1e-9)
    font = ImageFont.load_default(size=13 * FINE)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * x / right
        return FINE * across, FINE * (above + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / high)

    for i in range(TICKS + 1):
        x, y = right * i / TICKS, high * i / TICKS
        draw.line([place(0, y), place(right, y)], GRID, FINE)
        draw.text((FINE * (LEFT - 8), place(0, y)[1]), f"{y:.3g}", INK, font, "rm")
        draw.text((place(x, 0)[0], place(x, 0)[1] + 6 * FINE), f"{x:.0f}", INK, font, "mt")
    draw.text((FINE * LEFT, FINE * (above + TOP - 8)), title, INK, font, "lb")
    for i, (name, curve) in enumerate(curves.items()):
        color = PALETTE[i % len(PALETTE)]
        points = [place(x, y) for x, y in curve]
        draw.line(points, color, 2 * FINE) if len(points) > 1 else draw.point(points, color)
        spot = (FINE * (WIDTH - RIGHT + 10), FINE * (above + TOP + 18 * i))
        draw.text(spot, name, color, font, "lt")
