from __future__ import annotations

from pathlib import Path, PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.capture.names import capture_order, frame_names, safe_name, video_frame_name

PART = st.text(min_size=1, max_size=12).filter(
    lambda text: "/" not in text and text not in (".", "..") and "\0" not in text
)
FILES = st.lists(
    st.tuples(
        st.lists(PART, min_size=1, max_size=3).map("/".join).map(PurePosixPath), st.sampled_from(["jpeg", "png"])
    ),
    unique_by=lambda file: file[0],
    max_size=12,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(FILES)
def test_names_are_unique_by_stem_and_safe(files: list[tuple[PurePosixPath, str]]) -> None:
    names = frame_names(files)
    assert len(names) == len(files)
    stems = [Path(name).stem.casefold() for name in names]
    assert len(set(stems)) == len(stems)
    for name in names:
        assert "/" not in name
        assert not name.startswith(".")
        assert name.isprintable()
        assert len(name.encode()) <= 255
        assert Path(name).suffix.lower() in (".jpg", ".jpeg", ".png")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(FILES)
def test_any_paths_can_be_ordered(files: list[tuple[PurePosixPath, str]]) -> None:
    ordered = sorted((path for path, _ in files), key=capture_order)
    assert sorted(map(str, ordered)) == sorted(str(path) for path, _ in files)


def test_the_photos_own_name_stays() -> None:
    files = [(PurePosixPath(name), "jpeg") for name in ("a/DSC_1.JPG", "b/IMG 2.jpeg", "c/photo", "c/mask.png")]
    assert frame_names(files) == ["DSC_1.JPG", "IMG 2.jpeg", "photo.jpg", "mask.jpg"]


def test_equal_stems_in_one_folder_get_a_number() -> None:
    files = [(PurePosixPath("a/x.jpg"), "jpeg"), (PurePosixPath("a/x.png"), "png")]
    assert frame_names(files) == ["a-x.jpg", "a-x-2.png"]


def test_video_frames() -> None:
    assert video_frame_name(Path("/films/My clip.MOV"), 123) == "My clip-000123.jpg"
    assert safe_name("../a\nb") == "_a_b"
