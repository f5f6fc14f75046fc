"""The map of a case in a real browser: how opaque, which region, what value; by keyboard, touch and without script."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import numpy as np
import pytest

from reportgen.settings.file import settings_from
from reportgen.workflows.pipeline import build_report

webdriver = pytest.importorskip("selenium.webdriver")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("Chromium and its driver are not installed", allow_module_level=True)

from selenium.webdriver.common.keys import Keys  # noqa: E402 - only where there is Selenium

LIT = "rgb(255, 212, 0)"


@pytest.fixture(scope="module")
def report(small_model, cases):
    return build_report(small_model, list(cases), settings_from({"model": {"class_names": ["NORMAL", "PNEUMONIA"]}}))


@pytest.fixture(scope="module")
def page(tmp_path_factory, report) -> Path:
    path = tmp_path_factory.mktemp("map") / "report.html"
    report.save_html(path)
    return path


@pytest.fixture
def opened(browser, page):
    browser.get_log("browser")
    browser.set_window_size(1300, 900)
    browser.get("about:blank")
    browser.get(page.as_uri())
    return browser


def press(browser, *keys: str) -> None:
    webdriver.ActionChains(browser).send_keys(*keys).perform()


def style(browser, query: str, name: str) -> str:
    return browser.execute_script(
        "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", query, name
    )


def hover(browser, query: str) -> None:
    target = browser.find_element("css selector", query)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", target)
    webdriver.ActionChains(browser).move_to_element(target).perform()


def with_regions(report) -> int:
    return next(number for number, case in enumerate(report.cases) if len(case.regions.regions) > 1)


def opacities(browser) -> set[str]:
    return set(
        browser.execute_script(
            "return [...document.querySelectorAll('.evidence')].map(e => getComputedStyle(e).opacity)"
        )
    )


def test_the_slider_lifts_the_evidence_off_all_images_by_keyboard(opened):
    sliders = opened.find_elements("css selector", ".opacity input")
    assert len(sliders) == 2
    assert opacities(opened) == {"1"}
    sliders[1].send_keys(Keys.HOME)
    assert opacities(opened) == {"0"}
    sliders[1].send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert opacities(opened) == {"0.02"}
    assert {one.get_property("value") for one in sliders} == {"2"}
    assert opened.get_log("browser") == []


def test_the_slider_follows_a_finger(opened):
    opened.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    slider = opened.find_element("css selector", ".map-tools .opacity input")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", slider)
    box = opened.execute_script(
        "const b = arguments[0].getBoundingClientRect(); return [b.x, b.y, b.width, b.height]", slider
    )
    y = box[1] + box[3] / 2
    for kind, x in (("touchStart", box[0] + box[2] - 8), ("touchMove", box[0] + box[2] / 2), ("touchEnd", None)):
        points = [] if x is None else [{"x": x, "y": y}]
        opened.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    opened.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert 40 <= int(slider.get_property("value")) <= 60


def test_b_blinks_between_image_and_evidence_everywhere(opened):
    for shown in ("hidden", "visible"):
        press(opened, "b")
        assert style(opened, ".card .evidence", "visibility") == shown
        assert style(opened, ".map .evidence", "visibility") == shown
        assert style(opened, ".map .image", "visibility") == "visible"


def test_the_switch_by_keyboard(opened):
    opened.find_element("id", "shown-evidence").send_keys(Keys.ARROW_RIGHT)
    assert style(opened, ".card .region", "visibility") == "visible"
    assert style(opened, ".card .evidence", "visibility") == "hidden"
    assert style(opened, ".map .evidence", "visibility") == "visible"


def test_a_row_lights_its_region_and_the_other_way_round(opened, report):
    case = f"case{with_regions(report) + 1}"
    plain = style(opened, f"#{case}-region-2", "backgroundColor")
    hover(opened, f"#{case}-region-2 td")
    assert style(opened, f"#{case}-outline-2 path + path", "stroke") == LIT
    assert style(opened, f"#{case}-outline-1 path + path", "stroke") != LIT
    hover(opened, "h1")
    assert style(opened, f"#{case}-outline-2 path + path", "stroke") != LIT
    hover(opened, f"#{case}-outline-2 text")
    assert style(opened, f"#{case}-region-2", "backgroundColor") != plain
    assert style(opened, f"#{case}-region-1", "backgroundColor") == plain


def test_rows_and_regions_by_keyboard_and_address(opened, report):
    case = f"case{with_regions(report) + 1}"
    link = opened.find_element("css selector", f"#{case}-region-1 a")
    opened.execute_script("arguments[0].focus()", link)
    assert style(opened, f"#{case}-outline-1 path + path", "stroke") == LIT
    link.send_keys(Keys.ENTER)
    assert opened.execute_script("return location.hash") == f"#{case}-outline-1"
    press(opened, Keys.TAB)
    assert opened.execute_script("return document.activeElement.closest('.r1, .r2').getAttribute('class')") in (
        "r1",
        "r2",
    )
    assert style(opened, f"#{case}-outline-1 path + path", "stroke") == LIT  # where the address leads
    opened.back()
    assert opened.execute_script("return location.hash") == ""
    outline = opened.find_element("css selector", f"#{case}-outline-2")
    assert outline.accessible_name.startswith(f"{report.cases[with_regions(report)].title}, region 2: ")


def test_the_value_under_the_pointer_is_the_maps(opened, report):
    """At every pixel: what the page works out of the scans is the map that they were put together to."""
    case = report.cases[0]
    expected = case.importance_map()
    told = opened.execute_script(
        """
        const view = document.querySelector(".views[data-case='0']"), box = view.getBoundingClientRect();
        const [height, width] = arguments[0], told = [];
        for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) {
          view.dispatchEvent(new PointerEvent('pointermove', {
            clientX: box.left + (column + .5) / width * box.width,
            clientY: box.top + (row + .5) / height * box.height}));
          told.push(view.nextElementSibling.textContent);
        }
        return told;""",
        expected.shape,
    )  # fmt: skip
    assert told[expected.shape[1] + 2].startswith("row 1, column 2: ")
    values = np.array([float(one.split(": ")[1].removesuffix(" bits")) for one in told]).reshape(expected.shape)
    np.testing.assert_allclose(values, expected, atol=6e-4)


def test_without_script_the_switch_and_the_regions_work_and_no_slider_shows(browser, page, report):
    case = f"case{with_regions(report) + 1}"
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get("about:blank")
        browser.get(f"{page.as_uri()}#{case}-outline-2")
        assert not any(one.is_displayed() for one in browser.find_elements("css selector", ".opacity"))
        assert (
            browser.find_element("css selector", f"#{case}-outline-2 path + path").value_of_css_property("stroke")
            == LIT
        )
        browser.find_element("id", "shown-image").send_keys(Keys.SPACE)
        evidence = browser.find_element("css selector", ".map .evidence")
        assert evidence.value_of_css_property("visibility") == "hidden"
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def widest(browser) -> tuple[int, int]:
    return browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")


@pytest.mark.parametrize(("width", "factor"), [(320, 1), (640, 2), (960, 2)])
def test_nothing_is_cut_on_a_phone_or_at_twice_the_size(opened, width, factor):
    """A window of 1280 or 1920 pixels at 200 % has as many for the page as one of half of that."""
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 450, "deviceScaleFactor": factor, "mobile": False},
    )
    try:
        full, inner = widest(opened)
        # what holds more than it shows can be scrolled
        cut = opened.execute_script(
            """
            return [...document.querySelectorAll('main *, header *')].filter((e) =>
              e.clientWidth && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'hidden'
              && !e.matches('.hidden, .unit p, .tiles .case-name')).map((e) => e.outerHTML.slice(0, 80))"""
        )
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert full <= inner == width
    assert cut == []


@pytest.mark.parametrize(
    "feature", [("forced-colors", "active"), ("prefers-reduced-motion", "reduce"), ("prefers-color-scheme", "dark")]
)
def test_it_works_under_the_readers_settings(opened, report, feature):
    case = f"case{with_regions(report) + 1}"
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": feature[0], "value": feature[1]}]})
    try:
        hover(opened, f"#{case}-region-2 td")
        assert style(opened, f"#{case}-outline-2 path + path", "stroke") == LIT
        assert style(opened, f"#{case}-region-2", "outlineWidth") == "2px"  # seen where backgrounds are not
        assert style(opened, f"#{case}-region-1", "outlineWidth") == "0px"
        bar = opened.execute_script(
            "return [...document.querySelectorAll('.map-tools .scale path')].map((e) => getComputedStyle(e).fill)"
        )
        assert (len(set(bar)), bar[0], bar[-1]) == (33, "rgb(5, 48, 97)", "rgb(103, 0, 31)")
        opened.find_element("css selector", ".map-tools .opacity input").send_keys(Keys.HOME)
        assert opacities(opened) == {"0"}
        if feature[0] == "prefers-reduced-motion":
            assert style(opened, "html", "scrollBehavior") == "auto"
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_print_shows_image_and_evidence_whatever_was_switched(opened):
    press(opened, "b")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert style(opened, ".map .evidence", "visibility") == "visible"
        assert style(opened, ".card .evidence", "visibility") == "visible"
        for gone in (".look", ".map-tools .opacity", ".pointed"):
            assert style(opened, gone, "display") == "none"
        assert style(opened, ".scale", "display") == "block"
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert base64.b64decode(opened.print_page()).startswith(b"%PDF")


def test_colour_bars_stand_in_the_page_and_not_in_pictures(opened, report):
    scaled = [one for one in report.pictures if one.scale]
    assert {one.name.partition("-")[2] for one in scaled} == {"occlusion-importance", "occlusion-scores"}
    words = [one.text for one in opened.find_elements("css selector", ".map-tools .scale p")]
    scale = scaled[0].scale
    assert words == [f"{-scale.high:.3f}\n{scale.middle}\n{scale.high:.3f}"]
