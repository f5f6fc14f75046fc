"""The page in a real browser: no request, no violation of its policy; keyboard, phone and print."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from reportgen.images.cases import Case
from reportgen.settings.file import settings_from
from reportgen.workflows.pipeline import build_report

webdriver = pytest.importorskip("selenium.webdriver")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("Chromium and its driver are not installed", allow_module_level=True)

HOSTILE = "<script>document.title='run'</script><img src=http://example.invalid/x onerror=document.title='run'>"
MARKDOWN = (
    "Text <script>document.title='run'</script> ![x](http://example.invalid/y) [l](javascript:document.title='run')"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory, small_model, cases) -> Path:
    path = tmp_path_factory.mktemp("page") / "report <b>&.html"
    hostile = [Case(HOSTILE, cases[0].image, HOSTILE), Case("PNEUMONIA", cases[1].image, '"><script>x</script>')]
    settings = settings_from({
        "title": HOSTILE,
        "model": {"class_names": [HOSTILE, "PNEUMONIA"]},
        "commentary": {"sections": {"summary": MARKDOWN}, "layers": {"first": MARKDOWN}},
        "feature_maps": {"single_channels": [0, 4], "through_channel": 1},
    })  # fmt: skip
    build_report(small_model, hostile, settings).save_html(path)
    return path


@pytest.fixture
def opened(browser, page):
    browser.get_log("performance"), browser.get_log("browser")
    browser.set_window_size(1300, 900)
    browser.get(page.as_uri())
    return browser


def requests_in(browser) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    ]


def test_nothing_is_requested_and_the_policy_is_kept(opened, page):
    asked = [url for url in requests_in(opened) if not url.startswith("data:")]
    assert asked == [page.as_uri()]
    assert opened.get_log("browser") == []


def test_hostile_text_is_shown_not_run(opened):
    assert "run" not in opened.title.split()
    assert HOSTILE in opened.find_element("tag name", "h1").text
    assert opened.execute_script("return [...document.images].filter(i => !i.src.startsWith('data:')).length") == 1
    links = opened.execute_script("return [...document.querySelectorAll('main a')].map(a => a.getAttribute('href'))")
    assert {link for link in links if link and not link.startswith("#")} == {"http://example.invalid/y"}


def test_every_picture_decodes_and_tells_its_finding(opened):
    pictures = opened.execute_script(
        "return [...document.querySelectorAll('main img')].map(i => [i.naturalWidth, i.alt])"
    )
    assert len(pictures) > 20
    assert all(width > 0 and len(alt) > 20 for width, alt in pictures)


def test_links_of_the_contents_lead_somewhere(opened):
    missing = opened.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]:not([data-channel])')]"
        ".filter(a => !document.getElementById("
        "decodeURIComponent(a.getAttribute('href').slice(1)))).length"
    )
    assert missing == 0


@pytest.mark.parametrize("width", [320, 390, 768, 1300])
def test_no_sideways_scrolling(opened, width):
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    inner, full = opened.execute_script("return [window.innerWidth, document.documentElement.scrollWidth]")
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert inner == width
    assert full <= width


def test_dark_mode_has_dark_paper_and_readable_ink(opened):
    features = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    style = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    paper, ink = opened.execute_script(style)
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert contrast(paper, ink) > 7
    assert luminance(paper) < 0.05


def test_text_has_enough_contrast_in_both_modes(opened):
    script = """
      const paper = e => { for (; e; e = e.parentElement) {
        const c = getComputedStyle(e).backgroundColor;
        if (!c.endsWith(', 0)') && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
      const text = 'main p, main li, main th, main td, main dd, main dt, figcaption, nav a, h1, h2, h3, .tag';
      return [...document.querySelectorAll(text)].map(e => [getComputedStyle(e).color, paper(e)]);"""
    for scheme in ("light", "dark"):
        features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
        worst = min(contrast(ink, paper) for ink, paper in {tuple(pair) for pair in opened.execute_script(script)})
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        assert worst >= 4.5, scheme


def test_viewer_opens_by_keyboard_and_closes_with_escape(opened):
    from selenium.webdriver.common.keys import Keys

    link = opened.find_element("css selector", "a.enlarge")
    link.send_keys(Keys.ENTER)
    viewer = opened.find_element("css selector", "dialog.viewer")
    assert viewer.get_attribute("open") is not None
    assert opened.execute_script("return document.querySelector('.viewer img').naturalWidth") > 0
    opened.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert viewer.get_attribute("open") is None
    assert opened.switch_to.active_element == link


def test_works_without_script(opened, page):
    opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    opened.get(page.as_uri() + "#case1-input")
    shown = opened.find_elements("css selector", "main section")
    opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert len(shown) > 6


def test_prints_on_several_pages(opened):
    pdf = base64.b64decode(opened.print_page())
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page/") >= 3


def channel(value: float) -> float:
    value /= 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(colour: str) -> float:
    red, green, blue = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)


def contrast(first: str, second: str) -> float:
    """Contrast ratio of WCAG 2.2."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_pointer_tells_the_channel(opened):
    """The first layer has five channels; there is no sixth or seventh tile."""
    script = """
      const link = document.querySelector('a[data-tiles]'), image = link.querySelector('img');
      const [count, columns, height, width, gap] = link.dataset.tiles.split(' ').map(Number);
      const scale = image.clientWidth / image.naturalWidth, channel = arguments[0];
      const x = (channel % columns) * (width + gap) + width / 2;
      const y = Math.floor(channel / columns) * (height + gap) + height / 2;
      const box = image.getBoundingClientRect();
      image.dispatchEvent(new PointerEvent('pointermove',
        {clientX: box.left + x * scale, clientY: box.top + y * scale, bubbles: true}));
      return link.title;"""
    assert opened.execute_script(script, 3) == "channel 3"
    assert opened.execute_script(script, 4) == "channel 4"
    assert opened.execute_script(script, 6) == "Enlarge"
