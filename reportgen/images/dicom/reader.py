"""DICOM files -> pixels as a viewer shows them, and nothing else.

A DICOM file tells whom it shows. Of all that it says, only modality, view position and sizes get out of here, and the
first two only where they are among the terms that the standard defines: anything may stand in a text. For the same
reason no message of pydicom's is passed on, since it may quote the file.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import CUT_OFF, Decoded, Request, check_pixels, choose_frame
from reportgen.images.dicom.elements import UnusableError, number_of, value_of
from reportgen.images.dicom.frames import close_frames, cut_off, decode, decoders_of, is_filled_up, refuse_damaged
from reportgen.images.dicom.grayscale import from_palette, to_gray, to_rgb
from reportgen.images.dicom.windows import Shown
from reportgen.images.profiles import Profile
from reportgen.system.errors import ImageError
from reportgen.system.language import say
from reportgen.system.libraries import install_extra
from reportgen.system.silence import silence_loggers

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset
    from pydicom.uid import UID


# the terms that the standard defines for them (PS3.3, C.7.3.1.1.1, C.8.11.1, C.8.11.7)
MODALITIES = (
    "AR", "AU", "BDUS", "BI", "BMD", "CR", "CT", "DG", "DX", "ECG", "EPS", "ES", "GM", "HC", "HD", "IO", "IOL",
    "IVOCT", "IVUS", "KER", "KO", "LEN", "LS", "MG", "MR", "NM", "OAM", "OCT", "OP", "OPM", "OPT", "OSS", "OT", "PA",
    "PR", "PT", "PX", "REG", "RF", "RG", "RTDOSE", "RTIMAGE", "SC", "SEG", "SM", "SR", "TG", "US", "VA", "XA", "XC",
)  # fmt: skip
VIEWS = (
    "AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "CC", "MLO", "ML", "LM", "LMO", "XCC", "XCCL", "XCCM", "FB",
    "SIO", "ISO", "CV", "AT", "RM", "TAN", "LATERAL",
)  # fmt: skip
_GRAY, _COLOUR = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
_DEFLATED = "1.2.840.10008.1.2.1.99"
_WANTED = (
    "SOPClassUID", "Modality", "ViewPosition", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit",
    "DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit", "WindowCenter", "WindowWidth",
    "VOILUTFunction", "VOILUTSequence", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence",
    "PresentationLUTShape", "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ICCProfile",
    *_PIXELS,
)  # fmt: skip
# what a file without preamble begins with: group 0002 or 0008, with a value representation or a short length
_BARE = re.compile(rb"[\x02\x08]\x00.\x00([A-Z]{2}|[\x00-\xff]\x00\x00\x00)|\x00[\x02\x08]\x00.[A-Z]{2}", re.DOTALL)
_ROWS = (b"\x28\x00\x10\x00", b"\x00\x28\x00\x10")
_TEXTS = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UT")
_LOGGERS = ("pydicom", "pylibjpeg", "libjpeg", "openjpeg", "rle")


def is_dicom(data: bytes) -> bool:
    """Return whether bytes are a DICOM file, with its preamble of 128 bytes or without."""
    if data[128:132] == b"DICM":
        return True
    return _BARE.match(data) is not None and any(tag in data for tag in _ROWS)


def read_dicom(data: bytes, request: Request) -> Decoded:
    """Decode one frame of a DICOM file.

    Returns
    -------
    Decoded
        Gray ``(H, W)`` or RGB ``(H, W, 3)``, 0 to 255, as the file's window (or its percentiles) shows it.

    Raises
    ------
    ImageError
        When it's damaged, holds no image, is beyond the limits or compressed in a way that can't be read, or pydicom
        isn't installed.
    """
    with guarded(request), np.errstate(all="ignore"):
        return _read(data, request)


def read_texts(data: bytes, request: Request, keywords: Sequence[str]) -> dict[str, str | None]:
    """Return elements of a DICOM file as texts, by their keywords.

    Returns
    -------
    dict
        Without those that it doesn't have; None for one that is no single text.

    Raises
    ------
    ImageError
        When it's damaged, or pydicom isn't installed.
    """
    with guarded(request):
        dataset = parse_elements(data, request, (*keywords, "SpecificCharacterSet"))
        return {key: _text(dataset[key]) for key in keywords if key in dataset}


def _text(element: DataElement) -> str | None:
    if element.VR not in _TEXTS or element.VM > 1:
        return None
    return "" if element.value is None else str(element.value).strip()


@contextmanager
def guarded(request: Request) -> Iterator[None]:
    """Tell in one line what is wrong with a DICOM file, without a word of what stands in it."""
    try:
        import pydicom  # noqa: F401
    except ImportError:
        advice = install_extra("dicom")
        raise ImageError(f"{request.name} is a DICOM file, which needs more libraries", advice) from None
    try:
        with silence_loggers(*_LOGGERS):
            yield
    except ImageError:
        raise
    except UnusableError as problem:
        raise ImageError(f"{request.name} is a DICOM file that can't be shown: {problem}", "export it anew") from None
    except Exception:  # noqa: BLE001 - pydicom meets damaged files with every kind of exception, and may quote them
        raise refuse_damaged(request) from None


def _read(data: bytes, request: Request) -> Decoded:
    data, is_open = close_frames(data)
    dataset = parse_elements(data, request)
    syntax = transfer_syntax(dataset, request)
    check_frame(dataset, data, request)
    frames = max(1, int(number_of(dataset, "NumberOfFrames") or 1))
    index, notes = choose_frame(frames, request)
    place = index
    cautions: tuple[str, ...] = ()
    if not syntax.is_encapsulated and _is_short(dataset):
        if not request.allow_truncated:
            raise cut_off(request)
        _fill_up(dataset, index, request)
        place, cautions = 0, (CUT_OFF,)
    elif is_open:
        if not is_filled_up(syntax):
            raise refuse_damaged(request)
        if not request.allow_truncated:
            raise cut_off(request)
        cautions = (CUT_OFF,)
    stored, decoded, doubts = decode(dataset, syntax, place, request)
    _take_frame_settings(dataset, index)
    shown = _shown(stored, dataset, request.images.window)
    profile = Profile(value_of(dataset, "ICCProfile"), "RGB" if shown.pixels.ndim == 3 else "L")
    unapplied = [say("Its colour profile was not applied.")] if profile.matters else []
    return Decoded(
        pixels=shown.pixels,
        kind=_kind(dataset, stored),
        notes=(*notes, *decoded, *shown.notes, *unapplied),
        cautions=tuple(dict.fromkeys((*cautions, *doubts, *shown.cautions))),
    )


def parse_elements(data: bytes, request: Request, wanted: Sequence[str] = _WANTED) -> Dataset:
    """Return the elements that matter; the others, and with them all that tells of a patient, aren't even kept."""
    from pydicom import dcmread
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    tags = list(wanted)
    stream = io.BytesIO(data)
    stream.seek(132 if data[128:132] == b"DICM" else 0)
    if _DEFLATED.encode() in data[:4096]:
        # pydicom would inflate it all, however large
        meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
        if meta.get("TransferSyntaxUID") == _DEFLATED:
            inflated = _inflated(data[stream.tell() :], request)
            return dcmread(io.BytesIO(_EXPLICIT_META + inflated), force=True, specific_tags=tags)
    dataset = dcmread(io.BytesIO(data), force=True, specific_tags=tags)
    if not dataset.file_meta.get("TransferSyntaxUID"):
        implicit, little = dataset.original_encoding
        plain = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = plain if little else ExplicitVRBigEndian
    return dataset


