"""The native module built with the address and undefined-behaviour sanitizers does all it can do without a finding."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("sanitized.py")


def runtime(name: str) -> str:
    """The compiler's own runtime library, which has to be loaded before Python's."""
    found = subprocess.run(["c++", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return found.stdout.strip()


@pytest.mark.slow
def test_no_finding(tmp_path: Path) -> None:
    if shutil.which("c++") is None or not Path(runtime("libasan.so")).is_absolute():
        pytest.skip("needs a C++ compiler with the address sanitizer's library")
    nanobind = pytest.importorskip("nanobind", reason="needs the dev extra: pip install -e '.[dev]'")
    tools = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    configure = [
        *("cmake", "-S", str(ROOT), "-B", str(tmp_path), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug"),
        *("-DSCAN2SIM_SANITIZE=ON", f"-Dnanobind_DIR={nanobind.cmake_dir()}", f"-DPython_EXECUTABLE={sys.executable}"),
    ]
    for command in (configure, ["cmake", "--build", str(tmp_path), "--target", "splats_native"]):
        done = subprocess.run(command, capture_output=True, text=True, env=tools, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (library,) = tmp_path.glob("_native*.so")
    assert b"__asan_report_store4" in library.read_bytes()
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime("libasan.so"),
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1",  # Python itself leaves memory behind
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "runtime error" not in done.stderr
    assert done.stdout == "clean\n"
