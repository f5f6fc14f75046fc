"""``python -m tests.kinds.applications``: every model of keras.applications, small and untrained, as Keras saves it.

Each is made and saved by Keras 2 (``tf_keras``) and by Keras 3, in every format that the saver has, then reported on;
its scores are compared with those of the model that was saved. Each runs in a process of its own, since the largest
take gigabytes. All take hours; the tests take the smallest of some families.

    python -m tests.kinds.applications                       # all: first the smallest of each family
    python -m tests.kinds.applications ConvNeXtTiny VGG16    # these
    python -m tests.kinds.applications --smallest            # one of each family
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SAVERS = {"keras": (".keras", ".h5", "export"), "tf_keras": (".keras", ".h5", "SavedModel")}
# what needs larger images than the others
_LARGER = ("Inception", "Xception")
# the smallest of each family
SMALLEST = (
    "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2", "InceptionV3",
    "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "RegNetX002", "RegNetY002", "ResNet50",
    "ResNet50V2", "ResNetRS50", "VGG16", "VGG19", "Xception",
)  # fmt: skip
# what a report may differ by: float32, added up in another order
TOLERANCE = 1e-5


def names(saver: str) -> list[str]:
    """Return the models that a version of Keras has, the smallest of each family first."""
    home = _home(saver)
    found = [name for name in dir(home) if name[0].isupper() and callable(getattr(home, name))]
    return sorted(found, key=lambda name: (name not in SMALLEST, name))


def made(saver: str, name: str) -> Any:
    """Return an untrained model of two classes whose scores differ between images."""
    _module(saver).utils.set_random_seed(0)
    shape = (80, 112, 3) if name.startswith(_LARGER) else (64, 96, 3)
    model = getattr(_home(saver), name)(weights=None, input_shape=shape, classes=2)
    _settle(model)
    return _spread(model)


def images(model: Any) -> np.ndarray:
    """Return four images of that size, not square, 0 to 255: noise of different strength and colour."""
    random = np.random.default_rng(2)
    shape = tuple(model.inputs[0].shape)[1:]
    colours = random.uniform(0, 255, (4, 1, 1, 3))
    return np.clip(colours + random.normal(0, 40, (4, *shape)), 0, 255).astype(np.float32)


def save(model: Any, kind: str, folder: Path) -> Path:
    """Save a model in a format and return where."""
    path = folder / (f"model{kind}" if kind.startswith(".") else f"model_{kind}")
    if kind == "export":
        model.export(path, verbose=False)
    elif kind == "SavedModel":
        model.save(path, save_format="tf")
    else:
        model.save(path)
    return path


def tried(saver: str, name: str, folder: Path, *, whole: bool) -> Iterator[dict[str, Any]]:
    """Make and save a model, then report on each file; yield what came of it."""
    model = made(saver, name)
    given = images(model)
    # compiled, as predict runs it, and layer by layer Keras itself adds up in another order
    ways = (model(given, training=False), model.predict(given, verbose=0))
    expected = [np.asarray(scores, np.float64) for scores in ways]
    told = {"spread": float(np.ptp(expected[0][:, 0])), "of_keras": float(np.abs(expected[0] - expected[1]).max())}
    written: dict[str, Path | str] = {}
    for kind in SAVERS[saver]:
        try:
            written[kind] = save(model, kind, folder)
        except Exception as problem:  # noqa: BLE001 - what Keras can't save
            written[kind] = f"{type(problem).__name__}: {str(problem).splitlines()[0][:120]}"
    del model
    _forget()
    for kind, path in written.items():
        start = time.monotonic()
        row = {"saver": saver, "name": name, "format": kind, **told}
        if isinstance(path, str):
            yield {**row, "refused": f"not saved: {path}"}
            continue
        try:
            yield {**row, **_reported(path, given, expected, whole=whole), "seconds": time.monotonic() - start}
        except Exception as problem:  # noqa: BLE001 - told in the table
            yield {**row, "refused": f"{type(problem).__name__}: {str(problem)[:300]}"}
        _forget()


def _reported(path: Path, given: np.ndarray, expected: list[np.ndarray], *, whole: bool) -> dict[str, Any]:
    from reportgen import build_report
    from reportgen.images.reader import image_from_array
    from reportgen.models.loader import load_model
    from reportgen.settings.file import settings_from

    loaded = load_model(path)
    outputs = np.asarray(loaded.keras_model(given, training=False), np.float64)
    few = {"occlusion": {"enabled": False}, "layers": {"first": 2}}
    cases = [(f"case {number}", image_from_array(image.astype(np.uint8))) for number, image in enumerate(given[:2])]
    report = build_report(loaded, cases, settings_from(few))
    difference = min(float(np.abs(outputs - one).max()) for one in expected)
    said = {"difference": difference, "layers": len(report.model.layers)}
    return said | ({"built": _built(path, given)} if whole else {})


def _built(path: Path, given: np.ndarray) -> int:
    """Run the command itself, without a scan; return its exit code."""
    from PIL import Image

    pictures = [path.parent / f"{number}.png" for number in range(2)]
    for picture, image in zip(pictures, given, strict=False):
        Image.fromarray(image.astype(np.uint8)).save(picture)
    command = [sys.executable, "-m", "reportgen", "build", *map(str, pictures), "-m", str(path), "--no-occlusion"]
    return subprocess.run([*command, "-f", "-o", str(path.parent / "report.html")], check=False).returncode


def _settle(model: Any) -> None:
    """Set scales that are not 1, and give normalization the statistics of the images, so that layers pass much on."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if type(layer).__name__ in ("BatchNormalization", "LayerScale"):
            first, *rest = layer.get_weights()
            layer.set_weights([random.uniform(0.5, 1.5, first.shape), *rest])
    normalizing = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    usual = [layer.momentum for layer in normalizing]
    for layer in normalizing:
        layer.momentum = 0.0
    model(images(model), training=True)
    for layer, momentum in zip(normalizing, usual, strict=True):
        layer.momentum = momentum


