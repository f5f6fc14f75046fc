"""Model files -> a Keras model with all that's needed to feed it and to read its output."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.images.fitting import prepare
from reportgen.images.reader import Image, image_from_array, read_image
from reportgen.models import applications
from reportgen.models.adapt import adapt
from reportgen.models.card import ModelNotes, read_model_notes
from reportgen.models.class_name_files import read_names_file
from reportgen.models.class_names import BESIDE, is_from_labels, resolve_class_names, resolve_output_names
from reportgen.models.formats.memory import check_model, machine_memory
from reportgen.models.formats.reader import ReadModel, read_model
from reportgen.models.formats.reasons import reason_of
from reportgen.models.heads import are_independent, head_kind, loss_name
from reportgen.models.preprocessing.bodies import recognise_body
from reportgen.models.preprocessing.input_scaling import OwnScaling, own_scaling
from reportgen.models.preprocessing.preprocessing import Preprocessing, families_inside, preprocessing_from
from reportgen.models.randomness import Randomness, settle
from reportgen.report.model import ModelCard
from reportgen.settings.report import DEFAULTS, TRY, LimitSettings, ModelSettings, PreprocessingSettings
from reportgen.system.errors import ModelError, SettingsError

# the model that comes with the program: its size needs no check
BUILTIN_NAME = "built-in chest X-ray model"
BUILTIN_MODEL = Path(__file__).parents[1] / "demo" / "chest_xray.keras"


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
        ``sigmoid``, ``softmax``, ``sigmoid logits``, ``softmax logits`` or ``regression``.
    class_names
        One for each class; two where there is one output; one for each number of a regression.
    threshold
        From which score on the second class is said, for one output.
    thresholds
        Of independent findings: from which score on each is said to be there; empty where one class is chosen.
    preprocessing
        From raw-image units to model units.
    notes
        What was assumed, one sentence each.
    cautions
        What a reader must know before any score is believed.
    card, history
        From the model's notes.
    randomness
        What of its outputs the image alone doesn't settle.
    fitting
        How images are brought to its size.
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
    thresholds: tuple[float, ...] = ()
    randomness: Randomness = field(default_factory=Randomness)
    fitting: PreprocessingSettings = DEFAULTS.preprocessing

    @property
    def label_names(self) -> tuple[str, ...]:
        """What numbers that label an image stand for: the classes; nothing, where the model gives numbers itself."""
        return () if self.head == "regression" else self.class_names

    def input_of(self, image: Image | str | Path | NDArray[np.generic]) -> NDArray[np.float32]:
        """Return what the model gets for an image.

        Parameters
        ----------
        image
            As read, a file, or an array ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``, 0 to 255.

        Returns
        -------
        ndarray
            ``(H, W, C)`` at the model's size and in its units.

        Raises
        ------
        ImageError
            When it can't be read.
        """
        if isinstance(image, str | Path):
            image = read_image(image)
        elif not isinstance(image, Image):
            image = image_from_array(image)
        return self.preprocessing(prepare(image, self.input_shape, self.fitting))


def load_model(
    source: str | Path | Any = None,
    settings: ModelSettings | None = None,
    preprocessing: PreprocessingSettings | None = None,
    labels: Sequence[str | None] = (),
    name: str | None = None,
    limits: LimitSettings | None = None,
) -> LoadedModel:
    """Load a model and find out how to use it.

    Parameters
    ----------
    source
        A ``.keras`` or ``.h5`` file, a SavedModel folder, a file of weights (with ``settings.architecture``),
        ``keras:NAME``, or a Keras 3 model in memory; None: the built-in model.
    settings
        What the user says about the model.
    preprocessing
        As set; ``auto`` uses the model's notes, its family, or its own scaling layers.
    labels
        Labels of the cases: class names are assumed from them when there are no others.
    name
        What to call the model in the report; default: its file name.
    limits
        ``memory``: what the model may take.

    Raises
    ------
    ModelError, SettingsError
        When the file is no model, or the model takes or gives what can't be used, or settings don't fit it.
    """
    if source is None:
        source, name = BUILTIN_MODEL, name or BUILTIN_NAME
    settings, limits = settings or DEFAULTS.model, limits or DEFAULTS.limits
    read, title, notes = _read(source, settings, limits)
    title = name or title
    adapted = adapt(read.model, title, settings)
    model, shape = adapted.model, adapted.input_shape
    if source != BUILTIN_MODEL:
        # now that its input size is known
        check_model(model, Path(title), limits.memory or machine_memory())
    if read.own_code:
        _try_out(model, shape, title)
    randomness = settle(model, is_own=isinstance(source, str | Path))
    outputs = _output_count(model, title)
    loss = loss_name(read.loss, adapted.output, adapted.output_name)
    several = settings.multi_label if settings.multi_label is not None else notes.multi_label
    head, head_note, head_doubt = head_kind(
        model, settings.head, outputs, loss, several,
        output=adapted.output_name, others=adapted.others, names=_names_given(settings, notes),
    )  # fmt: skip
    names, assumed = _class_names(source, settings, notes, labels, title, head, outputs, read.family)
    if head == "regression" and adapted.others and names == ("output",):
        names = (adapted.output_name,)
    independent, label_note = are_independent(head, outputs, several, loss, names)
    if independent and assumed:
        # an order that is guessed from labels is that of classes in folders
        names, assumed = _class_names(source, settings, notes, (), title, head, outputs, read.family)
    threshold = next((t for t in (settings.threshold, notes.threshold) if t is not None), 0.5)
    thresholds = _thresholds(threshold, outputs, title, independent=independent)
    wanted = preprocessing or DEFAULTS.preprocessing
    # to try several is no choice of one
    wanted = replace(wanted, mode="auto") if wanted.mode == TRY else wanted
    wanted = notes.preprocessing if wanted.mode == "auto" and notes.preprocessing.mode != "auto" else wanted
    auto = wanted.mode == "auto"
    chosen = preprocessing_from(
        wanted,
        channels=shape[2],
        scaling=own_scaling(model) if auto else OwnScaling.NO,
        family=read.family,
        inside=families_inside(_names(model)),
        body=recognise_body(model) if auto else None,
    )
    said = (*read.notes, *randomness.notes, *adapted.notes, *assumed, chosen.note, head_note, label_note)
    # classes guessed from labels decide what is called right
    guessed = tuple(note for note in assumed if is_from_labels(note))
    return LoadedModel(
        keras_model=model,
        name=title,
        sha256=read.sha256,
        input_shape=shape,
        outputs=outputs,
        head=head,
        class_names=names,
        threshold=thresholds[0],
        thresholds=thresholds if independent else (),
        preprocessing=chosen,
        notes=tuple(note for note in said if note),
        cautions=(
            *read.cautions,
            *filter(None, [head_doubt]),
            *randomness.cautions,
            *guessed,
            *filter(None, [chosen.doubt]),
        ),
        card=notes.card,
        history=notes.history,
        randomness=randomness,
        fitting=preprocessing or DEFAULTS.preprocessing,
    )


def _thresholds(given: float | tuple[float, ...], outputs: int, title: str, *, independent: bool) -> tuple[float, ...]:
    """Return a threshold for each finding, or the one of a choice."""
    wanted = outputs if independent else 1
    if isinstance(given, tuple) and len(given) != wanted:
        raise SettingsError(
            f"{len(given)} thresholds for {title}, which takes {wanted}",
            "give one for all, or one each in the order of the outputs" if independent else "give one number",
        )
    return given if isinstance(given, tuple) else (given,) * wanted


def _names_given(settings: ModelSettings, notes: ModelNotes) -> int:
    """Return how many class names were given or stand in the model's notes."""
    given = settings.class_names if settings.class_names is not None else notes.class_names or ()
    return len(read_names_file(Path(given)).names if isinstance(given, str) else given)


