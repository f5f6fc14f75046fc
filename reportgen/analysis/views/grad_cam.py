"""Grad-CAM: the last feature maps, each weighted by the mean slope of the evidence over it.

Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra, "Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization", ICCV 2017 (arXiv:1610.02391).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.activations import does_something, has_feature_maps
from reportgen.analysis.layer_graph import Graph, LayerCall
from reportgen.analysis.views.slopes import NoViewError, Slopes
from reportgen.system.language import say

Values = NDArray[np.float64]
# layers whose weights only shift and scale what they get
_SCALING = ("Normalization", "Rescaling")


def last_maps(graph: Graph) -> tuple[LayerCall, bool]:
    """Return the last layer whose output is spatial and that all of the model looks through.

    In a model with branches the last layer in the order of execution may lie on one branch alone. So the last is taken
    that every way from the image to the output goes through; the number of ways through a layer, which is the number
    to it times the number from it on, tells which these are.

    Parameters
    ----------
    graph
        The traced model.

    Returns
    -------
    tuple
        The call, and whether all ways go through it; where none is such, the last spatial one of all.

    Raises
    ------
    NoViewError
        When no layer with weights of its own gives feature maps.
    """
    to, learnt = {id(graph.input): 1}, {id(graph.input): False}
    for call in graph.calls:
        ways = sum(to.get(id(one), 0) for one in call.inputs)
        own = bool(getattr(call.layer, "weights", ())) and type(call.layer).__name__ not in _SCALING
        for one in (call.output, *call.others):
            to[id(one)] = ways
            learnt[id(one)] = own or any(learnt.get(id(given), False) for given in call.inputs)
    onward = {id(graph.output): 1}
    for call in reversed(graph.calls):
        ways = sum(onward.get(id(one), 0) for one in (call.output, *call.others))
        for given in call.inputs:
            onward[id(given)] = onward.get(id(given), 0) + ways
    spatial = [one for one in graph.outputs if has_feature_maps(one) and does_something(one, graph)]
    reached = [one for one in spatial if learnt[id(one.output)] and onward.get(id(one.output))]
    if not reached:
        raise NoViewError(say("the model has no layer with feature maps before its head"))
    total = to[id(graph.output)]
    through = [one for one in reached if to[id(one.output)] * onward[id(one.output)] == total]
    return (through or reached)[-1], bool(through)


def grad_cam(slopes: Slopes, image: NDArray[np.float32], call: LayerCall) -> Values:
    """Return the map ``(H, W)`` of an image ``(H, W, C)`` in the model's units: not negative, on a scale of its own.

    Parameters
    ----------
    slopes
        Of the evidence.
    image
        As the model gets it.
    call
        The layer.

    Raises
    ------
    NoViewError
        When no slope leads back to the layer, or nothing speaks for what is asked.
    """
    values, slope = slopes.at_layer(image, call)
    weighted = weigh_maps(values, slope)
    if not weighted.any():
        raise NoViewError(say("nothing at layer {layer} speaks for it", layer=call.path))
    return enlarge(weighted, (image.shape[0], image.shape[1]))


def weigh_maps(values: NDArray[np.float32], slopes: NDArray[np.float32]) -> Values:
    """Return the positive part of the sum of maps ``(h, w, C)``, each times the mean of its slopes."""
    weights = slopes.mean(axis=(0, 1), dtype=np.float64)
    return np.asarray(np.maximum(values.astype(np.float64) @ weights, 0))


def enlarge(values: Values, size: tuple[int, int]) -> Values:
    """Return a map at another (height, width), linear between the centres of its pixels."""
    from PIL import Image

    shown = Image.fromarray(values.astype(np.float32)).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(shown, np.float64)
