"""Adaptation against recordings whose numbers are known: made by MuJoCo, and by the model itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scan2sim.bodies import Body, body_of_word
from splatwm.adapt import (
    AdaptConfig,
    Adapted,
    Curvature,
    SearchConfig,
    adapt,
    applied,
    chosen_parameters,
    identify,
    stated_values,
)
from splatwm.cli import main
from splatwm.data import Links, Physics, Poses, RecordedLinks, Recording, State, World
from splatwm.data.stage import background_body
from splatwm.recorded import RecordingPredictor
from splatwm.shapes import box, rounded
from splatwm.trained import BodyPhysics, Calibration, Model, load_model, save_model

WORD = "box:0.08x0.06x0.05,mass=0.2"
DT = 1 / 30
FRAMES = 31
FRICTION = 0.35
UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def body() -> Body:
    return body_of_word(WORD)


def pushed_by_mujoco(body: Body, pushes: int = 5, friction: float = FRICTION, height: float = 0.025) -> Recording:
    """Pushes beside the middle, so that the thing turns: how far depends on friction."""
    from trimesh.creation import box as slab

    table = slab([2, 2, 0.1])
    table.apply_translation([0, 0, -0.05])
    links = Links(("finger",), ("sphere:0.012",))
    world = World({"thing": body}, background_body([table]), links)
    world.set_physics(Physics(np.array([body.mass]), np.array([friction]), np.array([0.3])))
    rng = np.random.default_rng(3)
    rows, paths = [], []
    for _ in range(pushes):
        along, beside = rng.uniform(0.12, 0.3), rng.uniform(-0.025, 0.025)
        path = np.array([[-0.06 + min(along * i * DT, 0.14), beside, 0.02] for i in range(FRAMES)])
        path[:, 0] -= 0.01 * np.arange(FRAMES)[:, None].clip(20)[:, 0] - 0.2  # and back
        state = State(np.array([[0, 0, height]]), UPRIGHT[None], np.zeros((1, 3)), np.zeros((1, 3)))
        world.reset(state, Poses(path[:1], UPRIGHT[None]))
        states = [state, *(world.step(DT, Poses(path[i : i + 1], UPRIGHT[None])).state for i in range(1, FRAMES))]
        rows.append((np.array([s.position[0] for s in states]), np.array([s.wxyz[0] for s in states])))
        paths.append(path)
    still = tuple(np.zeros((FRAMES, 3)) for _ in rows)
    turned = tuple(np.tile(UPRIGHT, (FRAMES, 1, 1)) for _ in rows)
    told = RecordedLinks(links.names, links.shapes, tuple(p[:, None] for p in paths), turned, np.array([0.3]))
    position, wxyz = (tuple(row[i] for row in rows) for i in (0, 1))
    return Recording(DT, position, wxyz, still, still, None, (), told)


def tossed(model: Model, body: Body, count: int = 8, frames: int = 40, height: float = 0.1) -> Recording:
    """Tosses that a model itself predicts."""
    rng = np.random.default_rng(1)
    dt = 1 / 120
    wxyz = rng.normal(size=(count, 4))
    wxyz /= np.linalg.norm(wxyz, axis=1, keepdims=True)
    start = np.column_stack([rng.uniform(-0.1, 0.1, (count, 2)), rng.uniform(height, height + 0.03, count)])
    velocity, spin = rng.uniform(-0.8, 0.8, (count, 3)), rng.uniform(-4, 4, (count, 3))

    def still(row: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(np.tile(each, (frames, 1)) for each in row)

    first = Recording(dt, still(start), still(wxyz), still(velocity), still(spin), None)
    position, turned = RecordingPredictor(first, body)(model)
    return replace(first, position=tuple(position), wxyz=tuple(turned))


@pytest.fixture(scope="module")
def pushed(body: Body) -> Adapted:
    believed = replace(body, friction=0.55, mass=0.3, inertia=1.5 * body.inertia)
    return adapt(Model(), pushed_by_mujoco(body), believed)


def test_pushes_tell_the_friction_within_a_tenth_and_predict_better(pushed: Adapted) -> None:
    (found,) = pushed.identified
    assert found.name == "friction"
    assert found.identified
    assert found.value == pytest.approx(FRICTION, rel=0.1)
    assert found.low < found.value < found.high
    assert found.high / found.low < 1.6, "an interval that says everything says nothing"
    assert pushed.after.mean_m < 0.5 * pushed.before.mean_m


def test_mass_is_refused_because_nothing_depends_on_it(body: Body, pushed: Adapted) -> None:
    assert "weigh it" in pushed.refused["mass"]
    recording = pushed_by_mujoco(body, pushes=2)
    heavy = replace(body, mass=3 * body.mass, inertia=3 * body.inertia)
    light, other = (RecordingPredictor(recording, each)(Model())[0] for each in (body, heavy))
    assert other == pytest.approx(light, abs=2e-4)


def test_intervals_hold_what_is_true(body: Body) -> None:
    truth = BodyPhysics(friction=0.2, restitution=0.2, center_z=0.004)
    model = applied(Model(), body, {})
    fine = replace(model.physics, law="coulomb", substeps=9, timestep=0.001)
    recording = tossed(Model(physics=fine, body=truth), body)
    noisy = np.random.default_rng(0)
    recording = replace(recording, position=tuple(p + noisy.normal(0, 2e-4, p.shape) for p in recording.position))
    names = ("friction", "restitution", "center_z", "torsion")
    start = Model(physics=fine, body=replace(truth, friction=0.3, restitution=0.1, center_z=0.0))
    config = AdaptConfig(parameters=names, substep=0.001, search=SearchConfig(rounds=6))
    found = {each.name: each for each in adapt(start, recording, body, config).identified}
    true = {name: getattr(truth, name) for name in names[:3]} | {"torsion": fine.torsion}
    for name, value in true.items():
        assert found[name].identified
        assert found[name].low <= value <= found[name].high
    assert found["friction"].value == pytest.approx(0.2, rel=0.05)
    assert found["torsion"].high / found["torsion"].low < 3


def test_several_pushes_of_another_thing_hold_the_truth_where_the_loss_has_many_valleys() -> None:
    """A hollow loss: an upright stick that some pushes topple and others do not."""
    stick = body_of_word("box:0.03x0.03x0.1,mass=0.1")
    recording = pushed_by_mujoco(stick, pushes=4, friction=0.25, height=0.05)
    (found,) = adapt(Model(), recording, replace(stick, friction=0.5)).identified
    assert found.low <= 0.25 <= found.high


def test_what_does_not_show_is_not_claimed(body: Body) -> None:
    """Before anything touches the plane, its friction cannot show; where the centre of mass is does."""
    truth = BodyPhysics(friction=0.2, center_z=0.003)
    recording = tossed(Model(body=truth), body, frames=60, height=0.6)
    config = AdaptConfig(parameters=("friction", "center_z"), steps=25, search=SearchConfig(rounds=6))
    friction, center = adapt(Model(), recording, body, config).identified
    assert not friction.identified
    assert (friction.low, friction.high) == pytest.approx((0.03, 1.2))
    assert "hardly narrower" in friction.why_not
    assert center.identified
    assert center.low <= truth.center_z <= center.high
    (alone,) = adapt(Model(), recording, body, replace(config, parameters=("friction",))).identified
    assert not alone.identified
    assert (alone.low, alone.high) == pytest.approx((0.03, 1.2))


@pytest.mark.parametrize("names", [("friction",), ("friction", "torsion")])
def test_a_search_goes_on_where_it_was_killed(body: Body, tmp_path: Path, names: tuple[str, ...]) -> None:
    """One number is sought along its range, several by steps; both are kept in a journal."""
    recording, journal = pushed_by_mujoco(body, pushes=2), tmp_path / "search.json"

    class KilledError(Exception):
        pass

    def kill(what: str, done: int, total: int) -> None:
        if done == 2:
            raise KilledError

    config = AdaptConfig(parameters=names, search=SearchConfig(rounds=4, horizons=(1.0,)))
    with pytest.raises(KilledError):
        adapt(Model(), recording, body, config, journal=journal, report=kill)
    kept = json.loads(journal.read_text())
    assert kept.get("round", len(kept.get("misfit", ()))) == 2
    rounds: list[int] = []

    def note(what: str, done: int, total: int) -> None:
        rounds.append(done)

    resumed = adapt(Model(), recording, body, config, journal=journal, report=note)
    assert rounds[0] == 2
    assert resumed.identified == adapt(Model(), recording, body, config).identified


def test_all_parameters_reach_the_model(body: Body) -> None:
    stated = stated_values(Model(), body)
    parameters = chosen_parameters(None, body, pushed=False)
    assert set(stated) == {each.name for each in parameters}
    for each in parameters:
        value = 0.3 * each.low + 0.7 * each.high
        changed = applied(Model(), body, {each.name: value})
        assert stated_values(changed, body) == pytest.approx(stated | {each.name: value})


def test_rounded_pieces_keep_their_faces_and_lose_their_corners() -> None:
    from splatwm.particles import signed_distances

    plain, smooth = box([0.05, 0.04, 0.03]), rounded(box([0.05, 0.04, 0.03]), 0.01, size=1.1)
    faces = np.array([[0.055, 0, 0], [0, -0.044, 0], [0, 0, 0.033]])
    assert signed_distances(smooth, faces) == pytest.approx(0, abs=1e-6)
    corner = np.array([[0.055, 0.044, 0.033]])
    assert signed_distances(smooth, corner) == pytest.approx(0.01 * (np.sqrt(3) - 1), abs=1e-6)
    assert rounded(plain, 0.0) is plain


def write(path: Path, recording: Recording) -> None:
    """As somebody would hand it over."""
    links = recording.links
    assert links is not None
    np.savez(
        path,
        poses=np.concatenate([np.hstack(pair) for pair in zip(recording.position, recording.wxyz, strict=True)]),
        offsets=np.arange(len(recording) + 1) * FRAMES,
        dt=DT,
        links=np.array(links.names),
        shapes=np.array(links.shapes),
        link_position=np.concatenate(links.position),
        link_wxyz=np.concatenate(links.wxyz),
    )


def test_the_command_writes_model_and_findings_and_predicts_with_them(body: Body, tmp_path: Path) -> None:
    recording = pushed_by_mujoco(body, pushes=3)
    path = tmp_path / "pushes.npz"
    write(path, recording)
    model, adapted = tmp_path / "model.safetensors", tmp_path / "adapted.safetensors"
    save_model(Model(), model)
    words = [str(model), str(path), "--body", WORD + ",friction=0.6", "-o", str(adapted)]
    assert main(["adapt", *words]) == 0
    told = json.loads((tmp_path / "adapted.json").read_text())
    assert told["parameters"][0]["value"] == pytest.approx(FRICTION, rel=0.2)
    assert "mass" in told["refused"]
    kept = load_model(adapted)
    assert kept.body is not None
    assert kept.body.friction == told["parameters"][0]["value"]
    assert kept.card["adaptation"]["episodes"] == 3
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "adapted.json",
        "adapted.safetensors",
        "model.safetensors",
        "pushes.npz",
    ]
    errors = {}
    for name in (model, adapted):
        out = tmp_path / name.stem
        assert main(["rollout", str(name), "--recording", str(path), "--body", WORD, "-o", str(out)]) == 0
        with np.load(out / "rollout.npz") as future:
            assert future["position"].shape == (3, FRAMES, 3)
            errors[name.stem] = float(future["position_error"][:, -1].mean())
    assert errors["adapted"] < errors["model"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--body", WORD, "--adapt.parameters", "colour"], "cannot be adapted"),
        ([], "either --body or --scene"),
        (["--body", "box:1x1x1"], "under the plane"),
    ],
)
def test_what_cannot_be_adapted_is_said(
    body: Body, tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = pushed_by_mujoco(body, pushes=1)
    path, model = tmp_path / "pushes.npz", tmp_path / "model.safetensors"
    write(path, recording)
    save_model(Model(), model)
    assert main(["adapt", str(model), str(path), *words, "-o", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*.safetensors"))


def test_friction_that_depends_on_speed_slows_a_slide_as_the_formula_says(body: Body) -> None:
    """With μ (1 + k v) a slide from v0 lasts ln(1 + k v0) / (k μ g)."""
    mu, k, v0, dt = 0.2, 0.8, 0.9, 0.01
    recording = Recording(
        dt,
        (np.tile([0, 0, 0.025], (3, 1)),),
        (np.tile(UPRIGHT, (3, 1)),),
        (np.tile([v0, 0, 0], (3, 1)),),
        (np.zeros((3, 3)),),
        None,
    )
    model = Model(body=BodyPhysics(friction=mu))
    model = replace(model, physics=replace(model.physics, slip_friction=k, sleep_after=0.0))
    long = replace(recording, position=(np.tile([0, 0, 0.025], (80, 1)),), wxyz=(np.tile(UPRIGHT, (80, 1)),))
    position, _ = RecordingPredictor(long, body)(model)
    stop = np.log(1 + k * v0) / (k * mu * 9.81)
    # dv/dt = -μ g (1 + k v) integrates to v(t) = ((1 + k v0) e^(-k μ g t) - 1) / k
    rate = k * mu * 9.81
    way = ((1 + k * v0) * (1 - np.exp(-rate * stop)) / rate - stop) / k
    assert position[0, -1, 0] == pytest.approx(way, rel=0.02)
    plain, _ = RecordingPredictor(long, body)(replace(model, physics=replace(model.physics, slip_friction=0.0)))
    assert plain[0, -1, 0] == pytest.approx(v0**2 / (2 * mu * 9.81), rel=0.02)


def test_what_scenes_are_predicted_with_keeps_its_intervals(body: Body) -> None:
    """Pushes tell friction, which is a body's: the physics, and what is known of its errors, stay as they are."""
    known = Calibration(np.array([0.5, 1.0]), np.array([2.0, 3.0]), np.array([1e-4, 2e-4]))
    config = AdaptConfig(parameters=("friction",))
    adapted = adapt(Model(calibration=known), pushed_by_mujoco(body, pushes=2), body, config)
    assert adapted.model.calibration == known
    assert "as before" in adapted.intervals


