"""``reportgen compare``: two models on the same cases."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_force, add_open, say_made
from reportgen.cli.flags import add_flags, tables_from

_EXAMPLES = """reportgen compare old.keras new.keras test/ -o compare.html
reportgen compare builtin new.keras cases.csv --no-occlusion --csv disagree.csv
reportgen compare out-old/ out-new/ --json compare.json"""
_SECTIONS = ("model", "preprocessing", "images", "limits", "occlusion")
_DEFAULT = "compare.html"


def add_compare(commands: Any) -> None:
    """Add the command."""
    compare = add_command(
        commands, "compare", "compare what two models say of the same cases", _compare, _EXAMPLES
    )  # fmt: skip
    for place, name in (("first", "A"), ("second", "B")):
        compare.add_argument(
            place, metavar=name, help="a model as for build, builtin, or the folder of a batch that was run with it"
        )
    compare.add_argument(
        "cases", nargs="?", metavar="CASES", help="as for batch; left out where both were run over a batch"
    )
    compare.add_argument("-o", "--html", metavar="FILE", help=f"page to write; default {_DEFAULT}")
    compare.add_argument("--json", metavar="FILE", help="write all numbers")
    compare.add_argument("--csv", metavar="FILE", help="write a table of the cases where they disagree")
    compare.add_argument("--limit", dest="first_cases", type=int, metavar="N", help="only the first N cases")
    compare.add_argument("--image-column", metavar="NAME", help="of a table: its column with the image")
    compare.add_argument("--label-column", metavar="NAME", help="of a table: its column with the label")
    compare.add_argument("--skip-unreadable", action="store_true", help="leave out images that can't be read")
    compare.add_argument("--title", default="", metavar="TEXT", help="title of the page")
    compare.add_argument("--language", metavar="CODE", help="language of the page: en or de")
    compare.add_argument("--no-occlusion", action="store_true", help="compare scores only, no maps")
    add_open(compare)
    add_force(compare)
    add_flags(compare, _SECTIONS)


def _compare(given: argparse.Namespace) -> None:
    from reportgen.settings.batch import CaseSource
    from reportgen.settings.compare import CompareJob
    from reportgen.settings.file import merge, settings_from
    from reportgen.workflows.compare import compare

    occlusion: dict[str, Any] = {"occlusion": {"enabled": False}} if given.no_occlusion else {}
    spoken = {} if given.language is None else {"language": given.language}
    settings = settings_from(merge(merge(tables_from(given, _SECTIONS), occlusion), spoken))
    source = None if given.cases is None else CaseSource(
        cases=given.cases, pair_by="", limit=given.first_cases, image_column=given.image_column,
        label_column=given.label_column,
    )  # fmt: skip
    job = CompareJob(
        first=given.first, second=given.second, source=source,
        html=Path(_DEFAULT if given.html is None else given.html),
        json=None if given.json is None else Path(given.json), csv=None if given.csv is None else Path(given.csv),
        skip_unreadable=given.skip_unreadable, title=given.title,
    )  # fmt: skip
    say_made(compare(job, settings, overwrite=given.force, progress=True, debug=given.debug), opening=given.open)
