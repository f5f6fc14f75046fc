"""Evidence: the log-odds of a class to the base 2, in bits. One bit more, and the odds double; one less, they halve.

After Good, "Probability and the Weighing of Evidence", 1950; as a measure of what parts of an input mean to a model
Robnik-Sikonja and Kononenko, "Explaining Classifications for Individual Instances", IEEE TKDE 20 (2008), and Zintgraf,
Cohen, Adel and Welling, "Visualizing Deep Neural Network Decisions", ICLR 2017 (arXiv:1702.04595).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import Head
from reportgen.report.evidence import BITS, OUTPUT

Values = NDArray[np.float64]
_LN2 = float(np.log(2))
# what single precision can tell from 0 and from 1
_LEAST, _MOST = float(np.finfo(np.float32).tiny), 1 - 2.0**-24
FROM_SCORES = (
    "The model's logits can't be reached, so its evidence was computed from its scores, of which few digits are left "
    "near 0 and 1."
)
CLIPPED = (
    "Scores of exactly 0 or 1, which have no log-odds, were taken as the nearest that single precision can tell from "
    "them: what changes beyond that can't be seen."
)


@dataclasses.dataclass(frozen=True)
class Readout:
    """How numbers that come out of a graph become scores and evidence.

    Attributes
    ----------
    head
        What the model's own outputs are.
    cut
        Whether the graph ends before the model's last activation, so that logits come out.
    """

    head: Head
    cut: bool = False

    @property
    def unit(self) -> str:
        """``bits``, or ``output`` for numbers that stand for no class."""
        return OUTPUT if self.head.is_regression else BITS

    @property
    def gives_logits(self) -> bool:
        """Whether what comes out are logits, and no scores."""
        return self.cut or self.head.kind.endswith("logits")

    @property
    def is_softmax(self) -> bool:
        """Whether the classes exclude each other."""
        return self.head.kind.startswith("softmax")

    def outputs(self, raw: NDArray[np.floating]) -> Values:
        """Return what the whole model gives ``(N, K)``."""
        if not self.cut:
            return np.asarray(raw, np.float64)
        return activate(raw, self.head.kind)

    def scores(self, raw: NDArray[np.floating]) -> Values:
        """Return scores ``(N, classes)``, in double precision."""
        head = dataclasses.replace(self.head, kind=f"{self.head.kind} logits") if self.cut else self.head
        return head.scores(raw)

    def evidence(self, raw: NDArray[np.floating]) -> Values:
        """Return the evidence of each class ``(N, classes)``, in bits; of a regression the outputs themselves."""
        values = np.asarray(raw, np.float64)
        if self.head.is_regression:
            return values
        if not self.gives_logits:
            return self._of_scores(values)
        if self.is_softmax:
            return _against_the_rest(values) / _LN2
        bits = np.where(np.isfinite(values), values, np.nan) / _LN2
        return np.concatenate([-bits, bits], axis=1) if bits.shape[1] == 1 else bits

    def slopes(self, raw: NDArray[np.floating], target: int) -> Values:
        """Return how steeply the evidence of one class rises with each output: derivatives ``(N, K)``."""
        values, found = np.asarray(raw, np.float64), np.zeros(np.shape(raw))
        column, sign = (0, 2 * target - 1) if values.shape[1] == 1 and not self.head.is_regression else (target, 1)
        found[:, column] = 1.0
        if self.head.is_regression:
            return found
        others = np.delete(np.arange(values.shape[1]), column)
        if self.gives_logits:
            if self.is_softmax:
                found[:, others] = -activate(values[:, others], "softmax")
            return found * sign / _LN2
        own = np.clip(values[:, [column]], _LEAST, _MOST)
        if self.is_softmax:
            found[:, [column]] = 1 / own
            found[:, others] = -1 / np.clip(values[:, others].sum(axis=1, keepdims=True), _LEAST, None)
        else:
            found[:, [column]] = 1 / own + 1 / (1 - own)
        return found * sign / _LN2

    def notes(self, raw: NDArray[np.floating]) -> tuple[str, ...]:
        """Say what limits the evidence of these outputs."""
        if self.head.is_regression or self.gives_logits:
            return ()
        values = np.asarray(raw, np.float64)
        return (FROM_SCORES, *([CLIPPED] if ((values <= 0) | (values >= 1)).any() else []))

    def _of_scores(self, values: Values) -> Values:
        values = np.where(np.isfinite(values), values, np.nan)
        known = np.clip(values, _LEAST, _MOST)
        if self.is_softmax:
            # the scores of the others tell more of what is left than 1 minus this one
            rest = np.clip(values.sum(axis=1, keepdims=True) - values, 2.0**-24, None)
            if values.shape[1] == 2:
                rest = np.clip(values[:, ::-1], _LEAST, None)
            return np.asarray((np.log(known) - np.log(rest)) / _LN2)
        bits = np.asarray((np.log(known) - np.log1p(-known)) / _LN2)
        return np.concatenate([-bits, bits], axis=1) if bits.shape[1] == 1 else bits


def activate(logits: NDArray[np.floating], kind: str) -> Values:
    """Return ``sigmoid`` or ``softmax`` of logits ``(N, K)``, in double precision."""
    values = np.asarray(logits, np.float64)
    if kind == "sigmoid":
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-values)))
    exponentials = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _against_the_rest(logits: Values) -> Values:
    """Return for each class its logit minus the logarithm of the summed exponentials of the others."""
    found = np.empty_like(logits)
    for one in range(logits.shape[1]):
        others = np.delete(logits, one, axis=1)
        top = others.max(axis=1)
        with np.errstate(invalid="ignore"):
            found[:, one] = logits[:, one] - top - np.log(np.exp(others - top[:, None]).sum(axis=1))
    return np.where(np.isfinite(found), found, np.nan)
