"""Baselines on collected episodes, and the command that prints them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from splatwm.cli import main
from splatwm.data import CollectConfig, Data, Episode, EpisodeConfig, Sources, World, collect, replay
from splatwm.evaluate import BASELINES, FLOOR, TRUTH, Motion, compare, rotation_error
from splatwm.evaluate.baselines import straight


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("evaluated") / "data"
    episode = EpisodeConfig(seconds=0.7, lift=0.0)
    return collect(Sources(procedural=2, part="held-out"), folder, CollectConfig(10, workers=1, episode=episode))


def test_the_truth_has_no_error_and_penetrates_as_the_truth(data: Data) -> None:
    def oracle(world: object, episode) -> Motion:
        return episode.position.astype(float), episode.wxyz.astype(float)

    found = compare(data, {"oracle": oracle}, most=4)
    score = found.scores["oracle"]
    assert found.episodes == 4
    assert max(np.concatenate(errors).max(initial=0) for errors in score.position.values()) == 0
    assert score.penetration == found.scores[TRUTH].penetration
    assert max(score.penetration) < 0.003
    assert score.lost == 0


def test_baselines_stand_in_the_order_that_physics_says(data: Data) -> None:
    found = compare(data, BASELINES)

    def mean(name: str) -> float:
        rows = [np.concatenate(e) for (_, h, moved), e in found.scores[name].position.items() if moved and h == 0.5]
        return float(np.concatenate(rows).mean())

    errors = [mean(name) for name in ("no motion", "MuJoCo at 1/60 s", FLOOR)]
    assert errors[0] > 3 * errors[1] > 3 * errors[2] > 0
    assert mean("MuJoCo at 1/120 s") < mean("MuJoCo at 1/30 s")


def test_another_way_to_find_contacts_ends_elsewhere_and_leaves_the_simulator_as_it_was(data: Data) -> None:
    def truth_again(world: World, episode: Episode) -> Motion:
        return replay(world, episode)

    found = compare(data, {"other": BASELINES["MuJoCo, other contacts"], "again": truth_again})
    other, again = (
        np.concatenate([np.concatenate(e) for e in found.scores[name].position.values()]) for name in ("other", "again")
    )
    assert np.nanmax(other) > 1e-4
    assert np.nanmax(again) < 1e-6


def test_constant_velocity_is_exact_for_what_flies_on(data: Data) -> None:
    episode = next(e for e in data.episodes() if np.abs(e.spin[0]).max() > 0.1)
    position, wxyz = straight(None, episode)  # type: ignore[arg-type]  # it needs no world
    i, t = int(np.abs(episode.spin[0]).max(1).argmax()), 5
    time = t * episode.dt
    assert position[t, i] == pytest.approx(episode.position[0, i] + time * episode.velocity[0, i], abs=1e-6)
    turned = float(rotation_error(wxyz[t, i], episode.wxyz[0, i]))
    assert turned == pytest.approx(time * float(np.linalg.norm(episode.spin[0, i])), rel=1e-4)


def test_the_command_prints_one_json_object_and_a_table(data: Data, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--on", str(data.folder), "--baselines", "-n", "3", "--json"]) == 0
    figures = json.loads(capfd.readouterr().out)
    assert figures["episodes"] == 3
    assert figures[FLOOR]["lost_episodes"] == 0
    assert set(BASELINES) < set(figures)
    assert main(["evaluate", "--on", str(data.folder), "--baselines", "-n", "3"]) == 0
    assert "MuJoCo at 1/60 s" in capfd.readouterr().out


def test_wrong_calls_are_errors_for_people(data: Data, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["evaluate", "--on", str(data.folder)], "nothing to evaluate"),
        (["evaluate", "--on", str(tmp_path), "--baselines"], "no such file"),
        (["collect", "-o", str(tmp_path / "x")], "nothing to collect from"),
        (["collect", str(tmp_path), "-o", str(tmp_path / "x")], "scene.json"),
        (["colect"], "did you mean collect?"),
    ):
        assert main(words) == 2
        assert said in capfd.readouterr().err
