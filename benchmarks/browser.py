"""What a report costs in Chromium: until its first paint, until it is loaded, in memory, and until a channel opens.

    python benchmarks/browser.py report.html ...

Times are the shortest of five runs, a browser of its own each, since other work may run beside; memory is the median
of what the tab's own process holds (PSS): when the page stands, and once every picture was decoded.
"""

from __future__ import annotations

import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver

RUNS = 5
FLAGS = ("headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking", "disable-sync")
TIMES = """
    const [navigation] = performance.getEntriesByType("navigation");
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    return [paint?.startTime, navigation.loadEventEnd];"""
OPENS = """
    const done = arguments[0], link = document.querySelector("a[data-tiles]");
    if (!link) return done(null);
    const name = document.querySelector(".channel-name"), start = performance.now();
    new MutationObserver(() => requestAnimationFrame(() => done(performance.now() - start)))
      .observe(name, { childList: true });
    link.click();"""


def measure(page: Path) -> tuple[float, float, float | None, float, float]:
    """Return milliseconds to the first paint, to the end of loading, and to an opened channel, and megabytes twice."""
    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in (*FLAGS, f"user-data-dir={profile}"):
            options.add_argument(f"--{flag}")
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            driver.set_window_size(1300, 900)
            driver.get(page.resolve().as_uri())
            time.sleep(0.3)
            painted, loaded = driver.execute_script(TIMES)
            stands = _megabytes(profile)
            opened = driver.execute_async_script(OPENS)
            driver.execute_script("document.querySelector('dialog[open]')?.close()")
            driver.execute_async_script(
                "const done = arguments[0]; scrollTo(0, document.body.scrollHeight);"
                "Promise.all([...document.images].map((one) => one.decode().catch(() => 0))).then(() => done())"
            )
            return painted, loaded, opened, stands, _megabytes(profile)
        finally:
            driver.quit()


def _megabytes(profile: str) -> float:
    """Return what the largest of the browser's processes that draw pages holds."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if b"--type=renderer" in command and _belongs(folder, profile):
                text = (folder / "smaps_rollup").read_text()
                found.append(int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) / 1000)
        except (OSError, TypeError):
            continue
    return max(found, default=float("nan"))


def _belongs(folder: Path, profile: str) -> bool:
    """Return whether a process descends from the browser with a profile."""
    while folder.name != "1":
        if f"--user-data-dir={profile}".encode() in (folder / "cmdline").read_bytes():
            return True
        parent = re.search(r"^PPid:\s+(\d+)", (folder / "status").read_text(), re.MULTILINE)
        if parent is None or parent[1] == "0":
            return False
        folder = folder.parent / parent[1]
    return False


def main() -> None:
    """Measure each page that is named."""
    for name in sys.argv[1:]:
        runs = [measure(Path(name)) for _ in range(RUNS)]
        *times, stands, decoded = zip(*runs, strict=True)
        painted, loaded, opened = (
            min((one for one in each if one is not None), default=float("nan")) for each in times
        )
        size = Path(name).stat().st_size
        print(
            f"{Path(name).name}: {size / 1e6:.2f} MB; first paint {painted:.0f} ms, loaded {loaded:.0f} ms, "
            f"a channel opens in {opened:.0f} ms, {statistics.median(stands):.0f} MB, "
            f"all decoded {statistics.median(decoded):.0f} MB"
        )


if __name__ == "__main__":
    main()
