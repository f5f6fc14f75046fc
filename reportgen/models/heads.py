"""What a model's outputs are: scores already, logits, or plain numbers; told by its last activation and its loss."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from reportgen.models.keras_internals import given_to, maker_of
from reportgen.report.report import is_reference
from reportgen.system.errors import SettingsError
from reportgen.system.language import mark, say

# activations that are layers, or operations on tensors, of their own
_ACTIVATIONS = ("Softmax", "Sigmoid", "ReLU", "Relu", "Relu6", "LeakyReLU", "LeakyRelu", "PReLU", "ELU", "Elu", "Tanh")
_PASSING = ("Dropout", "Reshape", "Flatten", "Identity", "ActivityRegularization", "InputLayer", "Permute")
_JOINING = ("Concatenate", "Stack")
_CONSTANT = "softmax over one output"
_REGRESSION = (
    "meansquarederror", "mse", "meanabsoluteerror", "mae", "meanabsolutepercentageerror", "mape",
    "meansquaredlogarithmicerror", "msle", "huber", "huberloss", "logcosh", "poisson",
)  # fmt: skip
# losses of a choice of one class, and of a yes or no for each
_OF_ONE = ("categoricalcrossentropy", "sparsecategoricalcrossentropy", "categoricalfocalcrossentropy")
_OF_EACH = ("binarycrossentropy", "binaryfocalcrossentropy", "sigmoidfocalcrossentropy")
_CLASSIFICATION = ("crossentropy", "hinge", "focal", "kullback")
# what outputs that are no classes are called, and what those are that are
_QUANTITIES = (
    "age", "ages", "angle", "angles", "area", "bbox", "bboxes", "bmi", "box", "boxes", "calories", "coordinate",
    "coordinates", "coords", "count", "counts", "density", "depth", "diameter", "distance", "dose", "duration",
    "fraction", "gaze", "height", "intensity", "keypoint", "keypoints", "landmark", "landmarks", "length",
    "measurement", "percentage", "pitch", "pose", "position", "pressure", "price", "quantity", "radius", "rating",
    "ratio", "regress", "regression", "regressor", "roll", "score", "severity", "size", "speed", "steering",
    "temperature", "thickness", "time", "velocity", "volume", "weight", "width", "yaw", "years",
)  # fmt: skip
_CLASSES = (
    "binary", "categories", "category", "class", "classes", "classification", "classifier", "diagnosis", "group",
    "kind", "label", "labels", "logit", "logits", "prob", "probability", "probabilities", "probs", "sigmoid",
    "softmax", "type",
)  # fmt: skip


class HeadKind(NamedTuple):
    """What outputs are, a sentence for the report (empty when nothing was assumed), and why that may be wrong.

    ``kind`` is ``sigmoid``, ``softmax``, ``sigmoid logits``, ``softmax logits`` or ``regression``.
    """

    kind: str
    note: str = ""
    doubt: str = ""


def head_kind(
    model: Any,
    wanted: str,
    outputs: int,
    loss: str,
    multi_label: bool | None = None,
    *,
    output: str = "",
    others: int = 0,
    names: int = 0,
) -> HeadKind:
    """Find out what a model's outputs are.

    Parameters
    ----------
    model
        With one output ``(N, K)``.
    wanted
        As set: ``auto``, ``sigmoid``, ``softmax``, ``logits`` or ``regression``.
    outputs
        K.
    loss
        Name of the loss it was trained with; empty when unknown.
    multi_label
        Whether the outputs are said to be independent findings; None: not said.
    output
        What the file calls the output.
    others
        How many outputs the model has besides.
    names
        How many class names were given; as many as there are classes, they say that there are classes.

    Returns
    -------
    HeadKind
        Without an activation and a loss that tells, one output beside others, or any output named like a quantity, is
        read as numbers, in doubt; any other as logits.

    Raises
    ------
    SettingsError
        When the last activation is none that scores can be read from, or the wanted kind doesn't fit.
    """
    each = multi_label or (multi_label is None and _plain(loss) in _OF_EACH)
    logits = "sigmoid logits" if outputs == 1 or each else "softmax logits"
    last = last_activation(model)
    if last == _CONSTANT or (last == "softmax" and outputs == 1):
        raise SettingsError(
            "the model ends in softmax over one output, which is always 1, whatever the image: nothing can be read "
            "from it, and it can't have learned anything",
            "train it again with sigmoid on one output, or with one output for each class",
        )
    if wanted == "softmax" and outputs == 1:
        raise SettingsError("model.head 'softmax' needs several outputs, the model has one", "use sigmoid or logits")
    if wanted != "auto":
        return HeadKind(logits if wanted == "logits" else wanted)
    if last in ("sigmoid", "softmax"):
        return HeadKind(last)
    if _plain(loss) in _REGRESSION:
        note = say(
            "The model was trained with the loss '{loss}': its output is a number, not the score of a class.", loss=loss
        )
        return HeadKind("regression", note)
    if last == "unknown":
        note = say(
            "What the outputs mean can't be seen in this model: they are taken as scores; settings say otherwise."
        )
        return HeadKind("sigmoid" if outputs == 1 or multi_label else "softmax", note)
    if last != "linear":
        kinds = "sigmoid, logits or regression" if outputs == 1 else "sigmoid, softmax, logits or regression"
        raise SettingsError(
            f"the model's last activation is '{last}', from which no scores can be read",
            f"say what it gives with head = {kinds} (--head)",
        )
    told_by_loss = any(word in _plain(loss) for word in _CLASSIFICATION)
    if told_by_loss or multi_label is not None or names == max(2, outputs):
        return _of_logits(logits)
    return _without_activation(logits, outputs, [output, _last_name(model)], others)


def _of_logits(logits: str) -> HeadKind:
    name = logits.split(maxsplit=1)[0]
    return HeadKind(
        logits,
        say("The last layer has no activation: its outputs were taken as logits and {name} was applied.", name=name),
    )


def _without_activation(logits: str, outputs: int, names: list[str], others: int) -> HeadKind:
    """Judge outputs of which nothing tells whether they are logits or numbers but their names and number."""
    about = [_words(name) for name in names]
    is_class = any(words.intersection(_CLASSES) for words in about)
    quantity = next((name for name, words in zip(names, about, strict=True) if words.intersection(_QUANTITIES)), "")
    if is_class or not (quantity or others):
        return _of_logits(logits)
    told: dict[str, object] = {"name": quantity or names[0] or names[-1], "count": others + 1}
    begin = (
        say("The output '{name}' has no activation and is named like a quantity", **told)
        if quantity
        else say("The output '{name}' has no activation and is one of {count} outputs", **told)
    )
    if outputs == 1:
        reading = mark(
            "{begin}: it is read as a number, not the score of a class. If it is the logit of two classes, say --head "
            "logits; else --head regression."
        )
    elif quantity:
        reading = mark(
            "{begin}: it is read as numbers, not scores of classes. If it is logits of {count} classes, say --head "
            "logits; else --head regression."
        )
    else:
        reading = mark(
            "{begin}: it was taken as logits of {count} classes. If it gives numbers, say --head regression; else "
            "--head "
            "logits."
        )
    doubt = say(reading, begin=begin, count=outputs)
    return HeadKind("regression" if quantity or outputs == 1 else logits, "", doubt)


def _words(name: str) -> set[str]:
    """Return the words of a name, however it is written: ``ageOutput``, ``age_output_1``."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def are_independent(
    kind: str, outputs: int, wanted: bool | None, loss: str, class_names: Sequence[str]
) -> tuple[bool, str]:
    """Find out whether a model's outputs are findings that may be there or not independently of each other.

    Parameters
    ----------
    kind
        From :func:`head_kind`.
    outputs
        How many.
    wanted
        As set; None: several sigmoids are, unless they were trained as a choice of one, or are two of which one says
        that nothing was found.
    loss
        Name of the loss the model was trained with; empty when unknown.
    class_names
        One for each output, where there are several.

    Returns
    -------
    tuple
        Whether they are, and a sentence for the report (empty when nothing was assumed).

    Raises
    ------
    SettingsError
        When they are said to be, and can't.
    """
    if not kind.startswith("sigmoid") or outputs == 1:
        if wanted:
            what = "has one output" if outputs == 1 else f"gives {kind}, of which one class is said"
            raise SettingsError(
                f"model.multi_label needs several outputs with a sigmoid each, the model {what}",
                "leave it out"
                + ("" if outputs == 1 else ", or say what the outputs are with --head sigmoid or logits"),
            )
        return False, ""
    if wanted is not None:
        return wanted, ""
    opposites = outputs == 2 and sum(map(is_reference, class_names)) == 1
    if opposites or _plain(loss) in _OF_ONE:
        return False, f"Of its {outputs} sigmoids one class is said, the largest; --multi-label takes each by itself."
    return True, (
        f"Its {outputs} outputs are taken as findings, each there or not by its own threshold (multi-label); "
        "--one-label takes them as a choice of one class."
    )


