"""Networks from local folders: what is opened, what is refused and why, and that they are asked the right thing."""

from __future__ import annotations

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import normalize

from scan2sim.errors import UsageError
from scan2sim.objects import ObjectsConfig, model_files
from scan2sim.objects.models import Sam2, open_clip, open_sam, weights
from scan2sim.objects.models.clip import MEAN, SENTENCES, STD
from scan2sim.objects.models.vocabulary import WORDS
from scan2sim.objects.prompts import Prompt

pytest.importorskip("transformers", reason="needs transformers: pip install 'scan2sim[sam]'")
from tests.objects.tiny_models import SIDE, save_clip, save_sam

NOTHING = torch.zeros(0, 2)


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sam(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("somebody asks the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def photo(height: int = 30, width: int = 50) -> torch.Tensor:
    return torch.rand(height, width, 3, generator=torch.Generator().manual_seed(1))


def prompt(number: int, box: tuple[float, float, float, float], beside: torch.Tensor = NOTHING) -> Prompt:
    return Prompt(number, box, torch.tensor([[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]]), beside)


@pytest.mark.parametrize("video", [False, True])
def test_sam_answers_one_picture_per_object_as_large_as_the_photo(tmp_path: Path, video: bool) -> None:
    source = open_sam(save_sam(tmp_path / "sam", video=video))
    prompts = [prompt(3, (2, 3, 20, 20)), prompt(7, (25, 5, 45, 25), torch.tensor([[10.0, 10.0], [3.0, 28.0]]))]
    scores = source.ask(photo(), prompts)
    assert scores.shape == (2, 30, 50)
    assert scores.isfinite().all()
    assert not torch.equal(scores[0], scores[1])
    assert torch.equal(scores, source.ask(photo(), prompts))
    assert torch.allclose(scores[:1], source.ask(photo(), prompts[:1]), atol=1e-4)  # whatever else is asked


def test_many_objects_are_asked_for_in_portions(sam: Path) -> None:
    source = open_sam(sam / "model.safetensors")
    prompts = [prompt(i, (i, 2, i + 10, 20)) for i in range(20)]
    scores = source.ask(photo(), prompts)
    assert scores.shape == (20, 30, 50)
    assert torch.allclose(scores[17:18], source.ask(photo(), prompts[17:18]), atol=1e-4)


def test_boxes_and_points_reach_the_network_where_they_are_in_the_photo() -> None:
    """A network that answers with the box itself, on a photo that is not square."""

    class Boxes:
        config = SimpleNamespace(prompt_encoder_config=SimpleNamespace(image_size=SIDE))

        def get_image_embeddings(self, pixels: torch.Tensor) -> list[torch.Tensor]:
            assert pixels.shape == (1, 3, SIDE, SIDE)
            return [pixels]

        def __call__(self, *, input_boxes, input_points, input_labels, **_: object) -> SimpleNamespace:
            y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
            left, top, right, bottom = input_boxes[0, :, :, None, None].unbind(1)
            inside = (x > left) & (x < right) & (y > top) & (y < bottom)
            for answer, points, labels in zip(inside, input_points[0], input_labels[0], strict=True):
                column, row = points.round().long().unbind(1)
                assert answer[row, column][labels == 1].all()
                assert not answer[row, column][labels == 0].any()
            return SimpleNamespace(pred_masks=torch.where(inside, 1.0, -1.0)[None, :, None])

    boxes = [(20.0, 30.0, 60.0, 45.0), (70.0, 10.0, 90.0, 60.0)]
    prompts = [prompt(1, boxes[0], torch.tensor([[80.0, 35.0], [5.0, 5.0]])), prompt(2, boxes[1])]
    scores = Sam2(Boxes()).ask(photo(64, 128), prompts)
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(128) + 0.5, indexing="ij")
    for score, (left, top, right, bottom) in zip(scores, boxes, strict=True):
        truth = (x > left) & (x < right) & (y > top) & (y < bottom)
        differ = (score > 0) != truth
        assert differ.sum() <= 2 * (right - left + bottom - top)  # no more than a pixel along the rim


def test_clip_answers_what_its_network_says(clip: Path) -> None:
    words = ("apple", "headphones", "wooden spoon")
    crops = [photo(SIDE, SIDE), photo(SIDE, SIDE).flip(0)]
    chooser = open_clip(clip, words)
    word, share = chooser.name_of(crops)
    from tokenizers import Tokenizer
    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(clip).eval()
    pixels = (torch.stack(crops).permute(0, 3, 1, 2) - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[
        :, None, None
    ]
    tokenizer, meanings, seen = Tokenizer.from_file(str(clip / "tokenizer.json")), [], torch.zeros(0)
    for each in ("an apple", "headphones", "a wooden spoon"):
        said = []
        for sentence in SENTENCES:
            with torch.no_grad():
                ids = torch.tensor([tokenizer.encode(sentence.format(each)).ids])
                answer = model(input_ids=ids, pixel_values=pixels)
            said.append(answer.text_embeds[0])
            seen = answer.image_embeds
        meanings.append(normalize(torch.stack(said).mean(0), dim=0))
    expected = (model.logit_scale.exp() * (seen @ torch.stack(meanings).T).mean(0)).softmax(0)
    assert word == words[int(expected.argmax())]
    assert share == pytest.approx(expected.max().item(), abs=1e-4)


def test_the_vocabulary_holds_each_word_once() -> None:
    assert 140 <= len(WORDS) == len(set(WORDS))
    assert all(word == word.lower().strip() for word in WORDS)


@pytest.mark.parametrize("name", ["sam2.1_hiera_small.pt", "pytorch_model.bin", "model.pth"])
def test_pickled_weights_are_refused_unopened(sam: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_bytes((sam / "config.json").read_bytes())
    (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n")
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(UsageError, match=r"can run any program.*model\.safetensors"):
            open_sam(path)


def test_what_is_no_such_model_is_refused(sam: Path, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder with the weights"):
        open_sam(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"model\.safetensors is missing"):
        open_sam(tmp_path)
    with pytest.raises(UsageError, match="a model of type “clip”, not SAM 2"):
        open_sam(clip)
    with pytest.raises(UsageError, match=r"tokenizer\.json is missing"):
        open_clip(sam)
    shutil.copy(sam / "model.safetensors", tmp_path)
    with pytest.raises(UsageError, match=r"config\.json is missing"):
        open_sam(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match="not valid JSON"):
        open_sam(tmp_path)


def test_damaged_and_foreign_weights_are_refused(sam: Path, clip: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(sam, tmp_path / "broken"))
    data = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(UsageError, match="no whole safetensors"):
        model_files(ObjectsConfig(sam=broken))
    shutil.copy(clip / "model.safetensors", broken)
    with pytest.raises(UsageError, match=r"are missing|cannot be loaded"):
        open_sam(broken)
    wide = Path(shutil.copytree(sam, tmp_path / "wide"))
    config = json.loads((wide / "config.json").read_text())
    config["vision_config"]["fpn_hidden_size"] = 64
    (wide / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="SAM 2 cannot be loaded"):
        open_sam(wide)


def test_a_foreign_tokenizer_is_refused(clip: Path, tmp_path: Path) -> None:
    foreign = save_clip(tmp_path / "few", vocabulary=40)  # fewer than its tokenizer has
    shutil.copy(clip / "tokenizer.json", foreign)
    with pytest.raises(UsageError, match="not the model's"):
        open_clip(foreign, ("apple",))
    (foreign / "tokenizer.json").write_text("[]")
    with pytest.raises(UsageError, match="no tokenizer"):
        open_clip(foreign)


def test_without_the_extra_the_message_says_what_to_install(sam: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'scan2sim\[sam\]'"):
        open_sam(sam)
    with pytest.raises(UsageError, match=r"pip install 'scan2sim\[sam\]'"):
        model_files(ObjectsConfig(clip=sam))
    assert model_files(ObjectsConfig()) == {}


def test_the_files_of_models_are_known_without_loading_them(sam: Path, clip: Path) -> None:
    files = model_files(replace(ObjectsConfig(), sam=sam, clip=clip))
    assert set(files) == {
        "sam/config.json", "sam/model.safetensors",
        "clip/config.json", "clip/model.safetensors", "clip/tokenizer.json",
    }  # fmt: skip
    assert all(path.is_file() for path in files.values())
