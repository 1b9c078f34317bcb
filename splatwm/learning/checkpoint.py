"""The state of a training in one safetensors file, so that a killed one goes on as if nothing had happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.files import write_bytes

__all__ = ["Checkpoint", "optimizer_tensors", "read_checkpoint", "restore_optimizer", "write_checkpoint"]

FORMAT = "splatwm.training.1"


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next step depends on."""

    step: int  # done so far
    tensors: dict[str, Tensor]  # weights, their means, moments of the optimizers, latents, the generator
    history: dict[str, list[tuple[float, float]]]  # curves so far


def write_checkpoint(path: Path, checkpoint: Checkpoint, made_by: str) -> None:
    """Write it; ``made_by`` tells settings and data.

    Raises:
        OutputError: it cannot be written.
    """
    about = {"step": checkpoint.step, "history": checkpoint.history}
    tensors = {name: value.detach().contiguous() for name, value in checkpoint.tensors.items()}
    write_bytes(path, save(tensors, {"format": FORMAT, "made_by": made_by, "about": json.dumps(about)}))


def read_checkpoint(path: Path, made_by: str) -> Checkpoint | None:
    """What was written, or nothing if there is no file.

    Raises:
        UsageError: it is damaged, or belongs to a training with other settings or data.
    """
    if not path.is_file():
        return None
    advice = "give the same settings and data, or delete it to begin anew"
    try:
        with safetensors.safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        about: dict[str, Any] = json.loads(header.get("about", ""))
        step, history = int(about["step"]), about["history"]
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError):
        raise UsageError("a training's state that is damaged", path=path, todo="delete it to begin anew") from None
    if header.get("format") != FORMAT or header.get("made_by") != made_by:
        raise UsageError("a training's state that belongs to other settings or data", path=path, todo=advice)
    return Checkpoint(step, tensors, {name: [(x, y) for x, y in curve] for name, curve in history.items()})


def optimizer_tensors(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimizer's moments."""
    state = optimizer.state_dict()["state"]
    return {f"{name}.{i}.{key}": torch.as_tensor(value) for i, each in state.items() for key, value in each.items()}


def restore_optimizer(name: str, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The moments back in their places."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        first, _, rest = key.partition(".")
        if first == name:
            i, _, what = rest.partition(".")
            state.setdefault(int(i), {})[what] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
