"""All kinds of models: each module below notes its own."""

from __future__ import annotations

from . import (
    model_applications,
    model_architectures,
    model_code,
    model_inputs,
    model_legacy,
    model_legacy_edits,
    model_random,
    model_saved,
    model_sequences,
    model_weights,
    model_wrong,
)
from .registry import KINDS, Kind

# in the order of the table, whichever was imported first
_ORDER = [
    module.__name__
    for module in (
        model_architectures, model_sequences, model_applications, model_inputs, model_legacy, model_legacy_edits,
        model_random, model_saved, model_weights, model_code, model_wrong,
    )
]  # fmt: skip
MODEL_KINDS: tuple[Kind, ...] = tuple(
    sorted(
        (kind for kind in KINDS if kind.build.__module__ in _ORDER),
        key=lambda kind: _ORDER.index(kind.build.__module__),
    )
)
