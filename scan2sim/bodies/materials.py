"""What materials weigh, how they slide and how they bounce.

Densities are of the solid that a scan sees, i.e. the outer hull of everyday objects made of the material; pores belong
to it, large cavities (a full or empty bottle) do not, so a hollow thing is lighter than its row says.  Friction is the
dry sliding coefficient against a wooden or laminated table.  Ranges are meant to hold about 95 % of household things.
"""

from __future__ import annotations

from dataclasses import dataclass

from scan2sim.errors import UsageError

__all__ = ["MATERIALS", "UNKNOWN", "Material", "Range", "material_named"]


@dataclass(frozen=True)
class Range:
    """A typical value with the interval that about 95 % of things lie in."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Material:
    """One row of the table."""

    name: str
    density: Range  # [kg/m³]
    friction: Range  # sliding coefficient on a table
    restitution: Range  # 0..1, against a hard table
    source: str  # where the numbers come from


_MARKS = "friction: Marks' Standard Handbook for Mechanical Engineers, 11th ed., table 3.2.1"
_CROSS = "restitution: Cross 1999, Am. J. Phys. 67(3), and handbook values for drops on wood"
_JUDGED = "widened by judgement for finishes and moisture"


_SOFT = "restitution: judged, soft things hardly bounce"


def _row(
    name: str,
    density: Range,
    friction: Range,
    restitution: Range,
    source: str,
    slides: str = _MARKS,
    bounces: str = _CROSS,
) -> Material:
    return Material(name, density, friction, restitution, f"{source}; {slides}; {bounces}; {_JUDGED}")


UNKNOWN = Material(
    "unknown",
    Range(700.0, 200.0, 2000.0),
    Range(0.5, 0.2, 0.9),
    Range(0.3, 0.05, 0.7),
    "a guess: household things run from foam and hollow plastic to fruit (about 950), glass and stone (about 2500)",
)

MATERIALS: tuple[Material, ...] = (
    UNKNOWN,
    _row(
        "wood",
        Range(600, 350, 950),
        Range(0.4, 0.25, 0.6),
        Range(0.4, 0.2, 0.6),
        "density: Wood Handbook, USDA FPL-GTR-282, ch. 4-5",
    ),
    _row(
        "fruit",
        Range(950, 800, 1080),
        Range(0.45, 0.25, 0.7),
        Range(0.35, 0.1, 0.6),
        "density: Mohsenin, Physical Properties of Plant and Animal Materials, 2nd ed., 1986",
    ),
    _row(
        "plastic",
        Range(1050, 500, 1450),
        Range(0.35, 0.15, 0.55),
        Range(0.5, 0.2, 0.8),
        "density: PE 920-970, PP 900, ABS 1050, PET 1380 (Callister, app. B); low end for hollow parts",
    ),
    _row(
        "ceramic",
        Range(2300, 1900, 2700),
        Range(0.4, 0.2, 0.6),
        Range(0.4, 0.2, 0.7),
        "density: stoneware and porcelain (Callister, Materials Science and Engineering, app. B)",
    ),
    _row(
        "glass",
        Range(2500, 2300, 2700),
        Range(0.35, 0.15, 0.6),
        Range(0.6, 0.3, 0.9),
        "density: soda-lime and borosilicate (Callister, app. B)",
    ),
    _row(
        "steel",
        Range(7850, 7400, 8050),
        Range(0.35, 0.2, 0.6),
        Range(0.5, 0.3, 0.8),
        "density: carbon and stainless steels (Callister, app. B)",
    ),
    _row(
        "aluminium",
        Range(2700, 2600, 2850),
        Range(0.35, 0.2, 0.6),
        Range(0.45, 0.2, 0.7),
        "density: wrought and cast alloys (Callister, app. B)",
    ),
    _row(
        "rubber",
        Range(1150, 900, 1500),
        Range(0.8, 0.5, 1.2),
        Range(0.7, 0.3, 0.9),
        "density: natural rubber 930 to filled compounds (Callister, app. B)",
    ),
    _row(
        "foam",
        Range(60, 15, 250),
        Range(0.5, 0.3, 0.8),
        Range(0.3, 0.1, 0.6),
        "density: Gibson and Ashby, Cellular Solids, 2nd ed., 1997",
    ),
    _row(
        "cardboard",
        Range(180, 60, 700),
        Range(0.4, 0.25, 0.6),
        Range(0.2, 0.05, 0.4),
        "density: corrugated board 60-200, solid board up to 700 (FEFCO and ISO 534 grammage over thickness, typical "
        "product data)",
    ),
    _row(
        "fabric",
        Range(250, 80, 600),
        Range(0.5, 0.3, 0.8),
        Range(0.1, 0.01, 0.3),
        "density: cotton and wool fibre 1310-1540 at 5 to 40 % packing (Morton and Hearle, Physical Properties of "
        "Textile Fibres, 4th ed.; packing of folded cloth and plush judged)",
        slides="friction: Morton and Hearle, as above, cloth on hard surfaces",
        bounces=_SOFT,
    ),
    _row(
        "paper",
        Range(750, 450, 1200),
        Range(0.4, 0.25, 0.65),
        Range(0.15, 0.03, 0.4),
        "density: newsprint to coated paper, in sheets, blocks and books (ISO 534 apparent sheet density, typical "
        "product data)",
        slides="friction: TAPPI T 549, static and kinetic, typical papers",
        bounces=_SOFT,
    ),
    _row(
        "leather",
        Range(860, 500, 1050),
        Range(0.5, 0.3, 0.7),
        Range(0.2, 0.05, 0.5),
        "density: dry leather 860, lower for shoes and bags that are partly hollow (Marks' Standard Handbook, table "
        "of weights of materials; low end judged)",
        bounces=_SOFT,
    ),
    _row(
        "food",
        Range(800, 200, 1350),
        Range(0.45, 0.2, 0.8),
        Range(0.2, 0.02, 0.5),
        "density: bread 200-350, cheese 1000-1150, meat 1050, sugar and chocolate 1200-1350 (Rahman, Food Properties "
        "Handbook, 2nd ed.)",
        slides="friction: Mohsenin, as for fruit, widened",
        bounces=_SOFT,
    ),
    _row(
        "liquid-filled",
        Range(970, 700, 1250),
        Range(0.35, 0.15, 0.6),
        Range(0.2, 0.05, 0.5),
        "density: bottles, cans and cartons full of water, milk, oil or syrup (liquids 910-1350, CRC Handbook of "
        "Chemistry and Physics; 5 to 15 % headspace and the wall's weight judged)",
        bounces="restitution: judged, sloshing takes up the blow",
    ),
    _row(
        "wax",
        Range(920, 850, 980),
        Range(0.35, 0.2, 0.6),
        Range(0.3, 0.1, 0.5),
        "density: paraffin and beeswax (CRC Handbook of Chemistry and Physics)",
    ),
    _row(
        "brass",
        Range(8500, 8300, 8800),
        Range(0.35, 0.2, 0.6),
        Range(0.45, 0.2, 0.7),
        "density: brasses and bronzes (Callister, app. B)",
    ),
    _row(
        "stone",
        Range(2600, 2200, 2900),
        Range(0.5, 0.3, 0.7),
        Range(0.4, 0.2, 0.7),
        "density: sandstone to granite and basalt (CRC Handbook of Chemistry and Physics)",
    ),
)


def material_named(name: str) -> Material:
    """The row of the table with this name.

    Raises:
        UsageError: there is no such row.
    """
    for material in MATERIALS:
        if material.name == name:
            return material
    raise UsageError(f"no material “{name}”", todo="choose one of " + ", ".join(m.name for m in MATERIALS))