def _plain(loss: str) -> str:
    return loss.lower().replace("_", "")


def last_activation(model: Any) -> str:
    """Return the name of a model's last activation: ``linear`` for none, ``unknown`` where it can't be seen."""
    return _activation_of(_from_the_end(model))


def _activation_of(steps: Iterator[tuple[Any, Any]]) -> str:
    for operation, tensor in steps:
        kind = type(operation).__name__
        if kind in _PASSING:
            continue
        if kind in _JOINING and tensor is not None:
            # several outputs side by side: what they all end in
            ends = {_activation_of(_from_tensor(one)) for one in given_to(tensor)}
            return ends.pop() if len(ends) == 1 else "unknown"
        if kind in _ACTIVATIONS:
            name = kind.lower()
        elif kind == "TFSMLayer" or not _is_of_keras(operation):
            return "unknown"
        else:
            name = str(getattr(getattr(operation, "activation", None), "__name__", "linear"))
        return _CONSTANT if name == "softmax" and _is_over_one(operation, tensor) else name
    return "linear"


def _is_over_one(operation: Any, tensor: Any) -> bool:
    """Whether a softmax is over one value, and so always 1."""
    axis = getattr(operation, "axis", -1)
    shape = tuple(getattr(tensor, "shape", ()))
    return isinstance(axis, int) and -len(shape) <= axis < len(shape) and shape[axis] == 1


