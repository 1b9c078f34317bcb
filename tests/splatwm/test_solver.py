"""The compiled solver against its reference, its gradients, and the step on tensors against the compiled rollout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor

from splatwm import _native
from splatwm.config import PhysicsConfig, native_settings
from splatwm.model import Corrections, Solved, SolveInputs, find_contacts, solve, step
from splatwm.simulate import native_state, simulate
from splatwm.state import stack
from tests.splatwm.physics_worlds import rubble

LEAVES = ("before", "free", "gap", "friction", "velocity_bias", "position_bias", "warm")
IMPULSES = torch.tensor([1e2] * 3 + [1e4] * 3, dtype=torch.float64)


def chance(seed: int, bodies: int = 4, contacts: int = 6, restitution: float = 0.0) -> SolveInputs:
    """Contacts that no geometry belongs to; the first body stands still."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    inverse_mass = uniform(bodies) * 10 + 3
    inverse_mass[0] = 0
    root = normal(bodies, 3, 3)
    inertia = (root @ root.transpose(1, 2) + torch.eye(3)) * inverse_mass[:, None, None] * 500
    before = normal(bodies, 6) * 0.1
    free = before + normal(bodies, 6) * 0.05
    before[0] = free[0]
    a = torch.arange(contacts) % bodies
    b = (a + 1 + torch.arange(contacts) // bodies) % bodies
    gap = torch.where(uniform(contacts) < 0.4, 4e-4, -4e-4) * uniform(contacts)
    friction = torch.tensor([0.5, 0.005, 0.0005]) * (0.5 + uniform(contacts, 3))
    warm = normal(contacts, 6).abs() * torch.tensor([1e-3] + [1e-4] * 2 + [1e-6] * 3)
    frame = torch.linalg.qr(normal(contacts, 3, 3))[0]
    arms = normal(2, contacts, 3) * 0.03
    slow = normal(contacts, 4) * 0.01
    bounce = torch.full((contacts,), restitution, dtype=torch.float64)
    return SolveInputs(
        before, free, inverse_mass, inertia, a.int(), b.int(), frame, arms[0], arms[1], gap, friction.double(), bounce,
        slow[:, :3], slow[:, 3], warm.double(), 1 / 120,
    )  # fmt: skip


def loss_of(solved: Solved) -> Tensor:
    generator = torch.Generator().manual_seed(9)
    parts = ((solved.impulse, IMPULSES), (solved.after, 1.0), (solved.mean, 1.0))
    return sum(
        ((torch.randn(x.shape, generator=generator, dtype=x.dtype) * x * s).sum() for x, s in parts), torch.zeros(())
    )


@pytest.mark.parametrize("restitution", [0.0, 0.4])
@pytest.mark.parametrize(("law", "timestep"), [("coulomb", 1 / 480), ("mujoco", 1 / 480), ("mujoco", 1 / 120)])
@pytest.mark.parametrize("seed", range(3))
def test_the_compiled_solver_and_its_gradients_are_those_of_the_reference(
    seed: int, restitution: float, law: Literal["coulomb", "mujoco"], timestep: float
) -> None:
    problem = replace(chance(seed, restitution=restitution), step=1 / 120 if timestep < 1 / 400 else 1 / 480)
    config = PhysicsConfig(sweeps=5, position_sweeps=3, law=law, timestep=timestep)
    results = {}
    for backend in ("native", "torch"):
        leaves = {name: getattr(problem, name).clone().requires_grad_() for name in LEAVES}
        solved = solve(replace(problem, **leaves), config, backend)
        loss_of(solved).backward()
        results[backend] = solved, leaves
    (native, native_leaves), (reference, reference_leaves) = results["native"], results["torch"]
    for name in ("impulse", "after", "mean"):
        expected = getattr(reference, name).detach()
        assert (getattr(native, name).detach() - expected).abs().max() < 1e-6 * expected.abs().max()
    for name in LEAVES:
        expected, got = reference_leaves[name].grad, native_leaves[name].grad
        assert expected is not None
        assert got is not None
        assert (got - expected).abs().max() < 1e-4 * expected.abs().max() + 1e-12, name


@pytest.mark.parametrize("name", ["free", "before", "gap", "friction", "velocity_bias", "position_bias"])
def test_gradients_are_finite_differences_where_contacts_do_not_depend_on_each_other(name: str) -> None:
    problem = chance(3, contacts=3)
    config = PhysicsConfig(sweeps=60, position_sweeps=30)
    leaf = getattr(problem, name).clone().requires_grad_()
    loss_of(solve(replace(problem, **{name: leaf}), config)).backward()
    assert leaf.grad is not None
    direction = torch.randn(leaf.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    if name == "friction":
        direction = direction * torch.tensor([1.0, 1e-2, 1e-3])
    size = 1e-7 if name == "gap" else 1e-6

    def loss_at(sign: float) -> float:
        moved = replace(problem, **{name: leaf.detach() + sign * size * direction})
        return float(loss_of(solve(moved, config)))

    differences = (loss_at(1) - loss_at(-1)) / (2 * size)
    assert float((leaf.grad * direction).sum()) == pytest.approx(differences, rel=2e-3, abs=1e-9)


def test_single_precision_is_near_double() -> None:
    problem = chance(5)
    single = replace(
        problem, **{n: v.float() for n, v in vars(problem).items() if isinstance(v, Tensor) and v.is_floating_point()}
    )
    config = PhysicsConfig()
    expected, got = solve(problem, config).after, solve(single, config).after
    assert got.dtype == torch.float32
    assert (got - expected).abs().max() < 1e-3 * expected.abs().max()


def test_impulses_stay_in_the_cone_and_only_push() -> None:
    for seed in range(20):
        problem = chance(seed)
        impulse = solve(problem, PhysicsConfig()).impulse
        radii = problem.friction[:, [0, 0, 1, 2, 2]]
        assert (impulse[:, 0] >= 0).all()
        assert ((impulse[:, 1:] / radii).norm(dim=1) <= impulse[:, 0] * (1 + 1e-6)).all()


@pytest.mark.parametrize(("seeds", "turn", "slip"), [(range(3), 100.0, 0.0), ([0], 0.02, 0.0), ([1], 0.05, 0.5)])
def test_the_step_on_tensors_is_the_compiled_one(seeds: Sequence[int], turn: float, slip: float) -> None:
    start = stack([rubble(seed) for seed in seeds])
    config = PhysicsConfig(  # contacts that are hit on a hair make a difference of rounding large
        sleep_after=0,
        turn=turn,
        tolerance=0,
        sweeps=60,
        contacts_per_pair=12,
        slip_friction=slip,
        impact_friction=2 * slip,
    )
    compiled = simulate(start.state, start.shapes, None, 1 / 60, 1, config)
    stepped = step(start.state, start.shapes, 1 / 60, config)
    there = start.state.mask
    for name, tolerance in (("position", 1e-6), ("wxyz", 1e-5), ("linear", 2e-5), ("angular", 1e-3)):
        difference = (getattr(stepped.state, name) - getattr(compiled.final, name))[there]
        assert difference.abs().max() < tolerance, name
    assert (stepped.felt - compiled.impulse[:, 0]).abs().max() < 1e-5


def test_a_network_can_push_through_corrections_and_learns_from_what_comes_of_it() -> None:
    start = stack([rubble(4), rubble(5)])
    settled = simulate(start.state, start.shapes, None, 1 / 60, 120).final
    config = PhysicsConfig(substeps=2, sweeps=8)
    contacts = find_contacts(settled, start.shapes, 1 / 60, config)
    bias = torch.zeros(len(contacts), 3, requires_grad=True)
    state = settled
    for _ in range(3):
        stepped = step(state, start.shapes, 1 / 60, config, Corrections(velocity_bias=bias), contacts=contacts)
        state = stepped.state
    state.position[..., 0].sum().backward()
    assert bias.grad is not None
    assert torch.isfinite(bias.grad).all()
    assert bias.grad[:, 1:].abs().max() > 1e-4, "tangents move things"


def test_every_instruction_set_gives_the_same_motion() -> None:
    start, best = rubble(6), _native.isa()
    ends = []
    try:
        for name in _native.available_isas():
            _native.set_isa(name)
            ends.append(simulate(start.state, start.shapes, None, 1 / 60, 10).position)
    finally:
        _native.set_isa(best)
    assert "portable" in _native.available_isas()
    for end in ends[1:]:
        assert (end - ends[0]).abs().max() < 1e-5
    with pytest.raises(ValueError, match="instruction set"):
        _native.set_isa("altivec")


def test_arrays_that_are_written_to_are_never_copies() -> None:
    start = rubble(3)
    native = native_state(start.state, start.shapes)
    steps, objects = 2, start.state.mass.shape[1]
    none = torch.zeros(0, dtype=torch.int32), torch.zeros(1, steps, 0, 3), torch.zeros(1, steps, 0, 4)
    written = [torch.zeros(1, steps, objects, width) for width in (3, 4, 3)]
    settings = native_settings(PhysicsConfig())
    _native.roll_out(native, settings, 1 / 60, *none, *written, 1)
    assert written[0].abs().max() > 0
    for wrong in (written[0].double(), written[0].expand(1, steps, objects, 3).transpose(1, 2)):
        with pytest.raises(TypeError):
            _native.roll_out(native, settings, 1 / 60, *none, wrong, *written[1:], 1)
