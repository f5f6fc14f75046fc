"""A training's page in Chromium."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import browser
from tests.training_callback.test_report_callback import watch

__all__ = ["browser"]


@pytest.fixture
def folder(model, data, tmp_path):
    images, labels = data
    callback = watch(data, tmp_path, every=2)
    model.fit(images, labels, epochs=4, verbose=0, callbacks=[callback])
    return tmp_path


def test_it_asks_nobody_fits_a_phone_and_leads_to_each_epoch(browser, folder):
    browser.get_log("performance")
    browser.set_window_size(320, 800)
    browser.get((folder / "training.html").as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= browser.execute_script(
        "return window.innerWidth"
    )
    broken = browser.execute_script(
        "return [...document.querySelectorAll('main img')].filter(one => !one.naturalWidth).map(one => one.alt)"
    )
    assert broken == []
    browser.set_window_size(1200, 900)
    links = [one.get_attribute("href") for one in browser.find_elements("css selector", "#epochs a")]
    assert [link.rpartition("/")[2] for link in links] == ["epoch-0001.html", "epoch-0002.html", "epoch-0004.html"]
    for link in links:
        browser.get(link)
        assert browser.find_element("css selector", "h1").text.startswith("After epoch")
        assert len(browser.find_elements("css selector", ".seen img")) == 3
    asked = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if '"Network.requestWillBeSent"' in entry["message"]
    ]
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert not [entry for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]]
