"""Turn an image CNN and a few images into one self-contained report.

The public names are loaded when first used, so that ``import reportgen`` costs nothing and TensorFlow is imported
only where a model is.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.demo.phantom import Phantom, phantom
    from reportgen.images.cases import Case
    from reportgen.images.reader import Image, image_from_array, read_image
    from reportgen.models.loader import LoadedModel, load_model
    from reportgen.outputs.further_sections import Section
    from reportgen.outputs.notebook.views import ExplainedReport
    from reportgen.outputs.report_files import SavableReport as Report
    from reportgen.outputs.report_files import read_report
    from reportgen.settings.file import settings_from
    from reportgen.settings.report import Settings
    from reportgen.system.errors import ImageError, ModelError, OutputError, ReportgenError, SettingsError
    from reportgen.workflows.notebook import explain
    from reportgen.workflows.pipeline import build_report

_HOMES = {
    "Phantom": "demo.phantom", "phantom": "demo.phantom",
    "ImageError": "system.errors", "ModelError": "system.errors", "OutputError": "system.errors",
    "ReportgenError": "system.errors", "SettingsError": "system.errors",
    "Case": "images.cases",
    "Image": "images.reader", "image_from_array": "images.reader", "read_image": "images.reader",
    "LoadedModel": "models.loader", "load_model": "models.loader",
    "Report": "outputs.report_files", "read_report": "outputs.report_files",
    "build_report": "workflows.pipeline",
    "ExplainedReport": "outputs.notebook.views", "explain": "workflows.notebook",
    "Section": "outputs.further_sections",
    "Settings": "settings.report", "settings_from": "settings.file",
}  # fmt: skip

__all__ = [
    "Case", "ExplainedReport", "Image", "ImageError", "LoadedModel", "ModelError", "OutputError", "Phantom", "Report",
    "ReportgenError", "Section", "Settings", "SettingsError", "build_report", "explain", "image_from_array",
    "load_model", "phantom", "read_image", "read_report", "settings_from",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name == "keras":
        return importlib.import_module("reportgen.keras")
    if name not in _HOMES:
        raise AttributeError(f"module 'reportgen' has no attribute '{name}'")
    home = importlib.import_module(f"reportgen.{_HOMES[name]}")
    return getattr(home, "SavableReport" if name == "Report" else name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
