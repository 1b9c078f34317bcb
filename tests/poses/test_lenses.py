from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.capture import Frame
from scan2sim.poses.lenses import group_by_lens


def frame(width: int, height: int, focal: float | None) -> Frame:
    return Frame(Path("x.jpg"), "x.jpg", width, height, None, 1.0, 0.5, 0.0, focal_length=focal)


def test_one_phone_is_one_lens() -> None:
    lenses = group_by_lens([frame(1600, 1200, focal) for focal in (1200.0, 1201.0, None, 1199.0)])
    assert len(lenses) == 1
    assert lenses[0].frames == (0, 1, 2, 3)
    assert lenses[0].focal_length is not None
    assert abs(lenses[0].focal_length - 1200) < 2


def test_zoom_and_upright_photos_are_other_lenses() -> None:
    frames = [frame(1600, 1200, 1200.0), frame(1200, 1600, 1200.0), frame(1600, 1200, 2400.0), frame(1600, 1200, None)]
    assert [lens.frames for lens in group_by_lens(frames)] == [(0,), (1,), (2,), (3,)]


def test_without_exif_the_size_decides() -> None:
    assert [lens.frames for lens in group_by_lens([frame(8, 6, None), frame(6, 8, None), frame(8, 6, None)])] == [
        (0, 2),
        (1,),
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from([640, 800]), st.none() | st.floats(100, 5000)), min_size=1, max_size=20))
def test_every_frame_has_exactly_one_lens_of_its_size(shapes: list[tuple[int, float | None]]) -> None:
    frames = [frame(width, 480, focal) for width, focal in shapes]
    lenses = group_by_lens(frames)
    assert sorted(i for lens in lenses for i in lens.frames) == list(range(len(frames)))
    for lens in lenses:
        for i in lens.frames:
            assert frames[i].width == lens.width
            focal = frames[i].focal_length
            if focal is not None:
                assert lens.focal_length is not None
                assert 1 <= focal / lens.focal_length <= 1.02 + 1e-9
