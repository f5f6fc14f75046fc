"""A site of many reports: how long it takes to make, to make again, to add to, and to open, and the memory it takes.

    python benchmarks/site.py [REPORTS]

The reports are those of the demo with other titles, labels, dates and images, and without feature maps, so that their
number and not their pictures is what is measured; a whole report's share is printed besides. The unchanged rebuild is
compared with the least that can be done for it: asking the file system once for each file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

REPORTGEN = [sys.executable, "-m", "reportgen"]


def many(report: Any, count: int, folder: Path) -> None:
    """Write reports that differ in what an index shows."""
    from reportgen.outputs.page.rendering import render_html

    rng = random.Random(1)
    kept = tuple(one for one in report.pictures if one.name.endswith(("input", "glance")))
    model = dataclasses.replace(report.model, shown_layers=())
    start = datetime(2020, 1, 1, tzinfo=UTC)
    for number in range(count):
        cases = []
        for case in report.cases:
            right = rng.random() < 0.9
            first, second = case.predictions
            cases.append(dataclasses.replace(
                case, layers=(), correct=right, name=f"{case.label}-{number}.png",
                predictions=(first, second) if right else (second, first),
                sha256=hashlib.sha256(f"{case.label} {number}".encode()).hexdigest(),
            ))  # fmt: skip
        made = start + timedelta(minutes=97 * number)
        one = dataclasses.replace(
            report, title=f"Case {number:05}: a normal and a pneumonia chest X-ray", cases=tuple(cases), model=model,
            created=made.strftime("%Y-%m-%dT%H:%M:%SZ"), pictures=kept,
        )  # fmt: skip
        (folder / f"{number:05}.html").write_text(render_html(one), encoding="utf-8")


def run(*arguments: str) -> tuple[float, float]:
    """Run reportgen; return the seconds that it took, and its peak memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen([*REPORTGEN, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"reportgen {' '.join(arguments)} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def open_index(page: Path) -> tuple[float, float]:
    """Open a page in headless Chromium; return the seconds until it was loaded and its rows drawn, and of a search."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
                 "disable-background-networking", "disable-component-update"):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.binary_location = shutil.which("chromium") or ""
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        browser.get("about:blank")
        started = time.perf_counter()
        browser.get(page.as_uri())
        browser.execute_script("document.body.offsetHeight")
        opened = time.perf_counter() - started
        told = browser.find_element("css selector", ".search output").text
        assert "reports" in told, told
        searching = (
            "const box = document.querySelector('[name=q]'), t = performance.now(); box.value = '0999';"
            "box.dispatchEvent(new Event('input', {bubbles: true})); document.body.offsetHeight;"
            "return performance.now() - t"
        )
        return opened, browser.execute_script(searching) / 1000
    finally:
        browser.quit()


def asking(folder: Path) -> float:
    """Return the seconds that it takes to ask the file system for every file once."""
    started = time.perf_counter()
    for path in folder.iterdir():
        path.stat()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    from reportgen.outputs.saved.reader import read_saved

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as place:
        folder, site = Path(place) / "reports", Path(place) / "site"
        folder.mkdir()
        run("demo", "-o", f"{place}/demo.html")
        whole, _ = run("site", f"{place}/demo.html", "-o", f"{place}/one")
        many(read_saved(Path(place) / "demo.html").report, count, folder)
        first, peak = run("site", str(folder), "-o", str(site))
        again, peak_again = run("site", str(folder), "-o", str(site))
        least = asking(folder)
        run("demo", "--title", "One more", "-o", str(folder / "more.html"))
        added, _ = run("site", str(folder), "-o", str(site))
        there = shutil.which("chromium") and shutil.which("chromedriver")
        opened, searched = open_index(site / "index.html") if there else (math.nan, math.nan)
        data = next(site.glob("assets/rows-*.js")).stat().st_size / 1e6
        print(f"{count:,} reports of {(folder / '00000.html').stat().st_size / 1e6:.2f} MB")
        print(f"made: {first:.1f} s, {first / count * 1000:.1f} ms a report (a demo report: {whole:.2f} s)")
        print(f"peak memory: {peak:.0f} MiB; of the unchanged rebuild {peak_again:.0f} MiB")
        print(f"unchanged: {again:.1f} s; asking the file system for each report once: {least:.2f} s")
        print(f"one report added: {added:.1f} s")
        print(f"index opened: {opened:.2f} s; a search: {searched:.3f} s; search data {data:.1f} MB")


if __name__ == "__main__":
    main()
