"""Recordings: tosses made by formula, spoilt in the ways recordings are, and the real ones."""

from pathlib import Path

import numpy as np
import pytest

from scan2sim.bodies import body_of_word
from scan2sim.geometry import quaternion_multiply
from splatwm.data import GRAVITY, RecordingError, read_recording, require_body, split_episodes

DT = 1 / 120
REAL = Path(__file__).parents[4] / "shared" / "real" / "cube_tosses.npz"


def toss(seed: int, frames: int = 60) -> np.ndarray:  # (T, 13)
    """A throw without ground: a parabola and a steady spin in the body frame."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None] * DT
    start, speed = rng.uniform([-0.2, -0.2, 0.8], [0.2, 0.2, 1.2]), rng.uniform(-1, 1, 3)
    gravity = np.array([0, 0, -GRAVITY])
    spin = rng.uniform(-5, 5, 3)
    rate = np.linalg.norm(spin)
    half = t * rate / 2
    first = rng.normal(size=4)
    wxyz = quaternion_multiply(first / np.linalg.norm(first), np.hstack([np.cos(half), np.sin(half) * spin / rate]))
    position = start + t * speed + t**2 / 2 * gravity
    return np.hstack([position, wxyz, speed + t * gravity, np.tile(spin, (frames, 1))])


def write(folder: Path, states: list[np.ndarray], dt: float = DT, **arrays: object) -> Path:
    path = folder / "recording.npz"
    offsets = np.concatenate([[0], np.cumsum([len(s) for s in states])])
    table = {"states": np.vstack(states)} if "poses" not in arrays else {}
    np.savez(path, **({**table, "offsets": offsets, "dt": dt} | arrays))
    return path


def refused(path: Path) -> str:
    with pytest.raises(RecordingError) as told:
        read_recording(path)
    assert str(path) in str(told.value)
    return str(told.value)


TOSSES = [toss(i) for i in range(4)]


def test_a_good_recording_is_taken_as_it_is(tmp_path: Path) -> None:
    found = read_recording(write(tmp_path, TOSSES))
    assert len(found) == 4
    assert found.notes == ()
    assert found.gravity == pytest.approx(GRAVITY, rel=1e-3)
    assert found.position[2] == pytest.approx(TOSSES[2][:, :3])
    assert found.spin[1] == pytest.approx(TOSSES[1][:, 10:])


def test_poses_alone_get_the_speeds_of_their_differences(tmp_path: Path) -> None:
    poses = np.vstack(TOSSES)[:, :7]
    poses[10:20, 3:] *= -1  # the same orientations
    found = read_recording(write(tmp_path, TOSSES, poses=poses))
    assert found.velocity[0][1:-1] == pytest.approx(TOSSES[0][1:-1, 7:10], abs=1e-9)
    assert found.spin[0] == pytest.approx(TOSSES[0][:, 10:], abs=1e-6)
    assert "differences" in found.notes[0]


def test_small_faults_are_mended_and_said(tmp_path: Path) -> None:
    spoilt = TOSSES[0].copy()
    spoilt[20:23] = np.nan
    spoilt[:, 3:7] *= 1.004
    found = read_recording(write(tmp_path, [spoilt, *TOSSES[1:]]))
    assert any("3 frames without numbers were interpolated" in note for note in found.notes)
    assert any("to 1.0040 made 1" in note for note in found.notes)
    assert np.linalg.norm(found.wxyz[0], axis=1) == pytest.approx(1)
    assert found.position[0][20:23] == pytest.approx(TOSSES[0][20:23, :3], abs=2e-3)


def test_long_gaps_and_jumps_are_refused(tmp_path: Path) -> None:
    gap = TOSSES[0].copy()
    gap[20:40] = np.nan
    assert "episode 1 has numbers that are not finite" in refused(write(tmp_path, [TOSSES[1], gap]))
    cut = np.delete(toss(7, 60), np.arange(30, 36), axis=0)
    assert "episode 1 jumps" in refused(write(tmp_path, [TOSSES[1], cut]))
    assert "after frame 29" in refused(write(tmp_path, [TOSSES[1], cut], poses=np.vstack([TOSSES[1], cut])[:, :7]))


def test_gravity_tells_wrong_times_lengths_and_directions(tmp_path: Path) -> None:
    poses = np.vstack(TOSSES)[:, :7]
    said = refused(write(tmp_path, TOSSES, dt=1 / 240, poses=poses))
    assert "things fall with 39.2 m/s² instead of 9.81" in said
    assert "0.008333 s" in said
    large = poses * ([1000] * 3 + [1] * 4)
    assert "millimetres" in refused(write(tmp_path, TOSSES, poses=large))
    turned = poses[:, [0, 2, 1, 3, 4, 5, 6]]
    assert "up is +y" in refused(write(tmp_path, TOSSES, poses=turned))


def test_stated_speeds_tell_wrong_times_units_and_orders(tmp_path: Path) -> None:
    assert "as fast as the stated velocities" in refused(write(tmp_path, TOSSES, dt=1 / 60))
    swapped = [t[:, [0, 1, 2, 4, 5, 6, 3, *range(7, 13)]] for t in TOSSES]
    assert "x, y, z, w" in refused(write(tmp_path, swapped))
    degrees = [t * ([1] * 10 + [180 / np.pi] * 3) for t in TOSSES]
    assert "degrees" in refused(write(tmp_path, degrees))


def test_resting_things_tell_nothing_of_gravity(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rest = np.tile([0.1, 0.2, 0.05, 1, 0, 0, 0], (80, 1)) + 1e-5 * rng.normal(size=(80, 7))
    found = read_recording(write(tmp_path, [rest], poses=rest))
    assert found.gravity is None
    assert any("nothing falls" in note for note in found.notes)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"dt": np.nan}, "dt is nan"),
        ({"dt": 6.75}, "dt is 6.75"),
        ({"offsets": np.array([0, 100, 90, 240])}, "grow"),
        ({"offsets": np.array([0, 60, 300])}, "the offsets end at 300"),
        ({"offsets": np.array([0.0, 240.0])}, "whole numbers"),
        ({"states": np.zeros((240, 12))}, "instead of"),
        ({"states": np.full((240, 13), "x")}, "else than numbers"),
        ({"poses": np.zeros((240, 7)), "states": np.zeros((240, 13))}, "states or poses"),
        ({"states": np.vstack(TOSSES) * ([1] * 3 + [0.9] * 4 + [1] * 6)}, "length 0.9"),
    ],
)
def test_files_of_another_form(tmp_path: Path, arrays: dict, said: str) -> None:
    path = tmp_path / "recording.npz"
    good = {"states": np.vstack(TOSSES), "offsets": np.arange(0, 241, 60), "dt": DT}
    np.savez(path, **(good | arrays))
    assert said in refused(path)


def test_files_that_are_missing_cut_short_or_pickled(tmp_path: Path) -> None:
    whole = write(tmp_path, TOSSES).read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(whole[: len(whole) // 2])
    assert "no whole npz" in refused(path)
    assert "cannot be read" in refused(tmp_path / "none.npz")
    np.savez(path, states=np.array([{"a": 1}], dtype=object), offsets=np.array([0, 1]), dt=DT)
    assert "no whole npz" in refused(path)


def test_a_split_is_the_same_for_a_seed_and_shares_nothing() -> None:
    split, again, other = (split_episodes(470, 214, seed) for seed in (0, 0, 1))
    assert (split.pool == again.pool).all()
    assert (split.pool[:64] != other.pool[:64]).any()
    assert sorted([*split.pool, *split.test]) == list(range(470))


@pytest.mark.skipif(not REAL.exists(), reason="the real tosses are not here")
def test_the_real_tosses_fall_as_gravity_says() -> None:
    found = read_recording(REAL)
    assert len(found) == 470
    assert found.dt == pytest.approx(1 / 148)
    assert found.gravity == pytest.approx(GRAVITY, rel=0.03)
    assert found.notes == ()
    require_body(found, body_of_word("box:0.1048x0.1048x0.1048,mass=0.37,inertia=0.00081"))
    with pytest.raises(RecordingError, match="under the plane z = 0"):
        require_body(found, body_of_word("box:0.16x0.16x0.16"))


def test_a_body_tells_the_order_of_quaternions_and_where_the_plane_is(tmp_path: Path) -> None:
    """A book that lies turned about z: read as x, y, z, w it would stand upright in the table."""
    book, angles = body_of_word("box:0.2x0.15x0.02"), np.linspace(0.1, 1.4, 50)
    poses = np.column_stack(
        [np.zeros((50, 2)), np.full(50, 0.01), np.cos(angles / 2), 0 * angles, 0 * angles, np.sin(angles / 2)]
    )
    require_body(read_recording(write(tmp_path, [poses], poses=poses)), book)
    swapped = poses[:, [0, 1, 2, 4, 5, 6, 3]]
    with pytest.raises(RecordingError, match="x, y, z, w"):
        require_body(read_recording(write(tmp_path, [poses], poses=swapped)), book)
    with pytest.raises(RecordingError, match="never comes nearer"):
        require_body(read_recording(write(tmp_path, [poses], poses=poses + np.array([0, 0, 1, 0, 0, 0, 0]))), book)
