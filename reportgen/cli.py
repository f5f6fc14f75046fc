"""The commands: parse, call one function, print.

Exit codes: 0 done, 1 a fault of the program, 2 something that was given can't be used, 130 interrupted, 143 terminated;
``docs/faults.md`` has all of them.
"""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import signal
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen import passing_on
from reportgen.errors import ReportgenError, SettingsError
from reportgen.flags import INSPECTED, add_flags, tables_from
from reportgen.interruption import SIGNALS, stoppable
from reportgen.parsing import BAD_INPUT, Parser, Version, add_command, add_force, say_made, say_written
from reportgen.terminal import OutputLostError, flush, occupy_standard_streams, say, tell
from reportgen.visible import visible

FAULT, READER_GONE = 1, 141

if TYPE_CHECKING:
    from reportgen.job import Job

_EXAMPLES = {
    "build": """reportgen build NORMAL=a.jpeg PNEUMONIA=b.jpeg -o report.html
reportgen build a.png b.png -m model.keras --patch 16 --stride 4 --json report.json
reportgen build NORMAL=a.jpeg PNEUMONIA=b.jpeg --pdf --email --to "Dr. Roe <roe@example.org>"
reportgen build photo.jpeg -m keras:VGG16 --fill 250,128,128
reportgen build a.dcm b.dcm -m old_model.h5 --preprocess try
reportgen build -c report.toml -f""",
    "demo": """reportgen demo -o report.html --json report.json""",
    "inspect": """reportgen inspect model.keras
reportgen inspect keras:ResNet50@random --json""",
    "train": """reportgen train chest_xray/ -o model.keras --test chest_xray/test
reportgen train --phantoms 400 --architecture two_xrays --epochs 4 -o model.keras""",
    "phantom": """reportgen phantom normal.png --seed 3
reportgen phantom pneumonia.png --seed 3 --opacities 2""",
}


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
    debug = False
    try:
        try:
            given = make_parser().parse_args(arguments)
            debug = given.debug
            given.run(given)
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
    return 0, ""


