"""Which map says best what a model relies on: ours and other tools', on the same images, by the same measures.

``faithfulness.py [FOLDER]``: FOLDER holds a folder of images for each of two classes; without it, only phantoms are
measured. ``make bench-faithfulness`` runs it in an environment of its own with xplique and tf-explain. All explain the
logits of the class that the model says, so that no tool suffers from saturated scores. What is printed is a table in
Markdown; how to read it stands in docs/evidence.md.

Deletion and insertion replace pixels by a coarsely blurred image in the order of the map, and put them back: the mean
log-odds of the said class in bits over 11 shares. Once in the order of the map as the tool gives it, and once of its
means over windows of a tenth of the side: an order of single pixels differs from one of regions by its grain alone. On
phantoms, whose opacities are known: the area under the ROC curve of the map against the opacities' pixels, and whether
its peak lies in one (grown by 7 pixels, as far as a resized border is uncertain). Ours are the default settings through
the public API; its seconds are those of the scan that makes the map. Maps that are kept in a folder are not made again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

import reportgen
from reportgen.analysis.layer_graph import Graph
from reportgen.analysis.metrics.faithfulness import SHARES, masks_of, order_of, random_orders
from reportgen.analysis.occlusion.known_models import known_model
from reportgen.analysis.occlusion.scan import make_fill
from reportgen.analysis.other_views import average
from reportgen.analysis.predictions import Head
from reportgen.analysis.views.grad_cam import enlarge, grad_cam, last_maps
from reportgen.analysis.views.integrated_gradients import integrated_gradients
from reportgen.analysis.views.slopes import NoViewError, Slopes
from reportgen.analysis.weight_of_evidence import Readout

PART, BLURRED, GROWN = 10, 10, 7  # patch and window as parts of the side; side of the blurred image; pixels
FIRST_PHANTOM = 9500
MEMORY = 1 << 30
BATCH = 64
RANDOM = "random blocks"
Make = Callable[[np.ndarray, int, "Given"], np.ndarray]


@dataclass(frozen=True)
class Given:
    """One image: what tools get.

    Attributes
    ----------
    image
        As a report takes it.
    inputs
        ``(H, W, C)`` in the model's units.
    opacities
        ``(H, W)`` bool of a phantom; None of a real one.
    """

    image: object
    inputs: np.ndarray
    opacities: np.ndarray | None = None


@dataclass
class Tool:
    """A way to make maps, and how long it took."""

    name: str
    make: Make
    seconds: list[float] = field(default_factory=list)
    times_itself: bool = False

    def map_of(self, given: Given, said: int) -> np.ndarray:
        """Return the map ``(H, W)``: the higher, the more it speaks for the said class."""
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = np.asarray(self.make(given.inputs, said, given), np.float64)
        if not self.times_itself:
            self.seconds.append(time.perf_counter() - started)
        return found


class Subject:
    """The model and its logits, as a function and as a Keras model with one output for each class."""

    def __init__(self, source: str | None) -> None:
        import keras
        import tensorflow as tf

        self.loaded = reportgen.load_model(source)
        known, kind = known_model(self.loaded.keras_model), self.loaded.head
        self.graph: Graph | None = known.logits(kind)
        if self.graph is None:
            raise SystemExit("faithfulness.py: the logits of this model can't be reached")
        self.head = Head(kind, self.loaded.class_names, self.loaded.threshold, self.loaded.outputs)
        output = self.graph.output
        if self.loaded.outputs == 1:
            output = keras.layers.Concatenate(name="both_classes")([-output, output])
        shared = keras.Model(self.graph.input, output)
        # a copy, whose layers were called but once: tools that ask a layer for its output get that of this model
        self.logits = keras.models.clone_model(shared)
        self.logits.set_weights(shared.get_weights())
        self._run = tf.function(lambda batch: self.logits(batch, training=False))

    def evidence(self, images: np.ndarray, said: int) -> np.ndarray:
        """Return the log-odds ``(N,)`` of a class, in bits."""
        readout = Readout(self.head, cut=True)
        parts = []
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            batch = np.zeros((BATCH, *images.shape[1:]), np.float32)
            batch[: len(part)] = part
            parts.append(np.asarray(self._run(batch))[: len(part)])
        raw = np.concatenate(parts)
        return readout.evidence(raw[:, 1:] if self.loaded.outputs == 1 else raw)[:, said]

    def said(self, inputs: np.ndarray) -> int:
        """Return the number of the class that the model says."""
        return int(np.asarray(self.logits(inputs[None], training=False))[0].argmax())

    def slopes(self, said: int) -> Slopes:
        """Return the slopes of the evidence for a class."""
        return Slopes(self.graph, Readout(self.head, cut=True), said, 1, MEMORY)


# ---- the tools


def our_map(subject: Subject, seconds: list[float]) -> Make:
    """Return what makes our map, with default settings, through the public API."""

    def make(_: np.ndarray, said: int, given: Given) -> np.ndarray:
        # one layer's feature maps, since this is about the scan
        report = reportgen.build_report(subject.loaded, [(None, given.image)], {"layers": {"first": 1}})
        seconds.append(report.timings["occlusion scan"])
        case = report.cases[0]
        followed = subject.loaded.class_names.index(case.target_class)
        return case.importance_map() * (1 if followed == said else -1)

    return make


def our_views(subject: Subject) -> list[Tool]:
    """Return the views that a report can show besides and that no peer below has the same of."""

    def cam(inputs: np.ndarray, said: int, _: Given) -> np.ndarray:
        slopes = subject.slopes(said)
        try:
            return grad_cam(slopes, inputs, last_maps(slopes.graph)[0])
        except NoViewError:  # nothing speaks for it: the map is blank
            return np.zeros(inputs.shape[:2])

    def integrated(inputs: np.ndarray, said: int, _: Given) -> np.ndarray:
        return integrated_gradients(subject.slopes(said), inputs, make_fill(inputs, "blur")[0]).values

    return [
        Tool("reportgen, Grad-CAM", cam),
        Tool("reportgen, integrated gradients from the blurred image", integrated),
    ]


def peers(subject: Subject, masks: int) -> list[Tool]:
    """Return the other tools: their own defaults but for patch, stride and fill, which are those of a report."""
    from tf_explain.core.grad_cam import GradCAM
    from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity
    from xplique.attributions import IntegratedGradients, Occlusion, Rise

    model, classes = subject.logits, int(subject.logits.output_shape[-1])
    height, width = subject.loaded.input_shape[:2]
    patch = (round(height / PART), round(width / PART))
    stride = tuple(max(1, round(side / 3)) for side in patch)
    layer = last_maps(subject.graph)[0].layer.name
    # made once: what a tool prepares for a model is part of its first image alone
    rise = Rise(model, batch_size=BATCH, nb_samples=masks)
    gradients = IntegratedGradients(model, batch_size=BATCH)

    def one_hot(said: int) -> np.ndarray:
        return np.eye(classes, dtype=np.float32)[[said]]

    def occlusion(inputs: np.ndarray, said: int, _: Given) -> np.ndarray:
        tool = Occlusion(
            model, batch_size=BATCH, patch_size=patch, patch_stride=stride, occlusion_value=float(inputs.mean())
        )
        return flat(tool(inputs[None], one_hot(said)))

    def cam(inputs: np.ndarray, said: int, _: Given) -> np.ndarray:
        values, slopes = GradCAM.get_gradients_and_filters(model, inputs[None], layer, said, True)
        found = np.asarray(GradCAM.generate_ponderated_output(values, slopes)[0], np.float64)
        return enlarge(found, (height, width))

    def sensitivity(inputs: np.ndarray, said: int, _: Given) -> np.ndarray:
        # it gives the class's output under each patch: the lower, the more was covered
        found = OcclusionSensitivity(batch_size=BATCH).get_sensitivity_map(model, inputs, said, max(patch))
        return np.asarray(Image.fromarray(-np.asarray(found, np.float32)).resize((width, height), Image.NEAREST))

    return [
        Tool("xplique, Occlusion", occlusion),
        Tool(f"xplique, RISE ({masks} masks)", lambda inputs, said, _: flat(rise(inputs[None], one_hot(said)))),
        Tool("xplique, IntegratedGradients", lambda inputs, said, _: flat(gradients(inputs[None], one_hot(said)))),
        Tool("tf-explain, GradCAM", cam),
        Tool("tf-explain, OcclusionSensitivity", sensitivity),
    ]


def flat(found: object) -> np.ndarray:
    """Return a map ``(H, W)`` of one ``(1, H, W)`` or ``(1, H, W, channels)``."""
    values = np.asarray(found, np.float64)[0]
    return values.sum(axis=-1) if values.ndim == 3 else values


# ---- the measures


def blurred(inputs: np.ndarray) -> np.ndarray:
    """Return an image ``(H, W, C)`` as a few coarse means, enlarged again without steps."""
    height, width = inputs.shape[:2]
    layers = []
    for channel in np.moveaxis(inputs, -1, 0):
        small = Image.fromarray(channel).resize((BLURRED, BLURRED), Image.BOX)
        layers.append(np.asarray(small.resize((width, height), Image.BILINEAR)))
    return np.stack(layers, axis=-1)


def under_curves(subject: Subject, given: Given, said: int, orders: Sequence[np.ndarray]) -> np.ndarray:
    """Return (deletion, insertion) for each order of pixels, ``(orders, 2)``: means over the shares, in bits."""
    size = given.inputs.shape[:2]
    coarse = blurred(given.inputs)
    found = []
    for order in orders:
        masks = masks_of(order, size, np.linspace(0, 1, SHARES))[..., None]
        pair = [np.where(masks, coarse, given.inputs), np.where(masks, given.inputs, coarse)]
        found.append(subject.evidence(np.concatenate(pair), said).reshape(2, -1).mean(axis=1))
    return np.array(found)


def against_opacities(found: np.ndarray, opacities: np.ndarray) -> tuple[float, float]:
    """Return the area under the ROC curve of a map's pixels, and whether its peak lies in a grown opacity."""
    from scipy.ndimage import binary_dilation
    from scipy.stats import rankdata

    ranks, count = rankdata(found).reshape(found.shape), opacities.sum()
    area = (ranks[opacities].mean() - (count + 1) / 2) / (opacities.size - count)
    grown = binary_dilation(opacities, np.ones((2 * GROWN + 1,) * 2))
    return float(area), float(grown[np.unravel_index(found.argmax(), found.shape)])


