"""Collecting: the same bytes for any number of workers and after a kill; damage is named; what is stored happened."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from scan2sim.errors import UsageError
from splatwm.data import (
    HELD_OUT_FAMILIES,
    KINDS,
    CollectConfig,
    Data,
    DataError,
    Episode,
    EpisodeConfig,
    Sources,
    State,
    World,
    body_digest,
    collect,
    open_data,
    procedural_stage,
    replay,
    stage_of_scene,
)
from splatwm.evaluate import rotation_error, world_of
from tests.scene.factory import make_scene

SHORT = EpisodeConfig(seconds=0.5)
SOURCES = Sources(procedural=3)
COUNT = 40  # more than a shard


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("collected") / "data"
    return collect(SOURCES, folder, CollectConfig(COUNT, workers=1, episode=SHORT))


@pytest.fixture
def copy(data: Data, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(data.folder), str(folder)], check=True)
    return folder


def test_the_number_of_workers_changes_nothing(data: Data, tmp_path: Path) -> None:
    collect(SOURCES, tmp_path / "data", CollectConfig(COUNT, workers=3, episode=SHORT))
    assert content(tmp_path / "data") == content(data.folder)


def test_a_killed_call_goes_on_and_ends_the_same(data: Data, tmp_path: Path) -> None:
    def kill(what: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    folder, config = tmp_path / "data", CollectConfig(COUNT, workers=1, episode=SHORT)
    with pytest.raises(KeyboardInterrupt):
        collect(SOURCES, folder, config, kill)
    first = folder / "shards" / "00000.npz"
    written = first.stat().st_mtime_ns
    (folder / "shards" / "00001.npz").write_bytes(b"whole, but not in the manifest yet")
    collect(SOURCES, folder, config)
    assert first.stat().st_mtime_ns == written  # what was whole is not made again
    assert content(folder) == content(data.folder)


def test_more_episodes_are_added_to_those_there(data: Data, copy: Path) -> None:
    before = content(copy)
    more = collect(SOURCES, copy, CollectConfig(COUNT + 4, workers=1, episode=SHORT))
    assert len(more) == COUNT + 4
    assert content(copy)["shards/00000.npz"] == before["shards/00000.npz"]
    old, new = list(data.episodes()), list(more.episodes())
    assert all((a.position == b.position).all() for a, b in zip(old, new, strict=False))


def test_a_folder_of_something_else_is_left_alone(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="seed differ"):
        collect(SOURCES, copy, CollectConfig(COUNT, seed=5, episode=SHORT))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="something else"):
        collect(SOURCES, tmp_path / "mine", CollectConfig(COUNT, episode=SHORT))
    for sources, episode, said in (
        (Sources(), SHORT, "nothing to collect from"),
        (SOURCES, EpisodeConfig(push=-1), "shares"),
        (SOURCES, EpisodeConfig(push=0, drop=0, stack=0, topple=0, lift=0), "shares"),
        (SOURCES, EpisodeConfig(rate=1000), "1000 frames per second"),
        (SOURCES, EpisodeConfig(slowest=0.4), "from 0.4 to 0.3 m/s"),
    ):
        with pytest.raises(UsageError, match=said):
            collect(sources, tmp_path / "new", CollectConfig(COUNT, episode=episode))


@pytest.mark.parametrize(("dt", "timestep"), [(1 / 30, 1 / 480), (1 / 50, 1 / 480), (1 / 60, 1 / 30)])
def test_a_frame_is_as_long_as_it_says_whatever_the_step(dt: float, timestep: float) -> None:
    stage = procedural_stage(0, 0, "training")
    world = World(dict(zip(stage.names, stage.bodies, strict=True)), stage.background)
    world.set_timestep(timestep)
    nothing = np.zeros_like(stage.position)
    high, forward = np.array([0, 0, 2.0]), np.array([0.3, 0, 0])
    start = State(stage.position + high, stage.wxyz, nothing + forward, nothing)
    world.reset(start)
    for _ in range(10):
        state = world.step(dt).state
    assert state.velocity[:, 2] == pytest.approx(-9.81 * 10 * dt)
    assert state.position[:, 0] == pytest.approx(stage.position[:, 0] + 0.3 * 10 * dt)


def test_damage_is_named_refused_and_skipped_on_request(copy: Path) -> None:
    shard = copy / "shards" / "00000.npz"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    with pytest.raises(DataError, match=r"00000\.npz: is damaged"):
        list(open_data(copy).episodes())
    skipping = open_data(copy, skip_damaged=True)
    assert len(list(skipping.episodes())) == COUNT - 32
    assert "00000.npz" in skipping.skipped[0]
    collect(SOURCES, copy, CollectConfig(COUNT, workers=1, episode=SHORT))  # makes it anew
    assert shard.read_bytes() == whole
    shard.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        list(open_data(copy).episodes())


def test_damaged_bodies_and_manifests_are_refused(copy: Path, tmp_path: Path) -> None:
    body = next((copy / "bodies").iterdir())
    body.write_bytes(body.read_bytes()[:-40])
    with pytest.raises(DataError, match="no whole npz"):
        open_data(copy).body(body.stem)
    with pytest.raises(DataError, match="no such file"):
        open_data(tmp_path / "nothing")
    manifest = json.loads((copy / "data.json").read_text())
    manifest["shards"][0]["file"] = "../../secret.npz"
    (copy / "data.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="outside its folder"):
        open_data(copy)
    (copy / "data.json").write_text(json.dumps(manifest | {"version": 9}))
    with pytest.raises(DataError, match="data 9"):
        open_data(copy)


def test_what_is_stored_is_what_happened(data: Data) -> None:
    """MuJoCo from the first frame and the links' poses gives the episode again."""
    for kind in ("push", "drop", "stack"):
        episode = next(e for e in data.episodes() if e.kind == kind)
        position, wxyz = replay(world_of(data, episode), episode)
        assert position == pytest.approx(episode.position, abs=1e-6)
        assert rotation_error(wxyz, episode.wxyz).max() < 1e-5


