"""Trainings that teach the one that is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scan2sim.fit import DropoutConfig, FitConfig, FitResult, TeachersConfig, split_held_out, train
from scan2sim.fit.photos import load_photos
from scan2sim.fit.teachers import invented_cameras, invented_photos
from scan2sim.fit.training import Training
from scan2sim.progress import Reporter, silent
from scan2sim.splats import Gaussians, psnr, rasterize
from tests.fit.synthetic import blobs, camera_at, posed_capture

CONFIG = FitConfig(
    steps=1000,
    coarse_to_fine=((0.0, 1),),
    sh_degree=0,
    hold_out_every=2,
    max_gaussians=1500,
    dropout=DropoutConfig(share=0),
)


class KilledError(Exception):
    """In place of a signal."""


def test_cameras_stand_between_neighbours_and_look_where_they_look() -> None:
    cameras = [camera_at(angle) for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False)]
    invented = invented_cameras(cameras, TeachersConfig(count=1, views=200, jitter=0.0), seed=3)
    assert len(invented) == 200
    assert invented_cameras(cameras, TeachersConfig(count=1, views=200, jitter=0.0), seed=3)[
        7
    ].position == pytest.approx(invented[7].position)
    radii = np.array([np.linalg.norm(camera.position[:2]) for camera in invented])
    # chords of a ring of radius 0.4 m over at most two of its twelve parts
    assert radii.max() <= 0.4 + 1e-9
    assert radii.min() >= 0.4 * np.cos(np.pi / 6) - 1e-9
    assert len({tuple(camera.position.round(6)) for camera in invented}) == 200
    for camera in invented:
        pixels, depths = camera.project(np.zeros((1, 3)))
        assert depths[0] > 0.3
        assert np.abs(pixels[0] - [48, 36]).max() < 8


def test_photos_are_the_mean_of_the_scenes_and_reduced(tmp_path: Path) -> None:
    camera = camera_at(0.3)
    dark, light = blobs(), blobs()
    light = replace(light, sh=light.sh + 0.5)
    (photo,) = invented_photos([dark, light], [camera], (1, 2))
    expected = sum(rasterize(scene, [camera]).colors[0].clamp(0, 1) for scene in (dark, light)) / 2
    assert (photo.view(1)[0] - expected).abs().max() < 0.003
    assert photo.view(2)[0].shape == (36, 48, 3)


def test_photos_and_inventions_take_turns(tmp_path: Path) -> None:
    posed = posed_capture(tmp_path / "photos", views=4)
    photos = load_photos(posed.frames, 96, (1,), torch.device("cpu"))
    config = replace(CONFIG, teachers=TeachersConfig(count=1, views=6))
    invented = invented_photos([blobs()], invented_cameras([p.camera for p in photos], config.teachers, 0), (1,))
    training = Training(blobs(), posed, posed.frames, photos + invented, config)
    shown = [training._shown(step) for step in range(36)]
    assert all((index < 4) == (step % 3 == 0) for step, index in enumerate(shown))
    assert {shown.count(index) for index in range(4)} == {3}
    assert {shown.count(index) for index in range(4, 10)} == {4}


@pytest.mark.slow
def test_the_taught_one_agrees_with_its_teachers_mean_and_comes_out_the_same_after_a_kill(tmp_path: Path) -> None:
    posed = posed_capture(tmp_path / "photos", views=6)
    _, unseen = split_held_out(posed.frames, 2)

    def trained(name: str, config: FitConfig, report: Reporter = silent) -> FitResult:
        (tmp_path / name).mkdir(exist_ok=True)
        return train(posed, tmp_path / name, config, report)

    teachers = [trained(str(seed), replace(CONFIG, seed=seed)).gaussians for seed in (1000, 2000, 3000)]
    config = replace(CONFIG, teachers=TeachersConfig(count=3, views=20))
    alone, taught = trained("alone", CONFIG), trained("taught", config)

    def agreement(scene: Gaussians) -> float:
        values = []
        for frame in unseen:
            mean = torch.stack([rasterize(one, [frame.camera]).colors[0] for one in teachers]).mean(0)
            values.append(float(psnr(rasterize(scene, [frame.camera]).colors[0], mean)))
        return sum(values) / len(values)

    assert agreement(taught.gaussians) > agreement(alone.gaussians) + 1
    assert taught.figures["held_out_psnr"] > alone.figures["held_out_psnr"] - 1
    assert not (tmp_path / "taught" / "teachers").exists()

    told = []

    def kill(what: str, done: int, total: int) -> None:
        if "teacher 3" in what:
            raise KilledError

    with pytest.raises(KilledError):
        trained("again", config, kill)
    assert len(list((tmp_path / "again" / "teachers").iterdir())) == 3
    resumed = trained("again", config, lambda what, done, total: told.append(what))
    assert not any("teacher 1" in what or "teacher 2" in what for what in told)
    assert torch.equal(resumed.gaussians.means, taught.gaussians.means)
