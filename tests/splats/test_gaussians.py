from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from scan2sim.splats import SH_C0, Gaussians, concatenate
from tests.splats.scenes import blob


def test_shapes_are_checked() -> None:
    for name, bad in (
        ("quats", torch.zeros(5, 3)),
        ("log_scales", torch.zeros(4, 3)),
        ("opacity_logits", torch.zeros(5, 1)),
        ("sh", torch.zeros(5, 5, 3)),
        ("object_ids", torch.zeros(4)),
    ):
        with pytest.raises(ValueError, match=name):
            replace(blob(5), **{name: bad})


def test_selection_and_concatenation() -> None:
    a, b = blob(5, degree=1), blob(3, degree=3, seed=1).with_ids(torch.arange(3, dtype=torch.int32))
    both = concatenate([a, b])
    assert len(both) == 8
    assert both.sh_degree == 3
    assert both.object_ids is not None
    assert both.object_ids.tolist() == [0] * 5 + [0, 1, 2]
    assert torch.equal(both[5:].sh, b.sh)
    assert torch.equal(both[:5].sh[:, :4], a.sh)
    assert not both[:5].sh[:, 4:].any()
    assert torch.equal(both[both.object_ids == 2].means, b.means[2:])
    assert len(concatenate([])) == 0


def test_one_value_that_is_not_finite_is_found_in_its_row() -> None:
    scene = blob(6, degree=2)
    assert scene.finite.all()
    assert Gaussians.empty(2).finite.shape == (0,)
    for row, name in enumerate(("means", "quats", "log_scales", "opacity_logits", "sh")):
        values = getattr(scene, name).clone()
        values[row].view(-1)[-1] = torch.nan if row % 2 else -torch.inf
        assert replace(scene, **{name: values}).finite.tolist() == [i != row for i in range(6)]


def test_activations() -> None:
    scene = Gaussians(
        torch.zeros(1, 3), torch.ones(1, 4), torch.log(torch.tensor([[1.0, 2, 3]])), torch.zeros(1), torch.ones(1, 1, 3)
    )
    assert scene.opacities.tolist() == [0.5]
    torch.testing.assert_close(scene.scales, torch.tensor([[1.0, 2, 3]]))
    torch.testing.assert_close(scene.base_colors, torch.full((1, 3), SH_C0 + 0.5))
