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
    field_start
        (row, column) of the input at which the receptive field of the first place begins, below 0 where that is padded;
        None where it isn't known.
    field_step
        (down, across): by how many pixels of the input the field moves from one place to the next; None with the start.
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
    field_start: tuple[int, int] | None = None
    field_step: tuple[int, int] | None = None

    def lies_over(self, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
        """Return (top, left, height, width) of where a map of a size lies over the input; None if unknown.

        Each place lies in the middle of what it sees.
        """
        if self.receptive_field is None or self.field_start is None or self.field_step is None:
            return None
        (top, left), (down, across) = self.field_start, self.field_step
        middle = ((self.receptive_field[0] - down) / 2, (self.receptive_field[1] - across) / 2)
        return top + middle[0], left + middle[1], float(down * size[0]), float(across * size[1])

    def seen_from(self, place: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
        """Return (top, left, bottom, right) of what a place of the layer sees of an input of a size; None if unknown.

        The last two are exclusive; what lies beyond the border is left out.
        """
        if self.receptive_field is None or self.field_start is None or self.field_step is None:
            return None
        ends = []
        for at, start, step, extent, side in zip(
            place, self.field_start, self.field_step, self.receptive_field, size, strict=True
        ):
            first = min(side - 1, max(0, start + at * step))
            ends.append((first, max(first + 1, min(side, start + at * step + extent))))
        (top, bottom), (left, right) = ends
        return top, left, bottom, right


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
