"""The model in a report: what goes in, what comes out, each layer, and what its maker says of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from reportgen.report.numbers import Number


@dataclass(frozen=True, kw_only=True)
class LayerSummary:
    """One row of the model's summary.

    Attributes
    ----------
    name
        ``outer/inner`` for a layer of a model in a model.
    type
        Its class, such as ``Conv2D``.
    output_shape
        With the batch axis, which is None, as is every side that the model leaves open.
    parameters
        How many it has.
    trainable
        Whether it has weights that training changes.
    activation
        Its name; None where the layer has none.
    receptive_field
        (height, width) in pixels of the input; None where it isn't defined.
    inbound
        Names of the layers whose outputs go in; an empty name is the model's input. Empty in reports of older versions.
    """

    name: str
    type: str
    output_shape: tuple[int | None, ...]
    parameters: int
    trainable: bool
    activation: str | None
    receptive_field: tuple[int, int] | None
    inbound: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How a model did on a set of images, as its card tells.

    Attributes
    ----------
    data
        Which images.
    images
        How many.
    accuracy, auc, sensitivity, specificity
        0 to 1; None where the card doesn't tell.
    auc_interval, sensitivity_interval, specificity_interval
        Ends of their 95 % intervals; None where the card doesn't tell.
    calibration_error
        Expected calibration error of the positive score, 0 to 1; None where the card doesn't tell.
    """

    data: str
    images: int
    accuracy: float | None = None
    auc: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    auc_interval: tuple[float, float] | None = None
    sensitivity_interval: tuple[float, float] | None = None
    specificity_interval: tuple[float, float] | None = None
    calibration_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What the model's maker says about it; a text is empty where nothing is said.

    Attributes
    ----------
    title
        What to call it.
    purpose
        What it is for.
    data
        What it was trained on.
    method
        How it was trained.
    limits
        What it can't do, and what it must not be used for.
    source
        Where it and its data come from, with the licence.
    evaluations
        How it did on sets of images.
    """

    title: str = ""
    purpose: str = ""
    data: str = ""
    method: str = ""
    limits: str = ""
    source: str = ""
    evaluations: tuple[Evaluation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelReport:
    """The model: what goes in, what comes out, and each layer.

    Attributes
    ----------
    name
        File name without folders, or ``keras:NAME``.
    sha256
        Digest of the file; of the weights where there is no file.
    total_parameters, trainable_parameters
        How many.
    input_shape
        Height, width and channels: without the batch axis.
    output_shape
        How many numbers come out: without the batch axis.
    head
        What they are: ``sigmoid``, ``softmax``, ``sigmoid logits``, ``softmax logits``, or ``regression``, numbers of
        any size.
    class_names
        In output order. One sigmoid: negative, positive. Regression: the names of the outputs.
    threshold
        From which score on the second class is said; None unless there is one sigmoid.
    preprocessing
        In words and numbers.
    layers
        In the order in which they are run.
    shown_layers
        Names of the layers whose feature maps are in the report.
    notes
        What was assumed or left out, one sentence each.
    card
        From the model's notes; None where they have none.
    history
        From the model's notes: one value an epoch for each measure.
    thresholds
        One for each class where the classes are independent findings (multi-label); else empty.
    """

    name: str
    sha256: str
    total_parameters: int
    trainable_parameters: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    head: str
    class_names: tuple[str, ...]
    threshold: float | None
    preprocessing: str
    layers: tuple[LayerSummary, ...]
    shown_layers: tuple[str, ...]
    notes: tuple[str, ...] = ()
    card: ModelCard | None = None
    history: dict[str, tuple[Number, ...]] = field(default_factory=dict)
    thresholds: tuple[Number, ...] = ()
