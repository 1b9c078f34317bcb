"""What others send is refused before OpenUSD composes it."""

import json
import time
from pathlib import Path

import pytest

from scan2sim.errors import ExportError
from scan2sim.export.child import inspect
from scan2sim.export.usd import check_usd, write_usd
from scan2sim.export.usd.safety import refuse_large_usd, refuse_unsafe_usd
from tests.export.usd.scenes import settled

HARMLESS = '#usda 1.0\n( subLayers = [@./below.usda@] )\ndef Xform "World" {{\n {}\n}}\n'


def layer(folder: Path, inside: str = "", header: str = "") -> Path:
    (folder / "below.usda").write_text('#usda 1.0\ndef "Below" {}\n')
    path = folder / "scene.usda"
    text = HARMLESS.format(inside)
    path.write_text(text.replace("( subLayers = [@./below.usda@] )", f"( {header} )") if header else text)
    return path


def test_a_harmless_stage_is_let_through(tmp_path: Path) -> None:
    path = layer(tmp_path, 'asset picture = @./a.png@\n def "A" ( references = @./below.usda@</Below> ) {}')
    (tmp_path / "a.png").write_bytes(b"")
    refuse_large_usd(path, tmp_path)
    refuse_unsafe_usd(path, tmp_path)


@pytest.mark.parametrize(
    ("inside", "header"),
    [
        ('def "A" ( references = @/etc/passwd@ ) {}', ""),
        ('def "A" ( references = @../outside.usda@ ) {}', ""),
        ('def "A" ( payload = @../outside.usda@ ) {}', ""),
        ('def "A" ( references = @./link.usda@ ) {}', ""),
        ('def "A" ( references = @https://example.com/a.usda@ ) {}', ""),
        ('def "A" ( references = @./below.usda:SDF_FORMAT_ARGS:x=/etc/passwd@ ) {}', ""),
        ('def "A" ( references = @./a.usdz[../../outside.usda]@ ) {}', ""),
        ('def "A" ( references = @`"${HOME}/a.usda"`@ ) {}', ""),
        ('def "A" ( references = @below/../../outside.usda@ ) {}', ""),
        ("asset picture = @/etc/passwd@", ""),
        ("asset[] pictures = [@./below.usda@, @../outside.png@]", ""),
        ("asset picture.timeSamples = { 1: @../outside.png@ }", ""),
        ('custom string a = "b" ( customData = { asset b = @../outside.png@ } )', ""),
        ('variantSet "v" = {\n "w" {\n def "A" ( payload = @../outside.usda@ ) {}\n }\n }', ""),
        ('variantSet "v" = {\n "w" ( references = @../outside.usda@ ) {}\n }', ""),
        ('def "A" ( clips = { dictionary default = { asset[] assetPaths = [@../outside.usda@] } } ) {}', ""),
        ("asset program = @./tool.sh@", ""),
        ("asset nothing = @./missing.png@", ""),
        ("", "subLayers = [@../outside.usda@]"),
        ("", "subLayers = [@./deeper.usda@]"),
    ],
)
def test_what_reaches_out_is_refused(tmp_path: Path, inside: str, header: str) -> None:
    folder = tmp_path / "asset"
    folder.mkdir()
    path = layer(folder, inside, header)
    (tmp_path / "outside.usda").write_text("#usda 1.0\n")
    (tmp_path / "outside.png").write_bytes(b"")
    (folder / "tool.sh").write_text("")
    (folder / "link.usda").symlink_to(tmp_path / "outside.usda")
    (folder / "deeper.usda").write_text('#usda 1.0\ndef "A" ( payload = @../outside.usda@ ) {}\n')
    with pytest.raises(ExportError, match="names '"):
        refuse_unsafe_usd(path, folder)


@pytest.mark.parametrize("data", [b"", b"PXR-USDC", b"PXR-USDC" + bytes(200), b"#usda 1.0\ndef {", b"\x89PNG"])
def test_damaged_layers_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "scene.usda").write_bytes(data)
    with pytest.raises(ExportError, match="not a USD layer"):
        refuse_unsafe_usd(tmp_path / "scene.usda", tmp_path)


def test_large_and_deep_files_are_refused_without_parsing(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no such"):
        refuse_large_usd(tmp_path / "scene.usda", tmp_path)
    with pytest.raises(ExportError, match="not one of"):
        refuse_large_usd(tmp_path / "scene.py", tmp_path)
    path = layer(tmp_path, "double a = " + "( " * 100_000)
    started = time.monotonic()
    with pytest.raises(ExportError, match="nested too deeply"):
        refuse_large_usd(path, tmp_path)
    assert time.monotonic() - started < 1
    with path.open("r+b") as stream:
        stream.truncate(65 << 20)  # sparse
    with pytest.raises(ExportError, match="larger than 64 MiB"):
        refuse_large_usd(path, tmp_path)


def test_a_bomb_that_gets_by_costs_the_child_its_life_and_us_a_message(tmp_path: Path) -> None:
    path = layer(tmp_path, "double a = " + "(1, " * 60_000)
    refuse_large_usd(path, tmp_path)
    with pytest.raises(ExportError, match="the check"):
        inspect("usd", path, str(tmp_path), seconds=20, memory=2 << 30)


def test_a_record_cannot_send_the_check_elsewhere(tmp_path: Path) -> None:
    write_usd(settled(), tmp_path / "usd")
    path = tmp_path / "usd" / "export.json"
    record = json.loads(path.read_text())
    for stage in ("../other/usd/other.usda", "/etc/passwd", "scene/usd/other.usda", None):
        path.write_text(json.dumps(record | {"stage": stage}))
        with pytest.raises(ExportError, match="no proper stage"):
            check_usd(tmp_path / "usd")
