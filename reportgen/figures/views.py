"""Pictures of other views than the occlusion scan: each map over the image, on a scale of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.heatmaps import overlay
from reportgen.report.picture import Picture
from reportgen.report.report import readable
from reportgen.report.views import View
from reportgen.system.language import say


def view_overlay(
    name: str, title: str, pixels: NDArray[np.generic], values: NDArray[np.float64], view: View, target: str,
    colours: str,
) -> Picture:  # fmt: skip
    """Lay a view's map over the image it is of: the stronger, the more opaque.

    Parameters
    ----------
    name, title
        Of the picture, of the case.
    pixels
        ``(H, W, C)``, 0 to 255.
    values
        ``(H, W)``.
    view
        What was done.
    target
        The class that was followed.
    colours
        A matplotlib colour map that diverges.
    """
    limit = max(abs(view.minimum), abs(view.maximum)) or 1.0
    row, column = divmod(int(np.abs(values).argmax()), values.shape[1])
    alt = say(
        "{case}: {view} for {name}, {low} to {high}; strongest at row {row}, column {column} of {rows} by {columns}.",
        case=title, view=view.title, name=target, low=readable(view.minimum), high=readable(view.maximum), row=row,
        column=column, rows=values.shape[0], columns=values.shape[1],
    )  # fmt: skip
    caption = say("{view}. {how} Its scale is its own and this picture's.", view=view.title, how=view.how)
    return overlay(name, alt, caption, pixels, values, limit, colours, view.title)
