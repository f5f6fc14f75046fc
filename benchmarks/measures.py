"""Measures of maps against Quantus's on the same maps, where the definition is the same: sparseness and complexity.

Quantus needs an environment of its own: ``python -m venv quantus && quantus/bin/pip install quantus``. Then
``measures.py quantus/bin/python REPORT.html...``: the maps of every case of these reports are measured by both, and a
difference of more than 1e-5 of the value (or of 1, where that is less) is an error.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

TOLERATED = 1e-5
# runs in the other environment, which knows nothing of this one
QUANTUS = """
import json, sys
import numpy as np
import quantus
found = []
for importance in np.load(sys.argv[1]).values():
    given = {"model": None, "x_batch": importance[None, None], "y_batch": np.zeros(1, int),
             "a_batch": importance[None, None].copy()}
    metrics = {"sparseness": quantus.Sparseness, "entropy": quantus.Complexity}
    quiet = {"disable_warnings": True, "display_progressbar": False}
    found.append({name: float(np.ravel(kind(**quiet)(**given))[0]) for name, kind in metrics.items()})
print(json.dumps({"version": quantus.__version__, "found": found}))
"""


def main(python: str, *files: str) -> None:
    """Compare and print, map by map."""
    import reportgen
    from reportgen.analysis.metrics.complexity import entropy, sparseness

    cases = [case for file in files for case in reportgen.read_report(file).cases]
    maps = [case.importance_map() for case in cases]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "maps.npz"
        np.savez(path, *maps)
        done = subprocess.run([python, "-c", QUANTUS, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    answer = json.loads(done.stdout.splitlines()[-1])
    print(f"Quantus {answer['version']}")
    worst = 0.0
    for case, importance, theirs in zip(cases, maps, answer["found"], strict=True):
        for name, measure in (("sparseness", sparseness), ("entropy", entropy)):
            ours, other = measure(importance), theirs[name]
            apart = abs(ours - other) / max(1.0, abs(other))
            worst = max(worst, apart)
            print(f"{case.title:24} {name:12} ours {ours:.8f}  Quantus {other:.8f}  apart {apart:.1e}")
    if worst > TOLERATED:
        raise SystemExit(f"apart by {worst:.1e}, tolerated are {TOLERATED}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
