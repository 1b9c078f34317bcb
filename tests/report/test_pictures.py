"""Names over the hero picture, and how the walk around the scene is described."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from scan2sim.progress import silent
from scan2sim.report.pictures import OVERLAY_WIDTH, draw_scene
from scan2sim.scene import Scene
from tests.scene.factory import make_scene


def crowded() -> Scene:
    """Three long names whose objects stand close together."""
    scene = make_scene()
    places = ([0.0, 0.0, 0.03], [0.03, 0.08, 0.03], [-0.03, -0.08, 0.03])
    objects = tuple(
        replace(thing, name=f"quite-a-long-name-{i}", position=np.array(place))
        for i, (thing, place) in enumerate(zip(scene.objects, places, strict=True))
    )
    return replace(scene, objects=objects, cameras=scene.cameras[:1], images=())


def test_names_stay_apart_and_inside() -> None:
    pictures = draw_scene(crowded(), silent)
    assert len(pictures.tags) == 3
    for tag in pictures.tags:
        assert tag.half < tag.x < OVERLAY_WIDTH - tag.half
        assert 0 < tag.y < pictures.overlay_height
        assert tag.path.startswith("M")
        assert tag.path.endswith("Z")
    for a, b in combinations(pictures.tags, 2):
        assert abs(a.x - b.x) >= a.half + b.half or abs(a.y - b.y) >= 28  # the names' height
    unseen = [view.unseen for view in pictures.orbit]
    assert not unseen[0]
    assert unseen[4]  # there is one photo only, on the other side
