"""A model in one safetensors file: numbers as tensors, settings and card as JSON in the file's metadata."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors
import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import save

from scan2sim.errors import Scan2SimError, UsageError
from scan2sim.files import write_bytes
from splatwm.config import PhysicsConfig, native_settings
from splatwm.model import ContactNetwork, NetworkConfig
from splatwm.trained.body import BodyPhysics, check_body_physics
from splatwm.trained.calibration import Calibration
from splatwm.trained.ensemble import EnsembleConfig, check_ensemble
from splatwm.trained.model import Model

__all__ = ["ModelError", "load_model", "save_model"]

FORMAT, VERSION = "splatwm.model", 1
MAX_BYTES = 256 << 20
Settings = TypeVar("Settings", PhysicsConfig, EnsembleConfig, BodyPhysics, NetworkConfig)
CALIBRATION = ("horizon", "factor", "floor")


class ModelError(Scan2SimError):
    """A model file is damaged, of another version, or no model."""


def save_model(model: Model, path: Path) -> None:
    """Write a model.

    Raises:
        OutputError: it cannot be written.
    """
    tensors: dict[str, np.ndarray] = {}
    if model.calibration is not None:
        for name in CALIBRATION:  # safetensors writes the memory of a strided array as it lies
            tensors[f"calibration.{name}"] = np.ascontiguousarray(getattr(model.calibration, name), np.float64)
    config = {"physics": asdict(model.physics), "ensemble": asdict(model.ensemble)}
    if model.body is not None:
        config["body"] = asdict(model.body)
    if model.network is not None:
        config["network"] = asdict(model.network.config)
        for name, value in model.network.state_dict().items():
            tensors[f"network.{name}"] = np.ascontiguousarray(value.detach().cpu().numpy(), np.float32)
    about = {"format": FORMAT, "version": str(VERSION), "config": json.dumps(config), "card": json.dumps(model.card)}
    write_bytes(path, save(tensors, metadata=about))


def load_model(path: Path) -> Model:
    """Read a model.

    Raises:
        ModelError: the file is missing, cut short, of another version, or holds no model.
    """
    if not path.is_file():
        raise ModelError("no such model", path=path, todo="give a .safetensors file that splatwm made")
    if path.stat().st_size > MAX_BYTES:
        raise ModelError("the file is too large for a model", path=path)
    try:
        with safetensors.safe_open(path, "np") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except (OSError, safetensors.SafetensorError) as problem:
        raise ModelError(f"this is no whole safetensors file ({problem})", path=path, todo="copy it again") from None
    if about.get("format") != FORMAT:
        raise ModelError("this is no model of splatwm", path=path)
    if about.get("version") != str(VERSION):
        raise ModelError(
            f"a model of version {about.get('version')}, this program reads version {VERSION}",
            path=path,
            todo="train it again, or use the version that made it",
        )
    config, card = (_json(about.get(name, ""), name, path) for name in ("config", "card"))
    physics = _settings(PhysicsConfig, config.get("physics"), path)
    ensemble = _settings(EnsembleConfig, config.get("ensemble"), path)
    body = _settings(BodyPhysics, config["body"], path) if "body" in config else None
    try:
        native_settings(physics)
        check_ensemble(ensemble)
        if body is not None:
            check_body_physics(body)
    except UsageError as problem:
        raise ModelError(f"its settings cannot work: {problem.problem}", path=path) from None
    network = _network(config.get("network"), tensors, path)
    return Model(physics, ensemble, _calibration(tensors, path), body, network, card)


def _settings(kind: type[Settings], data: Any, path: Path) -> Settings:
    """All fields of a configuration, and no others: a default that is not the model's own would change it silently."""
    wanted = {each.name for each in fields(kind)}
    found = set(data) if isinstance(data, dict) else set()
    if found != wanted:
        odd = ", ".join(sorted(found ^ wanted)) or "none"
        raise ModelError(
            f"its settings are not those that this program knows ({odd})", path=path, todo="train it again"
        )
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as problem:
        raise ModelError(f"its settings are wrong ({problem.errors()[0]['msg']})", path=path) from None


def _calibration(tensors: dict[str, np.ndarray], path: Path) -> Calibration | None:
    found = [tensors.get(f"calibration.{name}") for name in CALIBRATION]
    present = [np.asarray(each, np.float64) for each in found if each is not None]
    if not present:
        return None
    sizes = {each.shape for each in present}
    good = len(present) == len(CALIBRATION) and len(sizes) == 1 and all(np.isfinite(each).all() for each in present)
    if not good or present[0].ndim != 1 or not (np.diff(present[0]) > 0).all():
        raise ModelError("its calibration is damaged", path=path)
    return Calibration(*present)


def _network(config: Any, tensors: dict[str, np.ndarray], path: Path) -> ContactNetwork | None:
    weights = {name.removeprefix("network."): each for name, each in tensors.items() if name.startswith("network.")}
    if config is None and not weights:
        return None
    try:
        network = ContactNetwork(_settings(NetworkConfig, config, path))
    except UsageError as problem:
        raise ModelError(f"its network cannot be: {problem.problem}", path=path) from None
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    if wanted != {name: each.shape for name, each in weights.items()}:
        raise ModelError("its network's weights are not all there", path=path, todo="copy it again")
    if not all(np.isfinite(each).all() for each in weights.values()):
        raise ModelError("its network's weights are not finite", path=path, todo="train it again")
    network.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()})
    return network


def _json(text: str, name: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise ModelError(f"its {name} is damaged", path=path)
    return data
