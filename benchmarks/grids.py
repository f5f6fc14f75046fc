"""All feature-map grids of the built-in model for one case, against a matplotlib subplot for each channel.

The reference is what notebooks do: a figure a layer, a subplot a channel, ``imshow`` in viridis; once as matplotlib
draws subplots by default, once with the axes switched off, which is kinder to it. All start from the same activations,
which are not part of the time. Prints seconds, ratios and the bytes of the grids.
"""

from __future__ import annotations

import io
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from reportgen.analysis.activations import choose_layers, feature_maps
from reportgen.analysis.channels import measure_layer, reference_of
from reportgen.analysis.layer_graph import trace
from reportgen.demo.builtin import demo_cases
from reportgen.figures.grids import feature_map_grid, tile_ranges
from reportgen.images.fitting import prepare
from reportgen.models.loader import BUILTIN_MODEL, load_model
from reportgen.settings.report import LayerSettings, PreprocessingSettings

RUNS = 5


def activations() -> list[tuple[str, np.ndarray, object]]:
    """Return name, maps ``(H, W, C)`` and measures of each layer for the pneumonia phantom."""
    model = load_model(BUILTIN_MODEL)
    graph = trace(model.keras_model)
    layers, _ = choose_layers(graph, LayerSettings())
    image = prepare(demo_cases()[1].image, model.input_shape, PreprocessingSettings())
    inputs = model.preprocessing(image)[None]
    reference = reference_of(image)
    return [
        (maps.layer, maps.values[0], measure_layer(maps.layer, maps.values[0], reference))
        for maps in feature_maps(graph, layers, inputs)
    ]


def ours(layers: list[tuple[str, np.ndarray, object]]) -> int:
    """Draw all grids; return their bytes."""
    total = 0
    for name, maps, measures in layers:
        ranges = tile_ranges([maps], "channel", shared_by_cases=False)[0]
        total += len(feature_map_grid(name, "case", maps, measures, ranges, colours="viridis").data)
    return total


def subplots(layers: list[tuple[str, np.ndarray, object]], *, axes_on: bool) -> int:
    """Draw all channels with matplotlib, a subplot each; return the bytes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    total = 0
    for name, maps, _ in layers:
        columns = 16
        rows = -(-maps.shape[-1] // columns)
        figure, axes = plt.subplots(rows, columns, figsize=(columns, rows))
        for channel, panel in enumerate(np.ravel(axes)):
            if not axes_on:
                panel.set_axis_off()
            if channel < maps.shape[-1]:
                panel.imshow(maps[..., channel], cmap="viridis")
        figure.suptitle(name)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
        total += len(buffer.getvalue())
    return total


def main() -> None:
    """Time both and print the ratio."""
    layers = activations()
    ours(layers)
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        size = ours(layers)
        times.append(time.perf_counter() - start)
    mine = sorted(times)[RUNS // 2]
    channels = sum(maps.shape[-1] for _, maps, _ in layers)
    print(f"{channels} channels in {len(layers)} layers")
    print(f"grids      {mine:8.3f} s  {size / 1e6:.2f} MB (median of {RUNS})")
    for axes_on, words in ((True, "as by default"), (False, "axes off")):
        start = time.perf_counter()
        size = subplots(layers, axes_on=axes_on)
        reference = time.perf_counter() - start
        print(
            f"matplotlib {reference:8.3f} s  {size / 1e6:.2f} MB (subplot a channel, {words}): {reference / mine:.0f} x"
        )


if __name__ == "__main__":
    main()
