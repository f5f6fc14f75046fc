"""Code that comes with a model: found in its configuration, named, and run only when the user trusts it.

A configuration names classes. Those that Keras itself has are data; a Lambda layer carries Python bytecode, and any
other class must come from somewhere: from the user (``--custom-objects module:NAME``), or not at all.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.models.code.bytecode import other_python, this_python
from reportgen.models.code.lambdas import function_name, own_function
from reportgen.models.formats.application_layers import is_application_layer
from reportgen.models.formats.wrapped_programs import KIND as PROGRAM
from reportgen.models.keras2.hdf5_operations import is_operation
from reportgen.system.errors import ModelError

_MODEL_CLASSES = ("Functional", "Model", "Sequential", "InputLayer", "Network", "Container")
# what Keras 2 wrote and Keras 3 no longer has under that name
_LEGACY = (
    "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod", "InstanceMethod", "InstanceProperty",
    "Policy", "PolicyV1", "ThresholdedReLU", "RandomHeight", "RandomWidth", "BatchNormalizationV1",
    "BatchNormalizationV2", "SyncBatchNormalization", "LocallyConnected2D", "AtrousConvolution2D", "Convolution2D",
    "MaxPool2D", "AvgPool2D", "Merge", "VarianceScaling", "RandomNormal", "TruncatedNormalV2", "LossScaleOptimizer",
    "DynamicLossScale",
)  # fmt: skip
_PLAIN = (
    "function", "slice", "ellipsis", "bytes", "set", "tuple", "list", "dict", "CustomMaskWarning", "KerasTensor",
    "TensorShape", "TypeSpec", "DType", "Ellipsis", "NoneType", "__tuple__", "__numpy__", "__tensor__", "__slice__",
    "__ellipsis__", "__typespec__", "__keras_tensor__", "__bytes__",
)  # fmt: skip
_LONGEST_NAME = 80
_HOMES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "builtins")
_PARTS = ("layers", "initializers", "regularizers", "constraints", "activations", "dtype_policies", "losses",
          "optimizers", "metrics", "quantizers")  # fmt: skip
# layers of Keras that run programs or open files which the configuration names
_FETCHING = (PROGRAM, "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
_OF_HUB = "KerasLayer"
# no layer: they shape training, which doesn't happen here
_UNUSED = ("compile_config", "training_config", "optimizer_config")


@dataclass(frozen=True)
class ForeignCode:
    """Something in a configuration that only code from elsewhere can make: the layer, its class, and where from.

    Of code in the file itself: ``python`` is the other version of Python that it is of, if it is of another;
    ``function`` what to call a function of one's own to be used instead, where one can be.
    """

    layer: str
    kind: str
    is_lambda: bool
    python: str = ""
    function: str = ""

    def __str__(self) -> str:
        """Name it."""
        kind = _shortened(self.kind)
        return f"'{_shortened(self.layer)}' ({kind})" if self.layer else kind


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."


def find_code(config: Any, custom: Sequence[str] = ()) -> tuple[ForeignCode, ...]:
    """Return what in a configuration needs code that Keras doesn't have.

    Parameters
    ----------
    config
        As in the model file: nested tables and lists.
    custom
        Names of classes and functions that the user gives.

    Raises
    ------
    ModelError
        When it's nested deeper than any model.
    """
    try:
        found = dict.fromkeys(_find(config, "", frozenset(custom)))
    except RecursionError:
        raise ModelError("the model's configuration is nested too deeply", "it is no Keras model") from None
    return tuple(found)


def refuse_code(found: Sequence[ForeignCode], path: Path) -> None:
    """Refuse a model that needs foreign code; the message names the layers and the switch.

    Raises
    ------
    ModelError
        When anything was found.
    """
    if not found:
        return
    if any(code.is_lambda for code in found):
        raise ModelError(
            f"{path} carries Python code in {_listed(found)}, which is not run unless you trust it",
            f"if you know who made the file, allow it with --trust-model-code{_or_own(found)}",
        )
    raise missing_code(found, path)


def refuse_other_python(found: Sequence[ForeignCode], path: Path) -> None:
    """Refuse a model with code that was saved by another Python than this one, trusted or not: it can't be run.

    Raises
    ------
    ModelError
        Naming the layers, both versions of Python, and what helps.
    """
    of_others = [code for code in found if code.python]
    if not of_others:
        return
    first = of_others[0]
    own = f"write it anew as a function of that name and give it with --custom-objects MODULE:{first.function}"
    advice = f"only the layer's source helps: {own}" if first.function else "save the model again without it"
    raise ModelError(
        f"{path} carries Python code in {_listed(of_others)} that was saved by Python {first.python}; this is Python "
        f"{this_python()}, which can't run it",
        advice,
    )


def _or_own(found: Sequence[ForeignCode]) -> str:
    names = [code.function for code in found if code.is_lambda and code.function]
    return f", or give a function of your own for it with --custom-objects MODULE:{names[0]}" if names else ""


def missing_code(found: Sequence[ForeignCode], path: Path) -> ModelError:
    """Return what to say of classes and functions that only the user can give."""
    name = found[0].kind.rpartition(">")[2].rpartition(".")[2]
    advice = f"give your own with --custom-objects MODULE:{_shortened(name)}"
    if name == "preprocess_input":
        advice += ", such as keras.applications.vgg16:preprocess_input"
    if name == _OF_HUB:
        advice = (
            "it is a layer of TensorFlow Hub: where the model was made, save it with tf.saved_model.save(model, "
            "'folder') and give that folder; or install tensorflow-hub, which fetches the layer, and give "
            "--custom-objects tensorflow_hub:KerasLayer"
        )
    return ModelError(f"{path} needs code that Keras does not have: {_listed(found)}", advice)


def _listed(found: Sequence[ForeignCode]) -> str:
    return ", ".join(str(code) for code in found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def read_custom_objects(given: Sequence[str]) -> dict[str, Any]:
    """Import the user's own layers and functions.

    Parameters
    ----------
    given
        Each ``module:NAME``; modules are looked for in the working folder, too.

    Raises
    ------
    ModelError
        When a module can't be imported or has no such name.
    """
    found = {}
    for text in given:
        module_name, separator, name = text.partition(":")
        if not separator or not module_name.strip() or not name.isidentifier():
            raise ModelError(f"'{text}' names no object", "write --custom-objects module:NAME")
        with _importing(f"module '{module_name}'", ""):
            module = importlib.import_module(module_name.strip().removesuffix(".py"))
        if not hasattr(module, name):
            raise ModelError(f"module '{module_name}' has no '{name}'", "check the name")
        found[name] = getattr(module, name)
    return found


def read_own_function(path: Path, name: str) -> Any:
    """Run a Python file and return what it calls by a name; it can import what lies beside it.

    Parameters
    ----------
    path
        Of whatever name: a module of the same name that is there already isn't taken for it.

    Raises
    ------
    ModelError
        When the file isn't there, fails, or has no such name.
    """
    if not path.is_file():
        raise ModelError(f"file not found: {path}", "check the path")
    title = f"own_{path.stem}"
    spec = importlib.util.spec_from_file_location(title, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is no Python file", "name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    # where inspect and pickle look for it
    sys.modules[title] = module
    with _importing(str(path), str(path.parent.absolute())):
        spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise ModelError(f"{path} has no '{name}'", "check the name")
    return getattr(module, name)


@contextmanager
def _importing(what: str, folder: str) -> Iterator[None]:
    """Make the modules of a folder importable, and tell of one that fails."""
    sys.path.insert(0, folder)
    try:
        yield
    except (Exception, SystemExit) as problem:
        # a module may fail in every way while it is imported, or end the program
        raise ModelError(f"{what} can't be imported ({problem})", "check its name and its code") from problem
    finally:
        # it may have changed the list
        with suppress(ValueError):
            sys.path.remove(folder)


def _find(value: Any, layer: str, custom: frozenset[str]) -> Iterator[ForeignCode]:
    if isinstance(value, list):
        for item in value:
            yield from _find(item, layer, custom)
        return
    if not isinstance(value, dict):
        return
    inner = value.get("config")
    name = inner.get("name") if isinstance(inner, dict) else value.get("name")
    layer = name if isinstance(name, str) else layer
    if isinstance(value.get("class_name"), str):
        code = _code_in(value, layer, custom)
        if code is not None:
            yield code
            if code.is_lambda:
                return
    for key, item in value.items():
        if key not in _UNUSED:
            yield from _find(item, layer, custom)


def _code_in(table: dict[str, Any], layer: str, custom: frozenset[str]) -> ForeignCode | None:
    kind, module, registered = str(table["class_name"]), table.get("module"), table.get("registered_name")
    if kind in ("Lambda", "__lambda__"):
        return _lambda_code(table, layer, custom)
    if kind == "function" and isinstance(table.get("config"), str):
        kind = str(table["config"]).removesuffix("_v2")
        registered = None
    if kind in custom or (isinstance(registered, str) and registered.rpartition(">")[2] in custom):
        return None
    # Keras imports the module that is named, whatever it is
    if isinstance(module, str) and not any(module == own or module.startswith(f"{own}.") for own in _HOMES):
        return ForeignCode(layer, f"{module}.{kind}", is_lambda=False)
    if kind in _FETCHING or _names_a_file(table) or not _is_known(table, kind):
        return ForeignCode(layer, kind, is_lambda=False)
    # what others registered comes before what Keras has, whatever module is named
    is_registered = isinstance(registered, str) and ">" in registered and not is_application_layer(table)
    return ForeignCode(layer, str(registered), is_lambda=False) if is_registered else None


def _is_known(table: dict[str, Any], kind: str) -> bool:
    """Whether Keras itself has what a table names."""
    module = table.get("module")
    if isinstance(module, str) and ".ops" in module and kind[:1].isupper():
        return True
    plain = kind.rpartition(">")[2] if kind.startswith("Custom>") else kind
    return plain in _known() or plain in _PLAIN or is_application_layer(table) or is_operation(table)


def _lambda_code(table: dict[str, Any], layer: str, custom: frozenset[str]) -> ForeignCode | None:
    function = function_name(table)
    if function is not None:
        return None if function in custom else ForeignCode(layer, function, is_lambda=False)
    python = other_python(table.get("config"))
    return ForeignCode(layer, "Lambda", is_lambda=True, python=python, function=own_function(table))


def _names_a_file(table: dict[str, Any]) -> bool:
    """Whether a layer looks words up in a file that the configuration names."""
    config = table.get("config")
    return isinstance(config, dict) and isinstance(config.get("vocabulary"), str)


@functools.cache
def _known() -> frozenset[str]:
    """Return the names of everything that Keras itself can make of a configuration."""
    import keras

    names = {name for part in _PARTS for name in dir(getattr(keras, part, None)) if not name.startswith("_")}
    return frozenset(names | set(_MODEL_CLASSES) | set(_LEGACY) | set(_PLAIN))