def test_other_physics_get_intervals_that_hold_the_recording(body: Body) -> None:
    """They come from the errors on each toss that would be if it had been left out; of few, that is said."""
    truth = BodyPhysics(friction=0.2)
    fine = replace(Model().physics, law="coulomb", substeps=9, timestep=0.001)
    recording = tossed(Model(physics=fine, body=truth), body, count=24)
    noisy = np.random.default_rng(0)
    recording = replace(recording, position=tuple(p + noisy.normal(0, 1e-3, p.shape) for p in recording.position))
    known = Calibration(np.array([0.5]), np.array([1e-3]), np.array([1e-6]))
    start = Model(physics=fine, body=replace(truth, friction=0.3), calibration=known)
    config = AdaptConfig(
        parameters=("friction", "torsion"), substep=0.001, search=SearchConfig((1.0,), rounds=1, scan=3)
    )
    few = adapt(start, recording, body, config, episodes=range(4))
    assert "4 of 5" in few.intervals
    many = adapt(start, recording, body, config)
    assert "24 recorded episodes" in many.intervals
    predictor = RecordingPredictor(recording, body)
    for found in (few, many):
        assert found.model.calibration is not None
        error = np.linalg.norm(predictor(found.model)[0] - predictor.position, axis=-1)
        width = found.model.calibration.half_width(predictor.spread(found.model).T, np.arange(40) / 120).T
        assert 0.75 <= (error[:, 12:] <= width[:, 12:]).mean() <= 1.0, "a millimetre of noise"
        assert width[:, 12:].mean() < 0.03