def _last_name(model: Any) -> str:
    """Return what the last layer that does something is called."""
    names = (str(step.name) for step, _ in _from_the_end(model) if type(step).__name__ not in (*_PASSING, *_JOINING))
    return next(names, "")


def loss_name(loss: Any, output: int, output_name: str) -> str:
    """Return the name of one output's loss as a configuration has it; empty when there is none."""
    if isinstance(loss, dict) and "class_name" not in loss:
        loss = loss.get(output_name)
    if isinstance(loss, list | tuple):
        loss = loss[output] if output < len(loss) else None
    if isinstance(loss, dict):
        inner = loss.get("config")
        named = loss.get("class_name")
        return str(inner) if named == "function" and isinstance(inner, str) else str(named or "")
    if loss is None or isinstance(loss, str):
        return loss or ""
    return str(getattr(loss, "__name__", None) or getattr(loss, "name", None) or type(loss).__name__)


def _from_the_end(model: Any, output: int = 0) -> Iterator[tuple[Any, Any]]:
    """Yield what leads to an output, the last first, also inside models inside: operations, each with its tensor.

    The tensor is None where it isn't known.
    """
    import keras

    outputs = getattr(model, "outputs", None)
    if isinstance(model, keras.Sequential) or not outputs:
        for number, layer in enumerate(reversed(model.layers)):
            yield from _inside(layer, 0, outputs[0] if outputs and not number else None)
        return
    # the order of a functional model's list is not that of its walk: follow the output back instead
    yield from _from_tensor(outputs[output])


def _from_tensor(tensor: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what made a tensor, as far back as the way doesn't fork."""
    while True:
        yield from _inside(*maker_of(tensor), tensor)
        given = given_to(tensor)
        if len(given) != 1:
            return
        tensor = given[0]


def _inside(step: Any, number: int, tensor: Any) -> Iterator[tuple[Any, Any]]:
    if getattr(step, "layers", None):
        yield from _from_the_end(step, number)
    else:
        yield step, tensor


def _is_of_keras(operation: Any) -> bool:
    return type(operation).__module__.split(".", 1)[0] == "keras"
