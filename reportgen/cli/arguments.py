"""How the command line is read: one parser, whose errors are one line, and what its commands share."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from reportgen.outputs.made import Made
from reportgen.system.addresses import RemotePath
from reportgen.system.terminal import say, tell
from reportgen.system.text import visible

BAD_INPUT = 2
_NEGATIVE = re.compile(r"-\.?\d")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, that guesses at no flag, and whose help can be lost without a traceback."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"allow_abbrev": False})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read arguments; what begins with a minus and a digit is a value, such as ``-600/1500``: no flag does."""
        joined: list[str] = []
        for argument in sys.argv[1:] if args is None else args:
            after_flag = bool(joined) and joined[-1].startswith("--") and "=" not in joined[-1]
            if after_flag and joined[-1] != "--" and _NEGATIVE.match(argument):
                joined[-1] += f"={argument}"
            else:
                joined.append(argument)
        return super().parse_known_args(joined, namespace)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit."""
        if "are required" in message and "COMMAND" not in message:
            message += " (a flag before it may have taken it: give it first)"
        tell(f"{self.prog}: {visible(' '.join(message.split()))}; see {self.prog} --help")
        self.exit(BAD_INPUT)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help; argparse's own way hides that nobody gets it."""
        if message and file is not sys.stderr:
            say(message)
        elif message:
            tell(message.rstrip("\n"))


def add_command(
    commands: Any, name: str, what: str, run: Callable[[argparse.Namespace], object], examples: str
) -> argparse.ArgumentParser:
    """Add a command with its help; ``examples`` one a line."""
    title = "examples" if "\n" in examples else "example"
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=what, description=f"{what[0].upper()}{what[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join([f"{title}:", *(f"  {line}" for line in examples.splitlines())]),
    )  # fmt: skip
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=run)
    return parser


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add the flag that allows to replace what is there."""
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing output")


def add_open(parser: argparse.ArgumentParser) -> None:
    """Add the flag that shows what was written."""
    parser.add_argument("--open", action="store_true", help="show what was written, in the browser")


def say_made(made: Made, *, opening: bool = False) -> None:
    """Tell what a command made, after what to be warned of; ``opening``: show the first of it that can be shown."""
    for line in made.cautions:
        say_caution(line)
    for line in made.said:
        say(f"{visible(line)}\n")
    say_written(made.written)
    if opening:
        from reportgen.system.browser import open_first

        problem = open_first(made.written or (() if made.site is None else (made.site,)))
        if problem:
            say_caution(problem)


def say_caution(line: str) -> None:
    """Warn the user."""
    tell(f"reportgen: {visible(' '.join(line.split()))}")


def say_written(written: Sequence[Path | RemotePath]) -> None:
    """Tell which files were written, and how large they are."""
    for path in written:
        size = path.stat().st_size / 1e6 if isinstance(path, Path) and path.is_file() else None
        say(f"wrote {visible(str(path))}" + (f" ({size:.2f} MB)" if size is not None else "") + "\n")


class Version(argparse.Action):
    """Look the version up only when it's asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the version and exit."""
        from importlib.metadata import version

        say(f"reportgen {version('reportgen')}\n")
        parser.exit(0)
