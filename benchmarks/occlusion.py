"""Occlusion scans: the incremental engine against our own full engine and against other tools, all in one run.

The other tools are xplique's Occlusion and tf-explain's OcclusionSensitivity, each with the best of several batch
sizes; they need an environment of their own, which ``make bench-occlusion`` makes. All get the same model, image,
patch, stride and fill. Each is run once to warm up, then several times; the fastest counts. For each work this prints
seconds, ratios, the bound by multiply-adds alone and the share of it that is reached, and the largest difference from
full inference. The bound is that of a position far from the borders, as in the literature; the mean bound also counts
that less can change at the borders.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import time
from collections.abc import Callable, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from reportgen.analysis.layer_graph import trace
from reportgen.analysis.occlusion.full import LARGEST_BATCH, score_positions
from reportgen.analysis.occlusion.incremental import IncrementalEngine
from reportgen.analysis.occlusion.known_models import known_model
from reportgen.analysis.occlusion.patches import plan_scan, plan_scans
from reportgen.analysis.occlusion.scan import make_fill
from reportgen.analysis.occlusion.scan import scan as analysis_scan
from reportgen.analysis.occlusion.window_plan import lay_out
from reportgen.analysis.predictions import Head
from reportgen.demo.builtin import demo_cases
from reportgen.images.fitting import prepare
from reportgen.models.loader import BUILTIN_MODEL, LoadedModel, load_model
from reportgen.settings.occlusion import OcclusionSettings
from reportgen.settings.report import PreprocessingSettings

MEMORY = 1 << 30
BATCHES = (16, 32, 64, 128)
APPLICATIONS = ("VGG16", "ResNet50", "MobileNetV2")
EVERY = ("DenseNet121", "EfficientNetB0", "InceptionV3", "MobileNet", "MobileNetV3Small", "NASNetMobile", "Xception",
         "ConvNeXtTiny", "EfficientNetV2B0", "ResNet50V2", "VGG19")  # fmt: skip


def fastest(run: Callable[[], object], times: int) -> float:
    """Return the shortest of several runs, in seconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return min(taken)


def smooth_image(size: tuple[int, int]) -> np.ndarray:
    """Return a colour image ``(H, W, 3)``, 0 to 1, of soft structures."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]] / max(size)
    waves = [np.sin(9 * rows + 3 * k) * np.cos(7 * columns - k) for k in range(3)]
    return np.stack(waves, axis=-1).astype(np.float32) * 0.5 + 0.5


def calibrated(model: object, image: np.ndarray) -> object:
    """Return a model of random weights whose normalizations fit its values: else what comes out is the same for all."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    random = np.random.default_rng(0)
    turned = np.stack([image, image[::-1], image[:, ::-1], 1 - image] * 2)
    model(turned + random.normal(0, 0.2, turned.shape).astype(np.float32), training=True)
    return model


