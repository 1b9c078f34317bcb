# pyright: reportAttributeAccessIssue=false
"""Links of every solid are as large in the simulator and in the physics core as the word says."""

import numpy as np
import pytest

from scan2sim.bodies import body_of_word, solid_of_word
from scan2sim.errors import UsageError
from splatwm.data.world import Links, World
from splatwm.episodes import link_shape

WORDS = ("box:0.02x0.04x0.06", "sphere:0.03", "cylinder:0.02x0.1")


def test_links_have_the_sizes_of_their_words() -> None:
    table, ball = body_of_word("box:1x1x0.1"), body_of_word("sphere:0.05")
    world = World({"ball": ball}, table, Links(("a", "b", "c"), WORDS))
    for i, word in enumerate(WORDS):
        extents = solid_of_word(word).extents
        box = world.model.geom_aabb[world.model.geom(f"link-{i}").id]
        np.testing.assert_allclose(2 * box[3:], extents, rtol=0.01)
        shape = link_shape(word)
        reach = shape.vertices + np.sign(shape.vertices) * max(piece.radius for piece in shape.pieces)
        if word.startswith("box"):
            np.testing.assert_allclose(np.ptp(reach, axis=0), extents, rtol=0.01)


def test_a_link_that_is_no_solid() -> None:
    table, ball = body_of_word("box:1x1x0.1"), body_of_word("sphere:0.05")
    with pytest.raises(UsageError, match="no solid"):
        World({"ball": ball}, table, Links(("a",), ("cone:0.1x0.2",)))
