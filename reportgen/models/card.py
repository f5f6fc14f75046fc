"""The small TOML beside a model (``model.toml`` for ``model.keras``): what the file itself can't say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reportgen.report.model import ModelCard
from reportgen.settings.file import parse_as, read_file
from reportgen.settings.report import PreprocessingSettings
from reportgen.settings.values import Fraction


@dataclass(frozen=True, kw_only=True)
class ModelNotes:
    """Class names, thresholds, preprocessing, training history and model card; all optional."""

    class_names: tuple[str, ...] | None = None
    threshold: Fraction | tuple[Fraction, ...] | None = None
    multi_label: bool | None = None
    preprocessing: PreprocessingSettings = field(default_factory=PreprocessingSettings)
    history: dict[str, tuple[float, ...]] = field(default_factory=dict)
    card: ModelCard | None = None


def read_model_notes(model_path: Path) -> ModelNotes:
    """Read the TOML beside a model; no file is no notes.

    Raises
    ------
    SettingsError
        When there is one and it's not valid.
    """
    path = model_path.with_suffix(".toml")
    if not path.is_file():
        return ModelNotes()
    return parse_model_notes(read_file(path, "model notes"), str(path))


def parse_model_notes(data: bytes, name: str) -> ModelNotes:
    """Do as :func:`read_model_notes` does with the content of the file.

    Raises
    ------
    SettingsError
        When it's not valid.
    """
    return parse_as(data, ModelNotes, name)