def test_size_stays_where_it_is_believed_unless_the_recording_tells_it(body: Body) -> None:
    """Of things that only lie on the plane, size and the plane's height are one number: neither may run off."""
    recording = tossed(Model(body=BodyPhysics(friction=0.2)), body, count=4, frames=60)
    low = tuple(position - [0, 0, 0.001] for position in recording.position)
    config = AdaptConfig(parameters=("size", "plane"), search=SearchConfig(rounds=8))
    found = {e.name: e for e in adapt(Model(), replace(recording, position=low), body, config).identified}
    assert found["size"].value == pytest.approx(1.0, abs=0.012)
    assert found["size"].low > 0.97
    assert found["size"].high < 1.03


def test_a_number_at_its_bound_is_not_claimed() -> None:
    parameters = chosen_parameters(("restitution", "gravity"), body_of_word(WORD), pushed=False)
    sharp = Curvature(np.tile(1e6 * np.eye(2), (9, 1, 1)), np.random.default_rng(0).normal(size=(9, 2)))
    inner = identify(parameters, np.array([0.5, 0.5]), sharp)
    ended = identify(parameters, np.array([0.0, 1.0]), sharp)
    assert [each.identified for each in inner] == [True, True]
    assert [each.identified for each in ended] == [True, False]  # nothing is below a restitution of 0
    assert "may lie beyond" in ended[1].why_not
    assert (ended[1].low, ended[1].high) == (9.3, 10.1)
