"""How a data set is read: whose an image is, and what the columns of a manifest are."""

from __future__ import annotations

from dataclasses import dataclass

# names of the chest radiographs of Kermany et al. (2018): person100_bacteria_475.jpeg, NORMAL2-IM-0012-0001.jpeg
PATIENT = r"^(?:person\d+|(?:NORMAL2-)?IM-\d+)"


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """How a data set is read.

    Attributes
    ----------
    patient
        A regular expression that finds the patient in a file's name, else in its path below the folder of its class:
        its group named ``patient``, else its first group, else all that it matches. Where it finds nothing, an image
        is a patient of its own, named as the file without its ending.
    image_column, label_column, patient_column, split_column
        Of a manifest; None: the first with a usual name; empty (patient and split): none is used. Capitals, spaces,
        ``_`` and ``-`` don't count.
    separator
        Between several findings of one image.
    """

    patient: str = PATIENT
    image_column: str | None = None
    label_column: str | None = None
    patient_column: str | None = None
    split_column: str | None = None
    separator: str = "|"
