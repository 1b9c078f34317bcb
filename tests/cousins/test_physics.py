from dataclasses import replace

import numpy as np
import pytest

from scan2sim.bodies import MATERIALS, UNKNOWN, Estimate, estimate_physical, inertia_problem, material_named
from scan2sim.cousins.physics import density_interval, vary_physics
from scan2sim.scene import SceneObject
from tests.cousins.scenes import at_rest, thing


def guessed() -> SceneObject:
    """The box as if nobody knew what it is made of."""
    box = thing(at_rest(), "box")
    body = estimate_physical(box.visual, None, 0.02)
    physical = replace(
        box.physical,
        mass=body.mass,
        friction=body.friction,
        restitution=body.restitution,
        volume=body.volume,
        inertia=body.inertia,
    )
    return replace(box, physical=physical)


def draws(obj: SceneObject, count: int = 300) -> list[SceneObject]:
    sliders = np.random.default_rng(0).uniform(0, 1, count)
    return [vary_physics(obj, amount, np.random.default_rng(seed))[0] for seed, amount in enumerate(sliders)]


def test_intervals_that_no_material_has_are_said() -> None:
    """As slippery as ice and as bouncy as rubber is nothing that the table knows."""
    box = guessed()
    known = {material.name for material in MATERIALS}
    assert vary_physics(box, 0.5, np.random.default_rng(0))[1][0].values["towards"] in known
    strange = replace(
        box.physical, friction=Estimate(0.001, 0.0005, 0.002, "guess"), restitution=Estimate(0.97, 0.96, 0.98, "guess")
    )
    _, (change,) = vary_physics(replace(box, physical=strange), 0.5, np.random.default_rng(0))
    assert change.values["towards"] == "no material of the table"


def test_the_density_of_a_material_is_found_again() -> None:
    for name in ("wood", "steel", "fruit"):
        body = estimate_physical(
            thing(at_rest(), "box").visual, material_named(name), scale_sigma=0.05, shape_sigma=0.2
        )
        box = thing(at_rest(), "box")
        density = density_interval(replace(box, physical=replace(box.physical, mass=body.mass, volume=body.volume)))
        row = material_named(name).density
        assert [density.value, density.low, density.high] == pytest.approx([row.value, row.low, row.high])


@pytest.mark.parametrize("known", [False, True])
def test_draws_fill_the_intervals_and_stay_inside(known: bool) -> None:
    twin = thing(at_rest(), "box") if known else guessed()
    density = density_interval(twin)
    drawn = draws(twin)
    for name in ("friction", "restitution"):
        interval = getattr(twin.physical, name)
        values = np.array([getattr(obj.physical, name).value for obj in drawn])
        width = interval.high - interval.low
        assert (values >= interval.low).all()
        assert (values <= interval.high).all()
        assert values.min() < interval.low + 0.25 * width
        assert values.max() > interval.high - 0.25 * width
        assert 0.1 * width < values.std()
    densities = np.array([obj.physical.mass.value for obj in drawn]) / twin.physical.volume.value
    assert (densities >= density.low * (1 - 1e-9)).all()
    assert (densities <= density.high * (1 + 1e-9)).all()
    logs = np.log(densities / density.value)
    assert logs.min() < 0.6 * np.log(density.low / density.value)
    assert logs.max() > 0.6 * np.log(density.high / density.value)


def test_mass_volume_and_inertia_fit_together() -> None:
    twin = guessed()
    for obj in draws(twin, 30):
        factor = obj.physical.mass.value / twin.physical.mass.value
        assert obj.physical.inertia == pytest.approx(twin.physical.inertia * factor)
        assert obj.physical.volume == twin.physical.volume
        assert inertia_problem(obj.physical.inertia) is None


def test_what_nobody_knows_becomes_like_some_material() -> None:
    """At distance 1 a guess ends at density, friction and restitution that one material has together."""
    for seed in range(100):
        obj, changes = vary_physics(guessed(), 1.0, np.random.default_rng(seed))
        physical = obj.physical
        density = physical.mass.value / physical.volume.value
        material = material_named(str(changes[0].values["towards"]))
        assert material is not UNKNOWN
        assert material in MATERIALS
        assert material.density.low <= density * (1 + 1e-9)
        assert density <= material.density.high * (1 + 1e-9)
        assert material.friction.low <= physical.friction.value <= material.friction.high
        assert material.restitution.low <= physical.restitution.value <= material.restitution.high


def test_what_was_measured_exactly_stays() -> None:
    box = thing(at_rest(), "box")
    weighed = replace(box, physical=replace(box.physical, mass=Estimate(0.11, 0.11, 0.11, "measured")))
    assert vary_physics(weighed, 1.0, np.random.default_rng(0))[0].physical.mass.value == 0.11
