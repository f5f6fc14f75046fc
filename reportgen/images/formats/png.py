"""PNG files, chunk by chunk: what Pillow doesn't look at, or looks at too closely."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WITHIN = re.compile(re.escape(SIGNATURE))
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_NEEDED_TEXT = (b"Raw profile type exif", b"XML:com.adobe.xmp")  # which may say how an image is turned
# of what may come after the pixels, what changes the picture: frames of an animation, and how it is turned
_SEEN = (b"acTL", b"fcTL", b"fdAT", b"eXIf")
_DEPTH, _COLOUR_TYPE = 24, 25
_GRAY, _RGB = 0, 2
_HOLDING_PNG = (b"\0\0\x01\0", b"icns")  # ICO and ICNS


def starts_in(data: bytes) -> list[int]:
    """Return where PNGs begin in a file: at its start, or, of an ICO or ICNS, within."""
    if data.startswith(SIGNATURE):
        return [0]
    return [found.start() for found in _WITHIN.finditer(data)] if data.startswith(_HOLDING_PNG) else []


def without_text(data: bytes) -> bytes:
    """Return a PNG without the texts in it, which may be too long for Pillow and say nothing of the pixels."""
    if not data.startswith(SIGNATURE):
        return data
    parts, kept = [], 0
    for name, start, end in _chunks(data, 0):
        if name in _TEXT and not data.startswith(_NEEDED_TEXT, start):
            parts.append(data[kept : start - 8])
            kept = end + 4
    return b"".join([*parts, data[kept:]]) if parts else data


def wrong_checksum(data: bytes) -> str | None:
    """Return the name of the first chunk whose checksum is wrong; None where there's none.

    Chunks that are needed to show the picture count wherever they are, others before the pixels only: Pillow refuses
    those as well. What is cut off has no checksum to be wrong.
    """
    for at in starts_in(data):
        before = True
        for name, start, end in _chunks(data, at):
            critical = not name[0] & 0x20
            wanted = before or critical or name in _SEEN
            before = before and name != b"IDAT"
            if wanted and end + 4 <= len(data) and zlib.crc32(data[start - 4 : end]) != _number(data, end):
                return name.decode() if name.isalpha() and name.isascii() else "without a name"
    return None


def with_right_checksums(data: bytes) -> bytes:
    """Return a PNG (or ICO, ICNS) in which every chunk has the checksum of what is in it."""
    starts = starts_in(data)
    if not starts:
        return data
    mended = bytearray(data)
    for at in starts:
        for _, start, end in _chunks(data, at):
            if end + 4 <= len(data):
                mended[end : end + 4] = zlib.crc32(data[start - 4 : end]).to_bytes(4, "big")
    return bytes(mended)


def transparent_value(data: bytes) -> tuple[int, ...] | None:
    """Return the gray or colour that stands for transparency, in as many bits as the file's values have.

    Pillow takes it for one of 8 bits, whatever the file has.
    """
    if not data.startswith(SIGNATURE) or len(data) <= _COLOUR_TYPE or data[_COLOUR_TYPE] not in (_GRAY, _RGB):
        return None
    count, mask = (1 if data[_COLOUR_TYPE] == _GRAY else 3), (1 << data[_DEPTH]) - 1
    for name, start, end in _chunks(data, 0):
        if name == b"tRNS" and end - start >= 2 * count:
            # the bits above those that a value has say nothing
            return tuple(int.from_bytes(data[at : at + 2], "big") & mask for at in range(start, start + 2 * count, 2))
        if name == b"IDAT":
            break
    return None


def bits(data: bytes) -> int:
    """Return how many bits a value of a PNG has."""
    return data[_DEPTH]


def _chunks(data: bytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the content of each chunk of a PNG; the last end may lie beyond the file's."""
    at += len(SIGNATURE)
    name = b""
    while at + 8 <= len(data) and name != b"IEND":
        name, end = data[at + 4 : at + 8], at + 8 + _number(data, at)
        yield name, at + 8, end
        at = end + 4


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")
