"""The headers of JPEG and JPEG 2000 streams: what a decoder will make of them, before it's let loose.

Within a DICOM file, size and channels are stated twice. A stream that claims others than its file would have the
decoder take all memory, or run for hours.
"""

from __future__ import annotations

import re
import struct

_START_OF_SCAN = 0xDA
# frame headers (SOF), and what may state a size later (DNL) or hold several frames (DHP, EXP)
_FRAME = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf\xf7\xdc\xde\xdf]")


def jpeg_shape(stream: bytes) -> tuple[int, int, int] | None:
    """Return (height, width, channels) of a JPEG or JPEG-LS stream.

    Returns
    -------
    tuple or None
        None when there's no frame header, or more than one, or one that leaves the height open.
    """
    if stream[:2] != b"\xff\xd8":
        return None
    shape, at = None, 2
    while at + 4 <= len(stream):
        if stream[at] != 0xFF:
            return None
        marker = stream[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _START_OF_SCAN:
            break
        if _FRAME.match(stream, at):
            if shape is not None or at + 10 > len(stream):
                return None
            height, width, channels = struct.unpack_from(">HHB", stream, at + 5)
            shape = (height, width, channels)
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None if _FRAME.search(stream, at) or shape is None or 0 in shape else shape


def jpeg_2000_shape(stream: bytes) -> tuple[int, int, int] | None:
    """Return (height, width, channels) of a JPEG 2000 codestream, with or without the boxes of a JP2 file.

    Returns
    -------
    tuple or None
        None when its first segment isn't there or makes no sense.
    """
    at = stream.find(b"\xff\x4f\xff\x51")
    if at < 0 or at + 42 > len(stream) or (at > 0 and stream.count(b"\xff\x4f\xff\x51") > 1):
        return None
    right, bottom, left, top, *tiles = struct.unpack_from(">8I", stream, at + 8)
    (channels,) = struct.unpack_from(">H", stream, at + 40)
    height, width = bottom - top, right - left
    # openjpeg takes memory for every tile and every channel that is claimed
    if min(height, width, *tiles[:2]) < 1 or (height // tiles[1] + 1) * (width // tiles[0] + 1) > 1 << 16:
        return None
    return height, width, channels
