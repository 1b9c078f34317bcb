"""What a robot does is read from npz files, and refused in words where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scan2sim.errors import UsageError
from splatwm.actions import read_actions

PATH = np.linspace([0, 0, 0.02], [0.1, 0, 0.02], 10)


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "actions.npz"
    np.savez(path, **arrays)
    return path


def test_a_pusher_is_a_ball_that_keeps_the_scenes_axes(tmp_path: Path) -> None:
    motion = read_actions(saved(tmp_path, dt=1 / 30, pusher=PATH, radius=0.01))
    assert motion.links == ("pusher",)
    assert motion.shapes == ("sphere:0.01",)
    assert motion.position[:, 0].tolist() == PATH.tolist()
    assert (motion.wxyz == [1, 0, 0, 0]).all()


def test_links_have_names_shapes_and_poses(tmp_path: Path) -> None:
    position, wxyz = np.stack([PATH, PATH + 0.1], axis=1), np.tile([0.0, 1, 0, 0], (10, 2, 1))
    shapes = ["box:0.02x0.02x0.05", "cylinder:0.01x0.1"]
    path = saved(tmp_path, dt=0.01, links=["left", "right"], shapes=shapes, position=position, wxyz=wxyz)
    motion = read_actions(path)
    assert (motion.links, motion.shapes) == (("left", "right"), tuple(shapes))
    assert (motion.position == position).all()
    assert (motion.wxyz == wxyz).all()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"dt": 2.0}, "dt is 2 s"),
        ({"dt": np.nan}, "not finite"),
        ({"radius": -0.01}, "sphere"),
        ({"pusher": PATH[:1]}, "fewer than two rows"),
        ({"pusher": PATH * 1e4}, "100 m"),
        ({"pusher": PATH[:, :2]}, "shape"),
        ({"pusher": np.where(np.arange(10)[:, None] == 4, np.nan, PATH)}, "not finite"),
    ],
    ids=["slow", "nan dt", "radius", "short", "units", "columns", "gap"],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    good = {"dt": 1 / 30, "pusher": PATH, "radius": 0.01}
    with pytest.raises(UsageError, match=says):
        read_actions(saved(tmp_path, **good | changed))


def test_endless_actions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at most 1000000 rows"):
        read_actions(saved(tmp_path, dt=1 / 30, pusher=np.zeros((1_000_001, 3), np.float32), radius=0.01))


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_actions(tmp_path / "none.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(saved(tmp_path, dt=0.1, pusher=PATH, radius=0.01).read_bytes()[:200])
    with pytest.raises(UsageError, match="no npz"):
        read_actions(broken)
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, dt=np.array([{}], dtype=object))
    with pytest.raises(UsageError, match="no npz"):
        read_actions(pickled)
    with pytest.raises(UsageError, match="radius"):
        read_actions(saved(tmp_path, dt=0.1, pusher=PATH))
