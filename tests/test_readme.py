"""What the README shows is what the program takes."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from reportgen.cli.main import make_parser
from reportgen.settings.file import job_from, settings_from

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^reportgen .*", README, re.M)


def test_the_settings_are_valid():
    """Every setting is in the example of docs/settings.md; here are but a few."""
    tables = tomllib.loads(re.search(r"```toml\n(.*?)```", README, re.S).group(1))
    settings_from(tables)
    assert job_from(tables).cases[0].label == "NORMAL"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one(command):
    given = make_parser().parse_args(shlex.split(command, comments=True)[1:])
    assert callable(given.run)


def test_the_tour_has_every_command_that_passes_a_report_on():
    assert {"demo", "build", "inspect", "pdf", "email", "dicom", "site", "verify"} <= {
        command.split()[1] for command in COMMANDS
    }