def _class_names(
    source: Any, settings: ModelSettings, notes: ModelNotes, labels: Sequence[str | None], title: str, head: str,
    outputs: int, family: str | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    noted = notes.class_names
    if head == "regression":
        return resolve_output_names(outputs, settings.class_names, noted, title), ()
    if family is not None and noted is None and outputs == 1000:
        noted = applications.imagenet_class_names(fetch="@" not in str(source))
    is_file = isinstance(source, Path) or (isinstance(source, str) and not source.startswith(applications.PREFIX))
    beside = Path(source).absolute().parent / BESIDE if is_file else None
    return resolve_class_names(max(2, outputs), settings.class_names, noted, labels, title, beside)


def _read(
    source: str | Path | Any, settings: ModelSettings, limits: LimitSettings
) -> tuple[ReadModel, str, ModelNotes]:
    """Return the model that a source names, what to call it, and the notes beside it."""
    if isinstance(source, str) and source.startswith(applications.PREFIX):
        name, weights = applications.split_application(source)
        if weights not in ("", applications.RANDOM):
            read = read_model(Path(weights), replace(settings, architecture=name), limits)
            return read, applications.PREFIX + name, ModelNotes()
        model, family, cautions = applications.build_application(source)
        return ReadModel(model, _weights_digest(model), family, cautions=cautions), source, ModelNotes()
    if isinstance(source, str | Path):
        path = Path(source)
        return read_model(path, settings, limits, trusted=path == BUILTIN_MODEL), path.name, read_model_notes(path)
    if not hasattr(source, "get_weights"):
        raise ModelError(f"a {type(source).__name__} is not a model", "give a file, keras:NAME, or a Keras model")
    model = _of_keras_3(source)
    read = ReadModel(model, _weights_digest(model), loss=getattr(source, "loss", None))
    return read, str(getattr(source, "name", "model")), ModelNotes()


def _of_keras_3(model: Any) -> Any:
    import keras

    if isinstance(model, keras.Model):
        return model
    raise ModelError(
        f"a {type(model).__module__.split('.')[0]} model is none of Keras 3", "save it to a file and give the file"
    )


def _try_out(model: Any, shape: tuple[int, int, int], title: str) -> None:
    """Run a model with code of its own on a black image: what the code needs may be missing here."""
    try:
        model(np.zeros((1, *shape), np.float32), training=False)
    except Exception as problem:
        raise ModelError(
            f"{title} has code of its own that fails here ({reason_of(problem)})",
            "give its layers as your own classes or functions with --custom-objects MODULE:NAME, or mend those given",
        ) from problem


def _output_count(model: Any, name: str) -> int:
    shape = tuple(model.outputs[0].shape)
    if len(shape) < 2 or shape[-1] is None or any(side != 1 for side in shape[1:-1]):
        raise ModelError(
            f"{name} gives no class scores: its output is {shape}", "it should be (None, number of classes)"
        )
    return int(shape[-1])


def _weights_digest(model: Any) -> str:
    """Return a digest of a model that has no file: of its weights in order."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.shape}{weight.dtype}".encode())
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _names(model: Any) -> list[str]:
    """Return the names of a model and of all models inside it."""
    inside = (layer for layer in getattr(model, "layers", ()) if hasattr(layer, "layers"))
    return [str(model.name), *(name for layer in inside for name in _names(layer))]
