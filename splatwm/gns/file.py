"""A trained graph network in one safetensors file: weights as tensors, settings and card as JSON in its metadata."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import save

from scan2sim.errors import Scan2SimError, UsageError
from scan2sim.files import write_bytes
from splatwm.gns.network import GnsConfig, GraphNetwork

__all__ = ["Gns", "GnsError", "load_gns", "save_gns"]

FORMAT = "splatwm.gns.1"
MAX_BYTES = 64 << 20


class GnsError(Scan2SimError):
    """A file holds no graph network, or a damaged one."""


@dataclass(frozen=True)
class Gns:
    """All that is learned."""

    network: GraphNetwork
    dt: float  # [s] of a step; it knows no other
    scale: float  # [m] in a frame², of the accelerations that it tells
    card: dict[str, Any] = field(default_factory=dict)  # how it was trained


def save_gns(gns: Gns, path: Path) -> None:
    """Write it.

    Raises:
        OutputError: it cannot be written.
    """
    weights = {name: np.ascontiguousarray(v.detach().numpy()) for name, v in gns.network.state_dict().items()}
    about = {"config": asdict(gns.network.config), "dt": gns.dt, "scale": gns.scale, "card": gns.card}
    write_bytes(path, save(weights, metadata={"format": FORMAT, "about": json.dumps(about)}))


def load_gns(path: Path) -> Gns:
    """Read it.

    Raises:
        GnsError: the file is missing, damaged, or holds none.
    """
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise GnsError("no graph network here", path=path, todo="give a file that splatwm gns made")
    try:
        with safetensors.safe_open(path, "np") as file:
            header = file.metadata() or {}
            weights = {name: torch.from_numpy(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as problem:
        raise GnsError(f"this is no whole safetensors file ({problem})", path=path, todo="copy it again") from None
    if header.get("format") != FORMAT:
        raise GnsError("this is no graph network of this version", path=path, todo="train it again with splatwm gns")
    try:
        about = json.loads(header.get("about", ""))
        network = GraphNetwork(TypeAdapter(GnsConfig).validate_python(about["config"]))
        network.load_state_dict(weights)
        dt, scale, card = float(about["dt"]), float(about["scale"]), dict(about["card"])
    except (ValueError, KeyError, TypeError, ValidationError, RuntimeError, UsageError):
        raise GnsError("its settings and weights do not fit", path=path, todo="copy or train it again") from None
    if not (dt > 0 and scale > 0 and all(bool(torch.isfinite(each).all()) for each in weights.values())):
        raise GnsError("its numbers are not finite", path=path, todo="train it again")
    return Gns(network, dt, scale, card)
