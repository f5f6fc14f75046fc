"""What is kept of each case besides its page: numbers that can be compared over many cases. No TensorFlow.

One ``.npz`` for each item. Arrays are small: means of channels, one vector of features, and a map and a picture of at
most 64 x 64.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from reportgen.batch.arrays import read_arrays
from reportgen.batch.storage import INNER, AnyStorage, storage_at
from reportgen.images.resizing import average_areas
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import OutputError

VERSION = 1
SIDE = 64
_ARRAYS = {"scores": np.float64, "evidence": np.float16, "thumbnail": np.uint8, "features": np.float32}


@dataclass(frozen=True)
class RegionNumbers:
    """One known region of a case.

    Attributes
    ----------
    name
        As given; of a file without a name of its own ``mask``, since names of files differ from case to case.
    area
        Share of the pixels that the model gets, 0 to 1.
    evidence
        Share of the evidence for what is said, 0 to 1; not a number where there is none.
    peak_inside
        Whether the strongest place of the map is in it; None where there is none.
    """

    name: str
    area: float
    evidence: float
    peak_inside: bool | None


@dataclass(frozen=True)
class CaseNumbers:
    """One case.

    Attributes
    ----------
    item, case
        The item that it belongs to, and its place there, from 0; the page is ``reports/{item}.html``.
    name, title
        What to call it, and what its page calls it.
    label
        As given; None: unknown.
    sha256
        Digest of its file.
    scores
        ``(classes,)``, 0 to 1; of a regression as they are.
    predicted
        Number of the class that is said, of independent findings the first.
    correct
        Whether that is the label's; None where that can't be told.
    target
        Number of the class that the evidence is for.
    base_evidence
        For it, in bits; not a number without a scan.
    beats_chance
        ``both``, ``one`` or ``none`` of two ways, ``unknown``; empty where the map was not tested.
    flip_share
        Of the pixels, whose blurring flips the decision; not a number where none was found.
    border_share
        Share of the evidence that lies in the border; not a number where that is not known.
    channel_means
        ``(channels,)`` by layer: means over all places of a feature map.
    features, features_layer
        ``(F,)``: what goes into the head, or the means of the last feature maps; of which layer it is the output.
    thumbnail
        ``(h, w)`` or ``(h, w, 3)``: the image as the model gets it, at most 64 x 64.
    evidence
        ``(h, w)`` bits at each pixel of the input, averaged over areas to at most 64 x 64; None without a scan.
    columns
        What the table of cases says of it.
    regions
        Its known regions.
    """

    item: str
    case: int
    name: str
    title: str
    label: str | None
    sha256: str
    scores: NDArray[np.float64]
    predicted: int
    correct: bool | None
    target: int
    base_evidence: float
    beats_chance: str
    flip_share: float
    border_share: float
    channel_means: dict[str, NDArray[np.float32]]
    features: NDArray[np.float32]
    features_layer: str
    thumbnail: NDArray[np.uint8]
    evidence: NDArray[np.float16] | None = None
    columns: dict[str, str] = field(default_factory=dict)
    regions: tuple[RegionNumbers, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a batch is of.

    Attributes
    ----------
    model_name, model_sha256
        The model.
    class_names, head
        What it says, and how; see :class:`reportgen.report.model.ModelReport`.
    threshold, thresholds
        From which score on a class, or each finding, is said.
    layers
        Names of the layers whose channels were measured, in order.
    input_size
        (height, width) of the model's input.
    """

    model_name: str
    model_sha256: str
    class_names: tuple[str, ...]
    head: str
    threshold: float | None
    thresholds: tuple[float, ...]
    layers: tuple[str, ...]
    input_size: tuple[int, int]


