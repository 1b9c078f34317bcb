import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.bodies import inertia_problem, mass_properties
from scan2sim.errors import SceneError
from scan2sim.geometry import matrix_from_quaternion

sizes = st.floats(0.01, 2.0)
offsets = st.tuples(*[st.floats(-5, 5)] * 3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(a=sizes, b=sizes, c=sizes, offset=offsets, density=st.floats(10, 8000))
def test_box(a: float, b: float, c: float, offset: tuple[float, float, float], density: float) -> None:
    box = trimesh.creation.box((a, b, c))
    box.apply_translation(offset)
    found = mass_properties(box, density)
    mass = density * a * b * c
    assert found.mass == pytest.approx(mass, rel=1e-6)
    assert found.center_of_mass == pytest.approx(np.array(offset), abs=1e-7)
    diagonal = mass / 12 * np.array([b * b + c * c, a * a + c * c, a * a + b * b])
    assert found.inertia == pytest.approx(np.diag(diagonal), rel=1e-5, abs=1e-6 * diagonal.max())


def test_sphere_converges_to_the_formula() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.3)
    found = mass_properties(ball, 1000)
    mass = 1000 * 4 / 3 * np.pi * 0.3**3
    assert found.mass == pytest.approx(mass, rel=2e-3)
    assert found.inertia == pytest.approx(np.eye(3) * 0.4 * mass * 0.3**2, rel=4e-3, abs=1e-6)


def test_cylinder_converges_to_the_formula() -> None:
    r, h = 0.2, 0.7
    found = mass_properties(trimesh.creation.cylinder(r, h, sections=400), 500)
    mass = 500 * np.pi * r * r * h
    side = mass * (3 * r * r + h * h) / 12
    assert found.mass == pytest.approx(mass, rel=1e-3)
    assert np.diag(found.inertia) == pytest.approx([side, side, mass * r * r / 2], rel=1e-3)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(wxyz=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1), offset=offsets)
def test_inertia_turns_with_the_body(wxyz: tuple[float, ...], offset: tuple[float, ...]) -> None:
    bowl = trimesh.creation.annulus(0.02, 0.06, 0.1)
    bowl.vertices[:, 0] *= 1.7
    before = mass_properties(bowl, 700)
    rotation = matrix_from_quaternion(wxyz)
    moved = trimesh.Trimesh(bowl.vertices @ rotation.T + offset, bowl.faces, process=False)
    after = mass_properties(moved, 700)
    assert after.mass == pytest.approx(before.mass)
    assert after.center_of_mass == pytest.approx(rotation @ before.center_of_mass + offset, abs=1e-8)
    expected = rotation @ before.inertia @ rotation.T
    assert after.inertia == pytest.approx(expected, abs=1e-5 * np.abs(expected).max())


def test_agrees_with_trimesh_on_a_hollow_shape() -> None:
    outline = [[0, 0], [0.03, 0], [0.06, 0.05], [0.055, 0.05], [0.028, 0.005], [0, 0.005]]
    bowl = trimesh.creation.revolve(np.array(outline), sections=24)
    found, theirs = mass_properties(bowl, 2300), trimesh.triangles.mass_properties(bowl.triangles, density=2300)
    assert found.mass == pytest.approx(theirs["mass"])
    assert found.center_of_mass == pytest.approx(theirs["center_mass"], abs=1e-9)
    assert found.inertia == pytest.approx(theirs["inertia"], abs=1e-9)


def test_open_meshes_and_bad_densities_are_refused() -> None:
    box = trimesh.creation.box()
    with pytest.raises(SceneError, match="closed"):
        mass_properties(trimesh.Trimesh(box.vertices, box.faces[1:], process=False), 1000)
    for density in (0.0, -1.0, float("nan")):
        with pytest.raises(SceneError, match="density"):
            mass_properties(box, density)


def test_a_surface_through_itself_has_no_solids_inertia() -> None:
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    assert inertia_problem(mass_properties(box, 500.0).inertia) is None
    crossed = trimesh.creation.box((0.02, 0.02, 0.02))
    inside_out = trimesh.creation.box((0.3, 0.002, 0.003))  # as where a thin sheet has its sides swapped
    inside_out.invert()
    tangled = trimesh.util.concatenate([crossed, inside_out])
    assert tangled.is_volume
    assert inertia_problem(mass_properties(tangled, 500.0).inertia) is not None
    assert inertia_problem(np.zeros((2, 2))) == "not finite"