def _finish_undisturbed() -> None:
    """Ignore signals while the interpreter ends: nothing is left to stop, only a traceback would come of it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _build(given: argparse.Namespace) -> None:
    from reportgen import commands, settings_file

    tables = settings_file.read_settings(Path(given.config)) if given.config else {}
    flags = tables_from(given)
    if given.cases:
        flags["cases"] = [dataclasses.asdict(case) for case in commands.parse_cases(given.cases)]
    if given.model is not None:
        flags.setdefault("model", {})["path"] = given.model
    merged = settings_file.merge(tables, settings_file.merge(flags, _outputs(given)))
    job, settings = settings_file.job_from(merged), settings_file.settings_from(merged)
    _check_email(given, job)
    config = Path(given.config) if given.config else None
    say_made(commands.build(job, settings, config=config, overwrite=given.force, progress=True, debug=given.debug))


def _demo(given: argparse.Namespace) -> None:
    from reportgen import commands, settings_file

    merged = settings_file.merge(tables_from(given), _outputs(given))
    job, settings = settings_file.job_from(merged), settings_file.settings_from(merged)
    _check_email(given, job)
    say_made(commands.demo(job, settings, overwrite=given.force, progress=True, debug=given.debug))


def _inspect(given: argparse.Namespace) -> None:
    from reportgen import commands, settings_file

    flags = tables_from(given, INSPECTED)
    if given.model is not None:
        flags.setdefault("model", {})["path"] = given.model
    chosen = settings_file.settings_from(flags)
    say(commands.inspect(chosen, as_json=given.json, debug=given.debug))


def _train(given: argparse.Namespace) -> None:
    from reportgen import commands

    commands.train(
        Path(given.output), folder=given.folder, test_folder=given.test, phantoms=given.phantoms,
        architecture=given.architecture, card={"purpose": given.purpose, "source": given.source}, epochs=given.epochs,
        batch=given.batch, seed=given.seed, overwrite=given.force, debug=given.debug,
    )  # fmt: skip
    say_written([Path(given.output)])


def _phantom(given: argparse.Namespace) -> None:
    from reportgen import commands

    path = Path(given.output)
    commands.draw_phantom(path, given.seed, given.opacities, overwrite=given.force)
    say_written([path])


def _doctor(given: argparse.Namespace) -> None:  # noqa: ARG001 - every command takes what was given
    from reportgen import doctor

    broken = []
    for finding in doctor.examine():
        mark = "ok" if finding.is_there else "MISSING" if finding.is_needed else "absent"
        advice = "" if finding.is_there else f"; {finding.advice}"
        say(f"{mark:8} {finding.name:16} {visible(finding.told)}{advice}\n")
        broken += [finding.name] if finding.is_needed and not finding.is_there else []
    if broken:
        raise ReportgenError(f"reportgen can't work as it is: {', '.join(broken)}", "see above")


def _check_email(given: argparse.Namespace, job: Job) -> None:
    if job.output.email is None and "email" in tables_from(given):
        raise SettingsError("--to and other flags about an e-mail do nothing without --email", "give that, too")


def _outputs(given: argparse.Namespace) -> dict[str, Any]:
    named = {"html": given.html, "json": given.json, "figures": given.figures, "pdf": given.pdf, "email": given.email}
    return {"output": {key: value for key, value in named.items() if value is not None}}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with all commands."""
    parser = Parser(
        prog="reportgen",
        description="Turn an image CNN and a few images into one self-contained HTML report: predictions, feature "
        "maps, where the model looked, and a commentary that compares cases side by side. It explains a model; "
        "it never diagnoses.",
        epilog="reportgen COMMAND --help shows the options and examples of a command. "
        "Exit codes: 0 done, 1 internal error, 2 bad input, 130 interrupted, 143 terminated.",
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    build = add_command(commands, "build", "make a report", _build, _EXAMPLES["build"])
    build.add_argument(
        "cases", nargs="*", metavar="[LABEL=]IMAGE", help="1 to 12 images; a label says what it should be"
    )
    build.add_argument("-m", "--model", metavar="MODEL", help=".keras or .h5 file, SavedModel "
                       "folder, keras:NAME, keras:NAME@weights.h5, "
                       "keras:NAME@random; left out: the built-in chest X-ray model")  # fmt: skip
    build.add_argument("-c", "--config", metavar="FILE", help="settings file (TOML); a flag beats the file")
    _add_outputs(build)
    add_flags(build)

    demo = add_command(
        commands, "demo", "make a report of two synthetic X-rays with the built-in model", _demo, _EXAMPLES["demo"]
    )
    _add_outputs(demo)
    add_flags(demo)

    inspect = add_command(
        commands,
        "inspect",
        "show what a model takes, gives, and which layers can be shown",
        _inspect,
        _EXAMPLES["inspect"],
    )
    inspect.add_argument("model", nargs="?", help="as for build -m; left out: the built-in model")
    inspect.add_argument("--json", action="store_true", help="print JSON")
    add_flags(inspect, INSPECTED)

    passing_on.add_commands(commands)

    train = add_command(
        commands, "train", "train a small CNN on folders of images, phantoms, or both", _train, _EXAMPLES["train"]
    )
    train.add_argument("folder", nargs="?", help="holds CLASS/image or train/CLASS/image")
    train.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="model to write (.keras); a TOML goes beside it"
    )
    train.add_argument("--test", metavar="FOLDER", help="images that are only measured, FOLDER/CLASS/image")
    train.add_argument("--purpose", default="", metavar="TEXT", help="for the model card: what the model is for")
    train.add_argument(
        "--source", default="", metavar="TEXT", help="for the model card: origin and licence of the data"
    )
    train.add_argument("--phantoms", type=int, default=0, metavar="N", help="add N synthetic radiographs")
    train.add_argument("--architecture", default="chest_xray", metavar="NAME", help="chest_xray, two_xrays or cifar10")
    for name, what in (("epochs", "passes over the data"), ("batch", "images a step"), ("seed", "of all randomness")):
        train.add_argument(f"--{name}", type=int, metavar="N", help=what)
    add_force(train)

    phantom = add_command(commands, "phantom", "draw a synthetic chest radiograph", _phantom, _EXAMPLES["phantom"])
    phantom.add_argument("output", help="PNG file to write")
    phantom.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed draws the same thorax")
    phantom.add_argument("--opacities", type=int, default=0, metavar="N", help="how many opacities; 0 is normal")
    add_force(phantom)

    add_command(commands, "doctor", "check that everything is there that reportgen needs", _doctor, "reportgen doctor")
    return parser


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--html", metavar="FILE", help="HTML file to write; default report.html")
    parser.add_argument("--json", metavar="FILE", help="write the numbers as JSON, too")
    parser.add_argument("--figures", metavar="DIR", help="write each picture as a file, too")
    parser.add_argument("--pdf", metavar="FILE.pdf", nargs="?", const="", help="write a PDF, too; default: as the HTML")
    parser.add_argument(
        "--email", metavar="FILE.eml", nargs="?", const="", help="write an e-mail about it, too; default: as the HTML"
    )
    add_force(parser)
