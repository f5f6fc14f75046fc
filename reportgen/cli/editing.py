"""``reportgen init``, ``schema`` and ``completion``: what helps to write settings and commands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_force, say_made
from reportgen.settings.schema import FILES, SETTINGS, read_schema
from reportgen.system.terminal import say

SHELLS = ("bash", "zsh", "fish")


def add_init(commands: Any) -> None:
    """Add the command."""
    init = add_command(
        commands, "init", "write a first settings file, with comments, of what lies in a folder", _init,
        "reportgen init\nreportgen init chest_xray/ --force",
    )  # fmt: skip
    init.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="where images and models are looked for, and written"
    )
    add_force(init)


def add_schema(commands: Any) -> None:
    """Add the command."""
    schema = add_command(
        commands, "schema", "print the JSON schema of a file that you write, for editors", _schema,
        "reportgen schema > report.schema.json\n"
        "reportgen schema expectations > expectations.schema.json",
    )  # fmt: skip
    schema.add_argument(
        "file", nargs="?", choices=tuple(FILES), default=SETTINGS, help="settings (default), or expectations of check"
    )


def add_completion(commands: Any) -> None:
    """Add the command."""
    completion = add_command(
        commands, "completion", "print what makes a shell complete commands and flags", _completion,
        "reportgen completion bash > ~/.local/share/bash-completion/completions/reportgen\n"
        "reportgen completion zsh > ~/.zfunc/_reportgen   # with fpath+=~/.zfunc before compinit in ~/.zshrc\n"
        "reportgen completion fish > ~/.config/fish/completions/reportgen.fish",
    )  # fmt: skip
    completion.add_argument("shell", choices=SHELLS, help="whose")


def _init(given: argparse.Namespace) -> None:
    from reportgen.workflows.starting import write_first_settings

    say_made(write_first_settings(Path(given.folder), overwrite=given.force))


def _schema(given: argparse.Namespace) -> None:
    say(read_schema(given.file))


def _completion(given: argparse.Namespace) -> None:
    from reportgen.cli.completion import shell_code

    say(shell_code(given.shell))
