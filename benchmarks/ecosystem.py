"""What one has to write, and to wait for, to see what reportgen shows: with it and with other tools.

``make bench-ecosystem`` runs it in an environment of its own with tf-explain, xplique, keract, captum and SHAP;
``python benchmarks/ecosystem.py [--tools NAME ...] [--times N]`` with what is installed. What stands in
docs/ecosystem.md is what it prints.

Each tool does each thing in a small script of its own, ``snippets/TOOL/THING.py``, as its own documents write it, and
with its own defaults where it has some. All get the same model and the same two images as files: ``model.keras``, the
built-in one, and two phantoms. It is written as a functional model, since tf-explain's Grad-CAM finds no gradient in a
sequential one of Keras 3. captum gets ``model.pt`` and keract ``keras2.h5``: the same layers with the same weights in
PyTorch and in Keras 2, whose scores are compared first. A script is run in a process and a folder of its own, cold:
what is told are the seconds that one waits for it, those in which TensorFlow or PyTorch start among them, how many it
took of all processors, and what it left behind, opened again; of several runs the best. Where other programs run at the
same time, the seconds of the processors are nearer to the truth than those in the table. Lines are those of the script
that hold code: neither blank ones, nor comments, nor what it says of itself.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import io
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SNIPPETS = Path(__file__).parent / "snippets"
TOOLS = {
    "reportgen": "reportgen", "tf_explain": "tf-explain", "xplique": "xplique", "keract": "keract", "captum": "captum",
    "shap": "shap",
}  # fmt: skip
THINGS = {
    "features": "feature maps of each convolution",
    "covering": "a map by covering",
    "gradients": "a map by gradients",
    "tested": "a test of the map",
    "two_cases": "the maps of two cases",
    "everything": "all of it, compared, in one file",
}
LOADING = {
    "keras": 'import keras\nkeras.models.load_model("model.keras")',
    "torch": 'import torch\ntorch.load("model.pt", weights_only=False)',
}
SEEDS = {"normal": (33, 0), "pneumonia": (21, 2)}  # of each phantom, and how many opacities it has
LARGEST_DIFFERENCE, SECONDS = 1e-4, 900
KEPT = ("name", "filters", "kernel_size", "strides", "padding", "activation", "units", "pool_size")
_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
    tokenize.ENCODING,
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of a script.

    Attributes
    ----------
    lines
        Of code.
    waited
        Seconds until the fastest run was done; None where it failed.
    processor
        Seconds that the best one took of all processors.
    left
        What it left behind, or printed; where it failed, why.
    """

    lines: int
    left: str
    waited: float | None = None
    processor: float = 0.0

    @property
    def cell(self) -> str:
        """What stands in the table."""
        return f"{self.lines} lines, {'failed' if self.waited is None else f'{self.waited:.1f} s'}"


def count_lines(source: str) -> int:
    """Return how many lines of a script hold code; its own description isn't code."""
    body = ast.parse(source).body
    first = body[0] if body else None
    told = range(0)
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        told = range(first.lineno, (first.end_lineno or first.lineno) + 1)
    found = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(found - set(told))


def snippet(tool: str, thing: str) -> Path | None:
    """Return the script with which a tool does a thing; None where it has none."""
    path = SNIPPETS / tool / f"{thing}.py"
    return path if path.is_file() else None


# ---- what all get


def prepare(folder: Path) -> list[str]:
    """Write the model and the images into a folder; returns what is to be told of its ports."""
    import keras
    from PIL import Image

    import reportgen

    loaded = reportgen.load_model()
    whole = loaded.keras_model
    model = keras.models.clone_model(keras.Model(whole.inputs[0], whole.outputs[0]))
    model.set_weights(whole.get_weights())
    model.save(folder / "model.keras")
    images = []
    for name, (seed, opacities) in SEEDS.items():
        drawn = reportgen.phantom(seed, opacities=opacities)
        Image.fromarray(drawn.pixels).save(folder / f"{name}.png")
        images.append(loaded.input_of(drawn.pixels))
    # scores of noise are far from 0 and 1, where a difference would hide
    noise = np.random.default_rng(0).random((4, *loaded.input_shape), np.float32)
    batch = np.concatenate([np.stack(images), noise])
    wanted = np.asarray(whole(batch, training=False))
    told = []
    for name, write in (("PyTorch", in_torch), ("Keras 2", in_keras_2)):
        try:
            largest = float(np.abs(write(model, batch, folder) - wanted).max())
        except ImportError as problem:
            told.append(f"the model isn't ported to {name}: {problem}")
            continue
        if not largest <= LARGEST_DIFFERENCE:
            raise SystemExit(f"ecosystem.py: in {name} the scores of the model differ by {largest:.1e}")
        told.append(f"the model in {name}: its scores differ by {largest:.1e} at most")
    return told


