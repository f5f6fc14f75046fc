"""Turn an image CNN and a few images into one self-contained report.

The public names are loaded when first used, so that ``import reportgen`` costs nothing and TensorFlow is imported
only where a model is.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.demo.phantom import Phantom, phantom
    from reportgen.errors import ImageError, ModelError, OutputError, ReportgenError, SettingsError
    from reportgen.inputs.cases import Case
    from reportgen.inputs.images import Image, image_from_array, read_image
    from reportgen.inputs.models import LoadedModel, load_model
    from reportgen.outputs.saving import SavableReport as Report
    from reportgen.outputs.saving import read_report
    from reportgen.pipeline import build_report
    from reportgen.settings import Settings
    from reportgen.settings_file import settings_from

_HOMES = {
    "Phantom": "demo.phantom", "phantom": "demo.phantom",
    "ImageError": "errors", "ModelError": "errors", "OutputError": "errors", "ReportgenError": "errors",
    "SettingsError": "errors",
    "Case": "inputs.cases",
    "Image": "inputs.images", "image_from_array": "inputs.images", "read_image": "inputs.images",
    "LoadedModel": "inputs.models", "load_model": "inputs.models",
    "Report": "outputs.saving", "read_report": "outputs.saving",
    "build_report": "pipeline",
    "Settings": "settings", "settings_from": "settings_file",
}  # fmt: skip

__all__ = [
    "Case", "Image", "ImageError", "LoadedModel", "ModelError", "OutputError", "Phantom", "Report", "ReportgenError",
    "Settings", "SettingsError", "build_report", "image_from_array", "load_model", "phantom", "read_image",
    "read_report", "settings_from",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'reportgen' has no attribute '{name}'")
    home = importlib.import_module(f"reportgen.{_HOMES[name]}")
    return getattr(home, "SavableReport" if name == "Report" else name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
