"""Weights from a local folder: safetensors only, whole, and of the right kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from scan2sim.errors import UsageError
from scan2sim.files import read_json
from scan2sim.objects.config import ObjectsConfig

__all__ = ["CLIP", "SAM2", "Kind", "load_model", "model_files"]

CONFIG, WEIGHTS = "config.json", "model.safetensors"
PICKLED = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}


@dataclass(frozen=True)
class Kind:
    """What a folder must hold to be a certain model."""

    title: str
    types: tuple[str, ...]  # of config.json
    network: str  # class of transformers
    example: str  # a checkpoint of this kind
    extras: tuple[str, ...] = ()  # files besides its configuration and weights


SAM2 = Kind("SAM 2", ("sam2", "sam2_video"), "Sam2Model", "facebook/sam2.1-hiera-small")
CLIP = Kind("CLIP", ("clip",), "CLIPModel", "openai/clip-vit-base-patch32", ("tokenizer.json",))


def model_files(config: ObjectsConfig) -> dict[str, Path]:
    """The files that are read of the models a person has given, by a name for each; none where none was given.

    Raises:
        UsageError: transformers is not installed, or a folder does not hold such a model as safetensors.
    """
    found = {}
    for option, path, kind in (("sam", config.sam, SAM2), ("clip", config.clip, CLIP)):
        if path is not None:
            folder = _checked(path, kind)
            found |= {f"{option}/{name}": folder / name for name in (CONFIG, WEIGHTS, *kind.extras)}
    return found


def load_model(path: Path, kind: Kind) -> tuple[Any, Path]:
    """The network with its weights, ready to be asked, and its folder.

    Raises:
        UsageError: transformers is not installed, the folder does not hold such a model as safetensors, or weights
            are damaged, missing or of another shape than the configuration says.
    """
    folder = _checked(path, kind)
    with _quiet():
        try:
            network = getattr(import_module("transformers"), kind.network)
            model, told = network.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True, dtype=torch.float32
            )
        except Exception as problem:  # whatever the library raises on files that are not what they should be
            reason = f"{type(problem).__name__}: {problem}".splitlines()[0][:300]
            raise UsageError(f"{kind.title} cannot be loaded ({reason})", path=folder, todo=_advice(kind)) from None
    if absent := sorted(told["missing_keys"]):  # they would be random numbers
        raise UsageError(
            f"{len(absent)} of the weights of {kind.title} are missing, {absent[0]} for one",
            path=folder / WEIGHTS,
            todo=_advice(kind),
        )
    return model.eval().requires_grad_(False), folder


def _checked(path: Path, kind: Kind) -> Path:
    """The folder of a model that is there and of the right kind."""
    if find_spec("transformers") is None:
        raise UsageError(f"{kind.title} needs the package transformers", todo="pip install 'scan2sim[sam]'")
    if path.suffix.lower() in PICKLED:
        raise _pickled(path, kind)
    folder = path.parent if path.name == WEIGHTS else path
    if not folder.is_dir():
        raise UsageError(f"there is no folder with the weights of {kind.title}", path=path, todo=_advice(kind))
    if not (folder / WEIGHTS).is_file():
        if pickled := sorted(each for each in folder.iterdir() if each.suffix.lower() in PICKLED):
            raise _pickled(pickled[0], kind)
        raise UsageError(f"{WEIGHTS} is missing", path=folder, todo=_advice(kind))
    if missing := [name for name in (CONFIG, *kind.extras) if not (folder / name).is_file()]:
        raise UsageError(f"{missing[0]} is missing beside {WEIGHTS}", path=folder, todo=_advice(kind))
    try:
        with import_module("safetensors").safe_open(folder / WEIGHTS, "pt"):  # reads the header, which tells the size
            pass
    except Exception as problem:  # of its own, in a library written in Rust
        raise UsageError(
            f"these are no whole safetensors ({problem})", path=folder / WEIGHTS, todo="copy or download it again"
        ) from None
    data = read_json(folder / CONFIG, UsageError)
    found = data.get("model_type") if isinstance(data, dict) else None
    if found not in kind.types:
        raise UsageError(f"this is a model of type “{found}”, not {kind.title}", path=folder, todo=_advice(kind))
    return folder


def _pickled(path: Path, kind: Kind) -> UsageError:
    return UsageError(
        "weights in this form are not opened, because they can run any program",
        path=path,
        todo=f"give the same checkpoint as {WEIGHTS}: {_advice(kind)}",
    )


def _advice(kind: Kind) -> str:
    names = [CONFIG, WEIGHTS, *kind.extras]
    return f"give a folder with {', '.join(names[:-1])} and {names[-1]}, as in {kind.example}; see docs/objects.md"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' progress bars and advice off the terminal meanwhile."""
    logging = import_module("transformers").utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
