"""How much a map changes when the image hardly does: the scans of a few copies with a little noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.again import scan_again, settings_for_map
from reportgen.analysis.runs import Runs, Subject
from reportgen.settings.occlusion import OcclusionSettings

Values = NDArray[np.float64]
COPIES, NOISE = 3, 2.5  # noise: standard deviation in raw-image units, 0 to 255: about 1 %


def noisy(image: NDArray[np.generic], number: int) -> NDArray[np.float32]:
    """Return a copy of an image ``(H, W, C)``, 0 to 255, with normal noise, the same in every run."""
    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(number).normal(0, NOISE, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.float32)


def sensitivity(importance: Values, others: list[Values]) -> float:
    """Return the mean relative change of a map: norm of the difference over the norm of the map.

    The average sensitivity of Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019
    (arXiv:1901.09392), relative to the map, so that maps of any unit compare.
    """
    known = np.isfinite(importance) & np.all(np.isfinite(others), axis=0)
    size = float(np.linalg.norm(importance[known]))
    if not size:
        return float("nan")
    return float(np.mean([np.linalg.norm((other - importance)[known]) for other in others]) / size)


def find_sensitivity(
    subject: Subject, runs: Runs, settings: OcclusionSettings, advance: Callable[[int], object]
) -> list[float | None]:
    """Return for each case the sensitivity of its map; None for a case without a scan.

    Parameters
    ----------
    subject, runs
        The model and the scanned cases.
    settings
        As the maps were made with.
    advance
        Told the number of copies done; there are :data:`COPIES`.
    """
    if not all(run.scans for run in runs):
        advance(COPIES)
        return [None] * len(runs)
    needed = settings_for_map(settings, runs)
    found: list[list[Values]] = [[] for _ in runs]
    for number in range(COPIES):
        copies = [replace(run, image=noisy(run.image, number)) for run in runs]
        for of_case, one in zip(found, scan_again(subject.loaded.keras_model, subject, copies, needed), strict=True):
            of_case.append(one)
        advance(1)
    return [sensitivity(run.scans[0].importance, others) for run, others in zip(runs, found, strict=True)]
