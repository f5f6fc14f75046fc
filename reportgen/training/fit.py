"""Training a network by Keras's ``fit``: what is compiled, what is watched, and how it is taken up again.

Dropout, augmentation and leaking units exist only while training: the model that is saved has exactly the layers of the
architecture.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.labelled import Labelled
from reportgen.models.architectures import Architecture
from reportgen.models.heads import last_activation
from reportgen.system.errors import ReportgenError, SettingsError
from reportgen.training.batches import plain_batches, steps_of, training_batches
from reportgen.training.checkpoint import Progress, read_progress, save_progress
from reportgen.training.coverings import LEAST_SMOOTHING
from reportgen.training.examples import Examples
from reportgen.training.places import add_places, loss_with_places
from reportgen.training.recipe import Recipe

LEAKING_SHARE = 0.5  # of all steps


@dataclass(frozen=True)
class Trained:
    """A trained model and its history.

    Attributes
    ----------
    model
        The architecture with its weights, in float32.
    history
        For each measure one value an epoch.
    best_epoch
        Whose weights these are, counted from 1.
    factor
        From raw-image units to the model's.
    """

    model: Any
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    factor: float = 1 / 255


@dataclass(frozen=True)
class Watcher:
    """Who is told how far a training is: each batch done, and each epoch with its measures; epochs count from 1."""

    on_batch: Callable[[], object] = lambda: None
    on_epoch: Callable[[int, dict[str, float]], object] = lambda _epoch, _measures: None
    on_resume: Callable[[int], object] = lambda _epochs: None


def fit_model(
    architecture: Architecture,
    training: Examples,
    validation: Examples | None,
    recipe: Recipe,
    watcher: Watcher | None = None,
    checkpoint: Path | None = None,
) -> Trained:
    """Train an architecture from scratch, or take up where a checkpoint stands.

    Parameters
    ----------
    architecture
        What to train.
    training, validation
        Images of the architecture's input shape; the validation images are only measured: they may end the training
        and choose its epoch (``recipe.patience``), and are never learned from.
    recipe
        Epochs, rates, augmentation.
    watcher
        Told of each batch and epoch.
    checkpoint
        File that is written after each epoch, and read first where it exists.

    Raises
    ------
    ReportgenError
        When the network's outputs don't fit the classes, or the checkpoint is of another training.
    """
    import keras

    watcher = watcher or Watcher()
    if training.regions is not None and not recipe.label_smoothing:
        # what is graded is never quite certain
        recipe = dataclasses.replace(recipe, label_smoothing=LEAST_SMOOTHING)
    keras.utils.set_random_seed(recipe.seed)
    with _policy(recipe.precision):
        model = architecture.build(len(training.class_names), findings=training.of_findings)
        outputs = check_outputs(model, training)
        learner = _with_dropout(model, recipe.dropout)
        places = add_places(learner) if training.regions is not None else None
        steps = steps_of(training, recipe)
        optimizer = _optimizer(recipe, steps)
        with _leaking(model, optimizer, recipe.leak, LEAKING_SHARE * steps * recipe.epochs):
            judged = _loss_and_metrics(training, outputs, recipe)
            if places:
                learner, judged["loss"] = places.learner, loss_with_places(outputs, recipe.label_smoothing)
            learner.compile(optimizer, **judged)
            optimizer.build(learner.trainable_variables)
            keeper = _Keeper(checkpoint, _fingerprint(architecture, training, validation, recipe), watcher)
            found = keeper.find()
            if found is None or not found.stopped:
                first, factor = found.epochs if found else 0, architecture.factor
                grid = places.grid if places else None
                learner.fit(
                    training_batches(training, recipe, outputs, factor, first, grid),
                    validation_data=plain_batches(validation, recipe, outputs, factor) if validation else None,
                    initial_epoch=first,
                    epochs=recipe.epochs,
                    steps_per_epoch=steps,
                    callbacks=_callbacks(recipe, keeper, watched=bool(validation)),
                    shuffle=False,
                    verbose=0,
                )
            elif found.best is not None:
                learner.set_weights(found.best)
    final = _in_full_precision(architecture, model, training) if recipe.precision != "float32" else model
    return Trained(final, keeper.history, keeper.best_epoch, architecture.factor)


def untrained(architecture: Architecture, data: Examples | Labelled, recipe: Recipe) -> Any:
    """Return the network as it is before training, after it was seen that it fits data and recipe.

    Raises
    ------
    ReportgenError
        When it doesn't.
    """
    model = architecture.build(len(data.class_names), findings=data.of_findings)
    _check_monitor(recipe, _loss_and_metrics(data, check_outputs(model, data), recipe)["metrics"])
    return model


def scores_of(model: Any, data: Examples, factor: float = 1 / 255, *, batch: int = 64) -> NDArray[np.float32]:
    """Return the outputs ``(N, K)`` of a model that was trained here."""
    factor32 = np.float32(factor)
    parts = [
        np.asarray(model(data.images[start : start + batch].astype(np.float32) * factor32, training=False))
        for start in range(0, len(data), batch)
    ]
    return np.concatenate(parts)


def check_outputs(model: Any, data: Examples | Labelled) -> int:
    """Return how many numbers a network gives, after it was seen that they fit the classes.

    Raises
    ------
    ReportgenError
        When they don't, or the network ends in something that is no score.
    """
    shape, classes = model.output_shape, len(data.class_names)
    outputs = shape[-1] if isinstance(shape, tuple) and len(shape) == 2 else None
    wanted = {classes} if data.of_findings or classes > 2 else {1, classes}
    if outputs not in wanted:
        raise ReportgenError(
            f"the network gives {shape}, the data have {classes} classes",
            f"it must give one row of {' or '.join(map(str, sorted(wanted)))} for an image",
        )
    last, right = last_activation(model), "sigmoid" if outputs == 1 or data.of_findings else "softmax"
    if last != right:
        raise ReportgenError(f"the network ends in '{last}'", f"its last activation must be {right} for these data")
    return int(outputs)


class _Keeper:
    """Keeps history and checkpoint, as a Keras callback made late: Keras is imported only to train."""

    def __init__(self, path: Path | None, fingerprint: str, watcher: Watcher) -> None:
        self._path, self._fingerprint, self._watcher = path, fingerprint, watcher
        self.history: dict[str, list[float]] = {}
        self.best_epoch = 0
        self._found: Progress | None = None

    def find(self) -> Progress | None:
        """Return the checkpoint's progress, if there is one."""
        self._found = read_progress(self._path, self._fingerprint) if self._path is not None else None
        if self._found is not None:
            self.history = {name: list(values) for name, values in self._found.history.items()}
            self.best_epoch = int(self._found.patience.get("best_epoch", self._found.epochs - 1)) + 1
            self._watcher.on_resume(self._found.epochs)
        return self._found

    def callback(self, stopping: Any) -> Any:
        """Return the callback; it must come after early stopping, whose memory it keeps and gives back."""
        import keras

        keeper = self

        class Keep(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
                keeper._restore(self.model, stopping)

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
                keeper._watcher.on_batch()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                measures = {name: float(value) for name, value in (logs or {}).items()}
                keeper._keep(self.model, epoch + 1, measures, stopping)

        return Keep()

    def _restore(self, model: Any, stopping: Any) -> None:
        if self._found is None:
            return
        for variable, value in zip(_state(model), self._found.state, strict=True):
            variable.assign(value)
        if stopping is not None:
            for name, counted in self._found.patience.items():
                setattr(stopping, name, counted)
            stopping.best_weights = self._found.best

    def _keep(self, model: Any, epochs: int, measures: dict[str, float], stopping: Any) -> None:
        # Keras's loss of sigmoids makes numbers even of scores that are none: the weights tell
        if not all(np.isfinite(values).all() for values in (measures["loss"], *model.get_weights())):
            raise ReportgenError(
                f"after epoch {epochs} the weights are no numbers any more: the training has run away",
                "lower --learning-rate",
            )
        for name, value in measures.items():
            self.history.setdefault(name, []).append(value)
        patience = {}
        if stopping is not None:
            patience = {name: float(getattr(stopping, name)) for name in ("best", "best_epoch", "wait")}
        self.best_epoch = int(patience.get("best_epoch", epochs - 1)) + 1
        if self._path is not None:
            progress = Progress(
                self._fingerprint,
                epochs,
                bool(model.stop_training) or False,
                self.history,
                [np.asarray(variable) for variable in _state(model)],
                stopping.best_weights if stopping is not None else None,
                patience,
            )
            save_progress(self._path, progress)
        self._watcher.on_epoch(epochs, measures)


def _state(model: Any) -> list[Any]:
    """Return all variables that the next step depends on; those of metrics start anew each epoch."""
    measured = {id(variable) for variable in model.metrics_variables}
    return [one for one in (*model.variables, *model.optimizer.variables) if id(one) not in measured]


def _callbacks(recipe: Recipe, keeper: _Keeper, *, watched: bool) -> list[Any]:
    import keras

    stopping = None
    if recipe.patience and watched:
        mode = "min" if recipe.monitor == "val_loss" else "max"
        stopping = keras.callbacks.EarlyStopping(
            recipe.monitor, patience=recipe.patience, mode=mode, restore_best_weights=True
        )
    return [one for one in (stopping, keeper.callback(stopping)) if one is not None]


def _optimizer(recipe: Recipe, steps: int) -> Any:
    import keras

    total = steps * recipe.epochs
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        warm_up = max(1, int(total * recipe.warm_up))
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 50, max(1, total - warm_up), warmup_target=rate, warmup_steps=warm_up
        )
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    return {"nadam": keras.optimizers.Nadam, "adam": keras.optimizers.Adam}[recipe.optimizer](rate)


