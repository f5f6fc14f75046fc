"""Synthetic chest radiographs, so that a report can be made without any patient's image.

A phantom is computed as a radiograph comes about: lengths of tissue along parallel rays through simple bodies
(`anatomy`), opacities that replace air by fluid (`opacities`), attenuation by Beer and Lambert, scatter, quantum noise
and display (`radiograph`), field of view and marks (`framing`). It is made from shapes, not from data, and it is no
anatomical reference. Its use: the place of an opacity is known exactly, which no real image can offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.demo.anatomy import Thorax, draw_proportions, draw_thorax
from reportgen.demo.bodies import Field
from reportgen.demo.framing import draw_frame, grid_of, mark
from reportgen.demo.opacities import choose_kinds, draw_opacity
from reportgen.demo.radiograph import Exposure, attenuation, display, draw_exposure, expose, large_scale, window

_AERATED = 1.5  # cm of air on a ray from which on it counts as lung
_MOSTLY_AIR = 5.0  # cm: not behind the heart, not at the lungs' border


@dataclass(frozen=True)
class Phantom:
    """A synthetic radiograph and what is known about it.

    Attributes
    ----------
    pixels
        Gray values, ``(H, W)`` uint8, bright where much is absorbed.
    lungs
        Where at least 1.5 cm of lung lie on the ray (without opacities), also behind heart and diaphragm, ``(H, W)``
        bool.
    opacities
        Where opacities are noticeable, ``(H, W)`` bool; all False for a normal phantom.
    seed
        The seed that makes it again.
    kinds
        The kind of each opacity: ``lobar``, ``patchy`` or ``interstitial``.
    heart
        Where the heart is, ``(H, W)`` bool.
    """

    pixels: NDArray[np.uint8]
    lungs: NDArray[np.bool_]
    opacities: NDArray[np.bool_]
    seed: int
    kinds: tuple[str, ...]
    heart: NDArray[np.bool_]

    @property
    def regions(self) -> dict[str, NDArray[np.bool_]]:
        """The masks that aren't empty, by name: lungs, heart, opacities."""
        masks = {"lungs": self.lungs, "heart": self.heart, "opacities": self.opacities}
        return {name: mask for name, mask in masks.items() if mask.any()}


def phantom(
    seed: int, *, opacities: int = 0, kinds: Sequence[str] | None = None, size: tuple[int, int] = (480, 512)
) -> Phantom:
    """Draw a synthetic chest radiograph of a small child, seen from the front.

    Parameters
    ----------
    seed
        Makes the result reproducible: the same seed gives the same thorax, with or without opacities.
    opacities
        How many opacities to place in the lungs; 0 is a normal phantom.
    kinds
        The kinds of opacities to draw from: ``lobar`` (a lobe filled evenly), ``patchy`` (several soft clouds),
        ``interstitial`` (a fine net in both lungs); None is all of them.
    size
        (height, width) in pixels, each at least 32.

    Returns
    -------
    Phantom
        Pixels ``(H, W)`` uint8, the masks of lungs, heart and opacities, and the opacities' kinds.

    Raises
    ------
    ValueError
        When the size is below 32 pixels, the number of opacities is negative, or a kind is unknown.
    """
    if min(size) < 32 or opacities < 0:
        raise ValueError(f"a phantom needs at least 32 x 32 pixels and no negative count, got {size} and {opacities}")
    random = np.random.default_rng([seed, 0])
    child, exposure, frame = draw_proportions(random), draw_exposure(random), draw_frame(random)
    grid = grid_of(frame, size, child.lean)
    thorax = draw_thorax(grid, child, random)
    air = thorax.lungs[0].air() + thorax.lungs[1].air()
    lungs = air >= _AERATED
    # a generator of their own, so that opacities leave the thorax of the same seed as it is
    placing = np.random.default_rng([seed, 1])
    chosen = choose_kinds(opacities, kinds, placing)
    fluid, mask = np.zeros(size, np.float32), np.zeros(size, bool)
    for kind in chosen:
        opacity = draw_opacity(kind, grid, child, thorax, placing)
        fluid, mask = np.maximum(fluid, opacity.fluid), mask | opacity.mask
    gray = _picture(thorax, air, fluid, exposure, grid.pitch, random.standard_normal(size, dtype=np.float32))
    pixels = np.round(mark(gray, frame) * 255).astype(np.uint8)
    return Phantom(pixels, lungs, mask & lungs, seed, chosen, thorax.heart > 1.0)


def _picture(
    thorax: Thorax, air: Field, fluid: Field, exposure: Exposure, pitch: float, noise: Field
) -> NDArray[np.float32]:
    """Return gray values, 0 to 1; the display is set by the thorax without its opacities."""
    vessels = np.minimum(thorax.vessels, air)
    normal = attenuation(thorax.body, air - vessels, thorax.gas, thorax.bone)
    taken = large_scale(normal, exposure, pitch)
    few = (slice(None, None, 4), slice(None, None, 4))
    signal = expose(normal[few], np.zeros_like(normal[few]), exposure, 4 * pitch) - taken[few]
    limits = window(signal, air[few] >= _MOSTLY_AIR, thorax.body[few] > 2)
    ill = attenuation(thorax.body, np.maximum(air - vessels - fluid, 0), thorax.gas, thorax.bone)
    return display(expose(ill, noise, exposure, pitch) - taken, limits, exposure)
