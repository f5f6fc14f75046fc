"""How the evidence is gathered: the occlusion scans and what is made of them."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from reportgen.settings.values import LARGEST, ClassLike, Colour, Count, Fill, Pair

View = Literal["grad-cam", "integrated-gradients", "smoothgrad", "rise"]


@dataclass(frozen=True, kw_only=True)
class OcclusionSettings:
    """The occlusion scan.

    Attributes
    ----------
    enabled
        Whether to scan at all.
    patch
        Side in pixels of the model's input, or [height, width]; or a list of several, such as [15, 30, 45] or
        [[15, 20], [30, 40]]: two numbers alone are a height and a width. None: a tenth, a fifth, three tenths and two
        fifths of each side.
    stride
        Step in pixels, or [down, across]; or a list with one for each patch. None: a third of each patch.
    fill
        ``mean``, ``blur``, or a colour [r, g, b] or [gray] from 0 to 255; or a list of several, such as
        ["mean", "blur"]. Numbers alone are a colour.
    target
        The class to follow, by name or number, or several of them; ``predicted``, ``label`` (each case's own), or
        ``auto``: the positive class where there are two, else the predicted one; of independent findings the first that
        a label names.
    score_colours
        A matplotlib colour map for scores.
    importance_colours
        A matplotlib colour map for signed importance: one that diverges.
    engine
        ``full`` runs every occluded image through the whole model; ``incremental`` recomputes what the patch can change
        and gives the same; ``auto`` takes whichever is estimated to be faster.
    memory
        Bytes that the engine may take besides the model.
    test
        Whether the map is tested: are pixels in its order worth more to the model than at random?
    sanity
        Whether the map is compared with those of the model with random weights.
    robustness
        Whether the image is scanned again, on a grid shifted by half a stride, and a few times with a little noise, to
        see how much the map changes.
    left
        Whether to show what is left of the image when it is multiplied by its importance; one patch with one fill shows
        it in any case.
    views
        Other views beside the scan, put to the same test: any of ``grad-cam``, ``integrated-gradients``, ``smoothgrad``
        and ``rise``.
    view_baseline
        Where integrated gradients begin: at the ``blur``red image or at a ``black`` one.
    rise_masks
        How many random masks RISE takes.
    """

    enabled: bool = True
    patch: Count | Pair | tuple[Count | Pair, ...] | None = None
    stride: Count | Pair | tuple[Count | Pair, ...] | None = None
    fill: Fill | tuple[Fill, ...] = ("mean", "blur")
    target: ClassLike | tuple[ClassLike, ...] = "auto"
    score_colours: str = "viridis"
    importance_colours: str = "RdBu_r"
    engine: Literal["auto", "full", "incremental"] = "auto"
    memory: Annotated[int, Field(ge=1 << 20, le=LARGEST, strict=True)] = 1 << 30
    test: bool = True
    sanity: bool = False
    robustness: bool = False
    left: bool = False
    views: tuple[View, ...] = ()
    view_baseline: Literal["blur", "black"] = "blur"
    rise_masks: Count = 1000

    @property
    def fills(self) -> tuple[Fill, ...]:
        """The fills, each once, however they were given."""
        given = self.fill
        if isinstance(given, str):
            return (given,)
        # numbers alone are one colour
        several = [one for one in given if not isinstance(one, int | float)]
        return tuple(dict.fromkeys(several)) if several else (typing.cast(Colour, given),)


def list_of_sizes(given: int | Pair | tuple[int | Pair, ...] | None) -> list[Pair] | None:
    """Return (height, width) pairs of a size or of several, however they were given; None for none."""
    if given is None:
        return None
    if isinstance(given, int):
        return [(given, given)]
    if len(given) == 2 and isinstance(given[0], int) and isinstance(given[1], int):
        return [(given[0], given[1])]
    return [(one, one) if isinstance(one, int) else one for one in given]