# preamble, mark, and nothing but the transfer syntax "Explicit VR Little Endian"
_EXPLICIT_META = bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"


def _inflated(deflated: bytes, request: Request) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    limit = request.limits.file_size
    inflated = inflater.decompress(deflated, limit)
    if inflater.unconsumed_tail:
        raise ImageError(
            f"{request.name} is a DICOM file that inflates to more than {limit:,} bytes",
            "save it without compression, or raise the limit with --max-file-size",
        )
    return inflated


def transfer_syntax(dataset: Dataset, request: Request) -> UID:
    """Return how the pixels are stored; refuse what can't be read here."""
    from pydicom._uid_dict import UID_dictionary
    from pydicom.uid import UID

    syntax = UID(str(dataset.file_meta.TransferSyntaxUID))
    # a number that isn't in the standard may be anything: it isn't quoted
    name = UID_dictionary[syntax][0] if syntax in UID_dictionary else "unknown"
    if name.startswith(("MPEG", "HEVC", "SMPTE", "Fragmentable MPEG")):
        raise ImageError(f"{request.name} is a DICOM video ({name})", "export one picture of it")
    if not any(keyword in dataset for keyword in _PIXELS):
        return syntax
    try:
        decoders = decoders_of(syntax)
    except NotImplementedError:
        raise ImageError(
            f"{request.name} is a DICOM file whose compression can't be read ({name})", "export it without compression"
        ) from None
    if not decoders:
        advice = install_extra("dicom")
        raise ImageError(f"{request.name} is a DICOM file whose compression ({name}) needs more libraries", advice)
    return syntax


