"""The commands: parse, call one function, print.

Exit codes: 0 done, 1 a fault of the program, 2 something that was given can't be used, 3 some cases of a batch failed,
4 an expectation of reportgen check doesn't hold, 130 interrupted, 143 terminated;
``docs/faults.md`` has all of them.
"""

from __future__ import annotations

import argparse
import atexit
import signal
import traceback
from collections.abc import Sequence

from reportgen.cli.arguments import BAD_INPUT, Parser, Version
from reportgen.cli.batch import add_batch
from reportgen.cli.build import add_build, add_demo
from reportgen.cli.check import add_check
from reportgen.cli.cohort import add_cohort
from reportgen.cli.compare import add_compare
from reportgen.cli.completion import answer, is_asked
from reportgen.cli.doctor import add_doctor
from reportgen.cli.editing import add_completion, add_init, add_schema
from reportgen.cli.evaluate import add_evaluate
from reportgen.cli.inspect import add_inspect
from reportgen.cli.phantom import add_phantom
from reportgen.cli.share import add_dicom, add_email, add_pdf, add_site, add_theme, add_verify
from reportgen.cli.train import add_train
from reportgen.system.errors import ReportgenError
from reportgen.system.signals import SIGNALS, stoppable
from reportgen.system.terminal import OutputLostError, flush, occupy_standard_streams, tell
from reportgen.system.text import visible

FAULT, READER_GONE = 1, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    occupy_standard_streams()
    atexit.unregister(_finish_undisturbed)
    atexit.register(_finish_undisturbed)
    with stoppable() as stop:
        try:
            code, line = _outcome(arguments)
        except KeyboardInterrupt:
            stop.number = stop.number or signal.SIGINT
        except Exception:
            # a library may turn the interruption into an error of its own
            if stop.number is None:
                raise
        if stop.number is not None:
            _finish_undisturbed()
            code, line = 128 + stop.number, "interrupted" if stop.number == signal.SIGINT else "terminated"
        if line:
            tell(f"reportgen: {line}")
    return code


def _outcome(arguments: Sequence[str] | None) -> tuple[int, str]:
    """Run a command; return its exit code and what to say of it, if anything."""
    debug, code = False, None
    try:
        try:
            parser = make_parser()
            if is_asked():
                answer(parser)
            given = parser.parse_args(arguments)
            debug = given.debug
            code = given.run(given)
        finally:
            flush()
    except ReportgenError as problem:
        if debug:
            traceback.print_exc()
        return BAD_INPUT, str(problem)
    except (OutputLostError, BrokenPipeError) as lost:
        if isinstance(lost, BrokenPipeError) or lost.quietly:
            return READER_GONE, ""
        return FAULT, f"standard output can't be written ({lost}); what was asked for is done"
    except Exception as fault:  # noqa: BLE001 - whatever it is, it's told
        if debug:
            traceback.print_exc()
        what = visible(" ".join(str(fault).split()))
        return FAULT, f"internal error: {type(fault).__name__}: {what}; --debug shows where"
    return code or 0, ""


def _finish_undisturbed() -> None:
    """Ignore signals while the interpreter ends: nothing is left to stop, only a traceback would come of it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with all commands."""
    parser = Parser(
        prog="reportgen",
        description="Turn an image CNN and a few images into one self-contained HTML report: predictions, feature "
        "maps, where the model looked, and a commentary that compares cases side by side. It explains a model; "
        "it never diagnoses.",
        epilog="reportgen COMMAND --help shows the options and examples of a command. "
        "Exit codes: 0 done, 1 internal error, 2 bad input, 3 some cases of a batch failed, 4 an expectation "
        "doesn't hold, 130 interrupted, 143 terminated.",
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        add_build, add_batch, add_demo, add_inspect, add_pdf, add_email, add_dicom, add_site, add_verify, add_theme,
        add_train, add_evaluate, add_check, add_cohort, add_compare, add_phantom, add_init, add_schema, add_completion,
        add_doctor,
    ):  # fmt: skip
        add(commands)
    return parser
