"""evaluation.json: a classifier's evaluation with all its numbers and thumbnails, written and read back strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reportgen.outputs.saved.content import Problem, read_content
from reportgen.outputs.saved.evaluation_integrity import evaluation_flaw
from reportgen.outputs.saved.report_json import content_digest, encode_json, to_plain
from reportgen.outputs.saved.schema import MisfitError, from_plain
from reportgen.report.evaluation import EVALUATION_KIND, EVALUATION_SCHEMA, ClassifierEvaluation
from reportgen.system.errors import OutputError

_WANTED = "an evaluation.json"


def render_evaluation_json(evaluation: ClassifierEvaluation) -> bytes:
    """Return an evaluation as indented JSON; thumbnails stand in it as base64, and a digest of all the rest."""
    document = to_plain(evaluation)
    return encode_json(document | {"content_sha256": content_digest(document)})


def is_evaluation(path: Path) -> bool:
    """Return whether a file seems to be a saved evaluation rather than data or a model: by its first bytes."""
    try:
        with path.open("rb") as file:
            return path.is_file() and f'"kind": "{EVALUATION_KIND}"'.encode() in file.read(300)
    except (OSError, ValueError):
        return False


def read_evaluation(path: Path) -> ClassifierEvaluation:
    """Read an evaluation that was written earlier.

    Parameters
    ----------
    path
        The JSON.

    Raises
    ------
    OutputError
        When there is no such file, or it's no evaluation of this program, of an unknown schema, edited or cut off.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        raise OutputError(f"evaluation not found: {path}", "check the path") from None
    except OSError as problem:
        raise OutputError(f"{path} can't be read ({problem.strerror})", "check its permissions") from None
    except Problem as problem:
        advice = problem.advice or f"give {_WANTED} that reportgen evaluate --json wrote"
        raise OutputError(f"{path} {problem}", advice) from None


def _read(path: Path) -> ClassifierEvaluation:
    table = _loaded(read_content(path, wanted=_WANTED))
    plain = {key: value for key, value in table.items() if key != "content_sha256"}
    try:
        evaluation = from_plain(ClassifierEvaluation, plain, "evaluation")
    except MisfitError as misfit:
        raise Problem(f"was edited, or written by a newer reportgen: {misfit}") from None
    found = evaluation_flaw(evaluation)
    if found:
        raise Problem(f"was edited: {found}")
    return evaluation


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        table = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Problem("is no evaluation, or a damaged one") from None
    if not isinstance(table, dict) or table.get("kind") != EVALUATION_KIND:
        raise Problem("is no evaluation")
    version = table.get("schema_version")
    if version != EVALUATION_SCHEMA:
        age = "newer" if isinstance(version, int) and version > EVALUATION_SCHEMA else "another"
        raise Problem(f"was written by {age} reportgen (schema {version!s:.20}, this one reads {EVALUATION_SCHEMA})")
    try:
        digest = content_digest(table)
    except (ValueError, RecursionError):
        digest = ""
    if table.get("content_sha256") != digest:
        raise Problem("was edited: what it says is not what was written")
    return table
