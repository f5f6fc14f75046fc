"""Places in a picture in words."""

from __future__ import annotations

from reportgen.system.language import mark, say

NINTHS = (
    (mark("upper left of the picture"), mark("upper centre of the picture"), mark("upper right of the picture")),
    (mark("middle left of the picture"), mark("centre of the picture"), mark("middle right of the picture")),
    (mark("lower left of the picture"), mark("lower centre of the picture"), mark("lower right of the picture")),
)


def without_picture(place: str) -> str:
    """Return the name of a ninth without what it is a ninth of, for a table that says so itself."""
    return place.removesuffix(say(" of the picture"))


def name_place(centre: tuple[float, float], size: tuple[int, int]) -> str:
    """Name the ninth of a picture that a point lies in: sides are those of the picture, not of the patient.

    Parameters
    ----------
    centre
        Row and column of the point, in pixels.
    size
        (height, width) of the picture.
    """
    return say(NINTHS[min(2, int(3 * centre[0] / size[0]))][min(2, int(3 * centre[1] / size[1]))])
