"""What the coach foresees follows from what it saw."""

from dataclasses import replace

from scan2sim.coach import Figures, forecast, judge_figures, placed_band, unseen_band

GOOD = Figures(
    frames=30,
    distinct=30,
    blurred=0.0,
    exposure=0.5,
    exposure_spread=0.1,
    linked=1.0,
    alone=(),
    links=120,
    parallax=30.0,
    first="0.jpg",
    azimuth=tuple(12.0 * i for i in range(30)),
    elevation=(20.0, 50.0),
    step=12.0,
    detail=18.0,
    gap=(0.0, 12.0),
)


def test_a_good_capture_is_foreseen_good() -> None:
    assert (forecast(GOOD).placed, forecast(GOOD).unseen) == ("nearly all", "good")


def test_fewer_views_and_more_detail_come_out_worse() -> None:
    few = forecast(replace(GOOD, distinct=6))
    assert (few.placed, few.unseen) == ("nearly all", "poor")
    assert forecast(replace(GOOD, detail=36.0)).unseen_psnr < forecast(GOOD).unseen_psnr
    assert forecast(replace(GOOD, linked=0.6)).unseen_psnr < forecast(GOOD).unseen_psnr


def test_what_does_not_hang_together_fails() -> None:
    torn = forecast(replace(GOOD, linked=0.3))
    assert (torn.placed, torn.unseen) == ("few", "poor")
    assert forecast(replace(GOOD, linked=0.6)).placed == "some"


def test_two_scenes_in_one_capture_are_told_from_scattered_photos() -> None:
    torn = replace(GOOD, linked=0.6, alone=tuple(f"{i}.jpg" for i in range(12)))
    (scenes,) = (each for each in judge_figures(replace(torn, second=12)) if each.name == "overlap")
    assert scenes.color == "amber"
    assert "12 of these hang together without the others: another scene" in scenes.reason
    assert scenes.todo.startswith("give one scene at a time")
    (scattered,) = (each for each in judge_figures(replace(torn, second=2)) if each.name == "overlap")
    assert "another scene" not in scattered.reason


def test_bands_hold_their_lower_limits() -> None:
    assert [placed_band(share) for share in (0.0, 0.499, 0.5, 0.849, 0.85, 1.0)] == [
        *["few"] * 2,
        *["some"] * 2,
        *["nearly all"] * 2,
    ]
    assert [unseen_band(psnr) for psnr in (None, 18.9, 19.0, 21.9, 22.0)] == [
        *["poor"] * 2,
        *["fair"] * 2,
        "good",
    ]
