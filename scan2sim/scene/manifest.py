"""The validated form of ``scene.json``, version 1.

Unknown fields are allowed, known ones are bounded and typed.  Paths are relative to the scene folder and stay in it.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from scan2sim.errors import SceneError
from scan2sim.scene.validate import MAX_NAME, NAME

__all__ = ["FORMAT", "VERSION", "Manifest", "ManifestObject", "parse_manifest"]

FORMAT = "scan2sim.scene"
VERSION = 1
MAX_OBJECTS = 10_000
MAX_PIECES = 10_000
MAX_ERRORS_SHOWN = 5


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path or ":" in parts[0]:
        raise ValueError("a path must be relative and stay inside the scene folder")
    return path


Number = Annotated[float, Field(allow_inf_nan=False)]
Vector = tuple[Number, Number, Number]
Quaternion = tuple[Number, Number, Number, Number]
RelativePath = Annotated[str, Field(max_length=500), AfterValidator(_inside)]
Text = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$", max_length=MAX_NAME)]
Pieces = Annotated[list[RelativePath], Field(max_length=MAX_PIECES)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ManifestBackground(_Part):
    """Where the background's files are."""

    splats: RelativePath
    collision: Pieces


class ManifestSupport(_Part):
    """A flat piece that things stand on."""

    name: Text
    object: int | None
    position: Vector
    wxyz: Quaternion
    polygon: Annotated[list[tuple[Number, Number]], Field(min_length=3, max_length=100_000)]


class ManifestLabel(_Part):
    """What a thing is called."""

    text: Text
    confidence: Annotated[float, Field(ge=0, le=1)]
    source: Text


class ManifestRestsOn(_Part):
    """What an object stands on."""

    id: Annotated[int, Field(ge=0)]
    relation: Literal["on", "in", "against"]


class ManifestJoint(_Part):
    """How a link moves relative to its parent."""

    parent: Annotated[int, Field(ge=0)]
    type: Literal["revolute", "prismatic"]
    position: Vector
    axis: Vector
    lower: Number
    upper: Number
    damping: Number
    friction: Number


class ManifestEstimate(_Part):
    """A value with its interval and source."""

    value: Number
    low: Number
    high: Number
    source: Literal["measured", "material", "guess"]


class ManifestObject(_Part):
    """One object: its place, its files and its physics."""

    id: Annotated[int, Field(gt=0, lt=2**31)]
    name: Name
    label: ManifestLabel
    mobility: Literal["free", "joint", "fixed"]
    rests_on: ManifestRestsOn | None = None
    joint: ManifestJoint | None = None
    position: Vector
    wxyz: Quaternion
    splats: RelativePath
    visual: RelativePath
    collision: Pieces
    mass: ManifestEstimate
    friction: ManifestEstimate
    restitution: ManifestEstimate
    volume: ManifestEstimate
    center_of_mass: Vector
    inertia: tuple[Vector, Vector, Vector]
    unseen_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    figures: Annotated[dict[Annotated[str, Field(max_length=100)], Number], Field(max_length=100)] = {}


class Manifest(_Part):
    """The whole of ``scene.json``."""

    format: Literal["scan2sim.scene"]
    version: Literal[1]
    units: Literal["m"]
    up: Literal["z"]
    quaternion: Literal["wxyz"]
    scale: dict[str, Any]
    gravity: dict[str, Any]
    background: ManifestBackground
    supports: Annotated[list[ManifestSupport], Field(max_length=MAX_OBJECTS)]
    regions: list[Any] = []
    objects: Annotated[list[ManifestObject], Field(max_length=MAX_OBJECTS)]
    cameras: RelativePath | None = None
    points: RelativePath | None = None
    light: dict[str, Any] = {}
    quality: dict[str, Any] = {}
    provenance: dict[str, Any] = {}


def parse_manifest(data: Any, path: object) -> Manifest:
    """Check parsed JSON against the format.

    Raises:
        SceneError: with the first fields that are wrong.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SceneError(f"this is not a scene manifest (format “{FORMAT}” expected)", path=str(path))
    if data.get("version") != VERSION:
        raise SceneError(
            f"scene format version {data.get('version')!r}, this program reads version {VERSION}",
            path=str(path),
            todo="use the version of scan2sim that wrote it",
        )
    try:
        return Manifest.model_validate(data)
    except ValidationError as problem:
        found = [".".join(map(str, e["loc"])) + ": " + e["msg"] for e in problem.errors()]
        more = f" and {len(found) - MAX_ERRORS_SHOWN} more" if len(found) > MAX_ERRORS_SHOWN else ""
        raise SceneError(
            "fields are missing or wrong: " + "; ".join(found[:MAX_ERRORS_SHOWN]) + more, path=str(path)
        ) from None
