"""Places in a picture in words."""

from __future__ import annotations


def name_place(centre: tuple[float, float], size: tuple[int, int]) -> str:
    """Name the ninth of a picture that a point lies in: sides are those of the picture, not of the patient.

    Parameters
    ----------
    centre
        Row and column of the point, in pixels.
    size
        (height, width) of the picture.
    """
    down = ("upper", "middle", "lower")[min(2, int(3 * centre[0] / size[0]))]
    across = ("left", "centre", "right")[min(2, int(3 * centre[1] / size[1]))]
    return "centre of the picture" if (down, across) == ("middle", "centre") else f"{down} {across} of the picture"
