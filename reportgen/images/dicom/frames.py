"""One frame of a DICOM file -> its stored values: by each decoder that is installed, until one can read it.

None of them is trusted to say that a stream is cut off: most fill what is missing without a word.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import CUT_OFF, Request
from reportgen.images.dicom.codestreams import (
    gone_on_with,
    jpeg_2000_precision,
    jpeg_2000_shape,
    jpeg_precision,
    jpeg_shape,
)
from reportgen.images.dicom.elements import number_of
from reportgen.images.formats.pillow import pillow_set
from reportgen.system.errors import ImageError
from reportgen.system.language import say
from reportgen.system.libraries import install_extra

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.pixels.decoders.base import Decoder
    from pydicom.uid import UID

_ORDER = ("pylibjpeg", "gdcm", "pillow")
_CODECS = "imagecodecs"
_QUOTED = re.compile(r"""b?(['"]).{3,}?\1|<[^>]*>""")
_LONGEST_REASON = 90
# compressed pixels, as a row of items of no stated length in all
_ITEMS_BEGIN = re.compile(rb"\xe0\x7f\x10\x00(?:O[BW]|UN)\0\0\xff{4}(?=\xfe\xff\x00\xe0)")
_ITEM, _ITEMS_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


def decoders_of(syntax: UID) -> list[tuple[str, Decoder]]:
    """Return the decoders of a transfer syntax that are installed, in the order in which they are tried.

    Raises
    ------
    NotImplementedError
        When there is none, installed or not.
    """
    from pydicom.pixels.decoders.base import Decoder, get_decoder
    from pydicom.uid import RLELossless

    known = get_decoder(syntax)
    if known.is_native:
        return [("", known)]
    if syntax == RLELossless:
        # those of pylibjpeg and imagecodecs bring down the program over damaged bytes
        return [(name, known) for name in known.available_plugins if name == "pydicom"]
    found = [(name, known) for name in _ORDER if name in known.available_plugins]
    # a decoder of its own: what pydicom does for others in this process stays as it is
    ours = Decoder(syntax)
    ours.add_plugin(_CODECS, ("reportgen.images.dicom.codecs", "decode_frame"))
    return [*found, *((name, ours) for name in ours.available_plugins)]


def decode(
    dataset: Dataset, syntax: UID, index: int, request: Request
) -> tuple[NDArray[np.generic], list[str], tuple[str, ...]]:
    """Decode one frame.

    Returns
    -------
    tuple
        Values ``(H, W)`` or ``(H, W, 3)`` in the machine's byte order, the stored bits alone; colours that are stored
        as brightness and differences come out as RGB. What was done, and what must be warned of.

    Raises
    ------
    ImageError
        When it's damaged or cut off, or no decoder can read it.
    """
    if syntax.is_encapsulated:
        stream = _checked_stream(dataset, syntax, index, request)
        stored, notes, cautions = _decompressed(dataset, syntax, index, stream, request)
        precision = _precision(stream, syntax)
    else:
        stored, notes, cautions = _native(dataset, syntax, index, request), [], ()
        precision = None
    rows, columns, samples = (int(number_of(dataset, word) or 0) for word in ("Rows", "Columns", "SamplesPerPixel"))
    if stored.shape != ((rows, columns) if samples == 1 else (rows, columns, samples)):
        raise refuse_damaged(request)
    if not stored.dtype.isnative:
        stored = stored.astype(stored.dtype.newbyteorder("="))
    aligned, said = _without_unused_bits(stored, dataset, syntax, precision)
    return aligned, [*notes, *said], cautions


def close_frames(data: bytes) -> tuple[bytes, bool]:
    """Return a file whose compressed pixels end as they must, and whether the end was missing.

    Where it was, the last item is as long as what is left of it; pydicom would have none of it else.
    """
    at = max((found.end() for found in _ITEMS_BEGIN.finditer(data)), default=None)
    while at is not None and data[at : at + 4] == _ITEM and at + 8 <= len(data):
        begin = at + 8
        at = begin + int.from_bytes(data[at + 4 : begin], "little")
        if at > len(data):
            left = (len(data) - begin) // 2 * 2
            return data[: begin - 4] + left.to_bytes(4, "little") + data[begin : begin + left] + _ITEMS_END, True
    if at is None or data[at : at + 8] == _ITEMS_END:
        return data, False
    return data[:at] + _ITEMS_END, True


def is_filled_up(syntax: UID) -> bool:
    """Whether decoders make a picture of a stream that is cut off: the others refuse it."""
    from pydicom.uid import RLELossless

    return syntax.is_encapsulated and syntax != RLELossless and not _is_2000(syntax)


def refuse_damaged(request: Request) -> ImageError:
    """Return the refusal of a file that makes no sense."""
    return ImageError(f"{request.name} is a DICOM file that is damaged or truncated", "copy or export it again")


def cut_off(request: Request) -> ImageError:
    """Return the refusal of a file of whose pixels a part is missing."""
    return ImageError(
        f"{request.name} is a DICOM file whose pixels are cut off",
        "copy or download it again, or use what is left of it with --allow-truncated",
    )


def _checked_stream(dataset: Dataset, syntax: UID, index: int, request: Request) -> bytes:
    """Return a compressed frame; refuse one whose own header has another size than the file states."""
    from pydicom.encaps import get_frame
    from pydicom.pixels.utils import as_pixel_options
    from pydicom.uid import RLELossless

    options = as_pixel_options(dataset)
    stream = get_frame(
        dataset.PixelData, index,
        number_of_frames=options["number_of_frames"], extended_offsets=options.get("extended_offsets"),
    )  # fmt: skip
    if syntax == RLELossless:
        return stream
    wanted = (options["rows"], options["columns"], options["samples_per_pixel"])
    if (jpeg_2000_shape(stream) if _is_2000(syntax) else jpeg_shape(stream)) != wanted:
        raise refuse_damaged(request)
    return stream


def _precision(stream: bytes, syntax: UID) -> int | None:
    """Return how many bits the values of a stream have; None where it doesn't say."""
    from pydicom.uid import RLELossless

    if syntax == RLELossless:
        return None
    return jpeg_2000_precision(stream) if _is_2000(syntax) else jpeg_precision(stream)


def _is_2000(syntax: UID) -> bool:
    from pydicom.uid import JPEG2000TransferSyntaxes

    return syntax in JPEG2000TransferSyntaxes or "JPEG 2000" in syntax.name


def _native(dataset: Dataset, syntax: UID, index: int, request: Request) -> NDArray[np.generic]:
    """Return a frame that isn't compressed."""
    try:
        return _as_array(dataset, "", decoders_of(syntax)[0][1], index)
    except Exception:  # noqa: BLE001 - pydicom meets damaged files with every kind of exception
        raise refuse_damaged(request) from None


def _decompressed(
    dataset: Dataset, syntax: UID, index: int, stream: bytes, request: Request
) -> tuple[NDArray[np.generic], list[str], tuple[str, ...]]:
    """Decode a compressed frame by the first decoder that can, and see to it that it is whole."""
    failed: dict[str, str] = {}
    part: NDArray[np.generic] | None = None
    for name, decoder in decoders_of(syntax):
        try:
            # what WeasyPrint sets for the whole program would have Pillow fill up what is missing
            with pillow_set(request, truncated=False) if name == "pillow" else nullcontext():
                stored = _as_array(dataset, name, decoder, index)
        except Exception as problem:  # noqa: BLE001 - decoders meet damaged streams with every kind of exception
            failed[name] = _reason(problem, name)
            continue
        if _is_whole(dataset, syntax, name, decoder, stream, stored):
            notes = (
                [say("Decoded by {decoder}; {others} could not read it.", decoder=name, others=", ".join(failed))]
                if failed
                else []
            )
            return stored, notes, ()
        part = stored if part is None else part
        failed[name] = "its data ends too early"
    if part is None:
        raise _unreadable(syntax, failed, request)
    if not request.allow_truncated:
        raise cut_off(request)
    return part, [], (CUT_OFF,)


def _as_array(dataset: Dataset, name: str, decoder: Decoder, index: int) -> NDArray[np.generic]:
    # which bits are used is seen to below: pydicom doesn't look at the high bit
    kept: Any = {"correct_unused_bits": False}
    return decoder.as_array(dataset, index=index, decoding_plugin=name, **kept)[0]


def _is_whole(
    dataset: Dataset, syntax: UID, name: str, decoder: Decoder, stream: bytes, stored: NDArray[np.generic]
) -> bool:
    """Whether a decoder found data for the whole frame, and didn't fill what is missing."""
    from pydicom.encaps import encapsulate
    from pydicom.pixels.utils import as_pixel_options
    from pydicom.uid import JPEGLSTransferSyntaxes

    if not is_filled_up(syntax) or (syntax in JPEGLSTransferSyntaxes and name == _CODECS):
        return True
    options = as_pixel_options(dataset) | {"number_of_frames": 1, "correct_unused_bits": False}
    options.pop("extended_offsets", None)
    try:
        other, _ = decoder.as_array(encapsulate([gone_on_with(stream)]), index=0, decoding_plugin=name, **options)
    except Exception:  # noqa: BLE001 - what was added was decoded, and made no sense
        return False
    return np.array_equal(stored, other)


def _without_unused_bits(
    stored: NDArray[np.generic], dataset: Dataset, syntax: UID, precision: int | None
) -> tuple[NDArray[np.generic], list[str]]:
    """Return values of which only the stored bits are left, from the lowest bit on.

    Where they lie, the high bit says; but a stream of few bits has them lowest whatever it says.
    """
    from pydicom.uid import JPEGLSTransferSyntaxes

    allocated, bits = number_of(dataset, "BitsAllocated"), number_of(dataset, "BitsStored")
    if stored.dtype.kind not in "iu" or not allocated or not bits or allocated == 1:
        return stored, []
    width, bits = 8 * stored.dtype.itemsize, int(bits)
    high = int(number_of(dataset, "HighBit") or 0)
    high = high if bits - 1 <= high < (precision or width) else bits - 1
    # what a stream of these kinds says of bits and signs, pydicom has put right
    if high == bits - 1 and (_is_2000(syntax) or syntax in JPEGLSTransferSyntaxes):
        return stored, []
    aligned = np.right_shift(np.left_shift(stored, width - 1 - high), width - bits)
    if high == bits - 1:
        return aligned, []
    note = say(
        "Its {bits} bits are not the lowest ones (high bit {high}): shifted down by {shift}.", bits=bits, high=high,
        shift=high + 1 - bits,
    )  # fmt: skip
    return aligned, [note]


def _unreadable(syntax: UID, failed: dict[str, str], request: Request) -> ImageError:
    """Return the refusal of a stream that no decoder can read: which of them failed on what."""
    from pydicom.uid import RLELossless

    advice = "copy it again, or export it without compression"
    if _CODECS not in failed and syntax != RLELossless:
        advice += f"; one more decoder: {install_extra('tiff')}"
    told = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
    return ImageError(f"{request.name} is a DICOM file that no decoder here can read ({syntax.name}: {told})", advice)


def _reason(problem: Exception, name: str) -> str:
    """Return in few words why a decoder failed; nothing that it may have quoted from the file."""
    text = str(problem) or type(problem).__name__
    # pydicom's words around those of its plugin, libjpeg's around its own
    text = text.partition(f"\n  {name}: ")[2] or text
    text = text.partition("returned from Decode(): ")[2] or text
    text = " ".join(_QUOTED.sub("…", text).split())
    plain = "".join(sign for sign in text if sign == "…" or (sign.isascii() and sign.isprintable()))
    return plain if len(plain) <= _LONGEST_REASON else f"{plain[:_LONGEST_REASON].rstrip()}…"
