"""The filters themselves: the kernels of a model's first convolution, which can be seen as small images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph

MOST_FILTERS = 256


def first_filters(graph: Graph) -> tuple[str, NDArray[np.float32]] | None:
    """Return name and kernels ``(h, w, in, out)`` of the first convolution.

    None when there is no Conv2D, when it doesn't see an image (1 or 3 channels in), when its kernels are 1 x 1, or when
    there are more than 256 of them.
    """
    for call in graph.calls:
        if type(call.layer).__name__ != "Conv2D":
            continue
        kernels = np.asarray(call.layer.kernel, np.float32)
        height, width, channels, count = kernels.shape
        if channels in (1, 3) and height * width > 1 and count <= MOST_FILTERS:
            return call.path, kernels
        return None
    return None