def read_batch(out: Path | RemotePath) -> Batch:
    """Return what a batch is of.

    Raises
    ------
    OutputError
        When the folder holds none, or it's damaged.
    """
    storage = storage_at(out)
    name = f"{INNER}/batch.json"
    path, data = storage.path(name), storage.read(name)
    if data is None:
        raise OutputError(f"{out} holds no batch", "name the folder that reportgen batch wrote")
    try:
        table = json.loads(data)
        if table["version"] != VERSION:
            raise OutputError(f"{path} is of another version of reportgen", "run the batch again in another folder")
        found = table["model"]
        return Batch(
            model_name=str(found["name"]), model_sha256=str(found["sha256"]), head=str(found["head"]),
            class_names=tuple(map(str, found["class_names"])),
            threshold=None if found["threshold"] is None else float(found["threshold"]),
            thresholds=tuple(map(float, found["thresholds"])), layers=tuple(map(str, found["layers"])),
            input_size=(int(found["input_size"][0]), int(found["input_size"][1])),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise OutputError(f"{path} is damaged", "run the batch again: what is done is kept") from None


def list_items(out: Path | RemotePath) -> list[str]:
    """Return the names of all items, in the order in which they were given; not all of them may be done."""
    from reportgen.batch.record import Ledger

    return list(Ledger(storage_at(out)).order())


def iterate_numbers(out: Path | RemotePath, items: Sequence[str] | None = None) -> Iterator[CaseNumbers]:
    """Give the cases that are done, one after another, in the order in which they were given.

    Parameters
    ----------
    out
        The folder of the batch.
    items
        Only these; None: all.

    Raises
    ------
    OutputError
        When the folder holds no batch, or the numbers of a case are damaged.
    """
    from reportgen.batch.record import Ledger, numbers_name

    storage = storage_at(out)
    ledger = Ledger(storage)

    def read(name: str) -> list[CaseNumbers]:
        return read_numbers(storage, numbers_name(name), name) if ledger.is_done(name) else []

    for cases in storage.each(read, ledger.order() if items is None else items):
        yield from cases


def read_numbers(storage: AnyStorage, name: str, item: str) -> list[CaseNumbers]:
    """Return the cases of one item.

    Raises
    ------
    OutputError
        When the file is missing or damaged.
    """
    try:
        return parse_numbers(read_arrays(storage.read(name) or b""), item)
    except (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, BadZipFile) as problem:
        raise OutputError(
            f"{storage.path(name)} can't be read ({problem!s:.100})", "run the batch again: it makes it anew"
        ) from None


def render_numbers(cases: Sequence[CaseNumbers]) -> bytes:
    """Return the cases of one item as ``.npz``; the same numbers always give the same bytes."""
    arrays: dict[str, NDArray[Any]] = {}
    told = []
    for number, one in enumerate(cases):
        told.append(
            {name: value for name, value in vars(one).items() if name not in (*_ARRAYS, "channel_means", "item")}
        )
        told[-1]["layers"] = [(layer, len(values)) for layer, values in one.channel_means.items()]
        told[-1]["regions"] = [asdict(region) for region in one.regions]
        for name, kind in _ARRAYS.items():
            if getattr(one, name) is not None:
                arrays[f"{number}/{name}"] = np.asarray(getattr(one, name), kind)
        arrays[f"{number}/channels"] = np.concatenate([np.zeros(0), *one.channel_means.values()]).astype(np.float32)
    arrays["meta"] = np.array(json.dumps({"version": VERSION, "cases": told}))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def parse_numbers(arrays: dict[str, NDArray[Any]], item: str) -> list[CaseNumbers]:
    """Return the cases of the arrays of a ``.npz``.

    Raises
    ------
    KeyError, ValueError, TypeError
        When something is missing or not as it is written.
    """
    meta = json.loads(str(arrays["meta"]))
    if meta["version"] != VERSION:
        raise ValueError("of another version")
    cases = []
    for number, told in enumerate(meta["cases"]):
        layers, regions = told.pop("layers"), tuple(RegionNumbers(**one) for one in told.pop("regions", ()))
        own: dict[str, Any] = {
            name: np.asarray(arrays[f"{number}/{name}"], kind)
            for name, kind in _ARRAYS.items()
            if f"{number}/{name}" in arrays
        }
        means = _means_of(arrays, number, layers)
        cases.append(CaseNumbers(item=item, channel_means=means, regions=regions, **told, **own))
    return cases


def _means_of(arrays: dict[str, NDArray[Any]], number: int, layers: Sequence[Any]) -> dict[str, NDArray[np.float32]]:
    """Return the means of a case's channels by layer; they are one array, and were one a layer before."""
    if f"{number}/channels" not in arrays:
        return {name: np.asarray(arrays[f"{number}/layers/{at}"], np.float32) for at, name in enumerate(layers)}
    values, start, means = np.asarray(arrays[f"{number}/channels"], np.float32), 0, {}
    for name, count in layers:
        means[name] = values[start : start + count]
        start += count
    if start != len(values):
        raise ValueError("channels are missing")
    return means


def shrink(values: NDArray[Any], side: int = SIDE) -> NDArray[np.float64]:
    """Return an array averaged over areas to at most ``side`` rows and columns.

    Parameters
    ----------
    values
        ``(H, W)`` or ``(H, W, C)``; what isn't a number makes what it is part of no number.
    side
        How many rows, and columns, at most.

    Returns
    -------
    ndarray
        ``(h, w)`` or ``(h, w, C)``: h is H where that is small enough, else ``side``. A pixel on the border of two
        areas counts for each by its share.
    """
    rows, columns = (min(length, side) for length in values.shape[:2])
    return average_areas(values, (rows, columns))


def total_bytes(paths: Iterable[Path]) -> int:
    """Return how many bytes files have in all."""
    return sum(path.stat().st_size for path in paths if path.is_file())
