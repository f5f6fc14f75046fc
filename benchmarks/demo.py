"""`reportgen demo` and `reportgen --help` as whole processes, against `import tensorflow` alone, in turn.

Prints median wall times, their ratios, peak memory, and the size of the report.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5
PYTHON = sys.executable
PROGRAM = str(Path(PYTHON).with_name("reportgen"))


def run(command: list[str], folder: str) -> tuple[float, float]:
    """Run a command; return seconds and its peak memory in GB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def main() -> None:
    """Time the three commands in turn and print the medians."""
    commands = {
        "import tensorflow": [PYTHON, "-c", "import tensorflow"],
        "reportgen demo": [PROGRAM, "demo", "--force", "-o", "report.html"],
        "reportgen demo --stride 5": [PROGRAM, "demo", "--force", "-o", "dense.html", "--stride", "5"],
        "reportgen --help": [PROGRAM, "--help"],
    }
    with tempfile.TemporaryDirectory() as folder:
        for command in commands.values():
            run(command, folder)
        results: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                results[name].append(run(command, folder))
        size = (Path(folder) / "report.html").stat().st_size
    base = statistics.median(seconds for seconds, _ in results["import tensorflow"])
    for name, measured in results.items():
        seconds, memory = statistics.median(s for s, _ in measured), max(m for _, m in measured)
        print(f"{name:26} {seconds:6.2f} s  {seconds / base:5.2f} x import tensorflow  peak {memory:.2f} GB")
    print(f"report.html {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
