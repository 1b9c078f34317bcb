"""The page: self-contained, safe with untrusted names, and honest about what is missing."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan2sim.errors import OutputError
from scan2sim.files import write_json
from scan2sim.report import write_report
from scan2sim.scene import save_scene
from tests.report.build_folder import folder_of, make_build
from tests.scene.factory import make_scene

HOSTILE = "<script>alert(1)</script>"
PARTS = (
    *("tabletop", "Ready to simulate", "Objects", "box", "ball", "bowl", "6.0 × 4.0 × 5.0 cm", "material"),
    *("Once around", "All objects removed", "Held-out photos", "IMG_0002.jpg", "26.1 dB"),
    *("notes.jpg left out: not a picture", "IMG_0003.jpg used, but blurred, dark", "IMG_0007.jpg no pose"),
    *("How it was built", "67.5 s", "1.2 GiB", "Provenance and licences"),
)


class Reader(HTMLParser):
    """Collects what a browser would fetch or run, and the text that it would show."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("src", "href", "srcset", "poster", "data", "action"):
                self.sources.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def pictures(self) -> Iterator[Image.Image]:
        for source in self.sources:
            if source.startswith("data:image/"):
                yield Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1])))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    scene = make_scene(folder / "photos")
    box, ball, bowl = scene.objects
    label = replace(box.label, text=HOSTILE)
    scene = replace(
        scene, objects=(replace(box, label=label), ball, bowl), provenance={"licences": {"photos": HOSTILE}}
    )
    build = make_build(folder / "tabletop", scene)
    stage = build / "01-capture" / "stage.json"
    stage.write_text(json.dumps(json.loads(stage.read_text()) | {"warnings": [f"`code {HOSTILE}` and {HOSTILE}"]}))
    extra = folder_of(build, 9, "extra")
    Image.new("RGB", (30, 20), (1, 2, 3)).save(extra / "plot.png")
    write_json(extra / "report.json", {"title": f"Extra {HOSTILE}", "figures": {"n": 3}, "pictures": ["plot.png"]})
    return build


@pytest.fixture(scope="module")
def page(build: Path) -> Reader:
    seen: list[tuple[int, int]] = []
    path = write_report(build, lambda _what, done, total: seen.append((done, total)))
    assert path == build / "report.html"
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    return Reader(path.read_text(encoding="utf-8"))


def test_nothing_is_fetched_and_nothing_runs(page: Reader) -> None:
    assert page.sources
    assert all(source.startswith(("data:image/jpeg;base64,", "data:image/webp;base64,")) for source in page.sources)
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert not any(name.startswith("on") for name in page.attributes)


def test_hostile_text_is_shown_as_text(page: Reader) -> None:
    assert page.text.count(HOSTILE) == 5  # label, licence, warning twice, section title


def test_every_part_is_there(page: Reader) -> None:
    for words in PARTS:
        assert words in page.text, words


def test_pictures_are_what_they_should_be(page: Reader) -> None:
    pictures = list(page.pictures())
    for picture in pictures:
        picture.load()
    # hero, portraits from above and below, by object, emptied, orbit, held out, extra
    assert len(pictures) == 1 + 2 * 3 + 2 + 16 + 2 * 3 + 1
    hero, emptied = np.asarray(pictures[0].convert("RGBA")), np.asarray(pictures[8].convert("RGBA"))

    def bluish(picture: np.ndarray) -> int:
        return int(((picture[..., 2] > 120) & (picture[..., 0] < 120) & (picture[..., 3] > 128)).sum())

    assert bluish(hero) > 100  # the bowl
    assert bluish(emptied) < 5


def test_build_that_has_only_begun(tmp_path: Path) -> None:
    folder_of(tmp_path, 1, "capture")
    text = Reader(write_report(tmp_path).read_text()).text
    assert "No scene yet" in text
    assert "Do not use" in text
    assert text.count("not measured") >= 5


def test_scene_on_its_own(tmp_path: Path) -> None:
    save_scene(replace(make_scene(), quality={}, cameras=(), images=(), objects=()), tmp_path / "scene")
    text = Reader(write_report(tmp_path / "scene").read_text()).text
    assert "No separate object was found" in text
    assert "Not recorded: this scene was opened without its build." in text


def test_damaged_held_out_picture_is_named(tmp_path: Path) -> None:
    build = make_build(tmp_path / "build", with_scene=False)
    (build / "03-splats" / "held-out" / "IMG_0002-photo.jpg").write_bytes(b"no picture")
    assert "no readable picture" in Reader(write_report(build).read_text()).text


def test_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    build = make_build(tmp_path / "build", with_scene=False)
    (build / "report.html").mkdir()
    with pytest.raises(OutputError):
        write_report(build)