# ---- the images


def real_images(subject: Subject, folder: Path, count: int) -> Iterator[Given]:
    """Yield images of both classes in turn; of more images, the first are the same."""
    random = np.random.default_rng(5)
    classes = [sorted(place.iterdir()) for place in sorted(folder.iterdir()) if place.is_dir()][:2]
    orders = [random.permutation(len(own)) for own in classes]
    for number in range(count):
        own, order = classes[number % 2], orders[number % 2]
        image = reportgen.read_image(own[order[number // 2]])
        yield Given(image, subject.loaded.input_of(image))


def phantoms(subject: Subject, count: int) -> Iterator[Given]:
    """Yield phantoms with one to three opacities."""
    height, width = subject.loaded.input_shape[:2]
    for number in range(count):
        drawn = reportgen.phantom(FIRST_PHANTOM + number, opacities=1 + number % 3)
        image = reportgen.image_from_array(drawn.pixels)
        small = Image.fromarray(drawn.opacities).resize((width, height), Image.NEAREST)
        yield Given(image, subject.loaded.input_of(image), np.asarray(small, bool))


# ---- the table


@dataclass
class Rows:
    """What was measured of each tool, image by image."""

    curves: dict[str, list[np.ndarray]] = field(default_factory=dict)
    known: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, subject: Subject, given: Given, said: int, maps: dict[str, np.ndarray]) -> None:
        """Measure the maps of one image."""
        if given.opacities is not None:
            for name, found in maps.items():
                self.known.setdefault(name, []).append(against_opacities(found, given.opacities))
            return
        size = given.inputs.shape[:2]
        block = (round(size[0] / PART), round(size[1] / PART))
        others = under_curves(subject, given, said, random_orders(size, block))
        self.curves.setdefault(RANDOM, []).append(np.concatenate([others.mean(axis=0)] * 2))
        for name, found in maps.items():
            orders = [order_of(found), order_of(average(found, block))]
            self.curves.setdefault(name, []).append(under_curves(subject, given, said, orders).ravel())

    def line(self, name: str, seconds: Sequence[float]) -> str:
        """Return the line of one tool."""
        cells = ["–"] * 5
        if name in self.curves:
            found, chance = np.array(self.curves[name]), np.array(self.curves[RANDOM])
            cells[:4] = [f"{value:.2f}" for value in found.mean(axis=0)]
            if name != RANDOM:
                wins = (found[:, 2] < chance[:, 2]).mean(), (found[:, 3] > chance[:, 3]).mean()
                cells[4] = f"{wins[0]:.0%}, {wins[1]:.0%}"
        areas, hits = zip(*self.known[name], strict=True) if name in self.known else ((), ())
        cells += [f"{np.mean(areas):.3f}", f"{np.mean(hits):.0%}"] if areas else ["–", "–"]
        cells += [f"{seconds[0]:.2f}", f"{np.median(seconds[1:]):.2f}"] if len(seconds) > 1 else ["–", "–"]
        return f"| {name} | {' | '.join(cells)} |"


HEADS = ("map", "deletion", "insertion", "deletion, coarse", "insertion, coarse", "better than random, coarse",
         "phantom AUC", "peak in opacity", "s, first", "s, then")  # fmt: skip


def maps_of(tools: Sequence[Tool], given: Given, said: int, kept: Path | None) -> dict[str, np.ndarray]:
    """Return the map of each tool by its name; those in a file are not made again."""
    known: dict[str, np.ndarray] = {}
    if kept is not None and kept.exists():
        with np.load(kept) as file:
            known = dict(file)
    for tool in tools:
        if tool.name in known:
            tool.seconds.append(float(known[f"{tool.name} seconds"]))
        else:
            known[tool.name] = tool.map_of(given, said)
            known[f"{tool.name} seconds"] = np.float64(tool.seconds[-1])
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(kept, **known)
    return {tool.name: known[tool.name] for tool in tools}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="a folder of images for each of two classes")
    parser.add_argument("--count", type=int, default=24, help="how many images, half of each class, and phantoms")
    parser.add_argument("--model", help="a file; default: the built-in model")
    parser.add_argument("--peers", action="store_true", help="also xplique and tf-explain, which must be there")
    parser.add_argument("--masks", type=int, default=4000, help="of xplique's RISE; 4000 is its default")
    parser.add_argument("--maps", type=Path, help="a folder that keeps the maps between runs")
    given = parser.parse_args(arguments)
    subject = Subject(given.model)
    scans: list[float] = []
    tools = [Tool("reportgen", our_map(subject, scans), scans, times_itself=True), *our_views(subject)]
    if given.peers:
        tools += peers(subject, given.masks)
    rows = Rows()
    real = real_images(subject, given.folder, given.count) if given.folder else ()
    for kind, images in (("image", real), ("phantom", phantoms(subject, given.count))):
        for number, one in enumerate(images):
            said = subject.said(one.inputs) if one.opacities is None else len(subject.loaded.class_names) - 1
            kept = given.maps / f"{kind}{number + 1:03d}.npz" if given.maps else None
            rows.add(subject, one, said, maps_of(tools, one, said, kept))
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    for tool in tools:
        print(rows.line(tool.name, tool.seconds), flush=True)
    if given.folder:
        print(rows.line(RANDOM, ()))


if __name__ == "__main__":
    main()
