"""What the benchmarks compare with is right: the vectorised torch peer, OpenSplat's input and what is read of it."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.poses import Gravity, PosedCapture, PosedFrame, Scale
from scan2sim.splats import rasterize, write_ply

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts import their neighbours by bare names, as when they are run."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def posed(folder: Path, shift: float = 0.0) -> PosedCapture:
    """Two grey photos from different places; the principal point ``shift`` pixels beside the middle."""
    frames = []
    for i, eye in enumerate([(1.0, 0.2, 0.5), (-0.3, 1.1, 0.7)]):
        path = folder / f"photo-{i}.jpg"
        Image.new("RGB", (80, 60), (90 + i, 100, 110)).save(path)
        intrinsics = Intrinsics(80, 60, 70.0, 71.0, 40.0 + shift, 30.0)
        frames.append(PosedFrame(path, path.name, Camera(intrinsics, look_at(eye, (0, 0, 0))), 0.5))
    points = np.random.default_rng(0).normal(size=(20, 3))
    colors = np.arange(60, dtype=np.uint8).reshape(20, 3)
    return PosedCapture(tuple(frames), points, colors, Scale("guess", 0.1), Gravity("guess", 5.0))


def test_vectorised_torch_draws_what_the_engine_draws() -> None:
    from scenes import cameras_around, cloud, trainable
    from torch_tiles import render

    scene, camera = cloud(500, size=0.03), cameras_around(3, 45, 37)[2]
    ours, theirs = trainable(scene), trainable(scene)
    a, b = rasterize(ours, [camera]).colors[0], render(theirs, camera)
    weights = torch.rand(b.shape, generator=torch.Generator().manual_seed(0))
    (a * weights).sum().backward()
    (b * weights).sum().backward()
    assert a.std() > 0.05
    assert torch.allclose(a, b, atol=1e-4)
    for name in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        expected, got = getattr(ours, name).grad, getattr(theirs, name).grad
        assert (expected - got).norm() < 1e-3 * expected.norm(), name


def test_a_dataset_holds_the_cameras_in_opengl_and_the_photos_as_the_trainer_sees_them(tmp_path: Path) -> None:
    from opensplat_dataset import write_dataset

    capture = posed(tmp_path)
    write_dataset(capture, capture.frames, tmp_path / "data", 40)
    written = json.loads((tmp_path / "data" / "transforms.json").read_text())
    for entry, frame in zip(written["frames"], capture.frames, strict=True):
        with Image.open(tmp_path / "data" / entry["file_path"]) as image:
            assert image.size == (entry["w"], entry["h"]) == (40, 30)
        # an OpenGL camera looks along -z with y up: the same pixel for the same point
        point = np.array([0.1, -0.2, 0.05, 1.0])
        x, y, z = (np.linalg.inv(entry["transform_matrix"]) @ point)[:3]
        pixel = entry["fl_x"] * x / -z + entry["cx"], entry["fl_y"] * y / z + entry["cy"]
        assert np.allclose(pixel, frame.camera.resized(40, 30).project(point[None, :3])[0][0])
    points = (tmp_path / "data" / written["ply_file_path"]).read_bytes()
    header, _, body = points.partition(b"end_header\n")
    assert b"element vertex 20" in header
    rows = np.frombuffer(body, dtype=[("xyz", "<f4", 3), ("rgb", "u1", 3)])
    assert np.allclose(rows["xyz"], capture.points, atol=1e-6)
    assert (rows["rgb"] == capture.point_colors).all()


def test_a_principal_point_that_opensplat_would_ignore_is_refused(tmp_path: Path) -> None:
    from opensplat_dataset import write_dataset

    capture = posed(tmp_path, shift=4.0)
    with pytest.raises(ValueError, match="principal point"):
        write_dataset(capture, capture.frames, tmp_path / "data", 80)


def program(folder: Path, body: str) -> Path:
    """An executable in place of OpenSplat; ``output`` is where it shall write."""
    path = folder / "opensplat"
    lines = [f"#!{sys.executable}", "import sys, time", 'output = sys.argv[sys.argv.index("-o") + 1]', body]
    path.write_text("\n".join(lines))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_run_is_timed_without_the_time_for_saving(tmp_path: Path) -> None:
    from opensplat_peer import PeerSettings, run_opensplat

    body = """
for step in (1, 2, 3):
    time.sleep(0.1)
    print(f"Step {step}: 0.{step} (33%)", flush=True)
    if step == 2:
        print("Added 5 gaussians, new count 25", flush=True)
        time.sleep(1.0)
        print("Wrote " + output.replace(".ply", "_2.ply"), flush=True)
"""
    run = run_opensplat(program(tmp_path, body), tmp_path, tmp_path / "out", PeerSettings(steps=3), 1, save_every=2)
    assert run.losses == (0.1, 0.2, 0.3)
    assert run.gaussians == ((2, 25),)
    assert set(run.saved) == {2, 3}
    assert run.step_ends[0] == 0
    assert 0.15 < run.step_ends[2] < 0.9  # two steps, not the second of saving


def test_a_run_ends_when_its_time_is_up_and_a_failed_one_says_so(tmp_path: Path) -> None:
    from opensplat_peer import PeerSettings, run_opensplat

    slow = 'print("Step 1: 0.5 (1%)", flush=True); time.sleep(60)'
    run = run_opensplat(program(tmp_path, slow), tmp_path, tmp_path / "out", PeerSettings(), 1, max_seconds=1.0)
    assert len(run.losses) == 1
    assert run.saved == {}
    broken = 'print("no such dataset"); sys.exit(1)'
    with pytest.raises(RuntimeError, match="no such dataset"):
        run_opensplat(program(tmp_path, broken), tmp_path, tmp_path / "out", PeerSettings(), 1)


def test_the_peer_is_judged_in_front_of_its_own_background(tmp_path: Path) -> None:
    from opensplat_peer import BACKGROUND, judge_peer
    from scenes import cameras_around, cloud

    from scan2sim.fit.photos import Photo

    scene, camera = cloud(200, size=0.05), cameras_around(1, 48, 36)[0]
    picture = rasterize(scene, [camera], backgrounds=torch.tensor(BACKGROUND)).colors[0].clamp(0, 1)
    photo = Photo("photo.jpg", camera, {1: (picture * 255).round().byte()})
    write_ply(scene, tmp_path / "splat.ply")
    assert judge_peer(tmp_path / "splat.ply", [photo])["held_out_psnr"] > 45


def test_every_view_is_held_out_once_and_the_best_moment_in_time_is_found(tmp_path: Path) -> None:
    from quality import Judged, mean_over_folds, peer_figures, split

    capture = posed(tmp_path)
    folds = split(capture, 2)
    assert [f.name for fold in folds for f in fold.held_out] == [f.name for f in capture.frames]
    assert [f.name for fold in folds for f in fold.training] == ["photo-1.jpg", "photo-0.jpg"]

    first = {100: Judged(10.0, 20.0, 1, 50), 200: Judged(30.0, 24.0, 1, 70), 300: Judged(60.0, 23.0, 1, 90)}
    second = {100: Judged(12.0, 22.0, 3, 50), 200: Judged(32.0, 26.0, 3, 70)}  # killed before step 300
    mean = mean_over_folds([first, second])
    assert mean[100] == Judged(11.0, 21.5, 4, 50)
    figures = peer_figures({300: mean}, seconds=20.0)
    assert (figures["opensplat_psnr_any_time"], figures["opensplat_step_any_time"]) == (25.5, "200 of 300")
    assert (figures["opensplat_psnr_equal_seconds"], figures["opensplat_seconds_equal_seconds"]) == (21.5, 11.0)
