"""``reportgen build`` and ``reportgen demo``: make a report."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.cli.arguments import add_command, add_force, add_open, say_made
from reportgen.cli.flags import add_flags, tables_from
from reportgen.system.errors import SettingsError
from reportgen.system.terminal import say

if TYPE_CHECKING:
    from reportgen.settings.job import Job
    from reportgen.settings.report import Settings

_BUILD = """reportgen build NORMAL=a.jpeg PNEUMONIA=b.jpeg -o report.html
reportgen build a.png b.png -m model.keras --patch 16 --stride 4 --json report.json
reportgen build NORMAL=a.jpeg PNEUMONIA=b.jpeg --pdf --email --to "Dr. Roe <roe@example.org>"
reportgen build photo.jpeg -m keras:VGG16 --fill 250,128,128
reportgen build a.dcm b.dcm -m old_model.h5 --preprocess try
reportgen build NORMAL=a.jpeg PNEUMONIA=b.jpeg --mask NORMAL:lungs=lungs.png --mask 2:opacity=op.png
reportgen build chest_xray/ --open
reportgen build -c report.toml -f"""
_DEMO = "reportgen demo -o report.html --json report.json"


def add_build(commands: Any) -> None:
    """Add the command that makes a report of images."""
    build = add_command(commands, "build", "make a report", _build, _BUILD)
    build.add_argument(
        "cases",
        nargs="*",
        metavar="[LABEL=]IMAGE",
        help="1 to 12 images; a label says what it should be; or a folder of two classes, of which a pair is taken",
    )
    build.add_argument("-m", "--model", metavar="MODEL", help=".keras or .h5 file, SavedModel "
                       "folder, keras:NAME, keras:NAME@weights.h5, "
                       "keras:NAME@random; left out: the built-in chest X-ray model")  # fmt: skip
    build.add_argument("-c", "--config", metavar="FILE", help="settings file (TOML); a flag beats the file")
    build.add_argument(
        "--mask",
        metavar="[CASE:]NAME=FILE",
        action="append",
        default=[],
        help="a known region, such as the lungs: an image, bright inside, or a DICOM segmentation; CASE is a label, or "
        "a number from 1; repeats",
    )
    _add_outputs(build)
    add_flags(build)


def add_demo(commands: Any) -> None:
    """Add the command that makes a report without any file."""
    demo = add_command(commands, "demo", "make a report of two synthetic X-rays with the built-in model", _demo, _DEMO)
    _add_outputs(demo)
    add_flags(demo)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--html", metavar="FILE", help="HTML file to write; default report.html")
    parser.add_argument("--json", metavar="FILE", help="write the numbers as JSON, too")
    parser.add_argument("--figures", metavar="DIR", help="write each picture as a file, too")
    parser.add_argument("--pdf", metavar="FILE.pdf", nargs="?", const="", help="write a PDF, too; default: as the HTML")
    parser.add_argument(
        "--email", metavar="FILE.eml", nargs="?", const="", help="write an e-mail about it, too; default: as the HTML"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="tell how many bytes each section of the page has")
    add_open(parser)
    add_force(parser)


def _build(given: argparse.Namespace) -> None:
    from reportgen.settings.file import merge, read_settings
    from reportgen.workflows.making import add_masks, build, pair_of_folder, parse_cases

    tables = read_settings(Path(given.config)) if given.config else {}
    flags = tables_from(given)
    if len(given.cases) == 1 and Path(given.cases[0]).is_dir():
        cases, told = pair_of_folder(Path(given.cases[0]))
        say(f"{told}\n")
        flags["cases"] = [dataclasses.asdict(case) for case in cases]
    elif given.cases:
        flags["cases"] = [dataclasses.asdict(case) for case in parse_cases(given.cases)]
    if given.model is not None:
        flags.setdefault("model", {})["path"] = given.model
    job, settings = _checked(given, merge(tables, flags))
    job = add_masks(job, given.mask)
    config = Path(given.config) if given.config else None
    say_made(
        build(
            job, settings, config=config, overwrite=given.force, progress=True, debug=given.debug, verbose=given.verbose
        ),
        opening=given.open,
    )


def _demo(given: argparse.Namespace) -> None:
    from reportgen.workflows.making import demo

    job, settings = _checked(given, tables_from(given))
    made = demo(job, settings, overwrite=given.force, progress=True, debug=given.debug, verbose=given.verbose)
    say_made(made, opening=given.open)


def _checked(given: argparse.Namespace, tables: dict[str, Any]) -> tuple[Job, Settings]:
    """Return what is to be run, and how."""
    from reportgen.settings.file import job_from, merge, settings_from

    named = {"html": given.html, "json": given.json, "figures": given.figures, "pdf": given.pdf, "email": given.email}
    tables = merge(tables, {"output": {key: value for key, value in named.items() if value is not None}})
    job = job_from(tables)
    if job.output.email is None and "email" in tables_from(given):
        raise SettingsError("--to and other flags about an e-mail do nothing without --email", "give that, too")
    return job, settings_from(tables)
