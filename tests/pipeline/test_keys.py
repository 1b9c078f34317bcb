"""Content hashes: equal for equal content, different for anything else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import UsageError
from scan2sim.pipeline.keys import digest_file, digest_folder, digest_inputs, digest_json, measure_folder

names = st.text("abc", min_size=1, max_size=3)
json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda v: st.dictionaries(names, v), max_leaves=8
)


@given(st.dictionaries(names, json_values, min_size=2))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_order_of_keys_does_not_count_but_every_value_does(data: dict) -> None:
    assert digest_json(dict(reversed(data.items()))) == digest_json(data)
    first = next(iter(data))
    assert digest_json({**data, first: [data[first]]}) != digest_json(data)


def test_a_folder_is_its_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"one")
    (folder / "sub" / "b.txt").write_bytes(b"three")
    digest, files, size = digest_folder(folder)
    assert (files, size) == measure_folder(folder) == (2, 8)
    moved = folder.rename(tmp_path / "moved")
    assert digest_folder(moved) == (digest, 2, 8)
    (moved / "a.txt").write_bytes(b"two")
    changed = digest_folder(moved)[0]
    assert changed != digest
    (moved / "a.txt").rename(moved / "c.txt")
    assert digest_folder(moved)[0] not in (changed, digest)
    assert digest_folder(moved, leave_out=("c.txt",))[1:] == (1, 5)


def test_inputs_are_named_by_file(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    (tmp_path / ".hidden").write_bytes(b"hidden")
    expected = {"photo.jpg": hashlib.sha256(b"photo").hexdigest()}
    assert digest_inputs(tmp_path) == expected
    assert digest_inputs(tmp_path / "photo.jpg") == expected
    with pytest.raises(UsageError, match="absent"):
        digest_file(tmp_path / "absent")
