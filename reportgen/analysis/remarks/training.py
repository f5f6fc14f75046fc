"""What is to be told of a training, in sentences with their numbers."""

from __future__ import annotations

import math

from reportgen.report.report import readable
from reportgen.report.training_run import NOTHING_SAID, TrainingRecord

_ALIKE = 0.9
_MOST_NAMED = 4


def training_sentences(record: TrainingRecord) -> tuple[str, ...]:
    """Return the findings of a training: evidence, flips, settled maps, dead channels, the best epoch."""
    if not record.epochs:
        return ("No epoch was recorded.",)
    return (*_of_cases(record), *_of_channels(record), *_of_measures(record))


def _of_cases(record: TrainingRecord) -> list[str]:
    first, last, unit = record.epochs[0], record.epochs[-1], record.unit_text
    told = []
    for place, case in enumerate(record.cases):
        then, now = first.cases[place], last.cases[place]
        right = "" if now.correct is None else ", as labelled" if now.correct else ", not as labelled"
        went = f"went from {readable(then.evidence)} (epoch {first.epoch}) to {readable(now.evidence)}{unit}."
        if now.predicted == NOTHING_SAID:
            sentence = f"{case.title}: after epoch {last.epoch} the model gives no numbers (NaN or infinite)."
        elif not record.gives_classes:
            sentence = f"{case.title}: its {case.target_class} {went}"
        else:
            called = f"after epoch {last.epoch} it is called {now.predicted}{right}"
            sentence = f"{case.title}: {called}; the evidence for {case.target_class} {went}"
        flips = [one for one in record.flips if one.case == case.title]
        if flips:
            turns = f"{len(flips)} times, last" if len(flips) > 1 else "once,"
            sentence += f" What is said of it changed {turns} at epoch {flips[-1].epoch}, from {flips[-1].before}."
        settled = _settled(record, place)
        if settled is not None:
            sentence += (
                f" Its map has hardly changed since epoch {settled} (correlation with the epoch before at least "
                f"{_ALIKE})."
            )
        told.append(sentence)
    return told


def _settled(record: TrainingRecord, place: int) -> int | None:
    """Return the epoch from which on the map of a case resembles that of the epoch before; None where it doesn't."""
    since = None
    for before, one in zip(record.epochs, record.epochs[1:], strict=False):
        if not one.cases[place].likeness >= _ALIKE:
            since = None
        elif since is None:
            since = before.epoch
    return since


def _of_channels(record: TrainingRecord) -> list[str]:
    told = []
    for layer in record.epochs[-1].layers:
        died = [one for one in record.deaths if one.layer == layer.name]
        if not died:
            continue
        named = ", ".join(f"{one.channel} (epoch {one.epoch})" for one in died[:_MOST_NAMED])
        rest = f" and {len(died) - _MOST_NAMED} more" if len(died) > _MOST_NAMED else ""
        told.append(f"{layer.name}: {len(died)} of {layer.channels} channels died: {named}{rest}.")
    return told


def _of_measures(record: TrainingRecord) -> list[str]:
    losses = record.history.get("val_loss", ())
    if len(losses) < 2 or not all(map(math.isfinite, losses)):
        return []
    best = min(range(len(losses)), key=losses.__getitem__)
    sentence = f"The loss on validation was lowest after epoch {record.epochs[best].epoch}: {readable(losses[best])}"
    if best == len(losses) - 1:
        return [f"{sentence}, the last."]
    return [f"{sentence}; after epoch {record.epochs[-1].epoch} it is {readable(losses[-1])}."]