def in_torch(model: Any, batch: np.ndarray, folder: Path) -> np.ndarray:
    """Write the model for PyTorch, and return its scores ``(N, 1)``."""
    import torch

    ported = port(model)
    torch.save(ported, folder / "model.pt")
    with torch.no_grad():
        return ported(torch.from_numpy(batch).permute(0, 3, 1, 2)).numpy()


def in_keras_2(model: Any, batch: np.ndarray, folder: Path) -> np.ndarray:
    """Write the model for Keras 2, and return its scores ``(N, 1)``."""
    import tf_keras

    ported = tf_keras.Sequential([tf_keras.layers.Input(model.input_shape[1:])])
    for layer in model.layers[1:]:
        config = layer.get_config()
        ported.add(
            getattr(tf_keras.layers, type(layer).__name__)(**{key: config[key] for key in KEPT if key in config})
        )
    ported.set_weights(model.get_weights())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ported.save(folder / "keras2.h5")
    return np.asarray(ported(batch, training=False))


def port(model: Any) -> Any:
    """Return a Keras network that is a chain of convolutions, poolings and dense layers as one of PyTorch.

    Raises
    ------
    ValueError
        When it has a layer of another kind.
    """
    from torch import from_numpy, nn

    parts: list[Any] = []
    shape: tuple[int, ...] = ()  # of what is flattened, (H, W, C)
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Conv2D" and layer.padding == "valid":
            kernel, bias = layer.get_weights()
            made: Any = nn.Conv2d(kernel.shape[2], kernel.shape[3], kernel.shape[:2], layer.strides)
            made.weight.data, made.bias.data = from_numpy(kernel.transpose(3, 2, 0, 1).copy()), from_numpy(bias)
        elif kind == "MaxPooling2D" and layer.padding == "valid":
            made = nn.MaxPool2d(layer.pool_size, layer.strides)
        elif kind == "Flatten":
            made, shape = nn.Flatten(), tuple(layer.input.shape[1:])
        elif kind == "Dense":
            kernel, bias = layer.get_weights()
            if shape:
                # PyTorch flattens channels first
                kernel = kernel.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
                shape = ()
            made = nn.Linear(*kernel.shape)
            made.weight.data, made.bias.data = from_numpy(kernel.T.copy()), from_numpy(bias)
        elif kind in ("InputLayer", "Dropout"):
            continue
        else:
            raise ValueError(f"{layer.name} is a {kind}, which isn't ported")
        parts.append(made)
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if activation != "linear":
            parts.append({"relu": nn.ReLU, "sigmoid": nn.Sigmoid}[activation]())
    return nn.Sequential(*parts).eval()


# ---- running a script


@dataclass(frozen=True)
class Run:
    """One run of a script: its seconds, those on all processors, what it left, and why it failed; empty: it did not."""

    seconds: float
    processor: float
    left: str
    problem: str


