"""Other tools' pictures and videos: shown when they are what they say, refused by name when not."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan2sim.errors import SceneError
from scan2sim.files import write_json
from scan2sim.report.attachments import encode_picture, load_picture, read_sections
from tests.report.build_folder import folder_of

MP4 = b"\0\0\0\x18ftypisom" + bytes(64)


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def test_pictures_survive_encoding() -> None:
    ramp = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    back = np.asarray(decoded(encode_picture(ramp)).convert("RGB"))
    assert np.abs(back.astype(int) - ramp).mean() < 4
    cut = np.dstack([ramp, np.zeros((48, 64), np.uint8)])
    cut[10:20, :, 3] = 255
    transparent = decoded(encode_picture(cut))
    assert transparent.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(transparent)[..., 3], cut[..., 3])


def test_section_shows_what_is_there_and_names_the_rest(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 7, "world-model")
    Image.new("RGB", (3000, 1000), (10, 200, 30)).save(folder / "a.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "outside.png")
    (folder / "b.png").write_text("<svg onload=alert(1)>")
    (folder / "c.mp4").write_bytes(MP4)
    (folder / "d.mp4").write_bytes(b"MZ" + bytes(64))
    write_json(
        folder / "report.json",
        {
            "title": "Imagined futures",
            "figures": {"position_error_mm": 3.21},
            "pictures": ["a.png", {"file": "b.png", "caption": "no picture"}, "../outside.png", 7],
            "videos": [{"file": "c.mp4", "caption": "a push"}, "d.mp4"],
        },
    )
    (section,) = read_sections(tmp_path)
    assert section.title == "Imagined futures"
    assert section.figures == [("position error mm", "3.2 mm")]
    assert [picture.caption for picture in section.pictures] == ["a"]
    assert max(decoded(section.pictures[0].uri).size) == 1280
    assert [video.caption for video in section.videos] == ["a push"]
    assert base64.b64decode(section.videos[0].uri.split(",", 1)[1]) == MP4
    assert [text.split(":")[0] for text in section.refused] == ["b.png", "../outside.png", "7", "d.mp4"]


@pytest.mark.parametrize("text", ["{ damaged", "[]", "3", '{"pictures": {"file": 3}, "figures": [], "videos": 5}'])
def test_damaged_sections_are_survived(tmp_path: Path, text: str) -> None:
    (folder_of(tmp_path, 7, "tool") / "report.json").write_text(text)
    (section,) = read_sections(tmp_path)
    assert section.title == "07-tool"
    assert section.pictures == section.videos == []


def test_huge_pictures_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    with pytest.raises(SceneError, match="9000×9000 pixels"):
        load_picture(tmp_path / "bomb.png", 100)
    (tmp_path / "cut.png").write_bytes((tmp_path / "bomb.png").read_bytes()[:50])
    with pytest.raises(SceneError):
        load_picture(tmp_path / "cut.png", 100)
