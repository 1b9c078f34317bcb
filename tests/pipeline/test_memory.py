"""The peak memory of a stage is its own, not that of an earlier one."""

from __future__ import annotations

import mmap
import sys
import time

import pytest

from scan2sim.pipeline.memory import start_measuring


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets an earlier peak")
def test_peak_memory_and_seconds() -> None:
    measure = start_measuring()
    block = mmap.mmap(-1, 200 << 20)  # unlike an array's, its pages are new whatever was freed before
    for _ in range(200):
        block.write(bytes(1 << 20))
    seconds, with_block = measure()
    block.close()
    measure = start_measuring()
    time.sleep(0.05)
    seconds, without = measure()
    assert 0.05 <= seconds < 5
    assert 100 < with_block - without < 300
