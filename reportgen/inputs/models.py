"""Model files -> a Keras model with all that's needed to feed it and to read its output."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.errors import ModelError
from reportgen.inputs import applications
from reportgen.inputs.class_names import resolve_class_names
from reportgen.inputs.files import looks_like, read_bytes, sha256
from reportgen.inputs.model_notes import ModelNotes, read_model_notes
from reportgen.inputs.preprocessing import Preprocessing, preprocessing_from
from reportgen.report import ModelCard
from reportgen.settings import ModelSettings, PreprocessingSettings

_ARITHMETIC = ("TrueDivide", "Divide", "Multiply", "Subtract", "Add")
_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


@dataclass(frozen=True)
class LoadedModel:
    """A model, ready to use.

    Attributes
    ----------
    keras_model
        One image input ``(N, H, W, C)``, one output ``(N, K)``.
    name
        File name without folders, or ``keras:NAME``.
    sha256
        Digest of the file, or of the weights when there is none.
    input_shape
        (height, width, channels).
    outputs
        How many numbers come out for an image.
    head
        As set: ``auto``, ``sigmoid``, ``softmax`` or ``logits``.
    class_names
        One for each class; two where there is one output.
    threshold
        From which score on the second class is said, for one output.
    preprocessing
        From raw-image units to model units.
    notes
        What was assumed, one sentence each.
    cautions
        What a reader must know before any score is believed.
    card, history
        From the model's notes.
    """

    keras_model: Any
    name: str
    sha256: str
    input_shape: tuple[int, int, int]
    outputs: int
    head: str
    class_names: tuple[str, ...]
    threshold: float
    preprocessing: Preprocessing
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    card: ModelCard | None = None
    history: dict[str, tuple[float, ...]] | None = None


def load_model(
    source: str | Path | Any,
    settings: ModelSettings | None = None,
    preprocessing: PreprocessingSettings | None = None,
    labels: Sequence[str | None] = (),
    name: str | None = None,
) -> LoadedModel:
    """Load a model and find out how to use it.

    Parameters
    ----------
    source
        A ``.keras`` or ``.h5`` file, ``keras:NAME``, or a Keras model in memory.
    settings
        Class names, head and threshold where the user gave them.
    preprocessing
        As set; ``auto`` uses the model's notes, its family, or its own scaling layers.
    labels
        Labels of the cases: class names are assumed from them when there are no others.
    name
        What to call the model in the report; default: its file name.

    Raises
    ------
    ModelError, SettingsError
        When the file is no model, or the model takes or gives what can't be used, or settings don't fit it.
    """
    settings, wanted = settings or ModelSettings(), preprocessing or PreprocessingSettings()
    family: str | None = None
    notes, remarks = ModelNotes(), tuple[str, ...]()
    if isinstance(source, str) and source.startswith(applications.PREFIX):
        model, family, remarks = applications.build_application(source)
        title, digest = source.partition("@")[0], _weights_digest(model)
        if source.endswith("@" + applications.RANDOM):
            title = source
    elif isinstance(source, str | Path):
        path = Path(source)
        model, digest = _load_file(path)
        notes, title = read_model_notes(path), path.name
    elif not hasattr(source, "get_weights"):
        raise ModelError(f"a {type(source).__name__} is not a model", "give a file, keras:NAME, or a Keras model")
    else:
        model, title, digest = source, getattr(source, "name", "model"), _weights_digest(source)
    title = name or title
    shape, outputs = input_shape_of(model, title), _outputs_of(model, title)
    noted = notes.class_names
    if family is not None and noted is None and outputs == 1000:
        noted = applications.imagenet_class_names(fetch="@" not in str(source))
    names, assumed = resolve_class_names(max(2, outputs), settings.class_names, noted, labels, title)
    chosen = preprocessing_from(
        notes.preprocessing if wanted.mode == "auto" and notes.preprocessing.mode != "auto" else wanted,
        channels=shape[2],
        scales_itself=_scales_itself(model),
        family=family,
    )
    threshold = next((t for t in (settings.threshold, notes.threshold) if t is not None), 0.5)
    notes_said = tuple(note for note in (*assumed, chosen.note) if note)
    # classes guessed from labels decide what is called right
    guessed = assumed if names != tuple(f"class {number}" for number in range(len(names))) else ()
    return LoadedModel(
        model,
        title,
        digest,
        shape,
        outputs,
        settings.head,
        names,
        threshold,
        chosen,
        notes_said,
        (*remarks, *guessed),
        notes.card,
        notes.history,
    )


def input_shape_of(model: Any, name: str) -> tuple[int, int, int]:
    """Return (height, width, channels) of a model's image input.

    Raises
    ------
    ModelError
        When it has several inputs, takes no image, or its size is not fixed.
    """
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise ModelError(f"{name} has no defined input", "build and save it as a Sequential or functional Keras model")
    if len(inputs) != 1:
        raise ModelError(f"{name} has {len(inputs)} inputs", "only models with one image input can be shown")
    shape = tuple(inputs[0].shape)
    if len(shape) != 4:
        raise ModelError(
            f"{name} takes no image: its input is {shape}", "an image input is (None, height, width, channels)"
        )
    if shape[1] in (1, 3) and shape[3] not in (1, 3):
        raise ModelError(f"{name} has its channels first: its input is {shape}", "save it with channels last")
    if shape[3] not in (1, 3):
        raise ModelError(f"{name} takes {shape[3]} channels", "only gray (1) and RGB (3) inputs can be fed from images")
    if None in shape[1:3]:
        raise ModelError(f"{name} has an unknown input size: its input is {shape}", "save it with a fixed input size")
    return int(shape[1]), int(shape[2]), int(shape[3])


def _outputs_of(model: Any, name: str) -> int:
    outputs = model.outputs
    if len(outputs) != 1:
        raise ModelError(f"{name} has {len(outputs)} outputs", "save a model that gives only the one to explain")
    shape = tuple(outputs[0].shape)
    if len(shape) < 2 or shape[-1] is None or any(side != 1 for side in shape[1:-1]):
        raise ModelError(
            f"{name} gives no class scores: its output is {shape}", "it should be (None, number of classes)"
        )
    return int(shape[-1])


def _load_file(path: Path) -> tuple[Any, str]:
    data = read_bytes(path, ModelError, "model")
    ending = _kind(data, path)
    digest = sha256(data)
    import keras

    with _under_ending(path, ending) as readable:
        try:
            return keras.saving.load_model(readable, compile=False, safe_mode=True), digest
        except Exception as problem:
            # Keras meets damaged or foreign files with every kind of exception
            raise ModelError(f"{path} can't be loaded by Keras: {_reason(problem)}", _advice(problem)) from problem


def _kind(data: bytes, path: Path) -> str:
    """Return the ending that Keras goes by, judged by the content."""
    if data.startswith(_HDF5):
        return ".h5"
    if data.startswith(_ZIP):
        try:
            inside = zipfile.ZipFile(io.BytesIO(data)).namelist()
        except zipfile.BadZipFile:
            raise ModelError(f"{path} is a damaged .keras file", "copy or download it again") from None
        if "config.json" not in inside:
            raise ModelError(f"{path} is a zip file without a Keras model in it", "give a .keras or .h5 file")
        return ".keras"
    found = looks_like(data)
    raise ModelError(f"{path} is {found or 'not a Keras model'}", "give a .keras or .h5 file, or keras:NAME")


@contextlib.contextmanager
def _under_ending(path: Path, ending: str) -> Iterator[str]:
    """Give a path with the ending that the content calls for, since Keras goes by the ending alone."""
    if path.suffix == ending or (ending == ".h5" and path.suffix in (".hdf5", ".h5")):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"model{ending}"
        link.symlink_to(os.path.abspath(path))  # noqa: PTH100 - a link needs no resolved target
        yield str(link)


def _reason(problem: Exception) -> str:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return (lines[0] if lines else type(problem).__name__)[:240]


def _advice(problem: Exception) -> str:
    text = str(problem)
    if "Lambda" in text or "safe_mode" in text or "unsafe" in text:
        return "it holds code of its own (a Lambda layer), which is never run from a file"
    if "No model config" in text or "weights" in text[:80].lower():
        return "it may hold weights only: save the whole model with model.save()"
    return "save it again with a recent Keras, or copy it again if it was cut off"


def _weights_digest(model: Any) -> str:
    """Return a digest of a model that has no file: of its weights in order."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.shape}{weight.dtype}".encode())
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _scales_itself(model: Any) -> bool:
    """Whether a Rescaling or Normalization layer stands inside, or arithmetic before the first layer with weights."""
    import keras

    for operation in getattr(model, "operations", getattr(model, "layers", ())):
        kind = type(operation).__name__
        if kind in ("Rescaling", "Normalization"):
            return True
        if isinstance(operation, keras.Model):
            if _scales_itself(operation):
                return True
        elif kind in _ARITHMETIC and not isinstance(operation, keras.Layer):
            return True
        if getattr(operation, "weights", ()):
            break
    return any(_contains_scaling(layer) for layer in getattr(model, "layers", ()))


def _contains_scaling(layer: Any) -> bool:
    named = type(layer).__name__ in ("Rescaling", "Normalization")
    return named or any(_contains_scaling(inner) for inner in getattr(layer, "layers", ()))
