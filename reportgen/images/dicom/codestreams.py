"""The headers of JPEG and JPEG 2000 streams: what a decoder will make of them, before it's let loose.

Within a DICOM file, size and channels are stated twice. A stream that claims others than its file would have the
decoder take all memory, or run for hours.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator

_START_OF_SCAN, _END, _FILL = 0xDA, 0xD9, 0xFF
_ENDED = bytes((_FILL, _END))
_RESTART_INTERVAL, _JPEG_LS = 0xDD, 0xF7
# frame headers (SOF), and what may state a size later (DNL) or hold several frames (DHP, EXP)
_FRAME = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf\xf7\xdc\xde\xdf]")
_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
# what stands in a scan; a byte of 255 is followed by a 0, in JPEG-LS by a 0 bit
_DATA = re.compile(rb"(?:[^\xff]|\xff\x00)*")
_LS_DATA = re.compile(rb"(?:[^\xff]|\xff[\x00-\x7f])*")
# bits that no picture goes on with by chance
_OTHER_DATA = hashlib.sha512(b"what comes after the end").digest().replace(b"\xff", b"\xfe")


def jpeg_shape(stream: bytes) -> tuple[int, int, int] | None:
    """Return (height, width, channels) of a JPEG or JPEG-LS stream.

    Returns
    -------
    tuple or None
        None when there's no frame header, or more than one, or one that leaves the height open.
    """
    header = _jpeg_header(stream)
    return None if header is None else header[1:]


def jpeg_precision(stream: bytes) -> int | None:
    """Return how many bits a value of a JPEG or JPEG-LS stream has; None where :func:`jpeg_shape` gives none."""
    header = _jpeg_header(stream)
    return None if header is None else header[0]


def _jpeg_header(stream: bytes) -> tuple[int, int, int, int] | None:
    """Return (bits, height, width, channels)."""
    if stream[:2] != b"\xff\xd8":
        return None
    header, at = None, 2
    while at + 4 <= len(stream):
        if stream[at] != _FILL:
            return None
        marker = stream[at + 1]
        if marker == _FILL:  # padding
            at += 1
            continue
        if marker == _START_OF_SCAN:
            break
        if _FRAME.match(stream, at):
            if header is not None or at + 10 > len(stream):
                return None
            bits, height, width, channels = struct.unpack_from(">BHHB", stream, at + 4)
            header = (bits, height, width, channels)
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None if _FRAME.search(stream, at) or header is None or 0 in header else header


def gone_on_with(stream: bytes) -> bytes:
    """Return a JPEG or JPEG-LS stream in which other data follows the end of each scan, and of each part of one.

    A decoder that has its whole picture by then doesn't look at it. One that would have filled what is missing, as
    most do without a word, makes another picture of it.
    """
    pieces, done = [], 0
    for _, end, restart in _scans(stream):
        pieces += [stream[done:end], _OTHER_DATA]
        if restart is not None:
            pieces += [bytes((_FILL, restart)), _OTHER_DATA]
        done = end
    return b"".join([*pieces, stream[done:].rstrip(b"\0").removesuffix(_ENDED), _ENDED])


def _scans(stream: bytes) -> Iterator[tuple[int, int, int | None]]:
    """Give where data begins and ends in each part of each scan, and the restart marker that could follow at the end.

    Parts are what lies between restart markers; a scan without them has one, after which there can't be any.
    """
    at, data, has_parts, restarts = 2, _DATA, False, 0
    while at + 1 < len(stream) and stream[at] == _FILL and stream[at + 1] != _END:
        marker = stream[at + 1]
        if marker == _FILL:
            at += 1
            continue
        is_restart = _RESTART.match(stream, at) is not None
        end = at + 2 if is_restart else at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        data = _LS_DATA if marker == _JPEG_LS else data
        has_parts = any(stream[at + 4 : end]) if marker == _RESTART_INTERVAL else has_parts
        if is_restart or marker == _START_OF_SCAN:
            restarts = restarts + 1 if is_restart else 0
            found = data.match(stream, end)
            start, end = end, found.end() if found else end
            yield start, end, 0xD0 + restarts % 8 if has_parts and not _RESTART.match(stream, end) else None
        at = end


def jpeg_2000_shape(stream: bytes) -> tuple[int, int, int] | None:
    """Return (height, width, channels) of a JPEG 2000 codestream, with or without the boxes of a JP2 file.

    Returns
    -------
    tuple or None
        None when its first segment isn't there or makes no sense.
    """
    at = _jpeg_2000_size(stream)
    if at is None:
        return None
    right, bottom, left, top, *tiles = struct.unpack_from(">8I", stream, at + 8)
    (channels,) = struct.unpack_from(">H", stream, at + 40)
    height, width = bottom - top, right - left
    # openjpeg takes memory for every tile and every channel that is claimed
    if min(height, width, *tiles[:2]) < 1 or (height // tiles[1] + 1) * (width // tiles[0] + 1) > 1 << 16:
        return None
    return height, width, channels


def jpeg_2000_precision(stream: bytes) -> int | None:
    """Return how many bits a value of a JPEG 2000 codestream has; None when its first segment isn't there."""
    at = _jpeg_2000_size(stream)
    # the highest bit says whether they are signed
    return None if at is None or at + 42 >= len(stream) else (stream[at + 42] & 0x7F) + 1


def _jpeg_2000_size(stream: bytes) -> int | None:
    """Return where the segment stands that tells of its size."""
    at = stream.find(b"\xff\x4f\xff\x51")
    if at < 0 or at + 42 > len(stream) or (at > 0 and stream.count(b"\xff\x4f\xff\x51") > 1):
        return None
    return at
