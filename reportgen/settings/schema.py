"""JSON schemas of files that users write, for editors; ``make docs`` makes them from the classes that check these."""

from __future__ import annotations

from pathlib import Path

SETTINGS, EXPECTATIONS = "settings", "expectations"
FILES = {SETTINGS: "report.schema.json", EXPECTATIONS: "expectations.schema.json"}


def schema_place(what: str) -> Path:
    """Return where the schema of a kind of file lies; ``what`` is a key of ``FILES``."""
    return Path(__file__).with_name(FILES[what])


def read_schema(what: str = SETTINGS) -> str:
    """Return the schema of a kind of file as JSON (draft 7)."""
    return schema_place(what).read_text(encoding="utf-8")
