"""``reportgen doctor``: whether everything is there that reportgen needs."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command
from reportgen.system.errors import ReportgenError
from reportgen.system.libraries import install_extra, library_version, list_requirements, pango_install
from reportgen.system.silence import load_weasyprint
from reportgen.system.terminal import say
from reportgen.system.text import visible

NEEDED_PYTHON = (3, 11)
_OPTIONAL = {
    "cluster": "reportgen batch on several processes or machines, Parquet",
    "dicom": "DICOM images, reportgen dicom", "email": "the password of a mail server from the keyring",
    "evaluate": "reportgen evaluate",
    "legacy": "models saved by Keras 2", "pdf": "reportgen pdf and email, --pdf",
    "s3": "cases, results and sites at s3://", "tiff": "unusual TIFF files",
}  # fmt: skip
_SECONDS = 120


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it's there, whether it must be, and what to do where it isn't."""

    name: str
    is_there: bool
    told: str
    advice: str = ""
    is_needed: bool = True


def examine() -> Iterator[Finding]:
    """Look at Python, the libraries, Pango, TensorFlow and where files are written; one finding at a time."""
    version = platform.python_version()
    yield Finding(
        "Python", sys.version_info >= NEEDED_PYTHON, version, f"install {'.'.join(map(str, NEEDED_PYTHON))} or later"
    )
    missing = {name: told for extra, name, told in _libraries() if not extra and told}
    yield Finding(
        "libraries", not missing, ", ".join(missing.values()) or f"all of reportgen {library_version('reportgen')}",
        "install it again, from where it was installed",
    )  # fmt: skip
    yield _tensorflow()
    yield _folder()
    for extra, what in _OPTIONAL.items():
        lacking = [told for one, _, told in _libraries() if one == extra and told]
        yield Finding(
            f"extra {extra}", not lacking, ", ".join(lacking) or what, f"for {what}: {install_extra(extra)}",
            is_needed=False,
        )  # fmt: skip
    pango = _pango()
    yield pango
    if pango.is_there:
        yield _fonts()


def _libraries() -> Iterator[tuple[str, str, str]]:
    """Give each library as (extra, name, what is wrong with it), of those that reportgen asks for."""
    from packaging.requirements import Requirement

    for extra, text in list_requirements():
        wanted = Requirement(text)
        if extra and extra not in _OPTIONAL:
            continue
        found = library_version(wanted.name)
        problem = "is missing" if found is None else "" if wanted.specifier.contains(found, prereleases=True) else (
            f"{found} is too old, it takes {wanted.specifier}"
        )  # fmt: skip
        yield extra, wanted.name, f"{wanted.name} {problem}" if problem else ""


def _tensorflow() -> Finding:
    """Load TensorFlow in a process of its own: where it doesn't fit the processor, it takes the process with it."""
    product = "tf.nn.conv2d(tf.ones((1, 8, 8, 3)), tf.ones((3, 3, 3, 2)), 1, 'VALID')"
    program = f"import tensorflow as tf; print(float(tf.reduce_sum({product})))"
    try:
        done = subprocess.run(  # noqa: S603 - this very Python
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=_SECONDS, check=False,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        )  # fmt: skip
        works = done.returncode == 0 and done.stdout.strip() == "1944.0"
        reason = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1][:120]
    except (OSError, subprocess.TimeoutExpired):
        works, reason = False, f"it gave no answer in {_SECONDS} s"
    told = f"{library_version('tensorflow')}, Keras {library_version('keras')}"
    return Finding(
        "TensorFlow",
        works,
        told if works else f"{told}: {reason}",
        "pip install --force-reinstall tensorflow; it needs a processor with AVX",
    )


def _folder() -> Finding:
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "a").write_bytes(b"a")
            (Path(folder) / "a").replace(Path(folder) / "b")
    except OSError as problem:
        return Finding(
            "temporary files",
            False,
            f"can't be written ({problem.strerror})",
            "set TMPDIR to a folder that can be written to",
        )
    return Finding("temporary files", True, "can be written")


def _pango() -> Finding:
    try:
        load_weasyprint()
        from weasyprint.text.ffi import pango

        number = int(pango.pango_version())
    except ImportError:
        return Finding("Pango", False, "not looked for, as WeasyPrint is missing", "see above", is_needed=False)
    except OSError as problem:
        lines = str(problem).splitlines() or ["it can't be loaded"]
        return Finding("Pango", False, lines[0][:120], f"for PDF: {pango_install()}", is_needed=False)
    return Finding("Pango", True, f"{number // 10000}.{number // 100 % 100}.{number % 100}", is_needed=False)


def _fonts() -> Finding:
    """Look for fonts with the letters that a PDF may need besides those that come along."""
    from reportgen.outputs.documents.letters import advise_fonts, find_lacking

    there, lacking = find_lacking()
    told = f"no letters: {', '.join(lacking)}" if lacking else f"letters: {', '.join(there)}"
    advice = f"for PDF in them: {advise_fonts(lacking)}" if lacking else ""
    return Finding("fonts", not lacking, told, advice, is_needed=False)


def add_doctor(commands: Any) -> None:
    """Add the command."""
    what = "check that everything is there that reportgen needs"
    add_command(commands, "doctor", what, _doctor, "reportgen doctor")


def _doctor(given: argparse.Namespace) -> None:  # noqa: ARG001 - every command takes what was given
    broken = []
    for finding in examine():
        mark = "ok" if finding.is_there else "MISSING" if finding.is_needed else "absent"
        advice = "" if finding.is_there else f"; {finding.advice}"
        say(f"{mark:8} {finding.name:16} {visible(finding.told)}{advice}\n")
        broken += [finding.name] if finding.is_needed and not finding.is_there else []
    if broken:
        raise ReportgenError(f"reportgen can't work as it is: {', '.join(broken)}", "see above")
