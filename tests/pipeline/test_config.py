"""Presets: each quality costs more than the one before, and the seed reaches every stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from scan2sim.cli import main
from scan2sim.pipeline.config import QUALITIES, build_config


def test_higher_quality_means_more_work() -> None:
    draft, standard, high = (build_config(quality) for quality in QUALITIES)
    assert draft.fit.steps < standard.fit.steps < high.fit.steps
    assert draft.fit.max_gaussians < standard.fit.max_gaussians < high.fit.max_gaussians
    assert draft.objects.mesh_faces < standard.objects.mesh_faces < high.objects.mesh_faces


def test_the_seed_is_everywhere() -> None:
    config = build_config(seed=7)
    assert config.seed == config.poses.seed == config.fit.seed == config.objects.seed == 7


def test_a_marker_that_is_none_is_refused_before_anything_is_built(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    for flag in ("--marker", "--poses.marker"):
        assert main(["build", str(tmp_path / "photos"), "-o", str(tmp_path / "out"), flag, "tag36h11:5cm"]) == 2
        assert "as in tag36h11:0.05" in capfd.readouterr().err
    assert not list(tmp_path.glob("out/0*"))
