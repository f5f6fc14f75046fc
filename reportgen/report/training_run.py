"""A training as data: what was measured of a few cases after each epoch.

As in :mod:`reportgen.report.report`, nothing here reads, computes on images or writes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from reportgen.report.evidence import BITS
from reportgen.report.numbers import Number
from reportgen.report.picture import Picture
from reportgen.system.language import say

TRAINING_SCHEMA = 1
TRAINING_KIND = "training"
NOTHING_SAID = "no numbers"


@dataclass(frozen=True, kw_only=True)
class EpochCase:
    """One case after one epoch.

    Attributes
    ----------
    predicted
        What the model says; :data:`NOTHING_SAID` where its scores are no numbers.
    score
        Of the target class, 0 to 1; of a regression, the output.
    evidence
        For the target class, in the unit of the training's record.
    correct
        Whether the prediction is the label; None where that can't be said.
    likeness
        Correlation of its evidence map with that of the epoch recorded before, -1 to 1; NaN where there is none.
    """

    predicted: str
    score: Number
    evidence: Number
    correct: bool | None = None
    likeness: Number = math.nan


@dataclass(frozen=True, kw_only=True)
class EpochLayer:
    """One layer after one epoch.

    Attributes
    ----------
    name
        Of the layer.
    channels
        How many it has.
    dead
        Channels whose values are all equal on each case.
    """

    name: str
    channels: int
    dead: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """What was measured after one epoch.

    Attributes
    ----------
    epoch
        Counted from 1.
    logs
        What Keras says of it: losses and measures by name.
    cases, layers
        In the order of the record.
    """

    epoch: int
    logs: dict[str, Number]
    cases: tuple[EpochCase, ...]
    layers: tuple[EpochLayer, ...]


@dataclass(frozen=True, kw_only=True)
class WatchedCase:
    """A case that is looked at after each epoch.

    Attributes
    ----------
    title
        What to call it.
    sha256
        Digest of its image.
    target_class
        The class whose evidence is followed.
    """

    title: str
    sha256: str
    target_class: str


@dataclass(frozen=True, kw_only=True)
class WatchedChannel:
    """A channel that is drawn after each epoch."""

    layer: str
    channel: int

    @property
    def title(self) -> str:
        """What to call it."""
        return say("{layer}, channel {channel}", layer=self.layer, channel=self.channel)


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A change of what is said of a case: ``before`` up to the epoch recorded before ``epoch``, ``after`` from then."""

    case: str
    epoch: int
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Death:
    """A channel that responded after some epoch and is dead after the last; ``epoch``: the first from which on."""

    layer: str
    channel: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """A training, epoch by epoch.

    Attributes
    ----------
    kind, schema_version
        What this is, and which version of its fields.
    model
        Name of the model.
    created
        When it began, in UTC (ISO 8601).
    unit
        Of the evidence: ``bits``, or ``output`` of a model that gives numbers.
    cases, channels
        What is looked at after each epoch.
    epochs
        In order.
    versions
        Of reportgen, Python and the libraries.
    pictures
        What its page shows; not part of the file.
    """

    kind: str = TRAINING_KIND
    schema_version: int = TRAINING_SCHEMA
    model: str
    created: str
    unit: str
    cases: tuple[WatchedCase, ...]
    channels: tuple[WatchedChannel, ...]
    epochs: tuple[EpochRecord, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()

    @property
    def unit_text(self) -> str:
        """The unit behind a number; empty where it has none."""
        return say(" bits") if self.unit == BITS else ""

    @property
    def unit_named(self) -> str:
        """What the evidence is counted in, by itself."""
        return say("bits") if self.unit == BITS else say("units of the output")

    @property
    def gives_classes(self) -> bool:
        """Whether the model says one of several classes, and not a number of no fixed range."""
        return self.unit == BITS

    @property
    def history(self) -> dict[str, tuple[float, ...]]:
        """The measures that every epoch has, each a value an epoch."""
        if not self.epochs:
            return {}
        names = [name for name in self.epochs[0].logs if all(name in one.logs for one in self.epochs)]
        return {name: tuple(one.logs[name] for one in self.epochs) for name in names}

    @property
    def flips(self) -> tuple[Flip, ...]:
        """Where what is said of a case changed, case by case."""
        return tuple(
            Flip(case=case.title, epoch=now.epoch, before=then.cases[place].predicted, after=now.cases[place].predicted)
            for place, case in enumerate(self.cases)
            for then, now in zip(self.epochs, self.epochs[1:], strict=False)
            if then.cases[place].predicted != now.cases[place].predicted
        )

    @property
    def deaths(self) -> tuple[Death, ...]:
        """The channels that died: they responded to a case once, and don't after the last epoch."""
        found = []
        for place, layer in enumerate(self.epochs[-1].layers if self.epochs else ()):
            for channel in layer.dead:
                since = len(self.epochs) - 1
                while since and channel in self.epochs[since - 1].layers[place].dead:
                    since -= 1
                if since:
                    found.append(Death(layer=layer.name, channel=channel, epoch=self.epochs[since].epoch))
        return tuple(found)
