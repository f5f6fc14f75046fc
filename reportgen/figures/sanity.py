"""The chart of the sanity check: how like the map stays while weights become random, layer by layer from the top."""

from __future__ import annotations

import math

from reportgen.figures.canvas import encode_figure, escape_formulas, new_figure
from reportgen.figures.colours import INK, SERIES
from reportgen.report.picture import Picture
from reportgen.report.sanity import SURVIVES, SanityTest
from reportgen.system.language import say

_LONGEST = 22  # letters of a layer's name under the axis


def sanity_chart(name: str, title: str, test: SanityTest) -> Picture:
    """Draw the rank correlation with the trained model's map, step by step.

    Parameters
    ----------
    name, title
        Of the picture, of the case.
    test
        What came out.
    """
    steps = range(len(test.layers) + 1)
    labels = [say("trained"), *(_label(names) for names in test.layers)]
    below = 0.35 + 0.065 * max(map(len, labels))
    figure, axes = new_figure((0.6, 4.4, 0.15), (below, 1.8, 0.12))
    axes.axhline(SURVIVES, color=INK, linewidth=0.8, linestyle=":")
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.plot(steps, [1, *test.correlation], "-o", color=SERIES[0], markersize=3.5, linewidth=1.6, label=say("map"))
    axes.plot(
        steps,
        [1, *test.absolute],
        "--s",
        color=SERIES[1],
        markersize=3.5,
        linewidth=1.6,
        label=say("map without signs"),
    )
    lowest = min((one for one in (*test.correlation, *test.absolute) if math.isfinite(one)), default=0.0)
    axes.set_ylim(min(-0.25, lowest - 0.05), 1.05)
    axes.set_xticks(list(steps), [escape_formulas(label) for label in labels], rotation=90)
    axes.set_ylabel(say("rank correlation"), color=INK, fontsize=9)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    signed, absolute = test.final
    told = (
        say(
            "{signed} with all weights random, without signs {absolute}",
            signed=f"{signed:.2f}",
            absolute=f"{absolute:.2f}",
        )
        if test.is_known
        else say("not to be told with all weights random")
    )
    alt = say(
        "{case}: rank correlation of the map with that of the trained model while weights become random from the last "
        "layer to the first, in {count} steps: {told}.",
        case=title, count=len(test.layers), told=told,
    )  # fmt: skip
    caption = say(
        "The sanity check: from left to right the weights of one layer more are random. A map that goes with what the "
        "model has learned falls; the dotted line, {limit}, is where it is said to survive.",
        limit=SURVIVES,
    )
    return encode_figure(name, figure, alt, caption)


def _label(names: tuple[str, ...]) -> str:
    name = names[-1] if len(names[-1]) <= _LONGEST else f"{names[-1][: _LONGEST - 1]}…"
    return name if len(names) == 1 else f"{name} +{len(names) - 1}"
