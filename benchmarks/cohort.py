"""What `reportgen cohort` takes of made-up results of a batch: seconds of a processor and memory, by cases and workers.

    python benchmarks/cohort.py [--cases 500 5000] [--evidence] [--workers 0 2]

Each case has as many channels and numbers as one of the built-in model. With --evidence there are maps, too, as a batch
with the section evidence keeps them. Each run is a process of its own; the seconds are of it and of its workers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from reportgen.batch.numbers import CaseNumbers, render_numbers
from reportgen.batch.record import Basis, Ledger, Record, numbers_name
from reportgen.batch.storage import Storage

CLASSES = ("NORMAL", "PNEUMONIA")
CHANNELS = (32, 32, 64, 64, 128, 128, 128, 128)
FEATURES, SIDE = 512, 64
_RUN = """
import resource, sys
from reportgen.cli.main import main
code = main(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def main() -> None:
    """Print a line for each run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--workers", type=int, nargs="+", default=[0])
    parser.add_argument("--evidence", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for count in given.cases:
            folder = Path(place) / f"{count}"
            write_results(folder, count, evidence=given.evidence)
            for workers in given.workers:
                print(f"{count:,} cases, {workers} workers: {measure(folder, workers)}", flush=True)


def measure(folder: Path, workers: int) -> str:
    """Run the command, and say what it took."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", _RUN, "cohort", str(folder), "-f", "--workers", str(workers)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    code, kilobytes = ran.stderr.split()[-2:]
    size = (folder / "cohort.html").stat().st_size
    return (
        f"exit {code}, {seconds:.1f} s of a processor, {time.perf_counter() - started:.1f} s, "
        f"{int(kilobytes) / 1024:.0f} MB, page {size / 1e6:.2f} MB"
    )


def write_results(folder: Path, count: int, *, evidence: bool) -> None:
    """Write what a batch keeps of cases, without their pages."""
    layers = [f"layer_{number}" for number in range(len(CHANNELS))]
    model = {
        "name": "a model", "sha256": "0" * 64, "class_names": CLASSES, "head": "sigmoid", "threshold": 0.5,
        "thresholds": [], "layers": layers, "input_size": [150, 150],
    }  # fmt: skip
    items = [f"case-{number:06}" for number in range(count)]
    with Storage(folder).opened() as storage:
        storage.write(".reportgen/batch.json", json.dumps({"version": 1, "model": model}).encode())
        order = ["image,reportgen_id", *(f"{item}.png,{item}" for item in items)]
        storage.write(".reportgen/cases.csv", "\n".join(order).encode())
        for number, item in enumerate(items):
            storage.write(numbers_name(item), render_numbers([make_case(number, item, evidence=evidence)]))
            Ledger(storage).write(Record(item, Basis("0" * 64, "0" * 64, "1")))


def make_case(number: int, item: str, *, evidence: bool) -> CaseNumbers:
    """Make a case of random numbers, the same every time."""
    random, place = np.random.default_rng(number), number % 2
    scores = random.dirichlet((6.0, 1.5) if place == 0 else (1.5, 6.0))
    shade, blank = np.linspace(-1, 2, SIDE), float("nan")
    return CaseNumbers(
        item=item, case=0, name=f"{item}.png", title=CLASSES[place], label=CLASSES[place], sha256=f"{number:064x}",
        scores=scores, predicted=int(scores.argmax()), correct=bool(scores.argmax() == place), target=1,
        base_evidence=float(random.normal(place)) if evidence else blank, beats_chance="both" if evidence else "",
        flip_share=float(random.uniform()) if evidence else blank,
        border_share=float(random.uniform()) if evidence else blank,
        channel_means={
            f"layer_{layer}": (random.normal(size=width) + place * (np.arange(width) % 3 == 0)).astype(np.float32)
            for layer, width in enumerate(CHANNELS)
        },
        features=(random.normal(size=FEATURES) + place).astype(np.float32), features_layer="layer_7",
        thumbnail=random.integers(0, 255, (SIDE, SIDE)).astype(np.uint8),
        evidence=(random.normal(size=(SIDE, SIDE)) + place * shade).astype(np.float16) if evidence else None,
        columns={"label": CLASSES[place], "patient": f"p{number // 2}"},
    )  # fmt: skip


if __name__ == "__main__":
    main()
