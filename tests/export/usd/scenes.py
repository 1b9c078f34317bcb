"""Scenes for the tests of the USD export, made once."""

from dataclasses import replace
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest

from scan2sim.scene import Joint, Scene
from scan2sim.sim import settled_scene
from tests.scene.factory import make_scene

needs_physx = pytest.mark.skipif(find_spec("ovphysx") is None, reason="ovphysx is not installed")
needs_simready = pytest.mark.skipif(find_spec("simready") is None, reason="simready-validate is not installed")


@cache
def settled() -> Scene:
    return settled_scene(make_scene())[0]


def with_all_kinds() -> Scene:
    """A free box, a ball that is fixed, and a bowl on a hinge, some of it turned; colours that depend on the view."""
    scene = settled()
    box, ball, bowl = scene.objects
    turned = np.array([0.9, 0.1, -0.3, 0.3])
    hinge = Joint(
        0, "revolute", bowl.position + np.array([0.06, 0, 0]), np.array([0.0, 0.6, 0.8]), -0.5, 1.5, 0.02, 0.01
    )
    return replace(
        scene,
        objects=(
            replace(box, wxyz=turned / np.linalg.norm(turned), position=box.position + np.array([0, 0, 0.1])),
            replace(ball, mobility="fixed"),
            replace(bowl, mobility="joint", joint=hinge),
        ),
    )
