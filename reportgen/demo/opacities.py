"""Opacities: where the air of a lung is replaced by fluid, as extra lengths of water-like tissue.

Kinds, after the patterns that radiologists tell apart in pneumonia: *lobar*, a lobe filled evenly, bounded by its
fissure and the diaphragm; *patchy*, several soft clouds (bronchopneumonia); *interstitial*, a fine net and thickened
bronchial walls in both lungs. All of it replaces air, so borders of heart and diaphragm vanish beside it by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.demo import OPACITY_KINDS as KINDS
from reportgen.demo.anatomy import Lung, Proportions, Thorax
from reportgen.demo.bodies import Field, Grid, texture

SHARES = (0.4, 0.4, 0.2)  # how often each kind is drawn
NOTICEABLE = 0.45  # cm of fluid: less than a tenth of the depth of a lung, a few gray values
_LOBES = ((-1, "upper"), (-1, "middle"), (-1, "lower"), (1, "upper"), (1, "lower"))


def choose_kinds(count: int, kinds: Sequence[str] | None, random: np.random.Generator) -> tuple[str, ...]:
    """Return the kind of each opacity, drawn among those allowed.

    Raises
    ------
    ValueError
        When a kind is unknown or none is allowed.
    """
    allowed = KINDS if kinds is None else tuple(kinds)
    if not allowed or any(kind not in KINDS for kind in allowed):
        raise ValueError(f"the kinds of opacities are {', '.join(KINDS)}; got {', '.join(map(str, allowed)) or 'none'}")
    chances = np.array([SHARES[KINDS.index(kind)] for kind in allowed])
    return tuple(str(kind) for kind in random.choice(allowed, count, p=chances / chances.sum()))


@dataclass(frozen=True)
class Opacity:
    """One opacity.

    Attributes
    ----------
    fluid
        What takes the place of air on every ray, ``(H, W)`` in cm.
    extent
        The same without its fine structure, ``(H, W)`` in cm: the meshes of a net belong to it.
    """

    fluid: Field
    extent: Field

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Where it is noticeable, ``(H, W)``."""
        return self.extent >= NOTICEABLE


def draw_opacity(kind: str, grid: Grid, child: Proportions, thorax: Thorax, random: np.random.Generator) -> Opacity:
    """Draw an opacity.

    Parameters
    ----------
    kind
        One of ``reportgen.demo.OPACITY_KINDS``.
    grid, child, thorax
        The patient.
    random
        Draws place, extent and density.
    """
    draw = {"lobar": _lobar, "patchy": _patchy, "interstitial": _interstitial}[kind]
    return draw(grid, child, thorax, random)


def _lobar(grid: Grid, child: Proportions, thorax: Thorax, random: np.random.Generator) -> Opacity:
    """Fill a lobe evenly."""
    side, lobe = _LOBES[random.integers(len(_LOBES))]
    lung = thorax.lungs[0 if side < 0 else 1]
    bottom = child.base[0 if side < 0 else 1]
    # the oblique fissure: a plane from the back, a quarter down, to the front at the diaphragm
    end = bottom + (4.0 if lobe == "middle" else 1.0)
    top = child.apex + 0.27 * (bottom - child.apex) + random.uniform(-0.4, 0.4)
    fissure = (child.depth - 2 * child.depth * (grid.y - top) / (end - top)).astype(np.float32)
    level = child.apex + random.uniform(0.54, 0.66) * (bottom - child.apex)
    horizontal = level + random.uniform(-0.05, 0.12) * (grid.x * side - 3)
    if lobe == "lower":
        filled = lung.air(near=fissure)
    else:
        filled = lung.air(far=fissure)
        above = np.clip((horizontal - grid.y) / 0.15 + 0.5, 0, 1)
        if side < 0:
            filled = filled * (above if lobe == "upper" else 1 - above)
    filled = filled * np.float32(random.uniform(0.85, 1.0))
    return Opacity((filled * (1 + 0.05 * texture(random, grid, 0.8))).astype(np.float32), filled.astype(np.float32))


def _patchy(grid: Grid, child: Proportions, thorax: Thorax, random: np.random.Generator) -> Opacity:
    """Several clouds with ragged borders around one place."""
    lung = thorax.lungs[random.integers(2)]
    air = lung.air()
    middle = _place(grid, air, child, lung, random)
    ragged = 0.35 * texture(random, grid, 0.9) + 0.22 * texture(random, grid, 0.35)
    clouds = np.zeros(grid.shape, np.float32)
    for number in range(random.integers(3, 6)):
        spread = 0.0 if number == 0 else 1.5
        x, y = middle[0] + random.normal(0, spread), middle[1] + random.normal(0, spread)
        wide, high = random.uniform(1.1, 2.2, 2) + (0.4 if number == 0 else 0.0)
        across, along = (grid.x - np.float32(x)) / np.float32(wide), (grid.y - np.float32(y)) / np.float32(high)
        square = across * across + along * along + ragged
        clouds = np.maximum(clouds, np.exp(-np.clip(square, 0.15, 30)) * np.float32(random.uniform(0.75, 1.0)))
    fluid = (clouds * air * np.float32(random.uniform(0.8, 1.0))).astype(np.float32)
    return Opacity(fluid, fluid)


def _place(grid: Grid, air: Field, child: Proportions, lung: Lung, random: np.random.Generator) -> tuple[float, float]:
    """Draw a place with much air, not at the very top."""
    rows, columns = np.nonzero((air[::4, ::4] > 0.75 * air.max()) & (grid.y[::4] > child.apex + 2.5))
    if not rows.size:
        return lung.side * 0.55 * child.half_width, 0.0
    chosen = random.integers(rows.size)
    row, column = int(rows[chosen]) * 4, int(columns[chosen]) * 4
    return float(grid.x[min(row, grid.x.shape[0] - 1), column]), float(grid.y[row, 0])


def _interstitial(grid: Grid, child: Proportions, thorax: Thorax, random: np.random.Generator) -> Opacity:
    """Draw a fine net in both lungs, thickened walls along the vessels, denser towards the hila."""
    air = thorax.lungs[0].air() + thorax.lungs[1].air()
    net = np.exp(-((texture(random, grid, 0.36) / 0.6) ** 2)) + np.exp(-((texture(random, grid, 0.22) / 0.6) ** 2))
    wide = 0.95 * child.half_width
    near = np.exp(-((grid.x / np.float32(wide)) ** 2) - ((grid.y - np.float32(0.5)) / np.float32(6.5)) ** 2)
    strength = np.float32(random.uniform(0.12, 0.20))
    walls = np.clip(thorax.vessels, 0, 1.0) * np.float32(random.uniform(0.7, 1.3)) * (air > 0.5)
    fluid = np.minimum(air * near * strength * (0.25 + net) + walls * near, 0.9 * air)
    return Opacity(fluid.astype(np.float32), (air * near * strength).astype(np.float32))
