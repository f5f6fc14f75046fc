"""An evaluation's images as a table for spreadsheets and statistics programs: one row an image."""

from __future__ import annotations

import csv
import io

from reportgen.report.evaluation import ClassifierEvaluation

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def render_evaluation_csv(evaluation: ClassifierEvaluation) -> bytes:
    """Return CSV (RFC 4180, UTF-8): name, digest, patient's number, label, what is said, whether right, and scores.

    Several findings are joined by ``|``. A text that a spreadsheet would take for a formula gets an apostrophe before
    it.
    """
    names = evaluation.model.class_names
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(
        ["image", "sha256", "patient", "label", "said", "right", *(plain_cell(f"score of {name}") for name in names)]
    )
    for image in evaluation.images:
        shown, said = ("|".join(names[number] for number in numbers) for numbers in (image.labels, image.said))
        words = [plain_cell(shown), plain_cell(said), "yes" if image.correct else "no"]
        table.writerow([plain_cell(image.name), image.sha256, image.group, *words, *map(repr, image.scores)])
    return text.getvalue().encode("utf-8", "replace")


def plain_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before it where one would."""
    return f"'{text}" if text.startswith(_FORMULAS) else text
