"""Charts with axes: how the shape shrinks, the training history, channels through the layers, the first filters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.canvas import encode_figure, escape_formulas, grid_of_axes, new_figure, style_axes
from reportgen.figures.colours import INK, NOT_A_NUMBER, SERIES
from reportgen.figures.encoding import png
from reportgen.figures.grids import Maps, are_numbers
from reportgen.figures.tiling import arrange_tiles
from reportgen.report.model import LayerSummary
from reportgen.report.picture import Picture, Tiles
from reportgen.system.language import say

_LONGEST_SAMPLE = 14  # letters of a class's name over a picture that is three quarters of an inch wide


def shape_chart(layers: Sequence[LayerSummary], input_shape: tuple[int, int, int]) -> Picture:
    """Show how a model's tensors shrink in space and grow in depth: values a tensor holds, layer by layer."""
    names = ["input", *(layer.name for layer in layers)]
    shapes = [input_shape, *(tuple(side or 1 for side in layer.output_shape[1:]) for layer in layers)]
    volume = [int(np.prod(shape)) for shape in shapes]
    spatial = [len(shape) == 3 for shape in shapes]
    many = len(names) > 28
    margin = 0.7 if many else 0.3 + 0.065 * min(40, max(map(len, names)))
    figure, axes = new_figure((margin, 5.6, 0.1), (0.5, 2.5 if many else 0.225 * len(names), 0.1))
    colours = [SERIES[0] if is_map else SERIES[1] for is_map in spatial]
    if many:
        axes.bar(range(len(names)), volume, color=colours, width=0.9)
        axes.set_yscale("log")
        axes.set_xlabel(say("layer, in order of execution"))
        axes.set_ylabel(say("values per image"))
    else:
        axes.barh(range(len(names)), volume, color=colours, height=0.72)
        axes.set_xscale("log")
        axes.set_xlim(0.7, max(volume) * 14)
        axes.set_yticks(
            range(len(names)), [escape_formulas(name if len(name) <= 40 else f"…{name[-39:]}") for name in names]
        )
        axes.invert_yaxis()
        axes.set_xlabel(say("values per image (logarithmic)"))
        axes.minorticks_off()
        for row, (shape, size) in enumerate(zip(shapes, volume, strict=True)):
            text = " × ".join(str(side) for side in shape)
            axes.text(size * 1.15, row, text, va="center", color=INK, fontsize=8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    smallest = min((s for s, is_map in zip(shapes, spatial, strict=True) if is_map), key=lambda s: s[0] * s[1])
    alt = say(
        "How the shape shrinks: from {input} at the input to {smallest} in the smallest feature map and {output} at "
        "the "
        "output, over {count} layers.",
        input=_by(input_shape), smallest=_by(smallest), output=_by(shapes[-1]), count=len(layers),
    )  # fmt: skip
    caption = say(
        "Values per image in each layer's output; blue: feature maps (height × width × channels), orange: vectors."
    )
    return encode_figure("model-shapes", figure, alt, caption)


def history_chart(history: Mapping[str, Sequence[float]], epochs: Sequence[int] = ()) -> Picture | None:
    """Draw training and validation curves, one panel a measure; None when there are fewer than two epochs.

    Parameters
    ----------
    history
        Values by measure, those of validation as ``val_...``.
    epochs
        The epochs they are of; none: 1, 2, 3, ...
    """
    measures = [name for name in history if not name.startswith("val_") and len(history[name]) > 1]
    measures.sort(key=lambda name: name != "loss")
    if not measures:
        return None
    figure, panels = grid_of_axes(1, len(measures), side=(2.0, 1.48), gap=(0.55, 0.3), below=0.42)
    for axes, name in zip(panels, measures, strict=True):
        style_axes(axes)
        for series, (key, label, line) in enumerate(
            ((name, say("training"), "-"), (f"val_{name}", say("validation"), "--"))
        ):
            if history.get(key):
                axes.plot(
                    epochs or range(1, len(history[key]) + 1),
                    history[key],
                    line,
                    color=SERIES[series],
                    label=label,
                    linewidth=1.6,
                )
        axes.set_title(escape_formulas(name), color=INK, fontsize=9)
        axes.set_xlabel(say("epoch"))
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[0].legend(fontsize=8, frameon=False, labelcolor=INK)
    ends = "; ".join(
        f"{name} {_end(history[name])}"
        + (" " + say("(validation {value})", value=_end(history[f"val_{name}"])) if history.get(f"val_{name}") else "")
        for name in measures
    )
    alt = say(
        "Training history over {count} epochs; at the end {values}.", count=len(history[measures[0]]), values=ends
    )
    return encode_figure("model-history", figure, alt, say("Training history: solid training, dashed validation."))


def _end(values: Sequence[float]) -> str:
    return f"{values[-1]:.3f}" if math.isfinite(values[-1]) else say("not a number")


def sample_sheet(samples: Sequence[tuple[str, NDArray[np.generic]]]) -> Picture:
    """Show some of the images that a model was trained on, each under the name of its class.

    Parameters
    ----------
    samples
        For each the name of its class and ``(H, W)`` or ``(H, W, 3)``, 0 to 255.
    """
    columns = min(8, len(samples))
    rows = -(-len(samples) // columns)
    figure, panels = grid_of_axes(rows, columns, side=(0.78, 0.78), gap=(0.12, 0.24), below=0.02)
    for panel in panels:
        panel.axis("off")
    for panel, (name, pixels) in zip(panels, samples, strict=False):
        shortened = name if len(name) <= _LONGEST_SAMPLE else f"{name[: _LONGEST_SAMPLE - 1]}…"
        panel.set_title(escape_formulas(shortened), color=INK, fontsize=7, pad=2)
        panel.imshow(np.asarray(pixels) / 255, cmap="gray", vmin=0, vmax=1)
    shown = list(dict.fromkeys(name for name, _ in samples))
    more = f" {say('and {count} more', count=len(shown) - 10)}" if len(shown) > 10 else ""
    alt = say(
        "{count} of the images that the model was trained on, of {classes} classes: {names}.", count=len(samples),
        classes=len(shown), names=f"{', '.join(shown[:10])}{more}",
    )  # fmt: skip
    caption = say("Some of the images that the model was trained on, each under the name of its class.")
    return encode_figure("model-samples", figure, alt, caption)


def channel_through_layers(
    name: str, title: str, channel: int, maps: Sequence[tuple[str, Maps | None]], colours: str
) -> Picture:
    """Show one channel in each layer, each scaled by its own range, which stands in its title.

    Parameters
    ----------
    name, title
        Of the picture, of the case.
    channel
        Its number.
    maps
        For each layer its name and ``(H, W)`` map, None where the layer has no such channel.
    colours
        A matplotlib colour map.
    """
    labelled = [(layer, values, "" if values is not None else say("no such channel")) for layer, values in maps]
    alt = say(
        "{case}: channel {channel} in {count} layers, one picture a layer.", case=title, channel=channel,
        count=sum(v is not None for _, v in maps),
    )  # fmt: skip
    caption = say("Channel {channel} of each layer, each by its own range.", channel=channel)
    return _panels(name, labelled, alt, caption, colours)


def single_channels(
    name: str, title: str, layer: str, maps: Sequence[tuple[int, Maps | None]], colours: str
) -> Picture:
    """Show channels ``(number, (H, W))`` of one layer large, each by its own range, which stands in its title."""
    labelled = [
        (
            say("{layer}, channel {channel}", layer=layer, channel=number),
            values,
            "" if values is not None else say("no such channel"),
        )
        for number, values in maps
    ]
    alt = say(
        "{case}: {layer}, {count} single channels: {channels}.", case=title, layer=layer, count=len(maps),
        channels=", ".join(str(number) for number, _ in maps),
    )  # fmt: skip
    caption = say("Single channels of {layer}, each by its own range.", layer=layer)
    return _panels(name, labelled, alt, caption, colours, across=2, side=3.4)


def filter_grid(layer: str, kernels: NDArray[np.float32]) -> Picture:
    """Show the kernels ``(h, w, in, out)`` of a first convolution; zero is mid-gray, one symmetric range for all."""
    finite = np.isfinite(kernels)
    known = np.where(finite, kernels, 0)
    limit = float(np.abs(known).max()) or 1.0
    height, width, channels, count = kernels.shape
    colours = np.broadcast_to(known, (height, width, 3, count)).transpose(3, 0, 1, 2)
    enlargement = max(1, 36 // max(height, width))
    tiles = np.rint((colours / limit / 2 + 0.5) * 255).astype(np.uint8)
    tiles[np.moveaxis(~np.all(finite, axis=2), -1, 0)] = NOT_A_NUMBER
    lost = finite.size - int(finite.sum())
    told = say("; {count} of {all} are not numbers, drawn in purple", count=lost, all=finite.size) if lost else ""
    spread = (
        say("{low} to {high}", low=f"{kernels[finite].min():.3f}", high=f"{kernels[finite].max():.3f}")
        if finite.any()
        else say("of no numbers")
    )
    tiles = tiles.repeat(enlargement, axis=1).repeat(enlargement, axis=2)
    opaque = np.concatenate([tiles, np.full((*tiles.shape[:3], 1), 255, np.uint8)], axis=3)
    across = min(16, count)
    sheet = arrange_tiles(opaque, across, gap=4, blank=0)
    read = (
        say("red, green and blue are the weights for the three channels") if channels == 3 else say("dark is negative")
    )
    return Picture(
        name="model-filters",
        media_type="image/png",
        width=sheet.shape[1],
        height=sheet.shape[0],
        alt=say(
            "The {count} filters of {layer}, {height} by {width}, weights {range}{lost}.",
            count=count,
            layer=layer,
            height=height,
            width=width,
            range=spread,
            lost=told,
        ),
        caption=say(
            "Filters of {layer}, {across} a row: {read}; mid-gray is 0, the range is ±{limit} for all{lost}.",
            layer=layer,
            across=across,
            read=read,
            limit=f"{limit:.3g}",
            lost=told,
        ),
        pixelated=True,
        tiles=Tiles(count=count, columns=across, height=tiles.shape[1], width=tiles.shape[2], gap=4),
        data=png(sheet),
    )


def _panels(
    name: str, labelled: Sequence[tuple[str, Maps | None, str]], alt: str, caption: str, colours: str,
    across: int = 4, side: float = 1.8,
) -> Picture:  # fmt: skip
    from matplotlib import colormaps

    across = min(across, len(labelled))
    rows = -(-len(labelled) // across)
    figure, panels = grid_of_axes(rows, across, side=(side, side), gap=(0.12, 0.45), below=0.0)
    for panel in panels:
        panel.axis("off")
    for panel, (title, values, missing) in zip(panels, labelled, strict=False):
        panel.set_title(
            f"{escape_formulas(title)}\n{missing if values is None else _range(values)}", color=INK, fontsize=8
        )
        if values is not None:
            coloured = colormaps[colours].with_extremes(bad="#{:02x}{:02x}{:02x}".format(*NOT_A_NUMBER))
            known = np.ma.masked_invalid(np.where(are_numbers(values), values, np.nan))
            ends = {} if known.count() else {"vmin": 0, "vmax": 1}
            panel.imshow(known, cmap=coloured, interpolation="nearest", **ends)
    return encode_figure(name, figure, alt, caption)


def _range(values: Maps) -> str:
    known = values[are_numbers(values)]
    if not known.size:
        return say("not a number")
    told = say("{low} to {high}", low=f"{float(known.min()):.3g}", high=f"{float(known.max()):.3g}")
    return told + (say(", in part not a number") if known.size < values.size else "")


def _by(shape: Sequence[int]) -> str:
    return " × ".join(str(side) for side in shape)
