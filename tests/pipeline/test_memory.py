"""The peak memory of a stage is its own, not that of an earlier one."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from scan2sim.pipeline.memory import start_measuring


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets an earlier peak")
def test_peak_memory_and_seconds() -> None:
    measure = start_measuring()
    block = np.ones(200 << 17)  # 200 MiB
    seconds, with_block = measure()
    del block
    measure = start_measuring()
    time.sleep(0.05)
    seconds, without = measure()
    assert 0.05 <= seconds < 5
    assert 100 < with_block - without < 300
