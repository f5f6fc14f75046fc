"""Pictures of few colours in a PDF: kept as they are encoded, one byte a pixel and a table of colours.

WeasyPrint would make three bytes a pixel of them, and a mask of what is transparent. So it is given a stand-in of the
same size to lay out, which holds nothing but a number, and the real pixels take its place before the PDF is written.
PNG and PDF pack pixels in the same way, so nothing is encoded anew.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE, _NUMBER = 3, struct.Struct(">9sI")
_MAGIC = b"\xa5reportg\x5a"
_MOST_PIXELS = 100_000_000


@dataclass(frozen=True)
class Indexed:
    """A picture by the indexes of its colours: ``packed`` filtered rows as in a PNG, ``colours`` as RGB triples."""

    width: int
    height: int
    packed: bytes
    colours: bytes


def read_indexed(data: bytes) -> Indexed | None:
    """Return a PNG with a palette as its parts, what is transparent as white; None for any other picture."""
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        return None
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if (bits, kind, interlaced) != (8, _PALETTE, 0) or not _NUMBER.size <= width * height <= _MOST_PIXELS:
        return None
    if width < _NUMBER.size:
        return None
    packed = b"".join(body for name, body in chunks if name == b"IDAT")
    colours = next((body for name, body in chunks if name == b"PLTE"), b"")
    opacity = next((body for name, body in chunks if name == b"tRNS"), b"").ljust(256, b"\xff")
    shown = bytearray(colours[:768].ljust(768, b"\0"))
    for index, alpha in enumerate(opacity[:256]):
        for place in range(3 * index, 3 * index + 3):
            shown[place] = (shown[place] * alpha + 255 * (255 - alpha)) // 255
    return Indexed(width, height, packed, bytes(shown)) if _is_whole(packed, width, height) else None


def stand_in(picture: Indexed, number: int) -> bytes:
    """Return a PNG of the same size that holds a number."""
    pixels = _NUMBER.pack(_MAGIC, number).ljust(picture.width * picture.height, b"\0")
    buffer = io.BytesIO()
    Image.frombytes("L", (picture.width, picture.height), pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def put_in_place(pdf: Any, pictures: Mapping[int, Indexed]) -> set[int]:
    """Put the pictures in the place of their stand-ins in a PDF that's about to be written; return which were found."""
    found = set()
    for stream in pdf.objects:
        extra = getattr(stream, "extra", None)
        if not isinstance(extra, dict) or extra.get("Subtype") != "/Image" or extra.get("ColorSpace") != "/DeviceGray":
            continue
        number = _number(bytes(getattr(stream.stream[0], "data", b"")))
        if number is not None and number in pictures:
            picture = pictures[number]
            stream.stream = [picture.packed]
            extra["ColorSpace"] = f"[/Indexed /DeviceRGB 255 <{picture.colours.hex()}>]"
            found.add(number)
    return found


def _number(packed: bytes) -> int | None:
    """Return the number that a stand-in's first row holds; Pillow may have filtered it."""
    try:
        row = zlib.decompressobj().decompress(packed, _NUMBER.size + 1)
    except zlib.error:
        return None
    if len(row) <= _NUMBER.size or row[0] not in (0, 1, 2, 3, 4):
        return None
    values = bytearray(row[1:])
    if row[0] in (1, 3, 4):  # each value less (half of) the one to its left; nothing lies above the first row
        for place in range(1, len(values)):
            before = values[place - 1]
            values[place] = (values[place] + (before // 2 if row[0] == 3 else before)) % 256
    magic, number = _NUMBER.unpack(bytes(values))
    return int(number) if magic == _MAGIC else None


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while data.startswith(_SIGNATURE) and at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _is_whole(packed: bytes, width: int, height: int) -> bool:
    size = (width + 1) * height
    inflater = zlib.decompressobj()
    try:
        return len(inflater.decompress(packed, size + 1)) == size and not inflater.unconsumed_tail
    except zlib.error:
        return False
