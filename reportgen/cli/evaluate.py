"""``reportgen evaluate``: how good a classifier is on labelled images."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_force, add_open, say_made
from reportgen.cli.flags import add_flags, tables_from

_EXAMPLES = """reportgen evaluate chest_xray/ -o evaluation.html --json evaluation.json --pdf
reportgen evaluate chest_xray/ -m model.keras --split test --reports mistakes
reportgen evaluate images.csv -m model.keras --csv scores.csv --skip-unreadable
reportgen evaluate cifar-10-python.tar.gz -m cifar.keras --against older/evaluation.json
reportgen evaluate evaluation.json --against other/evaluation.json -o both.html"""
_SECTIONS = ("model", "preprocessing", "images", "limits")
_DEFAULT = "evaluation.html"
_COLUMNS = ("image", "label", "patient", "split")


def add_evaluate(commands: Any) -> None:
    """Add the command."""
    evaluate = add_command(
        commands, "evaluate", "measure how good a classifier is on labelled images", _evaluate, _EXAMPLES
    )
    evaluate.add_argument(
        "data",
        metavar="DATA",
        help="folders of images, a CSV, an archive; or an evaluation.json: its page again",
    )
    evaluate.add_argument("-m", "--model", metavar="MODEL", help="as for build; left out: the built-in model")
    evaluate.add_argument("-o", "--html", metavar="FILE", help=f"page to write; default {_DEFAULT}")
    evaluate.add_argument("--json", metavar="FILE", help="write all numbers, to be laid over others or used by reports")
    evaluate.add_argument("--csv", metavar="FILE", help="write a table with a row for each image")
    evaluate.add_argument("--pdf", metavar="FILE.pdf", nargs="?", const="", help="write a PDF; default: as the page")
    evaluate.add_argument("--reports", metavar="DIR", help="make a full report of each of the most confident mistakes")
    evaluate.add_argument("--against", metavar="FILE", help="evaluation.json of another model on the same images")
    evaluate.add_argument("--split", metavar="PART", help="train, validation, test or all; default: test, if there")
    evaluate.add_argument("--patient", metavar="PATTERN", help="regular expression: the patient in a file's name")
    for name in _COLUMNS:
        evaluate.add_argument(f"--{name}-column", metavar="NAME", help=f"of a CSV: its column with the {name}")
    evaluate.add_argument("--separator", metavar="TEXT", help="of a CSV: between several findings; default |")
    evaluate.add_argument("--samples", type=int, metavar="N", help="resamples for the intervals; default 2000")
    evaluate.add_argument("--seed", type=int, metavar="N", help="of the resamples; default 0")
    evaluate.add_argument("--mistakes", type=int, metavar="N", help="how many to show; default 12")
    evaluate.add_argument("--skip-unreadable", action="store_true", help="leave out images that can't be read")
    evaluate.add_argument("--title", default="", metavar="TEXT", help="title of the page")
    evaluate.add_argument("--language", metavar="CODE", help="language of the page: en or de")
    add_open(evaluate)
    add_force(evaluate)
    add_flags(evaluate, _SECTIONS)


def _evaluate(given: argparse.Namespace) -> None:
    from reportgen.settings.data import DataSettings
    from reportgen.settings.evaluation import EvaluationJob
    from reportgen.settings.file import merge, settings_from
    from reportgen.workflows.evaluate import evaluate

    model = {} if given.model is None else {"model": {"path": given.model}}
    spoken = {} if given.language is None else {"language": given.language}
    settings = settings_from(merge(merge(tables_from(given, _SECTIONS), model), spoken))
    html = Path(_DEFAULT if given.html is None else given.html)
    reading = {f"{name}_column": getattr(given, f"{name}_column") for name in _COLUMNS}
    reading |= {"patient": given.patient, "separator": given.separator}
    counts = {"samples": given.samples, "seed": given.seed, "mistakes": given.mistakes}
    job = EvaluationJob(
        data=Path(given.data), html=html, json=_path(given.json), csv=_path(given.csv),
        pdf=html.with_suffix(".pdf") if given.pdf == "" else _path(given.pdf), reports=_path(given.reports),
        against=_path(given.against), split=given.split, title=given.title, skip_unreadable=given.skip_unreadable,
        reading=DataSettings(**{name: value for name, value in reading.items() if value is not None}),
        **{name: value for name, value in counts.items() if value is not None},
    )  # fmt: skip
    say_made(evaluate(job, settings, overwrite=given.force, progress=True, debug=given.debug), opening=given.open)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
