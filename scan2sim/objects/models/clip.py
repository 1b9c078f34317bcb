"""CLIP as a source of words (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language ...")."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from scan2sim.errors import UsageError
from scan2sim.objects.models.vocabulary import WORDS
from scan2sim.objects.models.weights import CLIP, load_model

__all__ = ["Clip", "open_clip"]

# what the published checkpoints were trained with
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
SENTENCES = ("a photo of {}.", "a close-up photo of {}.", "a photo of {} on a table.")
MANY = ("headphones", "playing cards", "pliers", "scissors", "sunglasses", "toothpaste")  # without an article


class Clip:
    """Finds the word that fits photos of a thing best; a recognizer (see ``objects.recognize``)."""

    name = "clip"

    def __init__(self, model: Any, tokens: Tensor, words: Sequence[str] = WORDS) -> None:
        """``tokens`` (words × sentences, T) are the sentences about each word in turn."""
        self._model, self._words = model, tuple(words)
        self._side = int(model.config.vision_config.image_size)
        with torch.no_grad():
            said = model.text_projection(model.text_model(input_ids=tokens).pooler_output)
        self._meanings = normalize(
            normalize(said, dim=-1).reshape(len(self._words), -1, said.shape[-1]).mean(1), dim=-1
        )

    def name_of(self, crops: Sequence[Tensor]) -> tuple[str, float]:  # each (S, S, 3) 0..1
        """The best word and its share: softmax over the vocabulary of the similarity, averaged over the pictures.

        The share is sure of the word against the other words, not against things that have no word here.
        """
        size = (self._side, self._side)
        squares = [interpolate(crop.permute(2, 0, 1)[None], size, mode="bicubic", antialias=True) for crop in crops]
        normal = (torch.cat(squares).clamp(0, 1) - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        with torch.no_grad():
            seen = self._model.visual_projection(self._model.vision_model(pixel_values=normal).pooler_output)
            alike = normalize(seen, dim=-1) @ self._meanings.T  # (crops, words) cosines
            shares = (self._model.logit_scale.exp() * alike.mean(0)).softmax(0)
        best = int(shares.argmax())
        return self._words[best], float(shares[best])


def open_clip(path: Path, words: Sequence[str] = WORDS) -> Clip:
    """CLIP from a local folder, to choose between ``words``.

    Raises:
        UsageError: transformers is not installed, or the folder does not hold CLIP as safetensors with its tokenizer.
    """
    model, folder = load_model(path, CLIP)
    sentences = [sentence.format(_with_article(word)) for word in words for sentence in SENTENCES]
    return Clip(model, _tokens(folder / "tokenizer.json", sentences, model.config.text_config), words)


def _tokens(path: Path, sentences: list[str], config: Any) -> Tensor:  # (len(sentences), T) int64
    try:
        tokenizer = import_module("tokenizers").Tokenizer.from_file(str(path))
        tokenizer.enable_truncation(config.max_position_embeddings)
        encoded = [encoding.ids for encoding in tokenizer.encode_batch(sentences)]
    except Exception as problem:  # of its own, in a library written in Rust
        raise UsageError(
            f"this is no tokenizer ({problem})", path=path, todo="give the one of the checkpoint"
        ) from None
    longest = max(map(len, encoded))
    if not all(encoded) or max(map(max, encoded)) >= config.vocab_size:
        raise UsageError("this tokenizer is not the model's", path=path, todo="give the one of the checkpoint")
    return torch.tensor([ids + ids[-1:] * (longest - len(ids)) for ids in encoded])  # what follows the end is not read


def _with_article(word: str) -> str:
    if word in MANY:
        return word
    return ("an " if word[0] in "aeiou" and not word.startswith("usb") else "a ") + word
