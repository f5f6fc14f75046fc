"""The notebooks of examples/, run by a real kernel, rendered by nbconvert and looked at in Chromium."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))


def test_there_is_one_for_each_workflow():
    assert [path.name[:2] for path in NOTEBOOKS] == ["w1", "w2", "w3", "w4"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_outputs_are_stripped(path):
    for cell in json.loads(path.read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_two_xrays_takes_six_cells():
    assert len(json.loads((EXAMPLES / "notebooks" / "w2_two_xrays.ipynb").read_text())["cells"]) <= 6


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Run a notebook in a copy of examples/, as a user would; return it with its outputs."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    folder = tmp_path_factory.mktemp("examples") / "examples"
    shutil.copytree(EXAMPLES, folder)
    done = {}

    def run(name: str):
        if name not in done:
            notebook = nbformat.read(folder / "notebooks" / f"{name}.ipynb", as_version=4)
            environment = dict(os.environ)
            environment["PYTHONPATH"] = os.pathsep.join([str(EXAMPLES.parent), environment.get("PYTHONPATH", "")])
            client = nbclient.NotebookClient(
                notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": folder / "notebooks"}}
            )
            client.execute(env=environment)
            done[name] = notebook
        return done[name]

    return run


def shown(notebook) -> list[str]:
    """Return all HTML that the cells show."""
    return [
        output["data"]["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_the_report(path, executed):
    notebook = executed(path.stem)
    html = shown(notebook)
    assert sum("<iframe" in one and "srcdoc=" in one for one in html) >= 1
    assert any('class="reportgen-view"' in one for one in html)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            # bars are gone at the end, and TensorFlow says nothing where reportgen loads it
            assert "%|" not in json.dumps(output)
            assert output.get("name") != "stderr" or path.stem[:2] in ("w3", "w4")
            assert "Traceback" not in json.dumps(output)
            assert len(output.get("data", {}).get("text/plain", "")) < 5000  # no megabytes beside the page


def test_rendered_it_shows_the_report_and_asks_nobody(executed, browser, tmp_path):
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(require_js_url="", mathjax_url="", jquery_url="", mermaid_js_url="", widget_renderer_url="")
    text, _ = exporter.from_notebook_node(executed("w2_two_xrays"))
    page = tmp_path / "two.html"
    page.write_text(text, encoding="utf-8")
    browser.get_log("performance")
    browser.get(page.as_uri())
    frame = browser.find_element("css selector", ".reportgen-page iframe")
    box = browser.find_element("css selector", ".reportgen-page")
    browser.implicitly_wait(5)
    browser.switch_to.frame(frame)
    try:
        assert "PNEUMONIA" in browser.find_element("css selector", "h1").text
        assert browser.find_elements("css selector", "#layers img")
        # the page is shut in: it has an origin of its own, and reaches nothing of the notebook
        assert (
            browser.execute_script("try { return parent.document.title } catch (problem) { return problem.name }")
            == "SecurityError"
        )
    finally:
        browser.switch_to.default_content()
    available = browser.execute_script("return screen.availHeight")
    assert box.size["height"] == pytest.approx(max(480, round(0.85 * available)), abs=3)  # longer than a screen
    asked = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if '"Network.requestWillBeSent"' in entry["message"]
    ]
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "about"}


def test_a_short_page_gets_a_short_frame(browser, tmp_path):
    from reportgen.outputs.notebook.html import embed_page
    from reportgen.outputs.page.environment import asset

    inside = "<!doctype html><body style='margin:0'><div style='height:333px'>short</div><script>{}</script></body>"
    page = tmp_path / "short.html"
    page.write_text("<!doctype html>" + embed_page(inside.format(asset("assets/embedded.js")), "short"))
    browser.get(page.as_uri())
    box = browser.find_element("css selector", ".reportgen-page")
    for _ in range(50):
        if box.size["height"] < 400:
            break
        browser.execute_async_script("setTimeout(arguments[0], 50)")
    assert box.size["height"] == pytest.approx(339, abs=3)
