"""SavedModels that a model of Keras 3 runs as one of its layers (TFSMLayer).

The program isn't in the model file, which only says in which folder it lies: seen from the working folder, as Keras
has it. Models are moved with their folders, so one that isn't there is looked for beside the model file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.models.formats.identify import examine_model
from reportgen.system.errors import ModelError

KIND = "TFSMLayer"
# what is run when the folder itself is given
_SERVED = ("serving_default", "serve")
_NO_WORK = ("InputLayer", KIND)
_MODELS = ("Sequential", "Functional", "Model")


@dataclass(frozen=True)
class WrappedProgram:
    """A layer that runs a SavedModel: its name, the folder that it names, and whether the model is nothing else."""

    layer: str
    folder: str
    is_all: bool

    def __str__(self) -> str:
        """Name it."""
        return f"the SavedModel in '{self.folder:.200}' (layer '{self.layer:.80}', {KIND})"


def wrapped_programs(config: Any) -> tuple[WrappedProgram, ...]:
    """Return the layers of a configuration that run SavedModels.

    Parameters
    ----------
    config
        As in the model file: nested tables and lists.
    """
    tables = [table for table in _tables(config) if isinstance(table.get("config"), dict)]
    wrapping = [table["config"] for table in tables if table["class_name"] == KIND]
    layers = [table for table in tables if str(table.get("module", "keras.layers")).endswith("layers")]
    plain = len(wrapping) == 1 and all(table["class_name"] in (*_NO_WORK, *_MODELS) for table in layers)
    return tuple(
        WrappedProgram(
            str(one.get("name", "")), str(one.get("filepath", "")), plain and one.get("call_endpoint") in _SERVED
        )
        for one in wrapping
    )


def check_programs(programs: Sequence[WrappedProgram], path: Path, *, trusted: bool, memory: int) -> tuple[str, ...]:
    """Make sure that the SavedModels are there and may be run; return a sentence about each for the report.

    Raises
    ------
    ModelError
        When one isn't there, is none, is too large, or is not trusted.
    """
    notes = []
    for program in programs:
        folder = _found(program.folder, path)
        if folder is None:
            raise ModelError(f"{path} runs {program}, which isn't there", "copy that folder beside the model file")
        if not trusted:
            itself = f"give that folder itself (--model {folder}), or " if program.is_all else ""
            raise ModelError(
                f"{path} runs {program}, which is not run unless you trust it",
                f"{itself}if you know who made it, allow it with --trust-model-code",
            )
        digest = examine_model(folder, memory=memory).sha256
        name = folder.absolute().name
        notes.append(
            f"Layer '{program.layer}' runs the SavedModel '{name}', which lies outside of the model file "
            f"(SHA-256 {digest})."
        )
    return tuple(notes)


def with_folders(value: Any, path: Path) -> Any:
    """Return a model's configuration in which the folders of its programs are where they were found.

    Parameters
    ----------
    value
        As in the model file.
    path
        Of the model file.
    """
    if isinstance(value, list):
        return [with_folders(item, path) for item in value]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if value.get("class_name") == KIND and isinstance(config, dict):
        folder = _found(str(config.get("filepath", "")), path)
        return {**value, "config": {**config, "filepath": str(folder)}}
    return {key: with_folders(item, path) for key, item in value.items()}


def _found(folder: str, path: Path) -> Path | None:
    """Return where a folder is: as named, else beside the model file."""
    named = Path(folder)
    places = (named, path.parent / named, path.parent / named.name)
    return next((place for place in places if folder and place.is_dir()), None)


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("class_name"), str):
                yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
