# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import mass_properties, material_named
from scan2sim.errors import SceneError, UsageError
from scan2sim.geometry import transform_points
from scan2sim.scene import Label, ObjectConfig, RestsOn, object_from_mesh
from tests.scene.factory import bowl_mesh, colored, splats_on

LABEL = Label("a bowl", 0.8, "geometry")


def test_the_frame_is_at_the_centre_of_mass_with_the_axes_of_the_scene() -> None:
    bowl = colored(bowl_mesh(sections=12), (1, 2, 3))
    bowl.apply_translation([0.3, -0.2, 0.05])
    splats = splats_on(bowl, 100, (1, 2, 3))
    obj = object_from_mesh(4, "bowl", LABEL, bowl, splats, material="ceramic", rests_on=RestsOn(0), unseen_fraction=0.3)
    solid = mass_properties(bowl, material_named("ceramic").density.value)
    assert obj.position == pytest.approx(solid.center_of_mass)
    assert obj.wxyz.tolist() == [1, 0, 0, 0]
    assert obj.physical.center_of_mass.tolist() == [0, 0, 0]
    assert obj.physical.mass.value == pytest.approx(solid.mass)
    assert obj.physical.inertia == pytest.approx(solid.inertia, abs=1e-9)
    assert obj.physical.mass.source == "material"
    back = transform_points(obj.world_from_object, obj.visual.vertices)
    assert back == pytest.approx(np.asarray(bowl.vertices))
    assert transform_points(obj.world_from_object, obj.gaussians.means.numpy()) == pytest.approx(
        splats.means.numpy(), abs=1e-6
    )
    pieces = np.vstack([piece.vertices for piece in obj.collision])
    assert np.ptp(pieces, axis=0) == pytest.approx(np.ptp(bowl.vertices, axis=0), abs=1e-4)
    assert (obj.visual.visual.vertex_colors[:, :3] == [1, 2, 3]).all()


def test_holes_are_filled_and_large_meshes_reduced() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.05)
    torn = trimesh.Trimesh(ball.vertices, ball.faces[5:], process=False)
    obj = object_from_mesh(1, "ball", LABEL, torn, splats_on(ball, 10, (9, 9, 9)), ObjectConfig(faces=500))
    assert obj.visual.is_volume
    assert len(obj.visual.faces) <= 500
    assert obj.physical.volume.value == pytest.approx(ball.volume, rel=0.03)
    assert obj.physical.mass.source == "guess"


def test_the_uncertain_scale_widens_the_mass() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2, radius=0.05)
    splats = splats_on(ball, 10, (9, 9, 9))
    known = object_from_mesh(1, "ball", LABEL, ball, splats, material="glass")
    guessed = object_from_mesh(1, "ball", LABEL, ball, splats, material="glass", scale_sigma=0.35)
    assert guessed.physical.mass.high > 6 * known.physical.mass.high
    assert guessed.physical.mass.value == known.physical.mass.value


def test_bad_input_is_named() -> None:
    ball = trimesh.creation.icosphere(subdivisions=1)
    splats = splats_on(ball, 10, (9, 9, 9))
    with pytest.raises(UsageError, match="no material"):
        object_from_mesh(1, "ball", LABEL, ball, splats, material="mithril")
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], process=False)
    with pytest.raises(SceneError, match="cannot be closed"):
        object_from_mesh(1, "sheet", LABEL, sheet, splats)
