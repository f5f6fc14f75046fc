"""What a picture shows of the patient, and what is put on it: field of view, collimator, letter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen.demo.bodies import Field, Grid

_LETTERS = {
    "R": ("11110", "10001", "10001", "11110", "10100", "10010", "10001"),
    "L": ("10000", "10000", "10000", "10000", "10000", "10000", "11111"),
}


@dataclass(frozen=True)
class Frame:
    """Field of view and marks.

    Attributes
    ----------
    high, wide
        The least height and width in cm that are in the picture.
    middle
        x and y in cm of the picture's middle.
    border
        Widths of the strips that the collimator keeps dark, as shares of the sides: top, right, bottom, left.
    letter
        "R", "L" or "": on the patient's right (the picture's left) or left.
    place
        The letter's height in the picture, its distance from the side and its size, as shares of the picture's height.
    """

    high: float
    wide: float
    middle: tuple[float, float]
    border: tuple[float, float, float, float]
    letter: str
    place: tuple[float, float, float]


def draw_frame(random: np.random.Generator) -> Frame:
    """Draw a frame."""
    collimated = random.uniform(size=4) < 0.12
    top, right, bottom, left = (collimated * random.uniform(0.01, 0.05, 4)).tolist()
    low, inset, large = (float(random.uniform(*between)) for between in ((0.02, 0.35), (0.01, 0.10), (0.035, 0.07)))
    return Frame(
        high=float(random.uniform(14.4, 18.4)),
        wide=float(random.uniform(16.8, 21.5)),
        middle=(float(random.normal(0, 0.45)), float(random.uniform(-1.6, -0.3))),
        border=(top, right, bottom, left),
        letter=str(random.choice(["R", "L", ""], p=[0.62, 0.08, 0.30])),
        place=(low, inset, large),
    )


def grid_of(frame: Frame, size: tuple[int, int], lean: float) -> Grid:
    """Return the pixels' places in cm; pixels are square, so a long picture shows more at its ends.

    Parameters
    ----------
    frame
        Field of view.
    size
        (height, width) in pixels.
    lean
        Sideways movement per cm of height: a patient who doesn't stand upright.
    """
    height, width = size
    pitch = max(frame.high / height, frame.wide / width)
    rows = (np.arange(height, dtype=np.float32) - (height - 1) / 2) * np.float32(pitch) + np.float32(frame.middle[1])
    columns = (np.arange(width, dtype=np.float32) - (width - 1) / 2) * np.float32(pitch) + np.float32(frame.middle[0])
    y = rows[:, None].astype(np.float32)
    return Grid((columns[None, :] + np.float32(lean) * y).astype(np.float32), y, float(pitch))


def mark(gray: Field, frame: Frame) -> Field:
    """Return the picture with the collimator's dark strips and the letter, ``(H, W)``, 0 to 1."""
    marked = gray.copy()
    height, width = gray.shape
    top, right, bottom, left = (
        round(share * side) for share, side in zip(frame.border, (height, width, height, width), strict=True)
    )
    for strip in (np.s_[:top], np.s_[height - bottom :], np.s_[:, :left], np.s_[:, width - right :]):
        marked[strip] *= np.float32(0.04)
    if frame.letter:
        _write(marked, frame)
    return marked


def _write(gray: Field, frame: Frame) -> None:
    """Put the letter into the picture, its dots joined to smooth strokes."""
    height, width = gray.shape
    dots = np.pad(np.array([[float(dot) for dot in row] for row in _LETTERS[frame.letter]], dtype=np.float32), 1)
    high = max(round(frame.place[2] * height), 5)
    wide = max(round(high * 0.78), 4)
    drawn = np.clip(3 * (_between(high, dots.shape[0]) @ dots @ _between(wide, dots.shape[1]).T) - 0.9, 0, 1)
    top, inset = round(frame.place[0] * height), round(frame.place[1] * height)
    first = inset if frame.letter == "R" else width - inset - wide
    place = gray[top : top + high, first : first + wide]
    np.maximum(place, np.float32(0.93) * drawn[: place.shape[0], : place.shape[1]], out=place)


def _between(count: int, given: int) -> Field:
    """Return weights ``(count, given)`` that interpolate linearly between values."""
    at = np.linspace(0, given - 1, count, dtype=np.float32)
    return np.asarray(np.maximum(1 - np.abs(at[:, None] - np.arange(given, dtype=np.float32)), 0))
