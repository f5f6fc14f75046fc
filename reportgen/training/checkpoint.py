"""A training that was interrupted, to be taken up where it stood: all that the next step depends on, in one file.

Kept are the variables of network and optimizer, the states of random generators, the measures so far, and what early
stopping remembers. With the same data and recipe the rest of the training is, to the bit, that of an unbroken one.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.system.atomic import write_file
from reportgen.system.errors import ReportgenError

Arrays = list[NDArray[np.generic]]


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes
    ----------
    fingerprint
        Of data, recipe and network: only a training with the same can be taken up.
    epochs
        How many are done.
    stopped
        Whether early stopping has ended it.
    history
        For each measure one value an epoch.
    state
        All variables of network and optimizer.
    best
        The weights of the best epoch, where early stopping keeps them.
    patience
        What early stopping counts: ``best``, ``best_epoch``, ``wait``.
    """

    fingerprint: str
    epochs: int
    stopped: bool
    history: dict[str, list[float]]
    state: Arrays
    best: Arrays | None = None
    patience: dict[str, float] = field(default_factory=dict)


def save_progress(path: Path, progress: Progress) -> None:
    """Write a checkpoint: whole or not at all."""
    told = {
        "fingerprint": progress.fingerprint,
        "epochs": progress.epochs,
        "stopped": progress.stopped,
        "history": progress.history,
        "patience": progress.patience,
    }
    arrays: dict[str, Any] = {f"state{number}": array for number, array in enumerate(progress.state)}
    arrays |= {f"best{number}": array for number, array in enumerate(progress.best or ())}
    file = io.BytesIO()
    np.savez(file, told=np.frombuffer(json.dumps(told).encode(), np.uint8), **arrays)
    write_file(path, file.getvalue())


def forget_progress(path: Path) -> None:
    """Remove a checkpoint, damaged or not, if there is one.

    Raises
    ------
    ReportgenError
        When what lies there was never one, or can't be removed.
    """
    try:
        _refuse_others(path)
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as problem:
        raise ReportgenError(f"{path} can't be removed ({problem.strerror})", "move it away") from None


def _refuse_others(path: Path) -> None:
    """Refuse a file that isn't even a damaged checkpoint: it is somebody's, and would be written over."""
    with path.open("rb") as file:
        head = file.read(2)
    if head not in (b"PK", b""):
        raise ReportgenError(f"{path} is no checkpoint of a training", "move it away, or name the model otherwise")


def read_progress(path: Path, fingerprint: str) -> Progress | None:
    """Read a checkpoint; None where there is none.

    Raises
    ------
    ReportgenError
        When it can't be read, or is of another training.
    """
    if not path.exists():
        return None
    advice = "begin anew with --restart"
    try:
        _refuse_others(path)
        with np.load(path, allow_pickle=False) as file:
            told = json.loads(file["told"].tobytes())
            state, best = (
                [file[f"{kind}{number}"] for number in range(sum(name.startswith(kind) for name in file.files))]
                for kind in ("state", "best")
            )
            progress = Progress(state=state, best=best or None, **told)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as problem:
        raise ReportgenError(f"the checkpoint {path} can't be read ({problem})", advice) from None
    if progress.fingerprint != fingerprint:
        raise ReportgenError(
            f"the checkpoint {path} is of a training with other data, another network or other settings", advice
        )
    return progress
