"""Training, validation and test: as divided on the disk, and the rest such that a patient stays on one side."""

from __future__ import annotations

import hashlib
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.labelled import Labelled, Parts
from reportgen.report.evaluation import describe_part
from reportgen.report.numbers import grouped
from reportgen.system.errors import ReportgenError, SettingsError
from reportgen.system.language import say_count


def split_by_group(data: Labelled, share: float) -> tuple[Labelled, Labelled]:
    """Split so that no group stands on both sides: (the larger rest, about ``share`` of the groups).

    The side of a group follows from a digest of its name: the same whatever else is in the data.
    """
    held = _places(data.groups) < share
    return data.take(np.flatnonzero(~held)), data.take(np.flatnonzero(held))


def split_by_count(data: Labelled, share: float) -> tuple[Labelled, Labelled]:
    """Split images that belong to nobody: (the rest, ``share`` of them to the nearest whole number).

    Chosen are those with the smallest digests of their groups' names, which for archives are places in the archive:
    the same each time, and spread over all of it. Both sides keep the order.
    """
    held = np.zeros(len(data), np.bool_)
    held[np.argsort(_places(data.groups), kind="stable")[: round(share * len(data))]] = True
    return data.take(np.flatnonzero(~held)), data.take(np.flatnonzero(held))


def divide(
    parts: Parts, validation_share: float, test_share: float = 0.0
) -> tuple[Labelled, Labelled | None, Labelled | None]:
    """Return (train, validation, test): what is divided on the disk as it is, the rest split off what is not.

    Parameters
    ----------
    parts
        As read. What isn't there is taken of the undivided images, else of those for training.
    validation_share, test_share
        From 0 to 1, of the images that are split; not used for a part that is there. Patients are split by
        :func:`split_by_group` (validation is the same whatever the test share), images without by
        :func:`split_by_count`.

    Returns
    -------
    train, validation, test
        None for a part that would be empty.

    Raises
    ------
    SettingsError
        When the shares are below 0 or leave nothing.
    ReportgenError
        When nothing is left to train with.
    """
    if not (validation_share >= 0 and test_share >= 0 and validation_share + test_share < 1):
        raise SettingsError(
            f"shares of {validation_share:g} for validation and {test_share:g} for testing",
            "both from 0, and together less than 1",
        )
    train = parts.undivided if parts.undivided is not None else parts.train
    if train is None:
        raise ReportgenError(f"{' and '.join(parts.by_name)}: there is no part for training", "give a train part")
    validation, test = parts.validation, parts.test
    shares = (0.0 if validation else validation_share, 0.0 if test else test_share)
    rest, held, tested = _split_off(train, *shares, by_count=not parts.patients)
    if not len(rest):
        raise ReportgenError("all images belong to the held-back patients", "give more images")
    return rest, validation or held, test or tested


def describe_overlap(parts: Parts) -> tuple[str, ...]:
    """Return a sentence for each two parts on the disk that share patients: figures on the one flatter the other.

    Images that no pattern and no column gives a patient count by their file's name, which may well be the same in two
    parts; they aren't counted.
    """
    if not parts.patients:
        return ()
    named = {part: _patients(data) for part, data in parts.by_name.items()}
    found = []
    for at, (part, patients) in enumerate(named.items()):
        for other, others in list(named.items())[at + 1 :]:
            shared = len(patients & others)
            if shared:
                found.append(
                    say_count(
                        "{count} patient has images in both {part} and {other}, by name: if they are the same people, "
                        "figures on {other} are too good.",
                        "{count} patients have images in both {part} and {other}, by name: if they are the same "
                        "people, figures on {other} are too good.",
                        shared, count=grouped(shared), part=describe_part(part), other=describe_part(other),
                    )
                )  # fmt: skip
    return tuple(found)


def _patients(data: Labelled) -> set[str]:
    return {
        group for group, name in zip(data.groups, data.names, strict=True) if group not in (name, PurePath(name).stem)
    }


def _split_off(
    data: Labelled, validation: float, test: float, *, by_count: bool
) -> tuple[Labelled, Labelled | None, Labelled | None]:
    if by_count:
        rest, held = split_by_count(data, validation)
        rest, tested = split_by_count(rest, test * len(data) / max(len(rest), 1))
    else:
        rest, held = split_by_group(data, validation)
        place = _places(rest.groups)
        chosen = (place >= validation) & (place < validation + test)
        rest, tested = rest.take(np.flatnonzero(~chosen)), rest.take(np.flatnonzero(chosen))
    return rest, held or None, tested or None


def _places(groups: tuple[str, ...]) -> NDArray[np.float64]:
    """Return for each group a number from 0 to 1 that follows from its name alone."""
    place = {group: int.from_bytes(_digest(group)[:4], "big") / 2**32 for group in set(groups)}
    return np.array([place[group] for group in groups], np.float64)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
