"""Training state on disk, whole or absent, so that a killed training goes on where it was."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from scan2sim.files import whole_file
from scan2sim.fit.config import FitConfig

__all__ = ["describe_config", "load_checkpoint", "save_checkpoint"]

FILE = "checkpoint.npz"


def save_checkpoint(folder: Path, config: FitConfig, step: int, state: dict[str, Tensor]) -> None:
    """Write the state after ``step`` steps.

    It goes to the disk array by array, as it may be written because memory ran out.
    """
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in state.items()}
    with whole_file(folder / FILE) as file:
        np.savez(file, step=np.array(step), config=np.array(describe_config(config)), **arrays)  # type: ignore[arg-type]


def load_checkpoint(folder: Path, config: FitConfig) -> tuple[int, dict[str, Tensor]] | None:
    """The last saved step and state, or None if there is none of this configuration."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            if str(data["config"]) != describe_config(config):
                return None
            state = {name: torch.from_numpy(data[name]) for name in data.files if name not in ("step", "config")}
            return int(data["step"]), state
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not ours or damaged: training starts anew


def describe_config(config: FitConfig) -> str:
    """All settings as text; equal for equal configurations."""
    return json.dumps(asdict(config), sort_keys=True)
