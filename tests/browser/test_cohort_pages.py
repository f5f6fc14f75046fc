"""A cohort, and two models compared, in a real browser: by keyboard, on a phone, and nothing is asked for."""

import sys
from pathlib import Path

import pytest

from reportgen.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "cohort"))
from cohorts import CLASSES, a_case, two_groups, write_folder

HOSTILE = "<script>document.title='run'</script><img src=http://example.invalid/x onerror=document.title='run'>"


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("cohort")
    cases = two_groups(40, name=f"{HOSTILE}.png")
    other = [a_case(number, CLASSES[number % 2], scores=one.scores[::-1]) for number, one in enumerate(cases)]
    for name, found in (("one", cases), ("two", other)):
        write_folder(folder / name, found)
    assert main(["cohort", str(folder / "one"), "--title", HOSTILE]) == 0
    assert main(["compare", str(folder / "one"), str(folder / "two"), "-o", str(folder / "c.html")]) == 0
    return {"cohort": folder / "one" / "cohort.html", "compare": folder / "c.html"}


@pytest.fixture(params=["cohort", "compare"])
def opened(browser, pages, request):
    browser.get_log("browser")
    browser.set_window_size(1300, 900)
    browser.get(pages[request.param].as_uri())
    return browser


def test_nothing_runs_and_nothing_is_asked_for(opened):
    assert opened.title != "run"
    assert opened.get_log("browser") == []
    asked = "return performance.getEntriesByType('resource').map(e => e.name).filter(e => !e.startsWith('data:'))"
    assert opened.execute_script(asked) == []


@pytest.mark.parametrize("width", [400, 1300])
def test_nothing_sticks_out_of_a_cohort(opened, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    full = opened.execute_script("return document.documentElement.scrollWidth")
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert full <= width


def test_a_mark_shows_its_image_and_leads_to_its_report(browser, pages):
    browser.get(pages["cohort"].as_uri())
    seen = """
        const mark = document.querySelectorAll('.plane a')[3], image = mark.querySelector('image');
        const before = getComputedStyle(image).visibility;
        mark.focus({focusVisible: true});
        return [before, getComputedStyle(image).visibility, mark.getAttribute('href'),
                document.activeElement === mark, mark.querySelector('title').textContent];
    """
    before, after, link, focused, title = browser.execute_script(seen)
    assert (before, after, focused) == ("hidden", "visible", True)
    assert link == "reports/case-00003.html"
    assert HOSTILE in title