def run(command: Sequence[str], given: Path) -> Run:
    """Run Python in a new folder with what all get."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for path in given.iterdir():
            shutil.copy(path, folder)
        # no display, no other processor than this one
        environment = os.environ | {"MPLBACKEND": "Agg", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
        started, used = time.perf_counter(), processor_seconds()
        try:
            done = subprocess.run(
                [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False,
                timeout=SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Run(SECONDS, 0, "", f"not done after {SECONDS} s")
        took, used = time.perf_counter() - started, processor_seconds() - used
        if done.returncode:
            return Run(took, used, "", one_line(done.stderr) or f"it ended with {done.returncode}")
        try:
            made = sorted(path for path in folder.rglob("*") if path.is_file() and not (given / path.name).exists())
            return Run(took, used, "; ".join(look(made, folder)) or numbers(done.stdout), "")
        except ValueError as problem:
            return Run(took, used, "", str(problem))


def processor_seconds() -> float:
    """Return what processes that were started here, and have ended, took of all processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def one_line(text: str) -> str:
    """Return the last line of an error, without colours and without what machine it happened on."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[\d;]*m", "", text).splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception)\b", line)), "")
    return re.sub(r"/\S+/", "", told or "".join(lines[-1:]))


def look(made: Sequence[Path], folder: Path) -> Iterator[str]:
    """Open what was made, and yield what it is.

    Raises
    ------
    ValueError
        When a picture shows nothing, or a page needs something else.
    """
    from PIL import Image

    pictures = [path for path in made if path.suffix in (".png", ".jpeg")]
    sizes = []
    for path in pictures:
        with Image.open(path) as image:
            sizes.append(image.size)
            if np.ptp(np.asarray(image.convert("RGBA").convert("L"))) == 0:
                raise ValueError(f"{path.relative_to(folder)} is of one colour")
    if sizes:
        widest = max(sizes, key=lambda size: size[0] * size[1])
        many = f"{len(sizes)} pictures, the largest" if len(sizes) > 1 else "a picture,"
        yield f"{many} {widest[0]} × {widest[1]}"
    for path in made:
        if path.suffix == ".html":
            text = path.read_text("utf-8")
            if re.search(r"\ssrc=\"(?!data:)|\shref=\"(?!#|data:|https://)", text) or "<img" not in text:
                raise ValueError(f"{path.name} needs other files, or shows no picture")
            yield f"a page that needs no other file, {path.stat().st_size / 1e6:.1f} MB"
    others = [path for path in made if path not in pictures and path.suffix != ".html"]
    if others:
        yield f"{len(others)} other file{'s' * (len(others) > 1)}"


def numbers(printed: str) -> str:
    """Return the numbers that were printed.

    Raises
    ------
    ValueError
        When there are none, or what isn't finite.
    """
    found = [float(one) for one in re.findall(r"-?\d+\.\d+(?:e-?\d+)?|nan|inf", printed)]
    if not found or not all(map(math.isfinite, found)):
        raise ValueError("it made nothing, and printed no number")
    return f"printed {len(found)} number{'s' * (len(found) > 1)}"


def measure(path: Path, given: Path, times: int) -> Outcome:
    """Run a script several times, and return what became of it."""
    lines, runs = count_lines(path.read_text("utf-8")), []
    for _ in range(times):
        runs.append(run([str(path)], given))
        if runs[-1].problem:
            return Outcome(lines, runs[-1].problem)
    return Outcome(lines, runs[0].left, min(one.seconds for one in runs), min(one.processor for one in runs))


def absent(tool: str) -> str:
    """Return why a tool can't be tried; empty where it can."""
    try:
        importlib.metadata.version(TOOLS[tool])
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
    return ""


def main() -> None:
    """Print the table, and what each script left."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--things", nargs="+", choices=THINGS, default=list(THINGS))
    parser.add_argument("--times", type=int, default=3, help="each script is run so often; the best run is told")
    given = parser.parse_args()
    reasons = {tool: absent(tool) for tool in given.tools}
    found: dict[tuple[str, str], Outcome] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print("\n".join(prepare(folder)), flush=True)
        for kind, code in LOADING.items():
            runs = [run(["-c", code + "\nprint(0.5)"], folder) for _ in range(given.times)]
            took = f"{min(one.seconds for one in runs):.1f} s"
            print(f"loading the model with {kind} alone: {runs[0].problem or took}", flush=True)
        for tool in given.tools:
            for thing in given.things:
                path = snippet(tool, thing)
                if path is not None and not reasons[tool]:
                    one = found[tool, thing] = measure(path, folder, given.times)
                    print(f"{tool}, {thing}: {one.cell}, {one.processor:.1f} s of processors; {one.left}", flush=True)
    heads = [f"{TOOLS[tool]} {importlib.metadata.version(TOOLS[tool])}" if not reasons[tool] else
             f"{TOOLS[tool]} ({reasons[tool]})" for tool in given.tools]  # fmt: skip
    print(f"\n| | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    for thing in given.things:
        cells = [found[tool, thing].cell if (tool, thing) in found else "–" for tool in given.tools]
        print(f"| {THINGS[thing]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
