"""Bodies from words, URDF files and meshes, against formulas; what cannot be one is refused with a reason."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import Body, body_of_word, read_body
from scan2sim.errors import SceneError, UsageError

URDF = """<robot name="thing"><link name="base"/><link name="thing">
 <inertial><origin xyz="0 0 0.01" rpy="0 0 1.5707963267948966"/><mass value="0.2"/>
  <inertia ixx="1e-4" iyy="2e-4" izz="2.5e-4" ixy="0" ixz="0" iyz="0"/></inertial>
 <collision><origin xyz="0 0 0.02"/><geometry>{shape}</geometry></collision>{more}
 <contact><lateral_friction value="0.4"/></contact>
</link></robot>"""


def urdf(folder: Path, shape: str = '<box size="0.1 0.06 0.04"/>', more: str = "") -> Path:
    path = folder / "thing.urdf"
    path.write_text(URDF.format(shape=shape, more=more))
    return path


def test_the_cube_of_the_real_tosses() -> None:
    body = body_of_word("box:0.1048x0.1048x0.1048,mass=0.37,inertia=0.00081")
    assert body.mass == 0.37
    assert body.inertia == pytest.approx(0.00081 * np.eye(3))
    assert body.surface.extents == pytest.approx([0.1048] * 3)
    assert len(body.pieces) == 1
    assert body.friction is None


def test_solids_without_an_inertia_are_filled_evenly() -> None:
    box = body_of_word("box:0.1x0.2x0.3,mass=1.2,friction=0.3,center=0/0.01/0")
    assert np.diag(box.inertia) == pytest.approx(1.2 / 12 * np.array([0.13, 0.10, 0.05]))
    assert (box.friction, box.center_of_mass.tolist()) == (0.3, [0, 0.01, 0])
    ball = body_of_word("sphere:0.05,mass=0.5")
    assert ball.inertia[0, 0] == pytest.approx(0.4 * 0.5 * 0.05**2, rel=0.03)  # an icosphere is a little smaller
    can = body_of_word("cylinder:0.03x0.1,mass=0.3")
    assert can.inertia[2, 2] == pytest.approx(0.5 * 0.3 * 0.03**2, rel=0.02)
    assert can.surface.extents[2] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("box:0.1x0.1", "no solid"),
        ("box:0.1x0.1xa", "no number"),
        ("box:104.8x104.8x104.8,mass=0.37", "larger than 10 m"),
        ("box:0.1x0.1x0.1,mass=-1", "not positive"),
        ("box:0.1x0.1x0.1,mass=0.4,inertia=1/2", "one or three"),
        ("box:0.1x0.1x0.1,mass=0.4,inertia=1", "no solid of this size"),
        ("box:0.1x0.1x0.1,mass=0.4,inertia=1e-4/1e-4/9e-4", "triangle inequality"),
        ("box:0.1x0.1x0.1,weight=3", "not understood"),
        ("box:0.1x0.1x0.1,mass=1,mass=2", "twice"),
        ("box:0.1x0.1x0.1,mass=1,center=0.2/0/0", "outside"),
        ("box:0.1x0.1x0.1,mass=nan", "no number"),
    ],
)
def test_words_that_are_no_body(word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_body(word)


def test_a_urdf_gives_the_link_with_mass_in_its_own_frame(tmp_path: Path) -> None:
    body = read_body(str(urdf(tmp_path)))
    assert (body.name, body.mass, body.friction) == ("thing", 0.2, 0.4)
    assert body.center_of_mass == pytest.approx([0, 0, 0.01])
    assert np.diag(body.inertia) == pytest.approx([2e-4, 1e-4, 2.5e-4])  # turned by a quarter about z
    assert body.surface.bounds == pytest.approx(np.array([[-0.05, -0.03, 0], [0.05, 0.03, 0.04]]))


def test_several_collision_shapes_are_pieces_of_one_surface(tmp_path: Path) -> None:
    trimesh.creation.box((0.02, 0.02, 0.1)).export(tmp_path / "post.obj")
    more = (
        '<collision><origin xyz="0 0 0.09"/><geometry><mesh filename="post.obj" scale="1 1 2"/></geometry></collision>'
    )
    body = read_body(str(urdf(tmp_path, more=more)))
    assert len(body.pieces) == 2
    assert body.surface.bounds[1, 2] == pytest.approx(0.19)
    assert body.surface.volume == pytest.approx(0.1 * 0.06 * 0.04 + 0.02 * 0.02 * 0.16, rel=1e-4)


def test_a_mesh_of_a_urdf_may_be_in_millimetres(tmp_path: Path) -> None:
    trimesh.creation.box((100, 60, 40)).export(tmp_path / "part.stl")
    path = urdf(tmp_path, '<mesh filename="part.stl" scale="0.001 0.001 0.001"/>')
    assert read_body(str(path)).surface.extents == pytest.approx([0.1, 0.06, 0.04])
    for scale in ("1 1 1", "1e6 1e6 1e6", "0 0 0", "-1 1 1", "nan 1 1"):
        with pytest.raises(SceneError, match=r"metres|positive|numbers"):
            read_body(str(urdf(tmp_path, f'<mesh filename="part.stl" scale="{scale}"/>')))


def test_urdf_files_that_are_not_safe_or_not_whole(tmp_path: Path) -> None:
    def refused(text: str) -> str:
        path = tmp_path / "bad.urdf"
        path.write_text(text)
        with pytest.raises(SceneError) as told:
            read_body(str(path))
        return str(told.value)

    good = urdf(tmp_path).read_text()
    assert "outside" in refused(good.replace('<box size="0.1 0.06 0.04"/>', '<mesh filename="../../etc/x.obj"/>'))
    assert "refused" in refused("<!DOCTYPE robot>" + good)
    assert "no XML" in refused(good[:-20])
    assert "3 finite numbers" in refused(good.replace("0.1 0.06 0.04", "0.1 0.06"))
    assert "not 0 (none)" in refused("<robot name='x'><link name='a'/></robot>")
    assert "inertia" in refused(good.replace('izz="2.5e-4"', 'izz="9e-4"'))
    with pytest.raises(SceneError, match="cannot be read"):
        read_body(str(tmp_path / "none.urdf"))


def test_a_mesh_file_has_the_density_of_unknown_things(tmp_path: Path) -> None:
    trimesh.creation.icosphere(radius=0.04).export(tmp_path / "ball.stl")
    body: Body = read_body(str(tmp_path / "ball.stl"))
    assert body.mass == pytest.approx(700 * body.surface.volume, rel=1e-3)
    trimesh.creation.box((40, 40, 40)).export(tmp_path / "large.stl")
    with pytest.raises(SceneError, match="not metres"):
        read_body(str(tmp_path / "large.stl"))
    with pytest.raises(UsageError, match="is no body"):
        read_body("a lemon")
