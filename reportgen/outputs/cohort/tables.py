"""A cohort's numbers for other programs: JSON, and a table of its channels."""

from __future__ import annotations

import csv
import dataclasses
import io
import math

from reportgen.outputs.evaluation_csv import plain_cell
from reportgen.outputs.saved.report_json import encode_json, to_plain
from reportgen.report.cohort import Cohort

COLUMNS = (
    "here", "there", "layer", "channel", "mean_here", "mean_there", "cohens_d", "d_low", "d_high", "p", "q", "auc",
)  # fmt: skip


def render_cohort_json(cohort: Cohort) -> bytes:
    """Return all numbers as indented JSON, without pictures; what is not finite is null."""
    return encode_json(to_plain(dataclasses.replace(cohort, pictures=())))


def render_channels_csv(cohort: Cohort) -> bytes:
    """Return CSV (RFC 4180, UTF-8) with a row for each channel and comparison; what is not finite is empty.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for contrast in cohort.contrasts:
        sides = [plain_cell(contrast.here), plain_cell(contrast.there)]
        for one in contrast.channels:
            numbers = (
                one.mean_here, one.mean_there, one.effect.value, one.effect.low, one.effect.high, one.p, one.q, one.auc,
            )  # fmt: skip
            table.writerow([*sides, plain_cell(one.layer), one.channel, *map(_number, numbers)])
    return text.getvalue().encode("utf-8", "replace")


def _number(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else ""