def scan(name: str, model: object, image: np.ndarray, patch: int, stride: int, times: int) -> tuple[float, np.ndarray]:
    """Time both engines on one image; prints a line and returns (seconds of the incremental one, its fill)."""
    fill = np.broadcast_to(image.mean(axis=(0, 1)), image.shape).astype(np.float32)
    geometry = plan_scan(image.shape[:2], OcclusionSettings(patch=patch, stride=stride))
    where = (geometry.rows, geometry.columns, geometry.patch)

    def full(memory: int = MEMORY) -> np.ndarray:
        return score_positions(
            model, [image], fills=[[fill]], positions=[where], prepare=np.asarray, memory=memory,
            on_progress=lambda _: None,
        )[0][0]  # fmt: skip

    graph = trace(model)
    layout = lay_out(graph, [where])
    if not layout.steps:
        print(f"{name:34} windows are not used at all", flush=True)
        return float("inf"), fill
    engine = IncrementalEngine(graph, layout, MEMORY)
    expected, found = full(), engine.scores(image, [fill], lambda _: None)[0]
    slow = fastest(full, times)
    fast = fastest(lambda: engine.scores(image, [fill], lambda _: None), times)
    bound, inner = layout.bound, layout.inner_bound
    difference = float(np.abs(found - expected).max())
    # what the order of sums alone makes of the same: in batches of another size
    noise = float(np.abs(full(MEMORY // 8) - expected).max())
    print(
        f"{name:34} {geometry.count:4} positions  full {slow:7.2f} s  incremental {fast:7.3f} s  "
        f"ratio {slow / fast:5.2f}  bound {inner:5.2f}  share {slow / fast / inner:4.0%}  "
        f"mean bound {bound:5.2f}  share {slow / fast / bound:4.0%}  "
        f"estimated {layout.full_cost / layout.cost:5.2f} ({'used' if layout.pays else 'full engine used'})  "
        f"difference {difference:.1g} ({noise:.1g} by batch size alone) in scores that span "
        f"{np.ptp(expected, axis=0).max():.2g}",
        flush=True,
    )
    return fast, fill


def whole_scan(
    loaded: LoadedModel, pixels: np.ndarray, settings: OcclusionSettings, name: str, times: int, *, whole: bool = False
) -> None:
    """Time what a report calls, first and again, beside the engine alone; ``whole``: and beside full inference."""
    head = Head(loaded.head, loaded.class_names, loaded.threshold, loaded.outputs)

    def run() -> None:
        analysis_scan(
            loaded.keras_model, [pixels], prepare=loaded.preprocessing, head=head, targets=[(1,)], settings=settings
        )

    started = time.perf_counter()
    run()
    cold = time.perf_counter() - started
    warm = fastest(run, times)
    known = known_model(loaded.keras_model)
    graph = known.logits(loaded.head) or known.graph
    layout = known.plan(graph, [(one.rows, one.columns, one.patch) for one in plan_scans(pixels.shape[:2], settings)])
    engine = IncrementalEngine(graph, layout, MEMORY, known.program(graph, layout))
    image, fills = (
        loaded.preprocessing(pixels),
        [loaded.preprocessing(make_fill(pixels, one)[0]) for one in settings.fills],
    )
    bare = fastest(lambda: engine.scores(image, fills, lambda _: None), times)
    traced = sum(one.traced for one in known._programs.values())
    positions = layout.positions * len(fills)
    told = ""
    if whole:
        batch = np.stack([image] * LARGEST_BATCH)
        forward = known.forward(loaded.keras_model, graph, batch.shape)
        full = fastest(lambda: forward(batch), times + 1) * positions / LARGEST_BATCH
        told = f"  full inference of as many {full:6.1f} s  ratio {full / warm:4.1f}"
    print(
        f"{name:34} {positions:4} positions  first {cold:6.3f} s  again {warm:6.3f} s  "
        f"engine alone {bare:6.3f} s  ratio {warm / bare:4.2f}  traced {traced} times{told}",
        flush=True,
    )


def as_called(name: str, explain: Callable[[], object], times: int) -> None:
    """Time another tool as its users call it, first and again."""
    started = time.perf_counter()
    explain()
    print(
        f"{'':34} {name}: first {time.perf_counter() - started:6.3f} s  again {fastest(explain, times):6.3f} s",
        flush=True,
    )


def called_beside(patch: int, stride: int, times: int) -> None:
    """Time xplique's Occlusion as called, of a model that nothing was run on yet."""
    from xplique.attributions import Occlusion

    small = load_model(BUILTIN_MODEL)
    image = small.preprocessing(prepare(demo_cases()[1].image, small.input_shape, PreprocessingSettings()))[None]
    target = np.ones((1, 1), np.float32)

    def explain() -> object:
        return Occlusion(
            small.keras_model, patch_size=patch, patch_stride=stride, occlusion_value=float(image.mean()), batch_size=64
        )(image, target)

    as_called(f"xplique, Occlusion, patch {patch}, stride {stride}, as called", explain, times)


def against_xplique(model: object, image: np.ndarray, fill: np.ndarray, patch: int, stride: int, ours: float) -> None:
    """Time xplique's Occlusion with the best of several batch sizes."""
    from xplique.attributions import Occlusion

    target = np.ones((1, 1), np.float32)
    seconds = {}
    for batch in BATCHES:
        peer = Occlusion(
            model, batch_size=batch, patch_size=patch, patch_stride=stride, occlusion_value=float(fill.mean())
        )
        peer(image[None], target)
        seconds[batch] = fastest(lambda peer=peer: peer(image[None], target), 2)
    best = min(seconds, key=seconds.__getitem__)
    print(
        f"  xplique Occlusion, batch {best}: {seconds[best]:.2f} s, {seconds[best] / ours:.1f} times as long",
        flush=True,
    )


def against_tf_explain(model: object, image: np.ndarray, patch: int, ours: float) -> None:
    """Time tf-explain's OcclusionSensitivity, whose stride is its patch."""
    from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity

    seconds = {}
    for batch in BATCHES:
        peer = OcclusionSensitivity(batch_size=batch)

        def run(peer: object = peer) -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                peer.get_sensitivity_map(model, image, 0, patch)

        run()
        seconds[batch] = fastest(run, 5)
    best = min(seconds, key=seconds.__getitem__)
    told = f"  tf-explain OcclusionSensitivity, batch {best}: {seconds[best]:.2f} s"
    print(f"{told}, {seconds[best] / ours:.1f} times as long", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the flags ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="compare with xplique and tf-explain, which must be there")
    parser.add_argument("--every", action="store_true", help="also try more of keras.applications")
    given = parser.parse_args(arguments)
    import keras

    small = load_model(BUILTIN_MODEL)
    pixels = prepare(demo_cases()[1].image, small.input_shape, PreprocessingSettings())
    image = small.preprocessing(pixels)
    one = OcclusionSettings(patch=15, stride=5, fill="mean")
    whole_scan(load_model(BUILTIN_MODEL), pixels, one, "scan(), one patch and fill", 15, whole=True)
    if given.peers:
        called_beside(15, 5, 3)
    whole_scan(load_model(BUILTIN_MODEL), pixels, OcclusionSettings(), "scan(), four patches, two fills", 5, whole=True)
    for stride in (5, 15):
        ours, fill = scan(f"built-in, 150 x 150, stride {stride}", small.keras_model, image, 15, stride, 15)
        if given.peers and stride == 5:
            against_xplique(small.keras_model, image, fill, 15, stride, ours)
        if given.peers and stride == 15:
            against_tf_explain(small.keras_model, image, 15, ours)
    for name in (*APPLICATIONS, *(EVERY if given.every else ())):
        keras.utils.set_random_seed(0)
        build = getattr(keras.applications, name)
        model = build(weights=None)
        if None in model.input_shape[1:]:
            model = build(weights=None, input_shape=(224, 224, 3))
        image = smooth_image(model.input_shape[1:3])
        scan(f"{name}, {image.shape[0]} x {image.shape[1]}, stride 16", calibrated(model, image), image, 16, 16, 2)
        if name == "VGG16":
            whole_scan(
                load_model("keras:VGG16@random"),
                image * 255,
                OcclusionSettings(),
                "VGG16 scan(), four patches, two fills",
                1,
                whole=True,
            )


if __name__ == "__main__":
    main()
