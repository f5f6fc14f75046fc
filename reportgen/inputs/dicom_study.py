"""DICOM files -> whose study they belong to. Only here patient data are read: they were asked for."""

from __future__ import annotations

from pathlib import Path

from reportgen.errors import ImageError
from reportgen.inputs import dicom
from reportgen.inputs.decoding import Request
from reportgen.inputs.files import read_bytes, sha256
from reportgen.settings import LimitSettings
from reportgen.study import PATIENT, STUDY, Study
from reportgen.visible import visible


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
    request = Request(name=str(path), limits=limits or LimitSettings())
    data = read_bytes(path, ImageError, "image", limit=request.limits.file_size)
    if not dicom.is_dicom(data):
        raise ImageError(f"{path} is no DICOM file", "give the image as the archive has it, or --study")
    found = dicom.read_texts(data, request, ("SOPClassUID", "SOPInstanceUID", *PATIENT, *STUDY))
    if not found.get("StudyInstanceUID"):
        raise ImageError(f"{path} belongs to no study", "give another image, or --study")
    values = {key: visible(value) for key, value in found.items() if key in (*PATIENT, *STUDY)}
    instance = (found.get("SOPClassUID", ""), found.get("SOPInstanceUID", ""))
    return Study(values, instance if all(instance) else None, sha256(data), str(path))
