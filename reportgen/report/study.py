"""A patient and a study as DICOM names them, to file something under: what is read of an image and written to another.

Nothing of it ever gets into a report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PATIENT = (
    "PatientName", "PatientID", "IssuerOfPatientID", "TypeOfPatientID", "PatientBirthDate", "PatientSex",
    "PatientIdentityRemoved", "DeidentificationMethod",
)  # fmt: skip
STUDY = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "StudyDescription", "TimezoneOffsetFromUTC",
)  # fmt: skip
# what tells one patient from another, and what of it says alone who it is
IDENTITY = ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate")
TELLING = ("PatientID", "PatientName")
UID = re.compile(r"(?=.{1,64}\Z)[012](\.(0|[1-9]\d*))+", re.ASCII)
# from UTC; DICOM has -1200 to +1400, and no -0000
OFFSET = re.compile(r"\+((0\d|1[0-3])[0-5]\d|1400)|-(?!0000)((0\d|1[01])[0-5]\d|1200)", re.ASCII)


@dataclass(frozen=True)
class Study:
    """Whose study it is.

    Attributes
    ----------
    values
        Texts by DICOM keyword, of those in ``PATIENT`` and ``STUDY``.
    instance
        (SOP Class UID, SOP Instance UID) of the image that it was read of.
    sha256
        Digest of that image's file.
    name
        What to call that file in messages.
    """

    values: dict[str, str] = field(default_factory=dict)
    instance: tuple[str, str] | None = None
    sha256: str = ""
    name: str = ""

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return self.values.get("StudyInstanceUID", "")