def check_frame(dataset: Dataset, data: bytes, request: Request) -> None:
    """Refuse what holds no image, or one of a kind that can't be shown, or too large a one."""
    if not any(keyword in dataset for keyword in _PIXELS):
        if any(tag in data for tag in _PIXEL_TAGS):
            raise refuse_damaged(request)
        raise ImageError(
            f"{request.name} is a DICOM file without an image{_class_name(dataset)}", "give one that holds pixels"
        )
    rows, columns = number_of(dataset, "Rows"), number_of(dataset, "Columns")
    if not rows or not columns:
        raise ImageError(f"{request.name} is a DICOM file that states no rows or columns", "export it anew")
    check_pixels(int(columns), int(rows), request)
    samples = number_of(dataset, "SamplesPerPixel")
    if samples not in (1, 3):
        raise ImageError(
            f"{request.name} is a DICOM file with {'no' if samples is None else int(samples)} samples per pixel",
            "1 (gray, palette) and 3 (colour) can be read: export it as one of them",
        )
    photometric = value_of(dataset, "PhotometricInterpretation")
    if photometric not in ((*_GRAY, "PALETTE COLOR") if samples == 1 else _COLOUR):
        raise ImageError(
            f"{request.name} is a DICOM file whose colours can't be read",
            f"these can: {', '.join((*_GRAY, 'PALETTE COLOR', *_COLOUR))}",
        )


def _class_name(dataset: Dataset) -> str:
    from pydicom._uid_dict import UID_dictionary

    known = UID_dictionary.get(
        str(value_of(dataset, "SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID"))
    )
    return f" ({known[0].removesuffix(' Storage')})" if known else ""


def _is_short(dataset: Dataset) -> bool:
    """Whether there are fewer pixels than the file states, of a file that isn't compressed."""
    return len(_pixel_bytes(dataset)) < _frame_length(dataset) * max(1, int(number_of(dataset, "NumberOfFrames") or 1))


def _fill_up(dataset: Dataset, index: int, request: Request) -> None:
    """Make the wanted frame the only one, with zeros where it's cut off."""
    keyword = next(keyword for keyword in _PIXELS if keyword in dataset)
    length = int(_frame_length(dataset))
    left = _pixel_bytes(dataset)[index * length : (index + 1) * length]
    if not left or length != _frame_length(dataset):
        raise refuse_damaged(request)
    setattr(dataset, keyword, left + bytes(length - len(left) + length % 2))
    dataset.NumberOfFrames = 1


def _pixel_bytes(dataset: Dataset) -> bytes:
    return bytes(next(dataset[keyword].value for keyword in _PIXELS if keyword in dataset) or b"")


def _frame_length(dataset: Dataset) -> float:
    """Return how many bytes a frame takes that isn't compressed."""
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
    allocated = next(
        bits.get(keyword) or number_of(dataset, "BitsAllocated") for keyword in _PIXELS if keyword in dataset
    )
    values = [number_of(dataset, keyword) or 0 for keyword in ("Rows", "Columns", "SamplesPerPixel")]
    length = values[0] * values[1] * values[2] * (allocated or 0) / 8
    return length * 2 / 3 if value_of(dataset, "PhotometricInterpretation") == "YBR_FULL_422" else length


def _take_frame_settings(dataset: Dataset, index: int) -> None:
    """Bring up what an enhanced file says of each frame, or of all, to where other files say it."""
    groups = [
        value_of(dataset, "SharedFunctionalGroupsSequence"),
        value_of(dataset, "PerFrameFunctionalGroupsSequence"),
    ]
    items = [group[at] for group, at in zip(groups, (0, index), strict=True) if group is not None and at < len(group)]
    for item in items:
        for keyword in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for inner in list(value_of(item, keyword) or ())[:1]:
                dataset.update(inner)


def _shown(stored: NDArray[np.generic], dataset: Dataset, window: str | tuple[float, float]) -> Shown:
    photometric = value_of(dataset, "PhotometricInterpretation")
    if photometric in _GRAY:
        return to_gray(stored, dataset, window)
    shown = from_palette(stored, dataset) if photometric == "PALETTE COLOR" else to_rgb(stored, dataset)
    if window in ("auto", "file"):
        return shown
    return replace(shown, notes=(*shown.notes, say("No window was applied: it's a picture in colour.")))


def _kind(dataset: Dataset, stored: NDArray[np.generic]) -> str:
    """Return modality, view position, bits and size."""
    modality, view = value_of(dataset, "Modality"), value_of(dataset, "ViewPosition")
    photometric = value_of(dataset, "PhotometricInterpretation")
    bits = number_of(dataset, "BitsStored")
    depth = f"{stored.dtype.itemsize * 8} bit float" if stored.dtype.kind == "f" else f"{int(bits or 0)} bit"
    parts = [
        f"DICOM {modality}" if modality in MODALITIES else "DICOM",
        *([f"{view} view"] if view in VIEWS else []),
        f"{depth} {'gray' if photometric in _GRAY else 'palette' if photometric == 'PALETTE COLOR' else 'RGB'}",
        f"{stored.shape[0]} rows x {stored.shape[1]} columns",
    ]
    return ", ".join(parts)