def _loss_and_metrics(data: Examples | Labelled, outputs: int, recipe: Recipe) -> dict[str, Any]:
    import keras

    smoothing = recipe.label_smoothing
    if data.of_findings or outputs == 1:
        accuracy, auc = (_of_labels(metric, outputs) for metric in (keras.metrics.BinaryAccuracy, keras.metrics.AUC))
        metrics = [accuracy(name="accuracy"), auc(name="auc", num_thresholds=1000, multi_label=data.of_findings)]
        return {"loss": keras.losses.BinaryCrossentropy(label_smoothing=smoothing), "metrics": metrics}
    if recipe.hard_targets:
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        return {"loss": keras.losses.SparseCategoricalCrossentropy(), "metrics": [accuracy]}
    accuracy = _of_labels(keras.metrics.CategoricalAccuracy, outputs)(name="accuracy")
    return {"loss": keras.losses.CategoricalCrossentropy(label_smoothing=smoothing), "metrics": [accuracy]}


def _of_labels(metric: Any, outputs: int) -> Any:
    """Return a Keras metric of the scores alone, for which a mixed or graded target is the label it is nearest to."""
    import keras

    class OfLabels(metric):  # type: ignore[misc]
        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            labels = keras.ops.round(y_true[:, :outputs])
            return super().update_state(labels, y_pred[:, :outputs], sample_weight)

    return OfLabels


