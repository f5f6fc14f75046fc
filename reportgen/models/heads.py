"""What a model's outputs are: scores already, logits, or plain numbers; told by its last activation and its loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reportgen.errors import SettingsError
from reportgen.report.report import is_reference

# activations that are layers, or operations on tensors, of their own
_ACTIVATIONS = ("Softmax", "Sigmoid", "ReLU", "Relu", "Relu6", "LeakyReLU", "LeakyRelu", "PReLU", "ELU", "Elu", "Tanh")
_PASSING = ("Dropout", "Reshape", "Flatten", "Identity", "ActivityRegularization", "InputLayer", "Permute")
_REGRESSION = (
    "meansquarederror", "mse", "meanabsoluteerror", "mae", "meanabsolutepercentageerror", "mape",
    "meansquaredlogarithmicerror", "msle", "huber", "huberloss", "logcosh", "poisson",
)  # fmt: skip
# losses of a choice of one class, and of a yes or no for each
_OF_ONE = ("categoricalcrossentropy", "sparsecategoricalcrossentropy", "categoricalfocalcrossentropy")
_OF_EACH = ("binarycrossentropy", "binaryfocalcrossentropy", "sigmoidfocalcrossentropy")


def head_kind(model: Any, wanted: str, outputs: int, loss: str, multi_label: bool | None = None) -> tuple[str, str]:
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

    Returns
    -------
    tuple
        ``sigmoid``, ``softmax``, ``sigmoid logits``, ``softmax logits`` or ``regression``, and a sentence for the
        report (empty when nothing was assumed).

    Raises
    ------
    SettingsError
        When the last activation is none that scores can be read from, or the wanted kind doesn't fit.
    """
    each = multi_label or (multi_label is None and _plain(loss) in _OF_EACH)
    logits = "sigmoid logits" if outputs == 1 or each else "softmax logits"
    if wanted == "softmax" and outputs == 1:
        raise SettingsError("model.head 'softmax' needs several outputs, the model has one", "use sigmoid or logits")
    if wanted != "auto":
        return (logits if wanted == "logits" else wanted), ""
    last = last_activation(model)
    if last == "sigmoid" or (last == "softmax" and outputs > 1):
        return last, ""
    if _plain(loss) in _REGRESSION:
        note = f"The model was trained with the loss '{loss}': its output is a number, not the score of a class."
        return "regression", note
    if last == "unknown":
        note = "What the outputs mean can't be seen in this model: they are taken as scores; settings say otherwise."
        return ("sigmoid" if outputs == 1 or multi_label else "softmax"), note
    if last == "linear":
        name = logits.split(maxsplit=1)[0]
        note = f"The last layer has no activation: its outputs were taken as logits and {name} was applied."
        return logits, note
    raise SettingsError(
        f"the model's last activation is '{last}', from which no scores can be read",
        "say what it gives with head = sigmoid, softmax, logits or regression (--head)",
    )


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
                "leave it out, or say what the outputs are with --head sigmoid or logits",
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
    for operation in _from_the_end(model):
        kind = type(operation).__name__
        if kind in _PASSING:
            continue
        if kind in _ACTIVATIONS:
            return kind.lower()
        if kind == "TFSMLayer" or not _is_of_keras(operation):
            return "unknown"
        return str(getattr(getattr(operation, "activation", None), "__name__", "linear"))
    return "linear"


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


def _from_the_end(model: Any, output: int = 0) -> Iterator[Any]:
    """Yield layers and operations that lead to an output, the last first, also those of models inside."""
    import keras

    if isinstance(model, keras.Sequential) or not getattr(model, "outputs", None):
        steps = [(layer, 0) for layer in reversed(model.layers)]
    else:
        # the order of a functional model's list is not that of its walk: follow the output back instead
        steps = list(_back_from(model.outputs[output]))
    for step, number in steps:
        if getattr(step, "layers", None):
            yield from _from_the_end(step, number)
        else:
            yield step


def _back_from(tensor: Any) -> Iterator[tuple[Any, int]]:
    """Yield what made a tensor, and the number of the tensor among its outputs, as far as the way doesn't fork."""
    while True:
        operation, node, number = tensor._keras_history
        yield operation, number
        nodes = operation._inbound_nodes
        given = nodes[node].input_tensors if node < len(nodes) else []
        if len(given) != 1:
            return
        tensor = given[0]


def _is_of_keras(operation: Any) -> bool:
    return type(operation).__module__.split(".", 1)[0] == "keras"
