"""Pictures of a training: evidence and channels epoch by epoch on one scale, and how numbers went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.canvas import encode_figure, escape_formulas, grid_of_axes, new_figure, style_axes
from reportgen.figures.colours import INK, SERIES
from reportgen.figures.heatmaps import lay_over
from reportgen.report.picture import Picture
from reportgen.report.report import readable
from reportgen.report.training_run import EpochCase, TrainingRecord, WatchedCase
from reportgen.system.language import say

MOST_FRAMES = 10
IMPORTANCE, ACTIVATION = "RdBu_r", "viridis"
_SIDE, _MARGIN, _LONGEST = 1.0, 0.2, 16
_LINES = ("-", "--", ":", "-.")
Values = NDArray[np.floating]


def choose_frames(epochs: Sequence[int], wanted: Sequence[int] = ()) -> list[int]:
    """Return the places of the epochs that a strip shows: at most ten.

    The first and the last, then those that are wanted (where a decision flipped), the others evenly between.

    Parameters
    ----------
    epochs
        Those that were recorded.
    wanted
        Epochs to be shown rather than others.
    """
    count = len(epochs)
    if count <= MOST_FRAMES:
        return list(range(count))
    chosen = dict.fromkeys([0, count - 1, *(place for place, one in enumerate(epochs) if one in set(wanted))])
    even = np.linspace(0, count - 1, MOST_FRAMES).round().astype(int).tolist()
    # what is farthest from all that is chosen comes next
    kept = list(chosen)[:MOST_FRAMES]
    while len(kept) < MOST_FRAMES:
        left = [place for place in even if place not in kept] or [p for p in range(count) if p not in kept]
        kept.append(max(left, key=lambda place: min(abs(place - one) for one in kept)))
    return sorted(kept)


def evidence_strip(
    record: TrainingRecord, images: Sequence[Values], maps: Sequence[Sequence[Values]], frames: Sequence[int]
) -> Picture:
    """Show each case's evidence map over its image after each epoch, all on one scale.

    Parameters
    ----------
    record
        The training.
    images
        ``(H, W, C)`` each, 0 to 255, at the size of the maps.
    maps
        For each epoch to show and each case ``(H, W)``, in the unit of the evidence.
    frames
        Places of these epochs in the record.
    """
    limit = max((float(np.nanmax(np.abs(one))) for row in maps for one in row if np.isfinite(one).any()), default=0.0)
    limit = limit or 1.0
    figure, panels = _panels(len(images), len(frames), images[0])
    for row, (image, case) in enumerate(zip(images, record.cases, strict=True)):
        for column, frame in enumerate(frames):
            axes, epoch = panels[row * len(frames) + column], record.epochs[frame]
            axes.imshow(lay_over(image, np.asarray(maps[column][row], np.float64), limit, IMPORTANCE), aspect="auto")
            said = epoch.cases[row]
            mark = "" if said.correct is None else " ✓" if said.correct else " ✗"
            head = f"{say('epoch {epoch}', epoch=epoch.epoch)}\n" if row == 0 else ""
            axes.set_title(escape_formulas(f"{head}{_short(said.predicted)}{mark}"), color=INK, fontsize=7, pad=3)
            if column == 0:
                axes.set_ylabel(escape_formulas(_short(case.title)), color=INK, fontsize=8)
    unit = record.unit_text
    first, last = record.epochs[0], record.epochs[-1]
    ends = "; ".join(
        _told_end(record, case, then, now)
        for case, then, now in zip(record.cases, first.cases, last.cases, strict=True)
    )
    caption = say(
        "Red: covering this place lowers the evidence for the class that is followed; blue: it raises it. One scale, "
        "±{limit}, opacity follows magnitude.",
        limit=f"{readable(limit)}{unit}",
    )
    if record.gives_classes:
        caption += " " + say("Above each: what was said then.")
    alt = say("Evidence maps over the epochs. {ends}.", ends=ends)
    return encode_figure("training-evidence", figure, alt, caption)


def _told_end(record: TrainingRecord, case: WatchedCase, then: EpochCase, now: EpochCase) -> str:
    first, last, unit = record.epochs[0].epoch, record.epochs[-1].epoch, record.unit_text
    told = {
        "case": case.title, "name": case.target_class, "before": f"{readable(then.evidence)}{unit}", "first": first,
        "after": f"{readable(now.evidence)}{unit}", "last": last,
    }  # fmt: skip
    text = say("{case}: evidence for {name} {before} after epoch {first}, {after} after epoch {last}", **told)
    return text + (say(", then called {predicted}", predicted=now.predicted) if record.gives_classes else "")


def channel_strip(
    name: str, record: TrainingRecord, number: int, maps: Sequence[Values], frames: Sequence[int]
) -> Picture:
    """Show one channel on each case after each epoch, all on one scale.

    Parameters
    ----------
    name
        Of the picture.
    record, number
        The training, and which of its watched channels it is.
    maps
        For each epoch to show ``(cases, H, W)``: activations.
    frames
        Places of these epochs in the record.
    """
    channel = record.channels[number]
    known = np.concatenate([one[np.isfinite(one)].ravel() for one in maps])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    figure, panels = _panels(len(record.cases), len(frames), maps[0][0])
    for row, case in enumerate(record.cases):
        for column, frame in enumerate(frames):
            axes = panels[row * len(frames) + column]
            values = maps[column][row]
            axes.imshow(
                values, cmap=ACTIVATION, vmin=low, vmax=high if high > low else low + 1, interpolation="nearest",
                aspect="auto",
            )  # fmt: skip
            head = f"{say('epoch {epoch}', epoch=record.epochs[frame].epoch)}\n" if row == 0 else ""
            known_here = np.isfinite(values).any()
            top = say("max {value}", value=readable(float(np.nanmax(values)))) if known_here else say("no numbers")
            axes.set_title(f"{head}{top}", color=INK, fontsize=7, pad=3)
            if column == 0:
                axes.set_ylabel(escape_formulas(_short(case.title)), color=INK, fontsize=8)
    tops = [float(np.nanmax(one)) if np.isfinite(one).any() else math.nan for one in maps]
    alt = say(
        "{channel} over the epochs: its largest value on these cases is {before} after epoch {first} and {after} after "
        "epoch {last}.",
        channel=channel.title, before=readable(tops[0]), first=record.epochs[0].epoch, after=readable(tops[-1]),
        last=record.epochs[-1].epoch,
    )  # fmt: skip
    caption = say("One scale, from {low} (dark) to {high} (bright).", low=readable(low), high=readable(high))
    return encode_figure(name, figure, alt, caption)


def evidence_chart(record: TrainingRecord) -> Picture:
    """Show how the evidence of each case went, epoch by epoch; a ring marks where what is said of it changed."""
    figure, axes = new_figure((0.7, 5.6, 0.2), (0.5, 2.2, 0.15))
    style_axes(axes)
    epochs = [one.epoch for one in record.epochs]
    turned = {(flip.case, flip.epoch) for flip in record.flips}
    for place, case in enumerate(record.cases):
        values = [one.cases[place].evidence for one in record.epochs]
        colour, line = SERIES[place % len(SERIES)], _LINES[place // len(SERIES) % len(_LINES)]
        axes.plot(
            epochs, values, line, marker=".", color=colour, linewidth=1.6, label=escape_formulas(_short(case.title))
        )
        flips = [(epoch, value) for epoch, value in zip(epochs, values, strict=True) if (case.title, epoch) in turned]
        if flips:
            axes.plot(*zip(*flips, strict=True), "o", markersize=9, fillstyle="none", color=colour)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(say("epoch"))
    axes.set_ylabel(say("evidence ({unit})", unit=record.unit_named))
    axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    told = "; ".join(
        say(
            "{case} from {before} to {after} at epoch {epoch}",
            case=flip.case, before=flip.before, after=flip.after, epoch=flip.epoch,
        )
        for flip in record.flips
    )  # fmt: skip
    ends = "; ".join(
        say(
            "{case} {first} to {last}", case=case.title, first=readable(record.epochs[0].cases[place].evidence),
            last=f"{readable(record.epochs[-1].cases[place].evidence)}{record.unit_text}",
        )
        for place, case in enumerate(record.cases)
    )  # fmt: skip
    changes = say("Changed: {changes}.", changes=told) if told else say("What is said of the cases never changed.")
    alt = f"{say('Evidence by epoch: {ends}.', ends=ends)} {changes}"
    caption = say("For the class that is followed. Rings: what is said of the case changed there.")
    return encode_figure("training-curves", figure, alt, caption)


def dead_chart(record: TrainingRecord) -> Picture:
    """Show how many channels of each layer respond to no case, epoch by epoch."""
    figure, axes = new_figure((0.7, 5.6, 0.2), (0.5, 1.8, 0.15))
    style_axes(axes)
    epochs = [one.epoch for one in record.epochs]
    for place, layer in enumerate(record.epochs[-1].layers):
        counts = [len(one.layers[place].dead) for one in record.epochs]
        colour, line = SERIES[place % len(SERIES)], _LINES[place // len(SERIES) % len(_LINES)]
        axes.plot(
            epochs, counts, line, marker=".", color=colour, linewidth=1.6, label=escape_formulas(_short(layer.name))
        )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(say("epoch"))
    axes.set_ylabel(say("dead channels"))
    axes.legend(fontsize=7, frameon=False, labelcolor=INK, ncols=2)
    told = "; ".join(
        say(
            "{layer} {first} to {last} of {count}", layer=layer.name,
            first=len(record.epochs[0].layers[place].dead), last=len(layer.dead), count=layer.channels,
        )
        for place, layer in enumerate(record.epochs[-1].layers)
    )  # fmt: skip
    alt = say("Dead channels by epoch: {layers}.", layers=told)
    return encode_figure("training-dead", figure, alt, say("Channels whose values are all equal on each case."))


def _panels(rows: int, columns: int, like: Values) -> tuple[Any, list[Any]]:
    height, width = like.shape[:2]
    side = (_SIDE, float(np.clip(_SIDE * height / width, 0.4, 2.0)))
    figure, panels = grid_of_axes(rows, columns, side=side, gap=(0.08, 0.34), below=0.08, right=0.05)
    wide, high = figure.get_size_inches()
    # room at the left for what the cases are called
    figure.set_size_inches(wide + _MARGIN, high)
    for axes in panels:
        box = axes.get_position()
        left, across = (box.x0 * wide + _MARGIN) / (wide + _MARGIN), box.width * wide / (wide + _MARGIN)
        axes.set_position((left, box.y0, across, box.height))
        style_axes(axes)
        axes.set_xticks([])
        axes.set_yticks([])
    return figure, panels


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
