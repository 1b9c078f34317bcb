"""Words such as ``box:0.1x0.2x0.3``: the solid, and what everybody makes of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan2sim.bodies import read_solid
from scan2sim.errors import UsageError

lengths = st.floats(1e-3, 10.0)


@given(st.tuples(lengths, lengths, lengths))
def test_what_was_written_is_read(sizes: tuple[float, float, float]) -> None:
    solid = read_solid("box:" + "x".join(map(repr, sizes)))
    assert solid.kind == "box"
    assert solid.sizes == sizes
    np.testing.assert_allclose(solid.mesh().extents, sizes)


@pytest.mark.parametrize(
    ("word", "extents", "volume"),
    [
        ("box:0.1x0.2x0.3", (0.1, 0.2, 0.3), 0.006),
        ("sphere:0.1", (0.2, 0.2, 0.2), 4 / 3 * np.pi * 1e-3),
        ("cylinder:0.1x0.3", (0.2, 0.2, 0.3), np.pi * 0.003),
    ],
)
def test_its_mesh(word: str, extents: tuple[float, ...], volume: float) -> None:
    mesh = read_solid(word).mesh()
    np.testing.assert_allclose(mesh.extents, extents, rtol=0.01)
    assert mesh.volume == pytest.approx(volume, rel=0.02)


@pytest.mark.parametrize(
    "word", ["box:1x2", "box", "sphere:", "cone:1x2", "sphere:0", "sphere:-1", "sphere:nan", "sphere:11", "box:1xaxb"]
)
def test_what_is_no_solid(word: str) -> None:
    with pytest.raises(UsageError):
        read_solid(word)
