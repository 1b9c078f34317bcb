import math

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.bodies import MATERIALS, UNKNOWN, estimate_physical, material_named, shape_sigma
from scan2sim.errors import UsageError


def test_every_row_is_ordered_and_says_its_source() -> None:
    assert len({m.name for m in MATERIALS}) == len(MATERIALS)
    for row in MATERIALS:
        for span in (row.density, row.friction, row.restitution):
            assert 0 <= span.low < span.value < span.high
        assert row.restitution.high <= 1
        assert row.density.low > 10
        assert row.density.high < 9000
        assert len(row.source) > 20


def test_unknown_things_are_guessed_broadly() -> None:
    box = trimesh.creation.box((0.1, 0.1, 0.1))
    guess, wood = estimate_physical(box), estimate_physical(box, material_named("wood"))
    assert guess.mass.source == "guess"
    assert wood.mass.source == "material"
    assert guess.mass.value == pytest.approx(UNKNOWN.density.value * 1e-3)
    assert guess.mass.high / guess.mass.low > 2 * wood.mass.high / wood.mass.low
    assert guess.mass.low < wood.mass.low < wood.mass.high < guess.mass.high


def test_a_known_scale_leaves_the_range_of_densities() -> None:
    box = trimesh.creation.box((0.1, 0.2, 0.1))
    row = material_named("glass")
    found = estimate_physical(box, row, scale_sigma=0.0, shape_sigma=0.0)
    assert found.mass.low == pytest.approx(row.density.low * 2e-3)
    assert found.mass.high == pytest.approx(row.density.high * 2e-3)
    assert found.volume.low == found.volume.high == pytest.approx(2e-3)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(sigma=st.floats(0.0, 0.4))
def test_the_scale_counts_three_times(sigma: float) -> None:
    box = trimesh.creation.box((0.1, 0.1, 0.1))
    found = estimate_physical(box, scale_sigma=sigma, shape_sigma=0.0)
    assert math.log(found.volume.high / found.volume.value) == pytest.approx(3 * 1.96 * sigma, abs=1e-9)
    assert found.mass.low <= found.mass.value <= found.mass.high
    assert math.log(found.mass.high / found.mass.value) >= 3 * 1.96 * sigma - 1e-9


def test_inertia_belongs_to_the_mass() -> None:
    found = estimate_physical(trimesh.creation.box((0.1, 0.1, 0.1)), material_named("wood"))
    assert np.diag(found.inertia) == pytest.approx([found.mass.value * 0.02 / 12] * 3)


def test_an_unknown_name_is_answered_with_the_names() -> None:
    with pytest.raises(UsageError, match="ceramic"):
        material_named("unobtainium")


def test_thin_things_are_known_worse_than_round_ones() -> None:
    offset = 0.0003
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    plate = trimesh.creation.box((0.15, 0.15, 0.01))
    grown_ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03 + offset)
    grown_plate = trimesh.creation.box(np.array((0.15, 0.15, 0.01)) + 2 * offset)
    for mesh, grown in ((ball, grown_ball), (plate, grown_plate)):
        assert shape_sigma(mesh, offset) == pytest.approx(grown.volume / mesh.volume - 1, rel=0.05)
    assert shape_sigma(plate, offset) > 2 * shape_sigma(ball, offset)


def test_the_volume_of_a_round_thing_is_within_a_tenth_and_that_of_a_foil_is_admitted_to_be_unknown() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    volume = estimate_physical(ball, scale_sigma=0.01, shape_sigma=shape_sigma(ball, 0.0003, 0.5)).volume
    assert 0.9 < volume.low / volume.value < volume.high / volume.value < 1.1
    foil = trimesh.creation.box((0.2, 0.2, 0.0005))
    assert shape_sigma(foil, 0.001, unseen_fraction=0.5) > 0.5
    assert shape_sigma(ball, 0.0003, unseen_fraction=0.9) > 1.5 * shape_sigma(ball, 0.0003, unseen_fraction=0.5)
