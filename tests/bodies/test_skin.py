# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals

from scan2sim.bodies import vertex_colors


def test_vertex_and_missing_colors() -> None:
    box = trimesh.creation.box()
    assert vertex_colors(box).shape == (8, 4)
    box.visual.vertex_colors = np.arange(32).reshape(8, 4)
    assert (vertex_colors(box) == np.arange(32).reshape(8, 4)).all()


def test_textures_are_looked_up() -> None:
    box = trimesh.creation.box()
    picture = Image.new("RGB", (2, 1), (255, 0, 0))
    picture.putpixel((1, 0), (0, 0, 255))
    u = (box.vertices[:, 0] > 0).astype(float)
    box.visual = TextureVisuals(uv=np.column_stack([u, 0 * u]), image=picture)
    colors = vertex_colors(box)
    assert (colors[u == 0, :3] == [255, 0, 0]).all()
    assert (colors[u == 1, :3] == [0, 0, 255]).all()
