"""What ``--warm-start`` takes from an earlier build, and what it says when it cannot."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scan2sim.capture import Capture, Frame, save_capture
from scan2sim.errors import Scan2SimError, UsageError
from scan2sim.pipeline import BuildConfig
from scan2sim.pipeline.corridor import STAGES, Corridor
from scan2sim.pipeline.warm_start import load_start, start_digests
from scan2sim.poses import load_posed, save_posed
from scan2sim.splats import write_ply
from tests.fit.synthetic import blobs, posed_capture


def make_build(build: Path) -> Path:
    """The folders that a warm start reads."""
    capture, poses, splats = (build / STAGES[name] for name in ("capture", "poses", "splats"))
    posed = posed_capture(poses / "images", views=5)
    save_posed(posed, poses)
    shutil.copytree(poses / "images", capture / "images")
    frames = [Frame(capture / "images" / frame.name, frame.name, 96, 72, None, 1.0, 0.5, 0.0) for frame in posed.frames]
    save_capture(Capture(tuple(frames), "photos"), capture)
    splats.mkdir()
    write_ply(blobs(), splats / "splats.ply")
    (splats / "fit.json").write_text("{}")
    return build


@pytest.fixture
def builds(tmp_path):
    return make_build(tmp_path / "earlier"), make_build(tmp_path / "now")


def test_photos_of_the_same_name_and_content_align_the_earlier_splats(builds):
    earlier, now = builds
    posed = load_posed(now / STAGES["poses"])
    start = load_start(earlier, now, STAGES, posed)
    torch.testing.assert_close(start.means, blobs().means, atol=1e-5, rtol=0)
    for name in ("000.png", "001.png", "002.png"):  # other photos under the same names
        source = earlier / STAGES["capture"] / "images"
        shutil.copyfile(source / "004.png", source / name)
    with pytest.raises(Scan2SimError, match=r"--warm-start .*share 2 photos"):
        load_start(earlier, now, STAGES, posed)


def test_the_earlier_build_is_part_of_the_cache_key(builds):
    earlier, now = builds

    def key(config: BuildConfig) -> str:
        stage = next(stage for stage in Corridor(now, now, config).stages() if stage.name == "splats")
        return stage.key({}, stage.inputs())

    cold, warm = key(BuildConfig()), key(BuildConfig(warm_start=earlier))
    assert cold != warm
    write_ply(replace(blobs(), means=blobs().means + 0.001), earlier / STAGES["splats"] / "splats.ply")
    assert key(BuildConfig(warm_start=earlier)) not in (cold, warm)


def test_what_is_no_build_is_said(builds, tmp_path):
    earlier, now = builds
    with pytest.raises(UsageError, match="no build with trained splats"):
        start_digests(tmp_path, now, STAGES)
    with pytest.raises(UsageError, match="the build itself"):
        start_digests(now, now, STAGES)
    shutil.rmtree(earlier / STAGES["capture"])
    with pytest.raises(UsageError, match=r"capture\.json is missing"):
        start_digests(earlier, now, STAGES)