def _check_monitor(recipe: Recipe, metrics: Sequence[Any]) -> None:
    known = {"val_loss", *(f"val_{metric.name}" for metric in metrics)}
    if recipe.patience and recipe.monitor not in known:
        raise SettingsError(
            f"{recipe.monitor} isn't measured for classes of which one is right",
            f"let --monitor be one of {', '.join(sorted(known))}",
        )


def _with_dropout(model: Any, rates: tuple[float, float]) -> Any:
    """Return a model with the same layers (and weights) and Dropout before each dense layer of a built-in stack."""
    import keras

    if not any(rates) or not isinstance(model, keras.Sequential):
        return model
    layers: list[Any] = [keras.layers.Input(model.input_shape[1:])]
    remaining = list(rates)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layers.append(keras.layers.Dropout(remaining.pop(0) if len(remaining) > 1 else remaining[0]))
        layers.append(layer)
    return keras.Sequential(layers)


@contextmanager
def _leaking(model: Any, optimizer: Any, slope: float, steps: float) -> Iterator[None]:
    """Let rectified layers leak below 0 while training, less with every step of the optimizer until none is left."""
    import keras

    rectified = [one for one in model._flatten_layers() if getattr(one, "activation", None) is keras.activations.relu]
    if not slope or not rectified:
        yield
        return

    def leaky(values: Any) -> Any:
        done = keras.ops.cast(optimizer.iterations, "float32") / max(1.0, steps)
        left = keras.ops.cast(slope * keras.ops.maximum(0.0, 1.0 - done), values.dtype)
        return keras.ops.maximum(values, left * values)

    for layer in rectified:
        layer.activation = leaky
    try:
        yield
    finally:
        for layer in rectified:
            layer.activation = keras.activations.relu


@contextmanager
def _policy(precision: str) -> Iterator[None]:
    """Compute in the given precision; weights stay in float32."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _in_full_precision(architecture: Architecture, model: Any, data: Examples) -> Any:
    """Return the architecture built in float32, with the weights of a model that computes in less."""
    final = architecture.build(len(data.class_names), findings=data.of_findings)
    final.set_weights(model.get_weights())
    return final


def _fingerprint(architecture: Architecture, training: Examples, validation: Examples | None, recipe: Recipe) -> str:
    told = {
        "architecture": [architecture.name, architecture.digest],
        # what is done after the last epoch may be chosen anew
        "recipe": {name: value for name, value in dataclasses.asdict(recipe).items() if name != "threshold"},
        "data": [training.digest(), validation.digest() if validation else ""],
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
