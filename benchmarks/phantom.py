"""Phantoms at their usual size: how long each takes to draw, by kind of opacity.

    python benchmarks/phantom.py

On a machine that does other things as well, the least time is what counts.
"""

from __future__ import annotations

import statistics
import time

from reportgen.demo import OPACITY_KINDS
from reportgen.demo.phantom import phantom

COUNT = 50
ROUNDS = 3


def timed(opacities: int, kind: str) -> list[float]:
    """Return for each of COUNT seeds the least seconds of ROUNDS."""
    found = []
    for seed in range(COUNT):
        rounds = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            phantom(seed, opacities=opacities, kinds=[kind])
            rounds.append(time.perf_counter() - started)
        found.append(min(rounds))
    return found


def main() -> None:
    """Print the median and the extremes in milliseconds."""
    phantom(0)
    for opacities, kind in ((0, OPACITY_KINDS[0]), *((1, kind) for kind in OPACITY_KINDS)):
        times = [1000 * seconds for seconds in timed(opacities, kind)]
        name = kind if opacities else "normal"
        print(f"{name:14} median {statistics.median(times):5.1f} ms, {min(times):5.1f} to {max(times):5.1f} ms")


if __name__ == "__main__":
    main()