def test_impulses_are_those_of_the_motion(data: Data) -> None:
    """Newton: what contacts gave is the change of momentum less what gravity gave; links feel what objects got."""
    for episode in data.episodes():
        mass = episode.mass.astype(float)[:, None]
        change = mass * np.diff(episode.velocity.astype(float), axis=0)  # the frame is at the centre of mass
        change[..., 2] += mass[:, 0] * 9.81 * episode.dt
        assert episode.impulse[1:] == pytest.approx(change, abs=2e-4 * float(mass.max()) + 1e-5)


def test_pushed_things_push_back(data: Data) -> None:
    felt = [e.touch[:, 0] for e in data.episodes() if e.kind == "push" and np.abs(e.touch).max() > 0]
    moved = [e for e in data.episodes() if e.kind == "push" and np.abs(e.touch).max() > 0]
    assert len(felt) > 2
    for episode in moved:  # while a pusher goes one way, it is pushed the other way
        way = np.diff(episode.link_position[:, 0].astype(float), axis=0)
        work = (way * episode.touch[1:, 0]).sum(1)
        assert work.sum() < 0


def test_motions_are_of_all_kinds_sound_and_rarely_nothing(data: Data) -> None:
    episodes = list(data.episodes())
    assert {e.kind for e in episodes} == set(KINDS) - {"lift"}  # in half a second nothing is lifted yet
    for e in episodes:
        assert all(np.isfinite(a).all() for a in (e.position, e.wxyz, e.velocity, e.spin, e.touch))
        assert np.abs(e.velocity).max() < 4
        assert e.frames == 16
    still = [np.linalg.norm(e.position - e.position[:1], axis=-1).max() < 0.002 for e in episodes]
    assert np.mean(still) <= 0.1


def test_a_gripper_lifts(tmp_path: Path) -> None:
    only_lifts = EpisodeConfig(push=0, drop=0, stack=0, topple=0, lift=1, still=0)
    found = collect(Sources(procedural=2), tmp_path / "data", CollectConfig(8, workers=1, episode=only_lifts))
    rises = [float((e.position[..., 2] - e.position[0, :, 2]).max()) for e in found.episodes() if e.kind == "lift"]
    assert len(rises) >= 4
    assert np.median(rises) > 0.04


def test_a_scene_gives_episodes_of_its_objects(tmp_path: Path) -> None:
    scene = make_scene()
    stage = stage_of_scene(scene, "small")
    found = collect(Sources((stage,)), tmp_path / "data", CollectConfig(6, workers=1, episode=SHORT))
    episodes: list[Episode] = list(found.episodes())
    assert all(e.names == ("box", "ball", "bowl") for e in episodes)
    spans = {o.name: o.physical.mass for o in scene.objects}
    for e in episodes:
        for name, mass in zip(e.names, e.mass, strict=True):
            assert spans[name].low * 0.999 <= mass <= spans[name].high * 1.001
    body = found.body(episodes[0].bodies[0])
    assert body_digest(body) == episodes[0].bodies[0]
    assert [len(p.vertices) for p in body.pieces] == [len(p.vertices) for p in scene.objects[0].collision]


def test_held_out_stages_share_no_family_with_training() -> None:
    for index in range(4):
        held_out, training = (procedural_stage(0, index, part) for part in ("held-out", "training"))
        assert {body.name for body in held_out.bodies} <= set(HELD_OUT_FAMILIES)
        assert not {body.name for body in training.bodies} & set(HELD_OUT_FAMILIES)
