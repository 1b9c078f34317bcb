"""The graph network baseline: what it sees, that bodies stay rigid, that it learns, and its file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scan2sim.errors import UsageError
from splatwm.cli import main
from splatwm.data import CollectConfig, Data, EpisodeConfig, Sources, collect
from splatwm.episodes import shape_of_body, start_of_episode
from splatwm.evaluate import GROUPS
from splatwm.gns import (
    Gns,
    GnsConfig,
    GnsError,
    GnsPredictor,
    GnsTraining,
    GraphNetwork,
    Moment,
    Things,
    graph_of,
    load_gns,
    nodes_of,
    particles_of,
    rigid_fit,
    save_gns,
    train_gns,
)
from splatwm.model.rigid import turned_by

SMALL = GnsConfig(particles=8, width=16, rounds=2)
DT = 1 / 30


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("gns") / "data"
    episode = EpisodeConfig(seconds=0.45, push=0.5, drop=0.5, stack=0, topple=0, lift=0, still=0)
    return collect(Sources(procedural=2), folder, CollectConfig(8, workers=1, episode=episode))


def scene(data: Data, config: GnsConfig) -> tuple[Things, Moment]:
    """The first moment of a push, everything at rest."""
    episode = next(each for each in data.episodes() if each.links)
    start = start_of_episode(episode, lambda digest: shape_of_body(data.body(digest)))
    things = Things.of(start.state, start.shapes, particles_of(start.shapes, config))
    at = nodes_of(things, start.state.position, start.state.wxyz)
    return things, Moment(at, at, at, at)


def test_particles_of_different_bodies_meet_within_the_radius_and_hubs_their_own(data: Data) -> None:
    things, moment = scene(data, SMALL)
    graph = graph_of(things, moment, SMALL)
    count = SMALL.particles + 1
    bodies, number = graph.place // count, graph.place % count
    where = moment.now.reshape(-1, 3)[graph.place]
    way = (where[graph.sender] - where[graph.receiver]).norm(dim=-1)
    between = graph.edges[:, 4] == 1
    assert (way[between] < SMALL.radius).all()
    assert (bodies[graph.sender] != bodies[graph.receiver])[between].all()
    assert (bodies[graph.sender] == bodies[graph.receiver])[~between].all()
    hub = number == SMALL.particles
    assert (hub[graph.sender] ^ hub[graph.receiver])[~between].all()
    free = things.free.flatten()[bodies]
    assert free[graph.receiver].all(), "nobody tells a link what to do"
    surface = ~hub & free
    expected = sum(
        int((((where[surface][:, None] - where[~hub][None]).norm(dim=-1) < SMALL.radius) & other).sum())
        for other in [bodies[surface][:, None] != bodies[~hub][None]]
    )
    assert int(between.sum()) == expected


def test_features_tell_motion_and_how_near_the_table_is(data: Data) -> None:
    things, still = scene(data, SMALL)
    moved = still._replace(last=still.now - torch.tensor([0.01, 0, 0]), before=still.now - torch.tensor([0.03, 0, 0]))
    graph = graph_of(things, moved, SMALL)
    assert graph.nodes[:, :6].numpy() == pytest.approx(np.tile([2.0, 0, 0, 1, 0, 0], (len(graph.nodes), 1)), abs=1e-4)
    height = still.now.reshape(-1, 3)[graph.place][:, 2] / SMALL.radius
    assert graph.nodes[:, 9].numpy() == pytest.approx(height.clamp(-1, 1).numpy(), abs=1e-3)


def test_a_rigid_fit_undoes_a_rigid_motion_and_never_mirrors() -> None:
    rng = torch.Generator().manual_seed(0)
    nodes = torch.randn(5, 9, 3, generator=rng)
    turn = turned_by(torch.randn(5, 3, generator=rng), torch.tensor([1.0, 0, 0, 0]).expand(5, 4))
    place = torch.randn(5, 3, generator=rng)
    every = torch.ones(1, 5).bool()
    things = Things(nodes[None], every, every, torch.zeros(1, 5, 2), ())
    goal = nodes_of(things, place[None], turn[None])[0]
    position, wxyz = rigid_fit(nodes, goal)
    assert position.numpy() == pytest.approx(place.numpy(), abs=1e-5)
    assert (wxyz * turn).sum(-1).abs().numpy() == pytest.approx(1, abs=1e-5)
    _, mirrored = rigid_fit(nodes, goal * torch.tensor([1.0, 1, -1]))
    assert mirrored.norm(dim=-1).numpy() == pytest.approx(1, abs=1e-5)


def test_without_accelerations_everything_goes_on_as_it_did(data: Data) -> None:
    network = GraphNetwork(SMALL)
    with torch.no_grad():
        for value in network.decode.parameters():
            value.zero_()
    predict = GnsPredictor(Gns(network, DT, 0.01), data)
    for episode in data.episodes():
        first = replace(
            episode, spin=0 * episode.spin, velocity=0 * episode.velocity + np.array([0.3, 0, 0], np.float32)
        )
        position, wxyz = predict(first)
        way = np.arange(episode.frames)[:, None, None] * DT * [0.3, 0, 0]
        assert position == pytest.approx(episode.position[:1] + way, abs=2e-5)
        assert np.abs((wxyz * episode.wxyz[:1]).sum(-1)) == pytest.approx(1, abs=1e-5)


def test_it_learns_what_it_is_shown(data: Data) -> None:
    """Of frames it has seen often it tells accelerations better than nothing would, and the same ones each time."""
    told: list[str] = []
    train_gns(data, SMALL, GnsTraining(steps=3, batch=4), lambda what, done, total: told.append(what))
    again: list[str] = []
    train_gns(data, SMALL, GnsTraining(steps=3, batch=4), lambda what, done, total: again.append(what))
    assert told == again
    quiet = GnsTraining(steps=40, batch=4, rate=0.005, noise=0, turn=0)
    gns = train_gns(data, SMALL, quiet)
    untrained = Gns(GraphNetwork(SMALL), gns.dt, gns.scale)
    ours, plain = (one_frame_error(data, each) for each in (gns, untrained))
    assert ours < 0.8 * plain


def one_frame_error(data: Data, gns: Gns) -> float:
    """Mean distance after one frame."""
    predict, found = GnsPredictor(gns, data), []
    for episode in data.episodes():
        short = replace(
            episode, **{n: getattr(episode, n)[:2] for n in ("position", "wxyz", "link_position", "link_wxyz")}
        )
        found.append(np.linalg.norm(predict(short)[0][1] - episode.position[1], axis=-1).mean())
    return float(np.mean(found))


def test_the_commands_train_and_judge_it(data: Data, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gns.safetensors"
    words = ["--training.steps", "2", "--network.particles", "8", "--network.width", "16"]
    assert main(["gns", str(data.folder), "-o", str(path), *words]) == 0
    assert load_gns(path).card["command"].startswith("splatwm gns data")
    capfd.readouterr()
    assert main(["evaluate", "--on", str(data.folder), "--gns", str(path), "-n", "2", "--json"]) == 0
    figures = json.loads(capfd.readouterr().out)["GNS"]
    cases = [figures[kind]["0.4s"]["all"]["position_mm"]["cases"] for kind in figures if kind in GROUPS.values()]
    assert sum(cases) >= 2


def test_what_is_no_graph_network_is_refused(data: Data, tmp_path: Path) -> None:
    path = tmp_path / "gns.safetensors"
    with pytest.raises(GnsError, match="no graph network here"):
        load_gns(path)
    save_gns(Gns(GraphNetwork(SMALL), DT, 0.01, {"loss": 1.0}), path)
    whole = path.read_bytes()
    assert load_gns(path).card == {"loss": 1.0}
    path.write_bytes(whole[:-50])
    with pytest.raises(GnsError, match="whole safetensors"):
        load_gns(path)
    path.write_bytes(whole.replace(b"splatwm.gns.1", b"splatwm.gns.9"))
    with pytest.raises(GnsError, match="this version"):
        load_gns(path)
    with pytest.raises(UsageError, match="knows 0\\.0333 s alone"):
        GnsPredictor(Gns(GraphNetwork(SMALL), DT, 0.01), data)(replace(next(data.episodes()), dt=0.01))
    with pytest.raises(UsageError):
        train_gns(data, SMALL, GnsTraining(steps=0))
    with pytest.raises(UsageError):
        GraphNetwork(GnsConfig(width=0))
