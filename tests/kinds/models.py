"""All kinds of models: each module below notes its own."""

from __future__ import annotations

from . import (
    model_architectures,
    model_code,
    model_inputs,
    model_legacy,
    model_legacy_edits,
    model_saved,
    model_weights,
    model_wrong,
)
from .registry import KINDS, Kind

MODEL_KINDS: tuple[Kind, ...] = tuple(KINDS)
MODULES = (
    model_architectures, model_inputs, model_legacy, model_legacy_edits, model_saved, model_weights, model_code,
    model_wrong,
)  # fmt: skip
