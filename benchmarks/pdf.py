"""PDFs of saved reports: time and size, against Chromium's print and against pictures that are left to WeasyPrint.

    python benchmarks/pdf.py

Start-up is not counted, but for Chromium, which is a process of its own: its time for an empty page is taken off.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reportgen.outputs.documents import pdf
from reportgen.outputs.saved.reader import read_saved
from reportgen.report.report import Report

RUNS = 3
PROGRAM = str(Path(sys.executable).with_name("reportgen"))
REPORTS = {
    "demo, 8 layers": ["demo"],
    "VGG16, 18 layers": ["build", "NORMAL=n.png", "PNEUMONIA=p.png", "-m", "keras:VGG16@random", "--no-occlusion"],
}
CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--no-pdf-header-footer")  # fmt: skip


def timed(report: Report) -> tuple[float, int]:
    """Make a PDF several times; return the least seconds and its bytes."""
    found = []
    for _ in range(RUNS):
        started = time.perf_counter()
        size = len(pdf.render_pdf(report))
        found.append(time.perf_counter() - started)
    return min(found), size


def left_to_weasyprint(report: Report) -> tuple[float, int]:
    """Do the same without the report's own way with palette pictures."""
    kept, pdf.read_indexed = pdf.read_indexed, lambda data: None  # noqa: ARG005
    try:
        return timed(report)
    finally:
        pdf.read_indexed = kept


def printed(page: Path, folder: Path) -> tuple[float, int]:
    """Let Chromium print a page; return the least seconds and the bytes."""
    found = []
    for _ in range(RUNS):
        started = time.perf_counter()
        flags = (*CHROMIUM, f"--user-data-dir={folder}/profile", f"--print-to-pdf={folder}/out.pdf")
        subprocess.run(["chromium", *flags, page.as_uri()], check=True, capture_output=True)
        found.append(time.perf_counter() - started)
    return min(found), (folder / "out.pdf").stat().st_size


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, opacities in (("n.png", "0"), ("p.png", "2")):
            subprocess.run(
                [PROGRAM, "phantom", name, "--opacities", opacities], cwd=folder, check=True, capture_output=True
            )
        (folder / "empty.html").write_text("<!doctype html><title>empty</title>")
        chromium = shutil.which("chromium")
        start = printed(folder / "empty.html", folder)[0] if chromium else 0.0
        for name, command in REPORTS.items():
            page = folder / "report.html"
            subprocess.run([PROGRAM, *command, "-f", "-o", page], cwd=folder, check=True, capture_output=True)
            report = read_saved(page).report
            seconds, size = timed(report)
            print(f"{name}: {seconds:.2f} s, {size / 1e6:.2f} MB")
            rivals = {"pictures left to WeasyPrint": left_to_weasyprint(report)}
            if chromium:
                others, bytes_ = printed(page, folder)
                rivals["the web page printed by Chromium"] = (others - start, bytes_)
            for rival, (other, bytes_) in rivals.items():
                ratios = f"{other / seconds:.1f} times the time, {bytes_ / size:.1f} times the size"
                print(f"  {rival}: {other:.2f} s, {bytes_ / 1e6:.2f} MB: {ratios}")


if __name__ == "__main__":
    main()
