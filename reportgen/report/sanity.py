"""Whether a map goes with what a model has learned, as data: its likeness to maps of the model with random weights.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim, "Sanity Checks for Saliency Maps", NeurIPS 2018 (arXiv:1810.03292).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.report.numbers import Number

SURVIVES = 0.5  # rank correlation from which on a map is said to be the same


@dataclass(frozen=True, kw_only=True)
class SanityTest:
    """One case's map while the weights of more and more layers are random.

    Attributes
    ----------
    layers
        For each step the layers whose weights became random with it, the last of the model first; they stay so.
        Empty where the model could not be copied.
    correlation
        Rank correlation (Spearman) of the map then with the map of the trained model, step by step, -1 to 1; NaN where
        one of the maps is the same everywhere.
    absolute
        The same of the maps without their signs.
    """

    layers: tuple[tuple[str, ...], ...]
    correlation: tuple[Number, ...]
    absolute: tuple[Number, ...]

    @property
    def final(self) -> tuple[float, float]:
        """Rank correlation, with and without signs, when all weights are random."""
        return self.correlation[-1], self.absolute[-1]

    @property
    def is_known(self) -> bool:
        """Whether there is anything to compare: a map that is the same everywhere has no ranks."""
        return bool(self.layers) and all(map(math.isfinite, self.final))

    @property
    def survives(self) -> bool:
        """Whether the map is much the same though all weights are random."""
        return self.is_known and max(self.final) >= SURVIVES
