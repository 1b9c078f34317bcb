"""The page in a real browser: every picture is shown, nothing is asked of any network, nothing overflows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scan2sim.report import write_report
from tests.apps.chromium import find_chromium, open_page, wait_until
from tests.report.build_folder import make_build

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no chromium on this machine: apt-get install chromium")

STATE = """JSON.stringify({
    pictures: [...document.images].map(i => i.complete ? i.naturalWidth : -1),
    fetched: performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:')),
    wide: document.documentElement.scrollWidth - innerWidth,
    green: getComputedStyle(document.querySelector('.mark')).backgroundColor})"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_build(tmp_path_factory.mktemp("browser") / "build"))


@pytest.mark.parametrize("width", [1280, 420])
def test_page_shows_everything_and_asks_for_nothing(page: Path, tmp_path: Path, width: int) -> None:
    with open_page(page.as_uri(), tmp_path / "profile", width, 900) as tab:
        wait_until(lambda: tab.evaluate("document.readyState") == "complete", 30)
        wait_until(lambda: tab.evaluate("document.images.length") == 31, 30)
        state = json.loads(tab.evaluate(STATE))
        assert min(state["pictures"]) > 0
        assert state["fetched"] == []
        assert state["wide"] <= 0  # tables scroll by themselves, the page does not
        assert state["green"] == "rgb(28, 124, 77)"
        shown = tab.screenshot()
        assert len(set(map(tuple, shown[::10, ::10].reshape(-1, 3)))) > 20
