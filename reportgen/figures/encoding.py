"""Arrays -> encoded pictures: palette PNG, RGB PNG, JPEG. The same array always gives the same bytes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
_COMPRESSION = 4  # of 9: a third faster than the usual 6, and 2 % larger
_SIGNATURE_AND_HEADER = 8 + 8 + 13 + 4


def palette_png(
    indexes: Pixels, palette: Pixels, *, transparent: int | None = None, alphas: Pixels | None = None
) -> bytes:
    """Encode a picture whose pixels are indexes into a palette.

    Pillow writes palette pictures unfiltered. Here the palette is ordered as the values are, so neighbouring pixels
    have neighbouring indexes and PNG's filters pay (about a quarter): the indexes are written as gray, filtered, and
    the header is then changed from gray to palette, which the PNG specification allows with any filter.

    Parameters
    ----------
    indexes
        ``(H, W)``.
    palette
        ``(K, 3)`` RGB, K at most 256, larger than every index.
    transparent
        An index that shows what's behind the picture.
    alphas
        ``(K,)``: how far each colour hides that, 0 to 255.
    """
    gray = _saved(Image.fromarray(indexes), "PNG", compress_level=_COMPRESSION)
    header = gray[16 : 16 + 13]
    changed = header[:9] + b"\x03" + header[10:]
    chunks = _chunk(b"IHDR", changed) + _chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if transparent is not None:
        chunks += _chunk(b"tRNS", b"\xff" * transparent + b"\x00")
    elif alphas is not None:
        chunks += _chunk(b"tRNS", alphas.astype(np.uint8).tobytes())
    return gray[:8] + chunks + gray[_SIGNATURE_AND_HEADER:]


def png(pixels: Pixels) -> bytes:
    """Encode ``(H, W)`` gray, ``(H, W, 3)`` RGB or ``(H, W, 4)`` RGBA without loss."""
    return _saved(Image.fromarray(pixels), "PNG", compress_level=_COMPRESSION)


def jpeg(pixels: Pixels, *, quality: int = 85) -> bytes:
    """Encode ``(H, W)`` gray or ``(H, W, 3)`` RGB small, with loss: for photographs, never for measured maps."""
    return _saved(Image.fromarray(pixels), "JPEG", quality=quality, optimize=True)


def _saved(picture: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
