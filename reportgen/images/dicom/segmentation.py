"""DICOM segmentations -> a mask for each segment, with its label (PS3.3, A.51 and C.8.20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import Request
from reportgen.images.dicom.elements import number_of, value_of
from reportgen.images.dicom.frames import cut_off, decode
from reportgen.images.dicom.reader import check_frame, guarded, is_dicom, parse_elements, transfer_syntax
from reportgen.system.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_WANTED = (
    "SOPClassUID", "SegmentationType", "SegmentSequence", "PerFrameFunctionalGroupsSequence",
    "SharedFunctionalGroupsSequence", "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel",
    "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData",
    "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "SpecificCharacterSet",
)  # fmt: skip
_MOST_SEGMENTS = 64


def is_segmentation(data: bytes, request: Request) -> bool:
    """Return whether bytes are a DICOM file of the class of segmentations.

    Raises
    ------
    ImageError
        When it's a damaged DICOM file, or pydicom isn't installed.
    """
    if not is_dicom(data):
        return False
    with guarded(request):
        return bool(value_of(parse_elements(data, request, ("SOPClassUID",)), "SOPClassUID") == SEGMENTATION)


def read_segments(data: bytes, request: Request) -> list[tuple[str, NDArray[np.generic]]]:
    """Decode the segments of a DICOM segmentation of one image.

    Returns
    -------
    list
        (label, values ``(H, W)``, larger inside) of each segment, in the order of the frames.

    Raises
    ------
    ImageError
        When it's damaged, is no segmentation by bits or fractions, has no or too many frames, or a segment has several
        frames: then it is of a volume, not of an image.
    """
    with guarded(request), np.errstate(all="ignore"):
        dataset = parse_elements(data, request, _WANTED)
        if value_of(dataset, "SegmentationType") not in ("BINARY", "FRACTIONAL"):
            raise _unusable(request, "it holds neither bits nor fractions", "export it as BINARY or FRACTIONAL")
        syntax = transfer_syntax(dataset, request)
        check_frame(dataset, data, request)
        frames = list(value_of(dataset, "PerFrameFunctionalGroupsSequence") or ())
        if not 1 <= len(frames) <= _MOST_SEGMENTS or len(frames) != number_of(dataset, "NumberOfFrames"):
            what = f"it has {len(frames)} described frames; 1 to {_MOST_SEGMENTS}, one for each segment, can be used"
            raise _unusable(request, what, "export it for one image")
        labels = {
            int(number_of(item, "SegmentNumber") or 0): str(value_of(item, "SegmentLabel") or "")
            for item in value_of(dataset, "SegmentSequence") or ()
        }
        # where only one segment is in all frames, it's said once
        shared = next(iter(value_of(dataset, "SharedFunctionalGroupsSequence") or ()), None)
        numbers: list[int] = []
        for frame in frames:
            said = [value_of(one, "SegmentIdentificationSequence") for one in (frame, shared) if one is not None]
            numbers += [int(number_of(one[0], "ReferencedSegmentNumber") or 0) for one in said if one][:1] or [0]
        if not set(numbers) <= set(labels):
            raise _unusable(request, "its frames are of segments that it doesn't describe", "export it anew")
        if len(set(numbers)) < len(numbers):
            raise _unusable(request, "a segment has several frames: it is of a volume", "export it for one image")
        return [
            (labels[number] or f"segment {number}", _frame(dataset, syntax, index, request))
            for index, number in enumerate(numbers)
        ]


def _frame(dataset: Dataset, syntax: UID, index: int, request: Request) -> NDArray[np.generic]:
    """Decode one frame ``(H, W)``; those of single bits follow each other without a gap, also within a byte."""
    if syntax.is_encapsulated or number_of(dataset, "BitsAllocated") != 1:
        return decode(dataset, syntax, index, request)[0]
    size = (int(number_of(dataset, "Rows") or 0), int(number_of(dataset, "Columns") or 0))
    count = size[0] * size[1]
    stored = np.frombuffer(dataset.PixelData, np.uint8)
    first = index * count // 8
    if 8 * stored.size < (index + 1) * count:
        raise cut_off(request)
    bits = np.unpackbits(stored[first : -(-(index + 1) * count // 8)], bitorder="little")
    return bits[index * count - 8 * first :][:count].reshape(size)


def _unusable(request: Request, why: str, advice: str) -> ImageError:
    return ImageError(f"{request.name} is a DICOM segmentation that can't be used: {why}", advice)
