"""Maps made once more, with the patches, fills and weights that a case's map has: of other images, or another model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.occlusion.patches import Geometry
from reportgen.analysis.occlusion.scan import scan
from reportgen.analysis.runs import Runs, Subject
from reportgen.settings.occlusion import OcclusionSettings

Values = NDArray[np.float64]


@dataclass(frozen=True)
class MapSettings:
    """How maps are made again.

    Attributes
    ----------
    occlusion
        The patches and fills that have a part in the maps.
    weights
        For each case those of these scans.
    """

    occlusion: OcclusionSettings
    weights: tuple[tuple[float, ...], ...]


def settings_for_map(settings: OcclusionSettings, runs: Runs) -> MapSettings:
    """Return the patches and fills that the maps of cases are made of: scans without weight are left out.

    Parameters
    ----------
    settings
        As the cases were scanned with.
    runs
        Scanned.
    """
    maps = [run.scans[0].summary for run in runs]
    scans = maps[0].scans
    used = [one for place, one in enumerate(scans) if any(found.weights[place] for found in maps)]
    patches = [patch for patch in maps[0].patches if any(one.patch == patch for one in used)]
    fills = [fill for fill in settings.fills if any(one.fill == fill for one in used)]
    strides = [next(one.stride for one in used if one.patch == patch) for patch in patches]
    kept = [place for place, one in enumerate(scans) if one.patch in patches and one.fill in fills]
    return MapSettings(
        replace(settings, patch=tuple(patches), stride=tuple(strides), fill=tuple(fills)),
        tuple(tuple(found.weights[place] for place in kept) for found in maps),
    )


def scan_again(
    model: Any, subject: Subject, runs: Runs, how: MapSettings, geometries: Sequence[Geometry] = ()
) -> list[Values]:
    """Return a new map ``(H, W)`` for each case's first target.

    Parameters
    ----------
    model
        Keras model: that of the subject, or one that takes and gives the same.
    subject, runs
        What says how images are prepared, and the images.
    how
        Which scans, and their weights.
    geometries
        Where the patches stand; none: where they stood.
    """
    found = scan(
        model,
        [run.image for run in runs],
        prepare=subject.loaded.preprocessing,
        head=subject.head,
        targets=[run.targets[:1] for run in runs],
        settings=subject.loaded.randomness.scan_settings(how.occlusion),
        geometries=geometries,
        weights=how.weights,
    )
    return [one.importance for (one,) in found]
