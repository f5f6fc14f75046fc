"""What tests of batches share: settings that are quick, and what a batch wrote."""

from __future__ import annotations

import csv

SUMMARY = {"page": {"sections": ["summary"]}}


def rows(path):
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files_of(folder, leave_out=("done", "lock")):
    """Return what a batch wrote, by name; records have times in them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not set(path.relative_to(folder).parts) & set(leave_out) and path.name[:8] != "results."
    }
