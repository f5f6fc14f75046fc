"""DICOM files for tests, built here: of any syntax, with recognisable values that must not get out."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

DX = "1.2.840.10008.5.1.4.1.1.1.1"
SECRETS = {
    "PatientName": "DOE^SECRET", "PatientID": "ID-4711-X", "PatientBirthDate": "19010203",
    "InstitutionName": "Hidden Clinic", "AccessionNumber": "ACC0815", "StudyDate": "19991231",
    "StudyInstanceUID": "1.2.826.0.1.9999.77", "SeriesInstanceUID": "1.2.826.0.1.9999.78",
    "ReferringPhysicianName": "WHO^KNOWS", "StudyDescription": "Whispered words", "BodyPartExamined": "SECRETPART",
}  # fmt: skip
SOP_INSTANCE = "1.2.826.0.1.9999.79"

_ENCODERS = {
    JPEG2000Lossless: lambda frame: imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True, level=0),
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEGLosslessSV1: imagecodecs.ljpeg_encode,
    JPEGBaseline8Bit: lambda frame: imagecodecs.jpeg8_encode(frame, level=100),
}


def dataset_of(
    pixels: np.ndarray,
    *,
    syntax: UID = ExplicitVRLittleEndian,
    photometric: str = "MONOCHROME2",
    bits: int | None = None,
    frames: int | None = None,
    **values: object,
) -> Dataset:
    """Return a dataset that holds pixels ([frames,] rows, columns[, 3])."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = DX
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = SOP_INSTANCE
    dataset.Modality, dataset.ViewPosition = "DX", "PA"
    dataset.PhotometricInterpretation = photometric
    dataset.SamplesPerPixel = 3 if pixels.shape[-1] == 3 else 1
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.shape[1:3] if frames else pixels.shape[:2]
    if frames:
        dataset.NumberOfFrames = frames
    if pixels.dtype.kind in "iu":
        dataset.BitsAllocated = 8 * pixels.dtype.itemsize
        dataset.BitsStored = bits or dataset.BitsAllocated
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    _store(dataset, pixels, syntax, frames)
    for keyword, value in {**SECRETS, **values}.items():
        setattr(dataset, keyword, value)
    return dataset


def _store(dataset: Dataset, pixels: np.ndarray, syntax: UID, frames: int | None) -> None:
    if pixels.dtype.kind == "f":
        dataset.BitsAllocated = 8 * pixels.dtype.itemsize
        setattr(dataset, {4: "FloatPixelData", 8: "DoubleFloatPixelData"}[pixels.dtype.itemsize], pixels.tobytes())
    elif syntax in _ENCODERS:
        each = [np.ascontiguousarray(frame) for frame in (pixels if frames else [pixels])]
        dataset.PixelData = encapsulate([_ENCODERS[syntax](frame) for frame in each])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    elif syntax == RLELossless:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.PixelData = pixels.tobytes()
        dataset.compress(RLELossless, generate_instance_uid=False)
    else:
        ordered = pixels.astype(pixels.dtype.newbyteorder(">")) if syntax == ExplicitVRBigEndian else pixels
        dataset.PixelData = ordered.tobytes() + b"\0" * (ordered.nbytes % 2)
        dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"


def written(dataset: Dataset, *, preamble: bool = True, meta: bool = True) -> bytes:
    """Return a dataset as a file, also one without preamble, or without anything before the data."""
    buffer = io.BytesIO()
    if meta:
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
        return buffer.getvalue() if preamble else buffer.getvalue()[132:]
    implicit = dataset.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    little = dataset.file_meta.TransferSyntaxUID != ExplicitVRBigEndian
    del dataset.file_meta
    pydicom.dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=False)
    return buffer.getvalue()


def dicom_file(pixels: np.ndarray, *, preamble: bool = True, meta: bool = True, **options: object) -> bytes:
    """Return a file of pixels; see :func:`dataset_of` and :func:`written`."""
    return written(dataset_of(pixels, **options), preamble=preamble, meta=meta)
