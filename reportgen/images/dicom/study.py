"""DICOM files -> whose study they belong to. Only here patient data are read: they were asked for."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from reportgen.images.decoding import Request
from reportgen.images.dicom import reader as dicom
from reportgen.report.study import IDENTITY, OFFSET, PATIENT, STUDY, UID, Study
from reportgen.settings.report import DEFAULTS, LimitSettings
from reportgen.system.errors import ImageError
from reportgen.system.files import read_bytes, sha256
from reportgen.system.text import visible

_TEXT = re.compile(r"[^\\\n\t]{0,64}")
_DATE = re.compile(r"(\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))?", re.ASCII)
_FORMS = {
    "PatientName": re.compile(r"[^\\\n\t=]{0,64}(=[^\\\n\t=]{0,64}){0,2}"),
    "PatientBirthDate": _DATE,
    "PatientSex": re.compile("[MFO]?"),
    "PatientIdentityRemoved": re.compile("(YES|NO)?"),
    "TypeOfPatientID": re.compile("[A-Z0-9_ ]{0,16}"),
    "StudyDate": _DATE,
    "StudyTime": re.compile(r"(([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?)?", re.ASCII),
    "StudyID": re.compile(r"[^\\\n\t]{0,16}"),
    "AccessionNumber": re.compile(r"[^\\\n\t]{0,16}"),
    "ReferringPhysicianName": re.compile(r"[^\\\n\t=]{0,64}(=[^\\\n\t=]{0,64}){0,2}"),
    "TimezoneOffsetFromUTC": OFFSET,
}


def read_study(path: Path, limits: LimitSettings | None = None) -> Study:
    """Read patient and study of an image; its pixels are not looked at.

    Parameters
    ----------
    path
        A DICOM file.
    limits
        How large it may be.

    Raises
    ------
    ImageError
        When it can't be read, is no DICOM file, damaged, or without a study; or pydicom isn't installed.
    """
    request = Request(name=str(path), limits=limits or DEFAULTS.limits)
    if path.exists() and not path.is_file():
        raise ImageError(f"{path} is no plain file", "give the image as the archive has it, or --study")
    data = read_bytes(path, ImageError, "image", limit=request.limits.file_size)
    if not dicom.is_dicom(data):
        raise ImageError(f"{path} is no DICOM file", "give the image as the archive has it, or --study")
    found = dicom.read_texts(data, request, ("SOPClassUID", "SOPInstanceUID", *PATIENT, *STUDY))
    if not UID.fullmatch(found.get("StudyInstanceUID") or ""):
        raise ImageError(f"{path} belongs to no study", "give another image, or --study")
    values = {}
    for key in (*PATIENT, *STUDY):
        value = found.get(key, "")
        if value is not None and visible(value) == value and _fits(key, value):
            values[key] = value
        elif key in IDENTITY:
            raise ImageError(f"{path} has a {key} that DICOM doesn't allow", "give another image, or --study")
    if not values.get("DeidentificationMethod"):
        values.pop("PatientIdentityRemoved", None)  # one asks for the other
    instance = (found.get("SOPClassUID") or "", found.get("SOPInstanceUID") or "")
    named = all(map(UID.fullmatch, instance))
    return Study({key: one for key, one in values.items() if one}, instance if named else None, sha256(data), str(path))


def _fits(key: str, value: str) -> bool:
    """Whether a text is one that DICOM allows for an element."""
    if not _FORMS.get(key, _TEXT).fullmatch(value):
        return False
    if _FORMS.get(key) is _DATE and value:
        try:
            date(int(value[:4]), int(value[4:6]), int(value[6:]))
        except ValueError:
            return False
    return True
