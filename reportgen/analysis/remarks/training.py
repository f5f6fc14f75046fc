"""What is to be told of a training, in sentences with their numbers."""

from __future__ import annotations

import math

from reportgen.report.report import readable
from reportgen.report.training_run import NOTHING_SAID, TrainingRecord
from reportgen.system.language import say, say_count

_ALIKE = 0.9
_MOST_NAMED = 4


def training_sentences(record: TrainingRecord) -> tuple[str, ...]:
    """Return the findings of a training: evidence, flips, settled maps, dead channels, the best epoch."""
    if not record.epochs:
        return (say("No epoch was recorded."),)
    return (*_of_cases(record), *_of_channels(record), *_of_measures(record))


def _of_cases(record: TrainingRecord) -> list[str]:
    first, last, unit = record.epochs[0], record.epochs[-1], record.unit_text
    told = []
    for place, case in enumerate(record.cases):
        then, now = first.cases[place], last.cases[place]
        right = "" if now.correct is None else f", {say('as labelled') if now.correct else say('not as labelled')}"
        words = {
            "case": case.title, "name": case.target_class, "before": readable(then.evidence), "first": first.epoch,
            "after": f"{readable(now.evidence)}{unit}", "last": last.epoch,
        }  # fmt: skip
        if now.predicted == NOTHING_SAID:
            sentence = say("{case}: after epoch {last} the model gives no numbers (NaN or infinite).", **words)
        elif not record.gives_classes:
            sentence = say("{case}: its {name} went from {before} (epoch {first}) to {after}.", **words)
        else:
            sentence = say(
                "{case}: after epoch {last} it is called {predicted}{right}; the evidence for {name} went from "
                "{before} (epoch {first}) to {after}.",
                **words, predicted=now.predicted, right=right,
            )  # fmt: skip
        flips = [one for one in record.flips if one.case == case.title]
        if flips:
            sentence += " " + say_count(
                "What is said of it changed once, at epoch {epoch}, from {before}.",
                "What is said of it changed {count} times, last at epoch {epoch}, from {before}.",
                len(flips), epoch=flips[-1].epoch, before=flips[-1].before,
            )  # fmt: skip
        settled = _settled(record, place)
        if settled is not None:
            sentence += " " + say(
                "Its map has hardly changed since epoch {epoch} (correlation with the epoch before at least {value}).",
                epoch=settled, value=_ALIKE,
            )  # fmt: skip
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
        named = ", ".join(
            say("{channel} (epoch {epoch})", channel=one.channel, epoch=one.epoch) for one in died[:_MOST_NAMED]
        )
        rest = f" {say('and {count} more', count=len(died) - _MOST_NAMED)}" if len(died) > _MOST_NAMED else ""
        told.append(
            say_count(
                "{layer}: {count} of {channels} channels died: {named}.",
                "{layer}: {count} of {channels} channels died: {named}.",
                len(died),
                layer=layer.name,
                channels=layer.channels,
                named=f"{named}{rest}",
            )
        )
    return told


def _of_measures(record: TrainingRecord) -> list[str]:
    losses = record.history.get("val_loss", ())
    if len(losses) < 2 or not all(map(math.isfinite, losses)):
        return []
    best = min(range(len(losses)), key=losses.__getitem__)
    told = {"epoch": record.epochs[best].epoch, "loss": readable(losses[best])}
    if best == len(losses) - 1:
        return [say("The loss on validation was lowest after epoch {epoch}, the last: {loss}.", **told)]
    return [
        say(
            "The loss on validation was lowest after epoch {epoch}: {loss}; after epoch {last} it is {now}.",
            **told, last=record.epochs[-1].epoch, now=readable(losses[-1]),
        )
    ]  # fmt: skip
