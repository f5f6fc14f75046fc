"""PDF -> a DICOM object that an archive keeps beside the images: an Encapsulated PDF (PS3.3, A.45.1).

The same PDF, filed under the same study, is the same object with the same identifiers.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from reportgen.report.report import Report
from reportgen.report.study import IDENTITY, OFFSET, PATIENT, STUDY, TELLING, UID, Study
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.libraries import install_extra
from reportgen.system.silence import silence_loggers
from reportgen.system.text import visible

NEW = "new"
_ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_SERIES_NUMBER = 9100  # far from those of a modality
_SHORT, _LONG, _TITLE = 16, 64, 1024  # characters of SH, LO and ST


def stated_study(uid: str | None, *, patient_id: str = "", patient_name: str = "", accession: str = "") -> Study:
    """Return a study as it's told, without an image that it is read of.

    Parameters
    ----------
    uid
        Study Instance UID, ``new``, or None where an image tells it.
    patient_id, patient_name, accession
        Empty: unknown. A name is written as ``Family^Given``.

    Raises
    ------
    SettingsError
        When the UID is none, or a text has a character that DICOM doesn't allow or too many.
    """
    if uid is not None and uid != NEW and not UID.fullmatch(uid):
        raise SettingsError(f"--study: '{uid:.80}' is no UID", f"give one such as 1.2.840.1, or {NEW}")
    given = (
        ("PatientID", patient_id, "--patient-id", _LONG),
        ("PatientName", patient_name, "--patient-name", _LONG),
        ("AccessionNumber", accession, "--accession", _SHORT),
    )
    for _, text, flag, most in given:
        if len(text) > most or "\\" in text or visible(text) != text or "\n" in text or "\t" in text:
            raise SettingsError(f"{flag} takes at most {most} characters, none of them a backslash or a control", "")
    if not is_name(patient_name):
        raise SettingsError(
            f"--patient-name: '{patient_name:.80}' is no name", "write it as Family^Given^Middle^Prefix^Suffix"
        )
    return Study(({"StudyInstanceUID": uid} if uid else {}) | {key: text for key, text, _, _ in given if text})


def is_name(text: str) -> bool:
    """Whether a text is a person name: up to three groups (``=``) of up to five parts (``^``) and 64 characters."""
    groups = text.split("=")
    return len(groups) <= 3 and all(len(group) <= _LONG and group.count("^") <= 4 for group in groups)


def contradiction(study: Study, told: Study) -> str | None:
    """Return the first thing that was told and is otherwise in a study; None when they agree."""
    return next((key for key in told.values if _plain(study, key) != _plain(told, key)), None)


def one_patient(studies: Sequence[Study]) -> Study:
    """Return the first study, if all are of the same patient.

    Raises
    ------
    OutputError
        When they aren't, or it can't be told.
    """
    first = studies[0]
    for other in studies[1:]:
        differing = [key for key in IDENTITY if _plain(first, key) != _plain(other, key)]
        if differing:
            raise OutputError(
                f"{first.name} and {other.name} are of different patients ({', '.join(differing)})",
                "a report belongs to one patient: give images of one",
            )
        if not any(_plain(first, key) for key in TELLING) and first.uid != other.uid:
            raise OutputError(
                f"{first.name} and {other.name} don't say whose they are, and are of different studies",
                "give images that do",
            )
    return first


def check_covered(report: Report, references: Sequence[Study]) -> str:
    """Refuse to file a report about DICOM images that were not given; return a caution about its other images.

    Without any reference the study was told: then one DICOM image is taken on trust, but not several, which may be of
    different patients.

    Raises
    ------
    OutputError
        Naming the case: it may be of another patient.
    """
    given = {study.sha256 for study in references}
    left = [case for case in report.cases if case.sha256 not in given]
    from_dicom = [case for case in left if case.kind.startswith("DICOM")]
    if not references:
        if len({case.sha256 for case in from_dicom}) > 1:
            raise OutputError(
                "the report is about several DICOM images, which may be of different patients",
                "give them with --reference, so that it's sure that they are of one",
            )
        return "nothing was compared with the DICOM image of the report: --reference would" if from_dicom else ""
    for case in from_dicom[:1]:
        raise OutputError(
            f"the report is also about {case.title} ({case.name}), a DICOM image that was not given as --reference",
            "give all of its DICOM images, so that it's sure that they are of one patient",
        )
    if len(left) == len(report.cases):
        return "none of the report's images is the one given as --reference; it is filed under its patient all the same"
    names = ", ".join(case.title for case in left)
    return f"nothing tells whose these images are: {names}" if left else ""


def render_dicom(report: Report, pdf: bytes, study: Study, references: Sequence[Study] = ()) -> bytes:
    """Return a PDF as a DICOM file.

    Parameters
    ----------
    report
        What the PDF was made of.
    pdf
        The document.
    study
        Patient and study that it's filed under.
    references
        Images that it was made of, to be named as its sources.

    Raises
    ------
    OutputError
        When pydicom isn't installed.
    """
    try:
        from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    except ImportError:
        raise OutputError("DICOM needs pydicom", install_extra("dicom")) from None
    seed = hashlib.sha256(pdf + repr(sorted(study.values.items())).encode(errors="replace")).hexdigest()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = _ENCAPSULATED_PDF  # type: ignore[assignment]
    meta.MediaStorageSOPInstanceUID = _uid(seed, "instance")  # type: ignore[assignment]
    meta.TransferSyntaxUID = _EXPLICIT_LITTLE_ENDIAN  # type: ignore[assignment]
    meta.ImplementationClassUID = _uid("reportgen", "implementation")  # type: ignore[assignment]
    meta.ImplementationVersionName = "REPORTGEN"
    in_report = {case.sha256 for case in report.cases}
    buffer = io.BytesIO()
    with silence_loggers("pydicom"):  # it would quote what stands in the reference
        data = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
        for name, value in (_filed(report, study, seed) | _described(report, pdf, study, seed)).items():
            setattr(data, name, value)
        sources = [_source(one.instance) for one in references if one.instance and one.sha256 in in_report]
        if sources:
            data.SourceInstanceSequence = sources
        data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _filed(report: Report, study: Study, seed: str) -> dict[str, Any]:
    """Return patient and study: what must be there, be it empty, and what else is known."""
    must = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
            "ReferringPhysicianName", "StudyID", "AccessionNumber")  # fmt: skip
    values = dict.fromkeys(must, "") | {key: study.values[key] for key in (*PATIENT, *STUDY) if key in study.values}
    if study.uid == NEW:
        day, time = _moment(report, study)
        values |= {"StudyInstanceUID": _uid(seed, "study"), "StudyDate": day, "StudyTime": time}
    # it would hold for the study's time, too, of which nothing is known
    if not values["StudyTime"] or study.uid == NEW:
        values.setdefault("TimezoneOffsetFromUTC", "+0000")
    return values


def _described(report: Report, pdf: bytes, study: Study, seed: str) -> dict[str, Any]:
    """Return what the document is: its series, its equipment, and itself."""
    day, time = _moment(report, study)
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": _ENCAPSULATED_PDF, "SOPInstanceUID": _uid(seed, "instance"),
        "InstanceCreationDate": day, "InstanceCreationTime": time,
        "Modality": "DOC", "SeriesInstanceUID": _uid(seed, "series"), "SeriesNumber": _SERIES_NUMBER,
        "SeriesDescription": "Model report (no diagnosis)",
        "Manufacturer": "reportgen", "ManufacturerModelName": "reportgen",
        "SoftwareVersions": _line(report.versions["reportgen"], _LONG),
        "ConversionType": "WSD", "InstanceNumber": 1,
        "ContentDate": day, "ContentTime": time, "AcquisitionDateTime": "",
        # names and comments are the user's own: what they tell isn't known
        "BurnedInAnnotation": "YES",
        "DocumentTitle": _line(report.title, _TITLE), "VerificationFlag": "UNVERIFIED",
        "ConceptNameCodeSequence": [],
        "MIMETypeOfEncapsulatedDocument": "application/pdf",
        "EncapsulatedDocumentLength": len(pdf), "EncapsulatedDocument": pdf + b"\0" * (len(pdf) % 2),
    }  # fmt: skip


def _source(instance: tuple[str, str]) -> Any:
    from pydicom.dataset import Dataset

    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = instance
    return source


def _moment(report: Report, study: Study) -> tuple[str, str]:
    """Return date and time of a report as DICOM writes them: at the study's offset where it tells one, else in UTC."""
    offset = study.values.get("TimezoneOffsetFromUTC", "+0000")
    zone = datetime.strptime(offset, "%z").tzinfo if OFFSET.fullmatch(offset) else UTC
    made = datetime.fromisoformat(report.created).astimezone(zone)
    return made.strftime("%Y%m%d"), made.strftime("%H%M%S")


def _uid(seed: str, what: str) -> str:
    """Return a UID that follows from what it's for (PS3.5, B.2: a UUID as a number under 2.25)."""
    return f"2.25.{int(hashlib.sha256(f'{seed} {what}'.encode()).hexdigest()[:32], 16)}"


def _line(text: str, most: int) -> str:
    return " ".join(visible(text).split()).replace("\\", "/")[:most]


def _plain(study: Study, key: str) -> str:
    """Return a value as it's compared: names whatever their capitals and padding, all else to the letter."""
    value = study.values.get(key, "").strip()
    if key != "PatientName":
        return value
    groups = [[" ".join(part.split()) for part in group.split("^")] for group in value.casefold().split("=")]
    return "=".join("^".join(group).rstrip("^") for group in groups).rstrip("=")
