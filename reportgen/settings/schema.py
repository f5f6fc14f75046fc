"""The JSON schema of the settings file, for editors; ``make docs`` makes it from the classes that check the file."""

from __future__ import annotations

from pathlib import Path

NAME = "report.schema.json"


def read_schema() -> str:
    """Return the schema as JSON (draft 7)."""
    return Path(__file__).with_name(NAME).read_text(encoding="utf-8")
