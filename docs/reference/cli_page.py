"""What docs/cli.md tells: every command, from the parser's own arguments.

Built from the actions, not from argparse's help, whose layout differs from one version of Python to the next.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reportgen.cli.main import make_parser

from .docstrings import as_markdown
from .settings_page import default_at

COMMON = ("--help", "--debug")  # of every command


@dataclass(frozen=True)
class Row:
    """One argument: how it is written, what it does, and its default where there is one."""

    written: str
    what: str
    default: str


@dataclass(frozen=True)
class Group:
    """Arguments that belong together; where an earlier command has the same, its name instead of them."""

    title: str
    rows: tuple[Row, ...]
    same_as: str = ""


@dataclass(frozen=True)
class Command:
    """One command: what it does, how it is called, its arguments, and examples as they are typed."""

    name: str
    what: str
    usage: str
    groups: tuple[Group, ...]
    examples: str


def commands() -> tuple[Command, ...]:
    """Return all commands, in the order of ``reportgen --help``."""
    found: list[Command] = []
    for name, parser in _parsers():
        groups = tuple(_shortened(group, found) for group in _groups(parser))
        _, _, examples = (parser.epilog or "").partition(":\n")
        lines = [line.removeprefix("  ") for line in examples.splitlines()]
        found.append(Command(name, parser.description or "", _usage(name, parser), groups, "\n".join(lines)))
    return tuple(found)


def written_flags() -> set[str]:
    """Return everything that can be written on the command line, as flags or as metavars of what has none."""
    actions = [action for _, parser in _parsers() for action in parser._actions]
    return {text for action in actions for text in (*action.option_strings, str(action.metavar))}


def _parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in make_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _groups(parser: argparse.ArgumentParser) -> Iterator[Group]:
    """Return the arguments by their groups; those of argparse's own two groups need no title."""
    own = [action for group in parser._action_groups[:2] for action in group._group_actions]
    yield Group("", tuple(_row(action) for action in own if not _is_common(action)))
    for group in parser._action_groups[2:]:
        yield Group(str(group.title), tuple(_row(action) for action in group._group_actions))


def _shortened(group: Group, earlier: list[Command]) -> Group:
    """Return a group without its rows where an earlier command has just the same."""
    for command in earlier:
        if group.title and group in command.groups:
            return Group(group.title, (), same_as=command.name)
    return group


def _row(action: argparse.Action) -> Row:
    what = (action.help or "") % (vars(action) | {"prog": "reportgen"})
    return Row(_written(action), as_markdown(what), _default(action))


def _written(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return value
    return ", ".join(f"{name} {value}".rstrip() for name in action.option_strings)


def _value(action: argparse.Action) -> str:
    """Return how the value of an argument is written, and how often."""
    name = str(action.metavar or action.dest.upper())
    many = {None: name, "?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]", 0: ""}
    return many[action.nargs if action.nargs is None or isinstance(action.nargs, str) else 0]


def _default(action: argparse.Action) -> str:
    section, _, key = action.dest.partition("__")
    if isinstance(action, argparse._StoreConstAction):
        return ""  # a switch is off
    value: Any = default_at((section, key)) if key else action.default
    if value in (None, (), [], ""):
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    own = [action for action in parser._actions if not _is_common(action)]
    needed = [_written(action).split(", ")[0] for action in own if action.option_strings and action.required]
    places = [_value(action) for action in own if not action.option_strings]
    optional = ["[OPTIONS]"] if any(action.option_strings and not action.required for action in own) else []
    return " ".join(["reportgen", name, *optional, *needed, *places])


def _is_common(action: argparse.Action) -> bool:
    return not set(COMMON).isdisjoint(action.option_strings)
