"""One entry for every format: a path in, a Keras model out, with what a reader must know about it."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reportgen.models.code.embedded_code import (
    ForeignCode,
    find_code,
    missing_code,
    read_custom_objects,
    refuse_code,
    refuse_other_python,
)
from reportgen.models.code.lambdas import with_own_functions
from reportgen.models.code.own_arguments import check_own_classes
from reportgen.models.formats.application_layers import application_layers
from reportgen.models.formats.identify import ModelFile, examine_model
from reportgen.models.formats.memory import check_memory, check_model, machine_memory
from reportgen.models.formats.reasons import advice_on, reason_of
from reportgen.models.formats.saved_model import load_saved_model
from reportgen.models.formats.weights import load_weights
from reportgen.models.formats.wrapped_programs import KIND as PROGRAM
from reportgen.models.formats.wrapped_programs import check_programs, with_folders, wrapped_programs
from reportgen.models.keras2.hdf5_operations import has_operations, item_operation, with_modules
from reportgen.models.keras2.reader import have_legacy_reader, load_legacy
from reportgen.settings.report import LimitSettings, ModelSettings
from reportgen.system.errors import ModelError
from reportgen.system.libraries import install_extra

# what Keras 3 has under the same name computes something else; and it takes no notice of a call in training
_MISREAD = ('"hard_sigmoid"', '"ThresholdedReLU"', '"training": true')


@dataclass(frozen=True)
class ReadModel:
    """A model from a file.

    Attributes
    ----------
    model
        The Keras model.
    sha256
        Digest of the file.
    family
        Its family in keras.applications, where the user named it.
    loss
        What it was trained with, as configured.
    notes
        What was done to read it.
    cautions
        What a reader must know before any score is believed.
    own_code
        Whether code from the file or from the user is in it, which may fail on images.
    """

    model: Any
    sha256: str
    family: str | None = None
    loss: Any = None
    notes: tuple[str, ...] = field(default=())
    cautions: tuple[str, ...] = field(default=())
    own_code: bool = False


def read_model(path: Path, settings: ModelSettings, limits: LimitSettings, *, trusted: bool = False) -> ReadModel:
    """Read a model file or folder.

    Parameters
    ----------
    path
        ``.keras``, HDF5, weights alone, or the folder of a SavedModel; judged by content.
    settings
        ``architecture``, ``trust_code`` and ``custom_objects``.
    limits
        ``memory``.
    trusted
        Whether it's the program's own model, whose size needs no check.

    Raises
    ------
    ModelError
        When it can't be read, or should not be.
    """
    memory = limits.memory or machine_memory()
    file = examine_model(path, memory=memory, trusted=trusted)
    if settings.architecture is not None and file.kind != "weights":
        raise ModelError(f"{path} is a whole model, which needs no --architecture", "leave it out")
    custom = read_custom_objects(settings.custom_objects)
    if file.kind == "weights":
        model, family = load_weights(file, settings.architecture)
        note = f"The file holds weights alone; the architecture is {settings.architecture}, as was said."
        return ReadModel(model, file.sha256, family, notes=(note,))
    if file.kind == "saved_model":
        return _from_folder(file, custom, trust_code=settings.trust_code, memory=memory)
    config = with_own_functions(file.config, tuple(custom))
    file = replace(file, config=config, edited=config is not file.config)
    code = find_code(file.config, tuple(custom))
    refuse_other_python(code, path)
    programs = () if PROGRAM in custom else wrapped_programs(file.config)
    told = check_programs(programs, path, trusted=settings.trust_code, memory=memory)
    file = replace(file, config=with_folders(file.config, path)) if programs else file
    if code and not settings.trust_code:
        refuse_code(code, path)
    check_own_classes(file.config, custom, str(path), is_legacy=file.is_legacy and have_legacy_reader())
    if not trusted and not code:
        check_memory(file, memory)
    try:
        model, notes = _load(file, custom, trust_code=settings.trust_code and bool(code))
    except ModelError as problem:
        # trust alone brings no class that isn't in the file
        absent = [item for item in code if not item.is_lambda and item.kind != PROGRAM]
        raise (missing_code(absent, path) if absent else problem) from problem
    if not trusted:
        check_model(model, path, memory)
    own = bool(code or custom or programs)
    return ReadModel(model, file.sha256, None, file.loss, (*notes, *told), _cautions(code, custom), own)


def _from_folder(file: ModelFile, custom: dict[str, Any], *, trust_code: bool, memory: int) -> ReadModel:
    program = load_saved_model(file, custom_objects=custom, trust_code=trust_code, memory=memory)
    notes: tuple[str, ...] = ()
    if program.has_layers:
        notes = (_rebuilt("the SavedModel", program.difference or 0.0),)
    else:
        why = "holds no Keras layers"
        if program.unread:
            listed = ", ".join(str(item) for item in program.unread[:3])
            why = f"has layers that only code can make ({listed}), which was not run"
        notes = (f"The SavedModel {why}: only the outside of the model can be seen, no feature maps.",)
    cautions = tuple(f"Code that came with the model was run: {what}." for what in program.trusted)
    return ReadModel(program.model, file.sha256, notes=notes, cautions=cautions)


def _load(file: ModelFile, custom: dict[str, Any], *, trust_code: bool) -> tuple[Any, tuple[str, ...]]:
    legacy = file.is_legacy
    if legacy and have_legacy_reader():
        model, difference = load_legacy(file, custom_objects=custom, trust_code=trust_code)
        return model, (_rebuilt(f"a file of Keras {file.version or '2'}", difference),)
    unread = ModelError(
        f"{file.path} was saved by Keras {file.version or '2'}, which Keras 3 can't read",
        f"install the reader for it with {install_extra('legacy')}",
    )
    if legacy and any(name in json.dumps(file.config) for name in _MISREAD):
        raise unread
    try:
        model = _load_with_keras_3(file, custom, trust_code=trust_code)
    except ModelError as problem:
        if legacy:
            raise unread from problem
        raise
    note = f"The file was saved by Keras {file.version or '2'} and read by Keras 3 without the reader made for it."
    return model, ((note,) if legacy else ())


def _rebuilt(what: str, difference: float) -> str:
    agreement = "gave the same outputs" if difference == 0 else f"gave the same outputs but for {difference:.1g}"
    return f"The model was made again in Keras 3 from {what}; on random inputs both {agreement}."


def _load_with_keras_3(file: ModelFile, custom: dict[str, Any], *, trust_code: bool) -> Any:
    import keras

    # HDF5 files name no module, and Keras doesn't look for these by their names alone
    known = {**application_layers(), **custom}
    with _under_ending(file.path, ".keras" if file.kind == "keras" else ".h5") as readable:
        try:
            config = _config_to_read(file)
            if config is None:
                model = keras.saving.load_model(readable, custom_objects=known, compile=False, safe_mode=not trust_code)
            else:
                known = {**item_operation(), **known}
                model = keras.saving.deserialize_keras_object(config, custom_objects=known, safe_mode=not trust_code)
                model.load_weights(readable)
        except Exception as problem:
            # Keras meets damaged or foreign files with every kind of exception
            reason = reason_of(problem, file.path, Path(readable))
            advice = "save it again with a recent Keras, or copy it again if it was cut off"
            raise ModelError(
                f"{file.path} can't be loaded by Keras: {reason}",
                advice_on(advice, given=bool(custom), trusted=trust_code),
            ) from problem
    if not isinstance(model, keras.Model):
        raise ModelError(f"{file.path} holds a {type(model).__name__}, not a model", "save the model with model.save()")
    return model


def _config_to_read(file: ModelFile) -> dict[str, Any] | None:
    """Return the configuration to make a model of where it isn't to be as the file has it; else None."""
    changed = file.edited or bool(wrapped_programs(file.config))
    if file.kind == "hdf5" and (changed or has_operations(file.config)):
        with_all: dict[str, Any] = with_modules(file.config)
        return with_all
    return {key: value for key, value in file.config.items() if key != "compile_config"} if changed else None


@contextlib.contextmanager
def _under_ending(path: Path, ending: str) -> Iterator[str]:
    """Give a path with the ending that the content calls for, since Keras goes by the ending alone."""
    if path.suffix == ending or (ending == ".h5" and path.suffix in (".hdf5", ".h5")):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"model{ending}"
        link.symlink_to(path.absolute())
        yield str(link)


def _cautions(code: tuple[ForeignCode, ...], custom: dict[str, Any]) -> tuple[str, ...]:
    said = []
    if code:
        listed = ", ".join(str(item) for item in code)
        said.append(f"Code that came with the model file was run, because it was trusted: {listed}.")
    if custom:
        said.append(f"The model was given code from outside Keras: {', '.join(custom)}.")
    return tuple(said)
