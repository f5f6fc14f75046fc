"""Shell completion by argcomplete, which is loaded only where a shell asks or the user does."""

from __future__ import annotations

import argparse
import os
import types
import typing
from collections.abc import Iterator
from typing import Any

from reportgen.system.errors import ReportgenError
from reportgen.system.libraries import install_extra

_PLACES = {
    "bash": "~/.local/share/bash-completion/completions/reportgen",
    "zsh": "_reportgen in a folder of $fpath, before compinit",
    "fish": "~/.config/fish/completions/reportgen.fish",
}


def is_asked() -> bool:
    """Return whether a shell asks how a command line may go on."""
    return "_ARGCOMPLETE" in os.environ


def answer(parser: argparse.ArgumentParser) -> None:
    """Answer the shell, and end the process; do nothing where argcomplete is missing."""
    try:
        import argcomplete
    except ImportError:
        return
    for command in _parsers(parser):
        for action in command._actions:
            choices = _choices(action.dest)
            if choices:
                action.completer = argcomplete.ChoicesCompleter(dict.fromkeys(choices, ""))  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def shell_code(shell: str) -> str:
    """Return what a shell is to read.

    Parameters
    ----------
    shell
        ``bash``, ``zsh`` or ``fish``.

    Raises
    ------
    ReportgenError
        When argcomplete is not installed.
    """
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        raise ReportgenError("completion needs argcomplete", install_extra("completion")) from None
    code: str = shellcode(["reportgen"], shell=shell)
    first, _, rest = code.strip("\n").partition("\n")
    # zsh looks at the first line
    return f"{first}\n# completion of reportgen for {shell}; its place: {_PLACES[shell]}\n{rest}\n"


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def _choices(dest: str) -> tuple[str, ...]:
    """Return the words that the setting behind a flag can be, where these are few."""
    from reportgen.settings.job import Job
    from reportgen.settings.report import Settings

    section, _, key = dest.partition("__")
    tables = typing.get_type_hints(Settings) | typing.get_type_hints(Job)
    if dest == "language":
        return tuple(_words(tables["language"]))
    if not key or section not in tables:
        return ()
    return tuple(_words(typing.get_type_hints(tables[section])[key]))


def _words(kind: Any) -> Iterator[str]:
    if typing.get_origin(kind) is typing.Literal:
        yield from (word for word in typing.get_args(kind) if isinstance(word, str))
    elif typing.get_origin(kind) in (typing.Union, types.UnionType, tuple):
        for member in typing.get_args(kind):
            yield from _words(member)