def _spread(model: Any) -> Any:
    """Scale the last layer so that scores of different images lie well apart, without being 0 or 1."""
    last = next(layer for layer in reversed(model.layers) if layer.weights)
    kernel, bias = last.get_weights()
    for _ in range(8):
        last.set_weights([kernel, bias * 0])
        logs = np.log(np.asarray(model(images(model), training=False), np.float64) + 1e-38)
        logits = logs[:, 0] - logs[:, 1]
        if np.abs(logits).max() < 50:
            break
        kernel = kernel / 100  # a softmax at its end says nothing more
    factor = 2.0 / max(float(np.ptp(logits)), 1e-9)
    last.set_weights([kernel * factor, np.array([-float(np.mean(logits)) * factor, 0])])
    return model


def _home(saver: str) -> Any:
    return _module(saver).applications


def _module(saver: str) -> Any:
    import importlib

    return importlib.import_module(saver)


def _forget() -> None:
    import gc

    import keras

    keras.backend.clear_session()
    gc.collect()


def _in_a_process(saver: str, name: str, say: Callable[[dict[str, Any]], None]) -> None:
    command = [sys.executable, "-m", "tests.kinds.applications", "--one", saver, name]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        rows.append({"saver": saver, "name": name, "format": "", "refused": f"ended with {done.returncode}"})
    for row in rows:
        say(row)


def table(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table: models and their files, with the largest difference of a score.

    The last columns say how far Keras's own scores differ, called and by predict, and how far images do.
    """
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["name"], row["saver"]), {})[row["format"]] = row
    lines = [
        "| Model | Saved by | .keras | .h5 | SavedModel | Keras's own | Spread |",
        "| --- | --- | --- | --- | --- | ---: | ---: |",
    ]
    for (name, saver), formats in sorted(found.items()):
        cells = [_cell(formats.get(kind)) for kind in SAVERS[saver]]
        spread, own = (max(row.get(key, 0.0) for row in formats.values()) for key in ("spread", "of_keras"))
        version = 2 if saver == "tf_keras" else 3
        lines.append(f"| {name} | Keras {version} | {' | '.join(cells)} | {own:.1g} | {spread:.2g} |")
    return "\n".join(lines)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "-"
    if "refused" in row:
        return str(row["refused"]).replace("|", "\\|")
    built = {0: ", built"}.get(row.get("built", 1), "")
    return f"{row['difference']:.1g} ({row['layers']} layers{built})"


def main() -> None:
    """Try what is named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--smallest", action="store_true")
    parser.add_argument("--saver", choices=SAVERS, help="only as saved by keras (3) or by tf_keras (2)")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        with tempfile.TemporaryDirectory() as folder:
            for row in tried(*asked.one, Path(folder), whole=asked.one[1] in SMALLEST):
                print(json.dumps(row), flush=True)
        return
    wanted = asked.names or (SMALLEST if asked.smallest else None)
    jobs = [
        (name, saver)
        for saver in SAVERS
        if asked.saver in (None, saver)
        for name in names(saver)
        if wanted is None or name in wanted
    ]
    rows: list[dict[str, Any]] = []

    def say(row: dict[str, Any]) -> None:
        rows.append(row)
        print(json.dumps(row), flush=True)

    for name, saver in sorted(jobs, key=lambda job: job[0] not in SMALLEST):
        _in_a_process(saver, name, say)
    print(table(rows))


if __name__ == "__main__":
    main()
