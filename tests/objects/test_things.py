"""What of the numbered pixels is a thing: one blob in each view, or hidden in its middle by what stands on it."""

import torch
from torch import Tensor

from scan2sim.objects.things import coherent_things


def picture(*patches: tuple[int, int, int, int, int]) -> Tensor:  # number, top, bottom, left, right
    labels = torch.zeros(60, 80, dtype=torch.int64)
    for number, top, bottom, left, right in patches:
        labels[top:bottom, left:right] = number
    return labels


def test_a_board_is_a_thing_though_a_cup_hides_its_middle() -> None:
    views = [picture((1, 40, 50, 5, 60), (2, 10, 50, 45, 55)), picture((1, 30, 50, 5, 70), (2, 10, 40, 30, 50))]
    assert views[0].eq(1).any(0).diff().any()  # in two blobs
    assert coherent_things(views, [0, 1, 1], 0.8) == {1, 2}


def test_of_a_group_each_must_be_coherent_by_itself() -> None:
    halves = picture((1, 40, 50, 5, 75), (2, 10, 50, 35, 45))  # the cup hides the middle: halves, alike
    assert coherent_things([halves], [0, 1, 1], 0.8) == {2}


def test_bumps_scattered_over_a_cloth_are_no_things() -> None:
    one = [(1, y, y + 4, x, x + 4) for y in range(2, 50, 12) for x in range(2, 70, 16)]
    assert coherent_things([picture(*one)], [0, 1], 0.8) == set()
    two = picture((1, 5, 15, 5, 15), (1, 40, 42, 5, 15), (2, 5, 15, 40, 50), (2, 40, 42, 60, 70))
    assert coherent_things([two], [0, 1, 1], 0.8) == set()  # 5/6 of each, and as little of both together
    assert coherent_things([two], [0, 1, 2], 0.8) == {1, 2}


def test_what_no_view_shows_is_no_thing() -> None:
    assert coherent_things([picture((1, 10, 30, 10, 30))], [0, 1, 2], 0.8) == {1}
    assert coherent_things([picture()], [0, 1], 0.8) == set()
