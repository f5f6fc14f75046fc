"""The activation model: from the input to the outputs of the chosen layers.

One forward pass gives every feature map. It goes layer by layer: each is handled and dropped before the next is
computed, so that never more is held than the model itself needs at one place.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, LayerCall, compute_outputs
from reportgen.models.formats.steady import is_steady
from reportgen.settings.report import LayerSettings
from reportgen.system.errors import SettingsError

_IDLE_AT_INFERENCE = (
    "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization",
    "Identity", "Permute", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomCrop",
    "RandomContrast", "RandomBrightness", "RandomHeight", "RandomWidth",
)  # fmt: skip


@dataclass(frozen=True)
class FeatureMaps:
    """All channels of a layer for all cases: ``values`` is ``(N, H, W, C)`` float32."""

    layer: str
    values: NDArray[np.float32]


def has_feature_maps(call: LayerCall) -> bool:
    """Return whether a layer's output is spatial: ``(None, H, W, C)`` with more than one position."""
    return call.map_shape is not None


def choose_layers(graph: Graph, settings: LayerSettings) -> tuple[tuple[LayerCall, ...], tuple[str, ...]]:
    """Choose the layers to show.

    Parameters
    ----------
    graph
        The traced model.
    settings
        Names, globs, types, first so many, at most so many.

    Returns
    -------
    tuple
        The calls in order, and a note where the limit left some out.

    Raises
    ------
    SettingsError
        When a name or type matches nothing, or what it matches has no feature maps.
    """
    spatial = [call for call in graph.outputs if has_feature_maps(call)]
    if settings.show:
        chosen = _by_name(graph, spatial, settings.show)
    else:
        chosen = [call for call in spatial if does_something(call, graph)]
    if settings.types:
        chosen = _by_type(chosen, settings.types)
    if settings.first:
        chosen = chosen[: settings.first]
    if settings.maximum and len(chosen) > settings.maximum:
        kept = np.unique(np.linspace(0, len(chosen) - 1, settings.maximum).round().astype(int))
        note = (
            f"{len(kept)} of {len(chosen)} layers with feature maps are shown, evenly spread; settings choose others."
        )
        return tuple(chosen[index] for index in kept), (note,)
    return tuple(chosen), ()


def feature_maps(graph: Graph, layers: Sequence[LayerCall], images: NDArray[np.float32]) -> Iterator[FeatureMaps]:
    """Compute the feature maps of layers in one pass, one layer at a time.

    Parameters
    ----------
    graph
        The traced model.
    layers
        Calls to show, in the order of the graph.
    images
        ``(N, H, W, C)``, preprocessed.

    Yields
    ------
    FeatureMaps
        In the order of ``layers``.
    """
    of_tensor = {id(call.output): call for call in layers}
    for tensor, value in compute_outputs(graph, images, [call.output for call in layers]):
        call, values = of_tensor[id(tensor)], np.asarray(value, np.float32)
        yield FeatureMaps(call.path, np.moveaxis(values, 1, -1) if call.channels_first else values)


def does_something(call: LayerCall, graph: Graph) -> bool:
    """Return whether a layer does more at inference than pass on or turn what it gets."""
    kind = type(call.layer).__name__
    only_turned = kind == "Permute" and call.inputs[0] is graph.input
    return (kind not in _IDLE_AT_INFERENCE or is_steady(call.layer)) and not only_turned


def _by_name(graph: Graph, spatial: list[LayerCall], patterns: Sequence[str]) -> list[LayerCall]:
    # a layer that had to be renamed may be asked for by either name
    known = {call.also: call.path for call in graph.calls if call.also} | {
        call.path: call.path for call in graph.outputs
    }
    names = list(known)
    wanted: set[str] = set()
    for pattern in patterns:
        matched = {known[name] for name in (*fnmatch.filter(names, pattern), pattern) if name in known}
        if not matched:
            near = difflib.get_close_matches(pattern, names, n=1) or names[:1]
            raise SettingsError(
                f"no layer is named '{pattern}'", f"for example '{near[0]}'; 'reportgen inspect' lists all"
            )
        wanted |= matched
    chosen = [call for call in spatial if call.path in wanted]
    if not chosen:
        raise SettingsError(f"'{patterns[0]}' has no feature maps (its output is not spatial)", "choose another layer")
    return chosen


def _by_type(calls: list[LayerCall], types: Sequence[str]) -> list[LayerCall]:
    present = {type(call.layer).__name__.lower(): type(call.layer).__name__ for call in calls}
    for name in types:
        if name.lower() not in present:
            raise SettingsError(
                f"no layer with feature maps has type '{name}'", f"there are {', '.join(present.values())}"
            )
    lowered = {name.lower() for name in types}
    return [call for call in calls if type(call.layer).__name__.lower() in lowered]
