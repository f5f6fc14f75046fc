"""DICOM segmentations, made here with pydicom: bits packed across frames, fractions, labels, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage

from reportgen.images.regions import regions_of
from reportgen.system.errors import ImageError

SIZE = (7, 9)  # frames of 63 bits: the second begins within a byte


def item(**values):
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def identified(number):
    return item(SegmentIdentificationSequence=Sequence([item(ReferencedSegmentNumber=number)]))


def segmentation(frames, labels, *, kind="BINARY", numbers=None, **changed):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SegmentationStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.9999.5"
    dataset.PatientName, dataset.Modality, dataset.SegmentationType = "DOE^SECRET", "SEG", kind
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = frames.shape
    bits = 1 if kind == "BINARY" else 8
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    data = np.packbits(frames.ravel() > 0, bitorder="little").tobytes() if bits == 1 else frames.tobytes()
    dataset.PixelData = data + bytes(len(data) % 2)
    dataset.SegmentSequence = Sequence(
        [item(SegmentNumber=number, SegmentLabel=label) for number, label in enumerate(labels, 1)]
    )
    dataset.PerFrameFunctionalGroupsSequence = Sequence(
        [identified(number) for number in numbers or range(1, len(frames) + 1)]
    )
    for keyword, value in changed.items():
        setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def frames():
    values = np.zeros((2, *SIZE), np.uint8)
    values[0, 1:5, 2:4], values[1, 3:, 5:8] = 255, 200
    return values


def read(path, data, size=SIZE):
    path.write_bytes(data)
    return regions_of({"seg": path}, size)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_segments_by_label(tmp_path, frames, kind):
    found = read(tmp_path / "a.dcm", segmentation(frames, ["left lung", "<b>heart"], kind=kind))
    assert list(found) == ["seg: left lung", "seg: <b>heart"]
    assert np.array_equal(np.stack(list(found.values())), frames > 0)


def test_fractions_are_inside_above_half(tmp_path):
    values = np.zeros((1, *SIZE), np.uint8)
    values[0, 2, :3] = 200, 101, 100
    (mask,) = read(tmp_path / "a.dcm", segmentation(values, ["x"], kind="FRACTIONAL")).values()
    assert np.flatnonzero(mask).tolist() == [18, 19]


def test_frames_in_any_order_and_a_size_of_the_same_aspect(tmp_path, frames):
    found = read(tmp_path / "a.dcm", segmentation(frames, ["one", "two"], numbers=[2, 1]), (14, 18))
    assert np.array_equal(found["seg: two"][::2, ::2], frames[0] > 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"numbers": [1, 1]}, "a segment has several frames"),
        ({"numbers": [1, 3]}, "segments that it doesn't describe"),
        ({"numbers": [1]}, "1 described frames"),
        ({"SegmentationType": "LABELMAP"}, "neither bits nor fractions"),
        ({"PixelData": bytes(4)}, "cut off"),
        ({"Rows": 60000, "Columns": 60000}, "larger than"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, frames, options, said):
    with pytest.raises(ImageError) as problem:
        read(tmp_path / "a.dcm", segmentation(frames, ["one", "two"], **options))
    assert said in str(problem.value)
    assert "SECRET" not in str(problem.value)


@pytest.mark.parametrize("cut", [140, 400, -4])
def test_what_is_cut_off_is_refused(tmp_path, frames, cut):
    with pytest.raises(ImageError):
        read(tmp_path / "a.dcm", segmentation(frames, ["one", "two"])[:cut])
