"""A comparison's numbers for other programs: JSON, and a table of the cases where the models disagree."""

from __future__ import annotations

import csv
import dataclasses
import io

from reportgen.outputs.evaluation_csv import plain_cell
from reportgen.outputs.saved.report_json import encode_json, to_plain
from reportgen.report.two_models import TwoModels

COLUMNS = ("image", "sha256", "label", "said_a", "said_b", "class", "score_a", "score_b")


def render_two_models_json(found: TwoModels) -> bytes:
    """Return all numbers as indented JSON, without pictures; what is not finite is null."""
    return encode_json(to_plain(dataclasses.replace(found, pictures=())))


def render_disagreements_csv(found: TwoModels) -> bytes:
    """Return CSV (RFC 4180, UTF-8) with a row for each case that is listed, the farthest apart first.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for one in found.disagreeing:
        words = (one.label or "", *one.said, one.class_name)
        table.writerow([plain_cell(one.name), one.sha256, *map(plain_cell, words), *map(repr, one.scores)])
    return text.getvalue().encode("utf-8", "replace")
