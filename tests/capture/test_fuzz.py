from __future__ import annotations

from collections.abc import Iterator

import pytest

from scan2sim.capture import CaptureConfig
from scan2sim.capture.decoder import Decoder
from tests.capture.fuzz import TARGETS, Target, attack


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(CaptureConfig()) as shared:
        yield shared


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_files_are_read_or_refused_by_name(target: Target, decoder: Decoder) -> None:
    """A few in every run; ``python -m tests.capture.fuzz`` does a thousand for each."""
    outcomes, longest = attack(target, 12, 0, decoder)
    assert outcomes["refused"] + outcomes["read"] == 12
    assert longest < 10
