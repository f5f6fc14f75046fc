"""Many reports in one run: against a loop over single ones, by sections, workers, length of the run, and after kills.

    python benchmarks/batch.py [FOLDER] [--part NAME ...] [--small]

FOLDER holds one folder of images for each of two classes; without it phantoms are drawn. All is measured in one run,
each command as a process of its own, whose start counts unless it says "steady": that is between the first and the last
report of a run.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPORTGEN = [sys.executable, "-m", "reportgen"]
CORES = os.cpu_count() or 1
SUMMARY, EVIDENCE = ["--sections", "summary"], ["--sections", "summary,evidence"]


def main() -> None:
    """Print one part after another."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=lambda text: Path(text).resolve())
    parser.add_argument("--part", nargs="+", choices=[*PARTS, "alone"], default=list(PARTS))
    parser.add_argument("--small", action="store_true", help="a fourth of the cases: for trying it out")
    parser.add_argument("--cases", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sections", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part == ["alone"]:
        alone(given.cases, given.sections)
        return
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place), given.folder, 4 if given.small else 1)
        print(f"{CORES} cores, {bench.kind}, built-in model")
        for name in given.part:
            PARTS[name](bench)


class Bench:
    """Images, and runs over them."""

    def __init__(self, place: Path, folder: Path | None, divisor: int) -> None:
        self.place, self.divisor, self.runs = place, divisor, 0
        self.kind = "images of a folder" if folder else "phantoms"
        if folder is None:
            folder = place / "phantoms"
            self._draw(folder)
        self.classes = {sub.name: sorted(sub.iterdir()) for sub in sorted(folder.iterdir()) if sub.is_dir()}

    def _draw(self, folder: Path) -> None:
        from PIL import Image

        from reportgen.demo.phantom import phantom

        for label, opacities in (("NORMAL", 0), ("PNEUMONIA", 3)):
            (folder / label).mkdir(parents=True)
            for seed in range(200):
                Image.fromarray(phantom(seed, opacities=opacities).pixels).save(folder / label / f"{seed:03}.png")

    def count(self, wanted: int) -> int:
        """Return how many cases are run where so many are meant."""
        return max(4, wanted // self.divisor)

    def table(self, count: int, *, pairs: bool = False) -> Path:
        """Write a table of so many cases, or pairs; images come again where there are too few."""
        path = self.place / f"cases-{count}-{pairs}.csv"
        rows = [
            (files[number % len(files)], label, f"{number}-{0 if pairs else label}")
            for number in range(count if pairs else -(-count // len(self.classes)))
            for label, files in self.classes.items()
        ]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "label", "pair"])
            writer.writerows(rows if pairs else rows[:count])
        return path

    def batch(self, table: Path, *flags: str) -> Run:
        """Run a batch into a new folder."""
        self.runs += 1
        return run_batch(table, self.place / f"out-{self.runs}", *flags)


class Run:
    """A finished batch: seconds, peak memory, processor time, and when each report was done."""

    def __init__(self, folder: Path, seconds: float, usage: Any) -> None:
        self.folder, self.seconds, self.memory = folder, seconds, usage.ru_maxrss * 1024
        self.processor = usage.ru_utime + usage.ru_stime
        records = (folder / ".reportgen" / "done").glob("*.json")
        self.done = sorted(path.stat().st_mtime_ns / 1e9 for path in records)

    @property
    def rate(self) -> float:
        """Reports a second, the start counted."""
        return len(self.done) / self.seconds

    def steady(self, workers: int) -> float:
        """Return reports a second once each worker has made its first."""
        return (len(self.done) - workers) / (self.done[-1] - self.done[workers - 1])

    def pages(self) -> dict[str, bytes]:
        """Return the pages by name."""
        return {path.name: path.read_bytes() for path in (self.folder / "reports").iterdir()}


def run_batch(table: Path, folder: Path, *flags: str) -> Run:
    """Run ``reportgen batch``."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [*REPORTGEN, "batch", str(table), "-o", str(folder), "--no-site", *flags],
        stdout=subprocess.DEVNULL, env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the batch ended with {os.waitstatus_to_exitcode(status)}")
    return Run(folder, time.perf_counter() - started, usage)


def pairs(bench: Bench) -> None:
    """Measure reports of pairs with all sections: a loop over build, one process, and workers."""
    several = bench.count(12)
    took, used = [], []
    (normal, *_), (ill, *_) = ([(name, files) for name, files in bench.classes.items()][place] for place in (0, 1))
    for number in range(max(2, several // 4)):
        images = [f"{name}={bench.classes[name][number]}" for name in (normal, ill)]
        started = time.perf_counter()
        process = subprocess.Popen(
            [*REPORTGEN, "build", *images, "-o", str(bench.place / "one.html"), "-f"], stdout=subprocess.DEVNULL
        )
        _, _, usage = os.wait4(process.pid, 0)
        took.append(time.perf_counter() - started)
        used.append(usage.ru_utime + usage.ru_stime)
    loop = 1 / statistics.median(took)
    print(
        f"pairs, all sections: loop over build {loop:.3f} a second, {statistics.median(used):.1f} s of a processor each"
    )
    for flags, words, workers in (
        (["--workers", "0"], "one process", 1), (["--workers", str(CORES)], f"{CORES} workers", CORES),
    ):  # fmt: skip
        run = bench.batch(bench.table(several, pairs=True), "--pair-by", "pair", *flags)
        steady = run.steady(workers)
        print(f"  batch, {words}: {steady:.3f} steady, {steady / loop:.1f} times the loop; {several} with the start "
              f"{run.rate:.3f}, {run.rate / loop:.1f} times, {run.processor / len(run.done):.1f} s of a processor each",
              flush=True)  # fmt: skip


def sections(bench: Bench) -> None:
    """Measure cases a second by sections."""
    for flags, wanted in ((SUMMARY, 400), (EVIDENCE, 32)):
        for workers in dict.fromkeys((0, CORES)):
            run = bench.batch(bench.table(bench.count(wanted)), "--pair-by", "", *flags, "--workers", str(workers))
            print(f"{flags[1]}, {workers or 'no'} workers: {run.steady(max(1, workers)):.2f} cases a second steady, "
                  f"{len(run.done)} with the start {run.rate:.2f}", flush=True)  # fmt: skip


def steps(bench: Bench) -> None:
    """Compare a batch with what inference, scan and drawing take by themselves, each measured one by one."""
    count = bench.count(32)
    for flags in (SUMMARY, EVIDENCE):
        run = bench.batch(bench.table(count), "--pair-by", "", *flags, "--workers", "0")
        asked = ["--part", "alone", "--cases", str(bench.table(count)), "--sections", flags[1]]
        found = subprocess.run([sys.executable, __file__, *asked], check=True, capture_output=True, text=True)
        seconds = float(found.stdout.split()[-1])
        print(f"{flags[1]}: inference, scan, drawing and page {seconds:.3f} s a case one by one, a batch "
              f"{1 / run.steady(1):.3f} s: {seconds * run.steady(1):.0%} of their rate", flush=True)  # fmt: skip


def alone(table: Path, sections: str) -> None:
    """Print the seconds a case of inference, scan, drawing and page alone, the first case left out."""
    from reportgen import load_model
    from reportgen.images.cases import read_cases
    from reportgen.outputs.page.rendering import render_html
    from reportgen.settings.file import settings_from
    from reportgen.settings.job import CaseSettings
    from reportgen.system.progress import Stopwatch
    from reportgen.workflows.pipeline import walk

    names = ["occlusion" if name == "evidence" else name for name in sections.split(",")]
    settings, model, taken = settings_from({"page": {"sections": names}}), load_model(), []
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        cases = read_cases([CaseSettings(image=row["image"], label=row["label"])], settings.images, settings.limits)
        watch = Stopwatch(progress=False)
        report = walk(model, cases, settings, watch).report
        started = time.perf_counter()
        render_html(report, None)
        taken.append(sum(watch.seconds.values()) + time.perf_counter() - started)
    print(statistics.mean(taken[1:]))


def memory(bench: Bench) -> None:
    """Measure memory of the largest process after few and after many cases, and what a further case costs."""
    one = ["--workers", "0", "--threads", "1"]
    for words, flags, counts in (
        ("summary", ["--pair-by", "", *SUMMARY, *one], (50, 300)),
        ("pairs, all sections", ["--pair-by", "pair", "--workers", str(CORES)], (50, 300)),
    ):
        paired = words != "summary"
        few, many = (
            bench.batch(bench.table(bench.count(count) // (2 if paired else 1), pairs=paired), *flags)
            for count in counts
        )
        each = 2 if paired else 1
        further = (many.processor - few.processor) / (len(many.done) - len(few.done)) / each
        sizes = (f"{run.memory / 1e9:.3f} GB at {each * len(run.done)} cases" for run in (few, many))
        print(f"memory, {words}: {', '.join(sizes)} ({many.memory / few.memory - 1:+.1%}); {further:.3f} s of a "
              "processor a case", flush=True)  # fmt: skip


def workers(bench: Bench) -> None:
    """One worker against two, and Dask against none, with one thread of TensorFlow each."""
    table = bench.table(bench.count(240))
    rates = {}
    for count in (0, 1, 2):
        run = bench.batch(table, "--pair-by", "", *SUMMARY, "--workers", str(count), "--threads", "1")
        rates[count] = run.steady(max(1, count))
    print(f"summary, one thread each: no Dask {rates[0]:.1f} a second, 1 worker {rates[1]:.1f} "
          f"({rates[0] / rates[1] - 1:+.1%} time), 2 workers {rates[2]:.1f} "
          f"({rates[2] / rates[1]:.2f} times)")  # fmt: skip


def scheduler(bench: Bench) -> None:
    """Tasks a second of Dask's scheduler with nothing to do in them, one on its way for each of two workers."""
    from reportgen.batch import cluster, connection
    from reportgen.batch.items import CaseRow, WorkItem

    count = bench.count(2000)
    items = [WorkItem(f"item-{number}", (CaseRow("x.png", "x.png"),)) for number in range(count)]
    cluster.work_on = nothing
    with connection.local_cluster(2, 1) as local:
        from distributed import Client

        with Client(local, set_as_default=False) as client:
            engine = cluster.OnCluster(client, None, None, "none")  # type: ignore[arg-type]
            list(engine.run(items[:100]))
            started, used = time.perf_counter(), time.process_time()
            done = sum(1 for _ in engine.run(items))
            seconds, used = time.perf_counter() - started, time.process_time() - used
    print(f"empty tasks: {done / seconds:.0f} a second with 2 workers, one under way for each; "
          f"{1000 * used / done:.2f} ms of the scheduler's processor a task")  # fmt: skip


def nothing(item: Any, plugin: str) -> Any:
    """Stand for work."""
    del plugin
    return item.id


def kills(bench: Bench) -> None:
    """Kill a run at random moments, let it go on, and compare with one that was let be."""
    count, rng = bench.count(600), random.Random(17)
    table, flags = bench.table(count), ["--pair-by", "", *SUMMARY, "--workers", "0"]
    clean = bench.batch(table, *flags)
    folder, kills = bench.place / "killed", 10
    for number in range(kills):
        process = subprocess.Popen(
            [*REPORTGEN, "batch", str(table), "-o", str(folder), "--no-site", *flags], stdout=subprocess.DEVNULL,
            env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"},
        )  # fmt: skip
        wanted = rng.randrange(count * number // kills, count * (number + 1) // kills)
        while process.poll() is None and len(list((folder / ".reportgen" / "done").glob("*.json"))) < wanted:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    resumed = run_batch(table, folder, *flags)
    same = resumed.pages() == clean.pages()
    print(f"killed {kills} times in {count} cases: at most {(count + kills) / count:.3f} of the passes of a clean run, "
          f"{'the same bytes' if same else 'OTHER BYTES'}")  # fmt: skip
    shutil.rmtree(folder)


def length(bench: Bench) -> None:
    """Cost of a case early and late in a long run, and the index of them all."""
    run = bench.batch(bench.table(bench.count(5000)), "--pair-by", "", *SUMMARY, "--workers", "0")
    early, late = (run.done[at + 99] - run.done[at] for at in (100, len(run.done) - 100))
    print(f"{len(run.done)} cases: 100 cases take {early:.2f} s after the first 100, {late:.2f} s at the end; "
          f"all {run.seconds:.0f} s", flush=True)  # fmt: skip
    started = time.perf_counter()
    subprocess.run([*REPORTGEN, "batch", "-o", str(run.folder), "--retry-failed"], check=True, capture_output=True)
    print(f"  their site is made in {time.perf_counter() - started:.1f} s")
    started = time.perf_counter()
    subprocess.run([*REPORTGEN, "cohort", str(run.folder), "--by", "label", "-o", str(bench.place / "cohort.html")],
                   check=True, capture_output=True)  # fmt: skip
    took = time.perf_counter() - started
    print(f"  their cohort is made in {took:.1f} s, {took / run.seconds:.1%} of the batch's time")
    try:
        from browser import measure
    except ImportError:
        return
    for page in (run.folder / "site" / "index.html", bench.place / "cohort.html"):
        painted, loaded, *_ = measure(page)
        size = page.stat().st_size / 1e6
        print(
            f"  {page.name} ({size:.1f} MB) paints after {painted / 1000:.2f} s, is loaded after {loaded / 1000:.2f} s"
        )


PARTS = {
    "pairs": pairs, "sections": sections, "steps": steps, "memory": memory, "workers": workers,
    "scheduler": scheduler, "kills": kills, "length": length,
}  # fmt: skip


if __name__ == "__main__":
    main()
