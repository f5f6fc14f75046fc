"""The site in a real browser: on a server that forbids everything inline, from files, without JavaScript."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reportgen.outputs.site.build import build_site

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
STRICT = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'"
HOSTILE = "<script>document.title='run'</script><img src=http://example.invalid/x onerror=document.title='run'>"


@pytest.fixture(scope="module")
def site(tmp_path_factory, small_model, cases):
    """Four reports: two titles, two models by their thresholds, one with hostile texts."""
    from reportgen.images.cases import Case
    from reportgen.settings.file import settings_from
    from reportgen.workflows.pipeline import build_report

    place = tmp_path_factory.mktemp("published")
    paths = []
    for number, (title, threshold, label) in enumerate(
        [("Alpha", 0.01, "PNEUMONIA"), ("Beta", 0.01, "NORMAL"), ("Gamma", 0.99, "NORMAL"), (HOSTILE, 0.99, HOSTILE)]
    ):
        names = ["NORMAL", HOSTILE if label == HOSTILE else "PNEUMONIA"]
        settings = settings_from({
            "title": title, "model": {"class_names": names, "threshold": threshold},
        })  # fmt: skip
        paths.append(place / f"{number}.html")
        build_report(small_model, [Case(label, cases[number % 2].image, f"{number}")], settings).save_html(paths[-1])
    build_site(paths, place / "sub" / "site")
    return place / "sub" / "site"


@pytest.fixture(scope="module")
def served(site):
    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self):
            self.send_header("Content-Security-Policy", STRICT)
            super().end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(site.parent.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/sub/site/"
    server.shutdown()


@contextlib.contextmanager
def without_script(browser):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def rows(browser):
    return [one.text for one in browser.find_elements("css selector", "table.reports tbody th")]


@pytest.mark.parametrize("how", ["served", "from files"])
def test_every_page_keeps_the_policy_and_asks_nobody_else(browser, site, served, how):
    root = served if how == "served" else f"{site.as_uri()}/"
    for path in sorted(site.rglob("*.html")):
        browser.get_log("performance"), browser.get_log("browser")
        browser.get(root + str(path.relative_to(site)))
        browser.execute_script("for (const one of document.images) one.loading = 'eager'")
        browser.execute_async_script(
            "Promise.all([...document.images].map(i => i.decode().catch(() => 0))).then(arguments[0])"
        )
        assert browser.execute_script("return [...document.images].filter(i => i.src && !i.naturalWidth).length") == 0
        assert browser.execute_script("return document.styleSheets.length") >= 1
        assert "run" not in browser.title.split()
        # the icon that a browser asks every server for is no part of the page
        told = [entry["message"] for entry in browser.get_log("browser") if "favicon" not in entry["message"]]
        assert told == []
        messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        assert asked
        assert all(url.startswith((root, root.split("/sub/")[0] + "/favicon")) for url in asked)


def test_search_filters_and_sorting(browser, site):
    browser.get((site / "index.html").as_uri())
    assert len(rows(browser)) == 4
    box = browser.find_element("name", "q")
    box.send_keys("alpha")
    assert rows(browser) == ["Alpha"]
    assert browser.find_element("css selector", ".search output").text == "1 of 4 reports"
    browser.refresh()
    assert rows(browser) == ["Alpha"]
    box = browser.find_element("name", "q")
    box.clear()
    box.send_keys("no such words")
    assert rows(browser) == []
    box.clear()
    box.send_keys(" ")
    sort = browser.find_element("css selector", "th[data-sort=title] button")
    sort.click()
    assert [one for one in rows(browser) if "<" not in one] == ["Alpha", "Beta", "Gamma"]
    sort.click()
    assert [one for one in rows(browser) if "<" not in one] == ["Gamma", "Beta", "Alpha"]
    assert browser.find_element("css selector", "th[data-sort=title]").get_attribute("aria-sort") == "descending"
    for result in ("right", "wrong"):
        browser.find_element("css selector", f"[name=result] option[value={result}]").click()
        said = [one.text for one in browser.find_elements("css selector", "table.reports tbody .verdict")]
        assert said
        assert all(result in one for one in said), (result, said)
    models = browser.find_elements("css selector", "[name=model] option")
    assert len(models) == 4  # all, and one for each threshold and set of names


def test_a_link_with_a_filter(browser, site):
    browser.get(f"{(site / 'index.html').as_uri()}#q=gamma")
    assert rows(browser) == ["Gamma"]


def test_without_script_the_list_is_there_and_the_search_is_not(browser, site):
    with without_script(browser):
        browser.get((site / "index.html").as_uri())
        assert len(rows(browser)) == 4
        assert not browser.find_element("css selector", "form.search").is_displayed()


def test_on_a_phone_nothing_is_wider_than_it(browser, site):
    browser.set_window_size(500, 900)
    for path in sorted(site.rglob("*.html")):
        browser.get(path.as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), path
    browser.set_window_size(1300, 900)


@pytest.mark.parametrize(
    "said", ["sort=__proto__", "sort=valueOf", "sort=-toString", "model=nosuch&result=nosuch", "q=%00"]
)
def test_an_odd_link_breaks_nothing(browser, site, said):
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(f"{(site / 'index.html').as_uri()}#{said}")
    assert [one for one in browser.get_log("browser") if "favicon" not in one["message"]] == []
    assert len(rows(browser)) == (0 if said == "q=%00" else 4)
    browser.find_element("name", "q").send_keys("alpha")
    assert rows(browser) == ([] if said == "q=%00" else ["Alpha"])


def test_an_anchor_of_the_page_keeps_the_search(browser, site):
    browser.get("about:blank")
    browser.get(f"{(site / 'index.html').as_uri()}#q=alpha")
    assert rows(browser) == ["Alpha"]
    browser.execute_script("location.hash = '#content'")
    browser.execute_async_script("setTimeout(arguments[0], 100)")
    assert rows(browser) == ["Alpha"]
    assert browser.find_element("name", "q").get_attribute("value") == "alpha"


def test_the_channel_viewer_of_a_site_tells_its_numbers(browser, site, served):
    page = next((site / "reports").glob("alpha*.html"))
    measured = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["cases"][0]["layers"][0]["statistics"]
    for address in (f"{served}reports/{page.name}", page.as_uri()):
        browser.get_log("browser")
        browser.get(f"{address}#first/3")
        browser.execute_async_script("setTimeout(arguments[0], 200)")
        rows = dict(
            browser.execute_script("""return [...document.querySelectorAll('[data-measure]')].map(row =>
              [row.dataset.measure, row.cells[1].textContent])""")
        )
        for key in ("minimum", "maximum", "mean", "standard_deviation"):
            assert float(rows[key].replace("\u2212", "-")) == pytest.approx(measured[key][3], rel=1e-3, abs=1e-9)
        assert browser.execute_script("return !document.querySelector('.channel-case .seen').hidden")
        assert [one for one in browser.get_log("browser") if "favicon" not in one["message"]] == []
