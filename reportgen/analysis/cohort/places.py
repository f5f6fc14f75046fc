"""Where each case lies among the others by its last features: main directions, and how far it is from its group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.gather import Group, Row
from reportgen.report.cohort import FEW
from reportgen.system.errors import ReportgenError
from reportgen.system.libraries import install_extra

Floats = NDArray[np.float64]
DIRECTIONS = 10
_LEAST = 3  # cases that make a map


@dataclass(frozen=True)
class Directions:
    """The main directions of features (PCA), and where groups lie in them.

    Attributes
    ----------
    middle
        ``(F,)``, the mean of the features.
    axes
        ``(k, F)``, each of length 1; its largest part is positive.
    explained
        ``(k,)``, the share of the variance along each.
    groups
        For each group with enough cases the means and deviations of its cases along the axes, ``(k,)`` each.
    """

    middle: Floats
    axes: Floats
    explained: Floats
    groups: Mapping[str, tuple[Floats, Floats]]

    def locate(self, features: NDArray[Any]) -> Floats:
        """Return where features ``(F,)`` or ``(N, F)`` lie along the axes, ``(k,)`` or ``(N, k)``."""
        return np.asarray((np.asarray(features, np.float64) - self.middle) @ self.axes.T)

    def distance(self, group: str, features: NDArray[Any]) -> float:
        """Return how far a case is from the middle of its group; NaN where the group has too few cases.

        The root of the mean over the axes of the squared distance in standard deviations of the group: about 1 for most
        cases.
        """
        if group not in self.groups:
            return math.nan
        mean, deviation = self.groups[group]
        known = deviation > 1e-9 * max(1.0, float(np.abs(mean).max()))
        if not known.any():
            return math.nan
        return float(np.sqrt(np.mean(((self.locate(features) - mean)[known] / deviation[known]) ** 2)))


def find_directions(names: Sequence[str], groups: Mapping[str, Group]) -> Directions | None:
    """Return the main directions of the features of all cases in the samples.

    None where fewer than three have features, all of them alike, or some are not finite.
    """
    rows = _rows(names, groups)
    features = np.stack([row.features for _, row in rows]).astype(np.float64) if rows else np.zeros((0, 0))
    if len(features) < _LEAST or not features.shape[1] or not np.isfinite(features).all():
        return None
    middle = features.mean(axis=0)
    variances, axes = _components(features - middle)
    if variances.sum() <= 1e-12 * max(1.0, float(np.abs(features).max()) ** 2):
        return None
    axes = axes[:DIRECTIONS]
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    found = Directions(middle, axes, variances[: len(axes)] / variances.sum(), {})
    own: dict[str, tuple[Floats, Floats]] = {}
    for name in names:
        if len(groups[name].sample) >= FEW:
            located = found.locate(np.stack([row.features for row in groups[name].sample]))
            own[name] = (located.mean(axis=0), located.std(axis=0, ddof=1))
    return Directions(middle, axes, found.explained, own)


def _components(centred: Floats) -> tuple[Floats, Floats]:
    """Return the squared lengths along the main directions of ``(N, F)``, falling, and the directions ``(k, F)``."""
    if len(centred) <= centred.shape[1]:
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
        return np.asarray(lengths**2), axes
    # of many cases the directions of the covariance are the same, and found far sooner
    variances, columns = np.linalg.eigh(centred.T @ centred)
    return np.clip(variances[::-1], 0, None), columns.T[::-1]


def embed_with_umap(names: Sequence[str], groups: Mapping[str, Group]) -> dict[str, tuple[float, float]]:
    """Return where UMAP (McInnes et al. 2018) puts each case of the samples, by its key; the same every time.

    Raises
    ------
    ReportgenError
        When umap-learn isn't installed, or there are too few cases.
    """
    rows = [row for _, row in _rows(names, groups)]
    check_umap()
    from umap import UMAP

    if len(rows) < FEW:
        raise ReportgenError(f"UMAP needs {FEW} cases, and there are {len(rows)}", "take --map pca")
    features = np.stack([row.features for row in rows])
    neighbours = min(15, len(rows) - 1)
    # with few cases its usual start, by eigenvectors, has too few of them
    start = "spectral" if len(rows) > 3 * neighbours else "random"
    found = UMAP(n_neighbors=neighbours, random_state=0, n_jobs=1, init=start).fit_transform(features)
    return {row.key: (float(x), float(y)) for row, (x, y) in zip(rows, found, strict=True)}


def check_umap() -> None:
    """Refuse where umap-learn is missing.

    Raises
    ------
    ReportgenError
        With the command that installs it.
    """
    try:
        import umap  # noqa: F401
    except ImportError:
        raise ReportgenError("--map umap needs umap-learn", install_extra("umap")) from None


def _rows(names: Sequence[str], groups: Mapping[str, Group]) -> list[tuple[str, Row]]:
    return sorted(((name, row) for name in names for row in groups[name].sample), key=lambda pair: pair[1].key)
