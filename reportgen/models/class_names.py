"""Class names: from settings, a file, the model's notes, a file beside the model, or the labels of the cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.models.class_name_files import NamesFile, read_names_file
from reportgen.report.names import are_different, plain_name
from reportgen.system.errors import SettingsError
from reportgen.system.language import mark, say

# as Teachable Machine writes it beside a model
BESIDE = "labels.txt"
FROM_LABELS = mark(
    "Class names were not given. Assumed from the labels, in alphabetical order as Keras's folder loader has it: "
    "{names}."
)


def resolve_class_names(
    count: int,
    given: Sequence[str] | str | None,
    noted: Sequence[str] | None,
    labels: Sequence[str | None],
    model_name: str,
    beside: Path | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (class names, notes for the report).

    Parameters
    ----------
    count
        How many classes the model has (2 for one sigmoid).
    given
        From the settings: names, or the path of a file of them.
    noted
        From the model's own notes.
    labels
        Labels of the cases.
    model_name
        For messages.
    beside
        A file that lies beside the model: it's used where there is nothing else to go by, and only if it fits.

    Raises
    ------
    SettingsError
        When the number of names is not the number of classes.
    """
    if given is not None or noted is not None:
        found = _given(given) if given is not None else NamesFile(tuple(noted or ()))
        if len(found.names) != count:
            raise SettingsError(
                f"{len(found.names)} class names for {model_name}, which has {count} classes",
                f"give {count} names in the order of the model's outputs (one sigmoid has 2: negative, positive)",
            )
        if not are_different(found.names):
            raise SettingsError(
                f"class names for {model_name} are not all different", "capitals, spaces, _ and - don't count"
            )
        return found.names, found.notes
    fitting, left_aside = _beside(beside, count)
    if fitting is not None:
        return fitting.names, (say("Class names were taken from {file} beside the model.", file=BESIDE), *fitting.notes)
    # of labels that mean the same, the first spelling
    spellings = {plain_name(label): label for label in sorted(filter(None, labels), reverse=True)}
    distinct = sorted(spellings.values())
    if len(distinct) == count:
        return tuple(distinct), (*left_aside, say(FROM_LABELS, names=", ".join(distinct)))
    numbered = tuple(f"class {number}" for number in range(count))
    return numbered, (*left_aside, say("Class names were not given: classes are numbered."))


def resolve_output_names(
    count: int, given: Sequence[str] | str | None, noted: Sequence[str] | None, model_name: str
) -> tuple[str, ...]:
    """Return what the numbers that a regression gives are called: as given, as noted, or numbered.

    Raises
    ------
    SettingsError
        When the number of names is not the number of outputs.
    """
    names = _given(given).names if given is not None else noted
    if names is None:
        return ("output",) if count == 1 else tuple(f"output {number}" for number in range(count))
    if len(names) != count:
        raise SettingsError(f"{len(names)} names for {model_name}, which gives {count} numbers", f"give {count}")
    return tuple(names)


def is_from_labels(note: str) -> bool:
    """Return whether a note, in the language of the report, says that class names were guessed from the labels."""
    return note.startswith(say(FROM_LABELS, names="\0").partition("\0")[0])


def _given(given: Sequence[str] | str) -> NamesFile:
    return read_names_file(Path(given)) if isinstance(given, str) else NamesFile(tuple(given))


def _beside(path: Path | None, count: int) -> tuple[NamesFile | None, tuple[str, ...]]:
    """Return the names in a file beside the model, or why they were left aside; neither where there's none."""
    if path is None or not path.is_file():
        return None, ()
    try:
        found = read_names_file(path)
    except SettingsError:
        return None, (say("{file} beside the model was left aside: it can't be read.", file=BESIDE),)
    if len(found.names) == count and are_different(found.names):
        return found, ()
    if len(found.names) == count:
        return None, (say("{file} beside the model was left aside: its names are not all different.", file=BESIDE),)
    told = {"file": BESIDE, "names": len(found.names), "classes": count}
    return None, (
        say(
            "{file} beside the model was left aside: it holds {names} names, and the model has {classes} classes.",
            **told,
        ),
    )
