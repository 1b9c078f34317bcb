from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter

from scan2sim.capture import CaptureConfig, read_capture
from scan2sim.errors import CaptureError
from tests.capture.make_video import write_held_video, write_video
from tests.capture.pictures import picture, write_photo, write_photos


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_the_rotation_tag_is_honoured(tmp_path: Path, rotation: int) -> None:
    pictures = [picture(seed, 160, 96) for seed in range(6)]
    path = write_video(tmp_path / "clip.mp4", [p for p in pictures for _ in range(5)], rotation=rotation)
    capture = read_capture(path, tmp_path / "out", CaptureConfig(max_frames=12))
    assert len(capture.frames) == 6
    for frame, expected in zip(capture.frames, pictures, strict=True):
        shown = np.asarray(Image.open(frame.image), dtype=float)
        assert shown.shape == (96, 160, 3)
        assert np.abs(shown - expected).mean() < 12  # chroma is stored at half resolution


def test_a_held_video_gives_one_sharp_frame_per_view(tmp_path: Path) -> None:
    views = [write_photo(tmp_path / "views" / f"{i}.png", seed=i) for i in range(8)]
    path = write_held_video(tmp_path / "held.mp4", views, seconds=5.0, fps=24, fade=0.2, rotation=90)
    capture = read_capture(path, tmp_path / "out", CaptureConfig(max_frames=16))
    assert capture.source == "video"
    assert [frame.name[:5] for frame in capture.frames] == ["held-"] * 8
    assert [int((frame.time or 0) / (5.0 / 8)) for frame in capture.frames] == list(range(8))
    for frame, view in zip(capture.frames, views, strict=True):
        difference = np.asarray(Image.open(frame.image), dtype=float) - np.asarray(Image.open(view), dtype=float)
        assert np.abs(difference).mean() < 12  # a cross-fade is about 30 away
    assert "112 of 120 video frames not needed" in capture.dropped[0].reason


def test_names_carry_the_frame_number_and_times_are_the_videos_own(tmp_path: Path) -> None:
    pictures = [picture(seed) for seed in range(6)]
    times = [0, 3, 6, 60, 90, 91]  # ticks of 1/30 s: a variable frame rate
    path = write_video(tmp_path / "IMG 7.mp4", pictures, times=times)
    capture = read_capture(path, tmp_path / "out", CaptureConfig(max_frames=200))
    assert [frame.name for frame in capture.frames] == [f"IMG 7-{i:06d}.jpg" for i in range(6)]
    assert [frame.time for frame in capture.frames] == pytest.approx([tick / 30 for tick in times], abs=1e-3)


def test_the_sharpest_frame_of_each_window_is_taken(tmp_path: Path) -> None:
    pictures = []
    for seed in range(5):
        sharp = Image.fromarray(picture(seed))
        blurred = np.asarray(sharp.filter(ImageFilter.GaussianBlur(2)))
        pictures += [blurred, blurred, np.asarray(sharp), blurred]
    capture = read_capture(write_video(tmp_path / "clip.mp4", pictures), tmp_path / "out", CaptureConfig(max_frames=5))
    assert [int(frame.name[-10:-4]) for frame in capture.frames] == [2, 6, 10, 14, 18]


def test_a_folder_or_zip_with_one_video_is_that_video(tmp_path: Path) -> None:
    (tmp_path / "upload").mkdir()
    write_video(tmp_path / "upload" / "clip.mp4", [picture(seed) for seed in range(5)])
    assert len(read_capture(tmp_path / "upload", tmp_path / "out").frames) == 5
    write_video(tmp_path / "upload" / "other.mp4", [picture(seed) for seed in range(5)])
    with pytest.raises(CaptureError, match=r"2 videos \(clip.mp4, other.mp4\).*give one of them"):
        read_capture(tmp_path / "upload", tmp_path / "out2")
    write_photos(tmp_path / "upload", 4)
    capture = read_capture(tmp_path / "upload", tmp_path / "out3")
    assert capture.source == "photos"
    assert {file.name for file in capture.dropped} == {"clip.mp4", "other.mp4"}


def test_a_truncated_video_with_its_header_in_front_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    pictures = [picture(seed) for seed in range(30) for _ in range(3)]
    path = write_video(tmp_path / "clip.mp4", pictures, faststart=True)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    capture = read_capture(path, tmp_path / "out")
    assert 8 <= len(capture.frames) < 25
    assert "breaks off after" in capture.dropped[0].reason
    path.write_bytes(data[: len(data) // 8])
    with pytest.raises(CaptureError, match=r"frames of \d+; at least 4 are needed.*breaks off|damaged or cut off"):
        read_capture(path, tmp_path / "out2")


def test_a_truncated_video_without_its_header(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", [picture(seed) for seed in range(20)])
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(CaptureError, match=r"clip\.mp4: the video is damaged or cut off.*copy the video again"):
        read_capture(path, tmp_path / "out")


def test_a_still_video_has_too_few_distinct_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "still.mp4", [picture(1)] * 40)
    with pytest.raises(CaptureError, match="1 distinct sharp frames of 40"):
        read_capture(path, tmp_path / "out")


def test_large_videos_are_resized_or_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", [picture(seed, 320, 240) for seed in range(5)])
    frames = read_capture(path, tmp_path / "out", CaptureConfig(max_size=160)).frames
    assert {(frame.width, frame.height) for frame in frames} == {(160, 120)}
    with pytest.raises(CaptureError, match="320×240 pixels"):
        read_capture(path, tmp_path / "out2", CaptureConfig(max_megapixels=0.05))


def test_a_quick_look_decodes_key_frames_only(tmp_path: Path) -> None:
    """Of the views of this video every one begins with a key frame, and only key frames are looked at."""
    path, views, hold = tmp_path / "clip.mp4", 24, 5
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"x264-params": f"keyint={hold}:scenecut=0"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for i in range(views * hold):
            frame = av.VideoFrame.from_ndarray(picture(i // hold, 160, 96), format="rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    quick = read_capture(path, tmp_path / "quick", CaptureConfig(key_frames=True))
    assert len(quick.frames) == views
    assert [frame.time for frame in quick.frames] == pytest.approx([i * hold / 30 for i in range(views)])
    assert [frame.name for frame in quick.frames][:3] == ["clip-000000.jpg", "clip-000005.jpg", "clip-000010.jpg"]
    assert "0 of 24 video frames not needed" in quick.dropped[-1].reason
    whole = read_capture(path, tmp_path / "whole")
    assert f"of {views * hold} video frames" in whole.dropped[-1].reason
