"""What stands in a Keras training: ``from reportgen.keras import ReportCallback``. Keras is imported with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.workflows.callback import ReportCallback

__all__ = ["ReportCallback"]


def __getattr__(name: str) -> object:
    """Load the callback when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'reportgen.keras' has no attribute '{name}'")
    from reportgen.workflows import callback

    return callback.ReportCallback
