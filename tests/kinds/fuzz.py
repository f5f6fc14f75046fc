"""``python -m tests.kinds.fuzz FORMAT COUNT [FIRST]``: spoiled model files of one format through the loader.

Each number makes one file, always the same. They are read in processes of their own, a thousand in each, watched for
any exception but a ReportgenError, for crashes, and for files that take longer than 10 s or more than 3 GB. What is
found is kept in a folder and told at the end.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

CHUNK, SECONDS, LARGEST = 1000, 10.0, 3 << 20  # KiB
LIMIT = 1 << 30
STUCK = 120


def main(name: str, count: int, first: int = 0) -> int:
    """Read so many spoiled files; return how many findings there were."""
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    _seeds(name, folder)
    told: Counter[str] = Counter()
    begun = time.monotonic()
    at, last = first, first + count
    while at < last:
        until = min(at + CHUNK, last)
        done = _chunk(name, folder, at, until, told)
        if done < until:
            done += 1
        at = done
    took = time.monotonic() - begun
    print(f"{name}: {count} files in {took:.0f} s: {dict(told)}; findings in {folder / 'found'}")
    print((folder / "findings").read_text()[:20_000])
    return sum(told[what] for what in told if what not in ("read", "refused"))


def _chunk(name: str, folder: Path, first: int, last: int, told: Counter[str]) -> int:
    """Read files in a process of its own; return the number at which it ended."""
    log = folder / "log"
    log.write_text("")
    command = [sys.executable, "-m", "tests.kinds.fuzz", "child", name, str(folder), str(first), str(last)]
    with (folder / "stderr").open("wb") as errors:
        child = subprocess.Popen(command, stderr=errors, stdout=subprocess.DEVNULL)
        size, since = 0, time.monotonic()
        while child.poll() is None:
            time.sleep(0.5)
            if log.stat().st_size != size:
                size, since = log.stat().st_size, time.monotonic()
            elif time.monotonic() - since > STUCK:
                child.kill()
    lines = [line.split(" ", 2) for line in log.read_text().splitlines()]
    told.update(line[1] for line in lines)
    with (folder / "findings").open("a") as findings:
        findings.writelines(f"{' '.join(line)}\n" for line in lines if line[1] not in ("read", "refused"))
    at = int(lines[-1][0]) if lines else first
    if child.returncode == 0:
        return int(lines[-1][0]) + 1 if lines and lines[-1][1] == "large" else last
    at += bool(lines)
    end = "killed" if child.returncode == -signal.SIGKILL else f"crashed ({child.returncode})"
    told[end] += 1
    with (folder / "findings").open("a") as findings:
        findings.write(f"{at} {end}\n")
    _keep(name, folder, at)
    return at


def _keep(name: str, folder: Path, number: int) -> None:
    """Make a file again, to be looked at."""
    target = folder / "found" / str(number)
    target.mkdir(parents=True, exist_ok=True)
    _make(name, folder, target, number)


def _seeds(name: str, folder: Path) -> None:
    from .models import MODEL_KINDS
    from .mutations import FORMATS, emptied

    for kind in MODEL_KINDS:
        if kind.name in FORMATS[name][0]:
            place = folder / "seeds" / kind.name
            place.mkdir(parents=True)
            source = Path(kind.build(place).source)
            if name == "weights":
                emptied(source, place / "emptied.h5")
                source = place / "emptied.h5"
            source.rename(folder / "seeds" / f"{kind.name}-seed")


def _make(name: str, folder: Path, target: Path, number: int) -> Path:
    from .mutations import FORMATS

    kinds, write = FORMATS[name]
    seed = folder / "seeds" / f"{kinds[number % len(kinds)]}-seed"
    return write(seed, target, Random(number))


def _child(name: str, folder: Path, first: int, last: int) -> None:
    from reportgen.models.formats import identify as kinds
    from reportgen.models.loader import load_model
    from reportgen.settings.report import LimitSettings, ModelSettings
    from reportgen.system.errors import ReportgenError
    from reportgen.system.text import visible

    kinds.survives = _Trials().survives
    settings = ModelSettings(architecture="cifar10") if name == "weights" else ModelSettings()
    with (folder / "log").open("a") as log, tempfile.TemporaryDirectory() as place:
        for number in range(first, last):
            path = _make(name, folder, Path(place), number)
            begun = time.monotonic()
            try:
                load_model(path, settings, limits=LimitSettings(memory=LIMIT))
                outcome = "read"
            except ReportgenError as problem:
                message = str(problem)
                good = message == visible(message) and len(message.splitlines()) == 1 and len(message) < 1500
                outcome = "refused" if good else f"badly-told {message[:300]!r}"
            except Exception as problem:  # noqa: BLE001 - that is what is looked for
                outcome = f"failed {type(problem).__name__}: {' '.join(str(problem).split())[:300]}"
            took = time.monotonic() - begun
            if outcome not in ("read", "refused"):
                _keep(name, folder, number)
            log.write(f"{number} {outcome}\n")
            if took > SECONDS:
                _keep(name, folder, number)
                log.write(f"{number} slow {took:.1f} s\n")
            log.flush()
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > LARGEST:
                _keep(name, folder, number)
                log.write(f"{number} large\n")
                return
            shutil.rmtree(Path(place) / "model", ignore_errors=True)


class _Trials:
    """Tries HDF5 files as the program does, in processes forked from one that has h5py already."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", __file__, "trials"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def survives(self, path: Path, memory: int, part: str | None = None) -> bool:
        """Return whether a file may be read."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\t".join([str(path), str(memory), *([part] if part else [])]) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline() == "0\n"


def _trials() -> None:
    """Fork for each line; tell how it ended."""
    place = Path(__file__).parents[2] / "reportgen" / "models" / "formats" / "hdf5_probe.py"
    spec = importlib.util.spec_from_file_location("hdf5_probe", place)
    assert spec is not None
    assert spec.loader is not None
    trial = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(trial)
    importlib.import_module("h5py")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            os._exit(trial.try_out(*line.rstrip("\n").split("\t")))
        _, status = os.waitpid(child, 0)
        print(int(status != 0), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "trials":
        _trials()
    elif sys.argv[1] == "child":
        _child(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        sys.exit(min(1, main(sys.argv[1], *map(int, sys.argv[2:]))))
