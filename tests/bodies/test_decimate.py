# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from pathlib import Path

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import close_mesh, decimate, is_closed
from scan2sim.bodies.decimate import _regrid
from scan2sim.errors import SceneError

MESHES = Path(__file__).parents[2] / "assets" / "captures" / "tabletop" / "meshes"


@pytest.mark.parametrize("name", ["bowl", "mouse", "board"])
@pytest.mark.parametrize("faces", [300, 2000])
def test_scans_stay_closed_and_keep_their_volume(name: str, faces: int) -> None:
    scan = close_mesh(trimesh.load_mesh(MESHES / f"{name}.ply", process=False))
    small = decimate(scan, faces)
    assert is_closed(small)
    assert len(small.faces) <= 1.1 * faces
    assert small.volume == pytest.approx(scan.volume, rel=0.1)
    assert np.abs(small.bounds - scan.bounds).max() < 0.004
    assert small.metadata["decimated_by"] in ("quadric", "repaired", "grid")


def test_colors_follow_the_surface() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4)
    ball.visual.vertex_colors = np.where(ball.vertices[:, 2:] > 0, [[255, 0, 0, 255]], [[0, 0, 255, 255]])
    small = decimate(ball, 200)
    top = small.vertices[:, 2] > 0.2
    assert (small.visual.vertex_colors[top] == [255, 0, 0, 255]).all()


def test_small_meshes_are_left_alone() -> None:
    box = trimesh.creation.box()
    same = decimate(box, 100)
    assert same.metadata["decimated_by"] == "none"
    assert np.array_equal(same.vertices, box.vertices)
    same.vertices[0] = 9
    assert box.bounds.max() < 1


def test_the_grid_fallback_is_closed_and_near() -> None:
    ring = trimesh.creation.torus(major_radius=0.05, minor_radius=0.015)
    ring.apply_translation([1, 2, 3])
    coarse = _regrid(ring, 1500)
    assert is_closed(coarse)
    assert coarse.euler_number == 0  # the hole of the ring is still there
    assert np.abs(coarse.bounds - ring.bounds).max() < 0.006


def test_too_few_faces_are_refused() -> None:
    with pytest.raises(SceneError, match="at least 4"):
        decimate(trimesh.creation.box(), 3)
