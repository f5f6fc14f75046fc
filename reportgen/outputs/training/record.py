"""A training's record as JSON, written after each epoch and read back strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from reportgen.outputs.saved.content import Problem, read_content
from reportgen.outputs.saved.report_json import encode_json
from reportgen.outputs.saved.schema import MisfitError, from_plain
from reportgen.report.training_run import TRAINING_KIND, TRAINING_SCHEMA, TrainingRecord
from reportgen.system.errors import OutputError

_ADVICE = "give another folder, or remove what is in this one"


def render_record(record: TrainingRecord) -> bytes:
    """Return a record as indented JSON, without its pictures."""
    return encode_json(replace(record, pictures=()))


def read_record(path: Path) -> TrainingRecord:
    """Read a record that was written earlier.

    Raises
    ------
    OutputError
        When it can't be read, is none, or doesn't hold together.
    """
    try:
        table = json.loads(read_content(path, wanted="a training's record"))
    except (OSError, ValueError, RecursionError, Problem) as problem:
        raise OutputError(f"{path} can't be read ({type(problem).__name__})", _ADVICE) from None
    if not isinstance(table, dict) or table.get("kind") != TRAINING_KIND:
        raise OutputError(f"{path} is no record of a training", _ADVICE)
    if table.get("schema_version") != TRAINING_SCHEMA:
        raise OutputError(f"{path} has schema {table.get('schema_version')}, not {TRAINING_SCHEMA}", _ADVICE)
    try:
        record = from_plain(TrainingRecord, table, "record")
    except MisfitError as problem:
        raise OutputError(f"{path}: {problem}", _ADVICE) from None
    numbers = [one.epoch for one in record.epochs]
    layers = {tuple((layer.name, layer.channels) for layer in one.layers) for one in record.epochs}
    if (
        numbers != sorted(set(numbers))
        or any(len(one.cases) != len(record.cases) for one in record.epochs)
        or len(layers) > 1
        or any(not 0 <= dead < layer.channels for one in record.epochs for layer in one.layers for dead in layer.dead)
    ):
        raise OutputError(f"{path} doesn't hold together: its epochs don't fit each other", _ADVICE)
    return record
