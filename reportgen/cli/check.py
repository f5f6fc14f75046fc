"""``reportgen check``: whether a model is as expected, for continuous integration."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_force, say_made
from reportgen.cli.flags import add_flags, tables_from
from reportgen.system.errors import SettingsError

EXPECTATION_FAILED = 4
_EXAMPLES = """reportgen check report.toml --expect expectations.toml
reportgen check report.toml --expect expectations.toml -m new.keras --junit check.xml -f
reportgen check report.json --expect expectations.toml"""
_SECTIONS = ("model", "preprocessing")


def add_check(commands: Any) -> None:
    """Add the command."""
    check = add_command(
        commands, "check", "say whether a model is as expected, for continuous integration", _check, _EXAMPLES
    )
    check.add_argument("report", metavar="REPORT", help="settings file (TOML), or a saved report: its HTML or JSON")
    check.add_argument("--expect", required=True, metavar="FILE", help="what is expected (TOML): docs/ci.md")
    check.add_argument("-m", "--model", metavar="MODEL", help="as for build; beats the settings file")
    check.add_argument("--figures", metavar="DIR", help="where the pictures of a saved report.json are")
    check.add_argument("--junit", metavar="FILE", help="write the outcome as JUnit XML")
    add_force(check)
    add_flags(check, _SECTIONS)


def _check(given: argparse.Namespace) -> int:
    from reportgen.settings.file import job_from, merge, read_settings, settings_from
    from reportgen.workflows.check import CheckJob, check

    source, flags = Path(given.report), tables_from(given, _SECTIONS)
    if given.model is not None:
        flags.setdefault("model", {})["path"] = given.model
    junit, figures = (None if one is None else Path(one) for one in (given.junit, given.figures))
    job = CheckJob(source=source, expected=Path(given.expect), cases=job_from({}), junit=junit, figures=figures)
    if job.is_saved and flags:
        raise SettingsError("a saved report has its model and preprocessing", "give a settings file to choose others")
    if not job.is_saved and figures is not None:
        raise SettingsError("--figures is for a saved report.json", "leave it out")
    if not job.is_saved:
        tables = merge(read_settings(source), flags)
        job = CheckJob(source=source, expected=job.expected, cases=job_from(tables), junit=junit)
        flags = tables
    found = check(
        job, settings_from(flags), overwrite=given.force, progress=True, debug=given.debug
    )  # fmt: skip
    say_made(found.made)
    return EXPECTATION_FAILED if found.failed else 0
