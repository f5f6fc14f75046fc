"""Where a training starts, if not from random weights: a model that was trained before.

A cosine schedule anew from there is a warm restart (I. Loshchilov and F. Hutter, SGDR, ICLR 2017, arXiv:1608.03983).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from reportgen.models.architectures import Architecture
from reportgen.models.loader import load_model
from reportgen.system.errors import ReportgenError
from reportgen.system.files import sha256


def started_from(architecture: Architecture, path: Path) -> Architecture:
    """Return an architecture that starts from the weights of a model that was trained before, not from random ones.

    Parameters
    ----------
    architecture
        Whose layers the model has.
    path
        The model's file.

    Raises
    ------
    ReportgenError
        When it can't be read, or its weights don't fit.
    """
    weights = load_model(path).keras_model.get_weights()

    def build(classes: int, *, findings: bool = False) -> Any:
        model = architecture.build(classes, findings=findings)
        if [one.shape for one in weights] != [one.shape for one in model.get_weights()]:
            raise ReportgenError(
                f"{path} has other layers than {architecture.name} for {classes} classes",
                "start from a model that was trained of this architecture for as many classes",
            )
        model.set_weights(weights)
        return model

    return replace(architecture, build=build, digest=architecture.digest + sha256(path.read_bytes()))
