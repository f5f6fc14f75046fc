"""``reportgen inspect``: what a model takes and gives."""

from __future__ import annotations

import argparse
from typing import Any

from reportgen.cli.arguments import add_command
from reportgen.cli.flags import INSPECTED, add_flags, tables_from
from reportgen.system.terminal import say

_EXAMPLES = """reportgen inspect model.keras
reportgen inspect keras:ResNet50@random --json"""


def add_inspect(commands: Any) -> None:
    """Add the command."""
    inspect = add_command(
        commands, "inspect", "show what a model takes, gives, and which layers can be shown", _inspect, _EXAMPLES
    )
    inspect.add_argument("model", nargs="?", help="as for build -m; left out: the built-in model")
    inspect.add_argument("--json", action="store_true", help="print JSON")
    add_flags(inspect, INSPECTED)


def _inspect(given: argparse.Namespace) -> None:
    from reportgen.settings.file import settings_from
    from reportgen.workflows.making import inspect

    flags = tables_from(given, INSPECTED)
    if given.model is not None:
        flags.setdefault("model", {})["path"] = given.model
    say(inspect(settings_from(flags), as_json=given.json, debug=given.debug))
