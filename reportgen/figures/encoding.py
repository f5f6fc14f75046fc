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
_COLOURS = 256  # that a palette holds
_LARGEST_SHIFT = 12.0  # of a colour, of 255: less than is seen beside it
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


def chart_png(pixels: Pixels) -> bytes:
    """Encode a chart ``(H, W, 4)`` RGBA in at most 256 colours: a third of the bytes.

    Colours that are near each other, as they are seen before black and before white, become their mean. Of a chart that
    has too many for that to go unseen, all are kept.
    """
    height, width = pixels.shape[:2]
    packed = np.ascontiguousarray(pixels).view(np.uint32).ravel()
    found = np.unique(packed)
    places = np.searchsorted(found, packed)
    colours = found.view(np.uint8).reshape(-1, 4).astype(np.float64)
    colours[:, :3] *= colours[:, 3:] / 255
    groups = _near_each_other(colours)
    palette, shift = _means(colours, groups, np.bincount(places))
    if shift > _LARGEST_SHIFT:
        return png(pixels)
    sheet = Image.fromarray(groups[places].astype(np.uint8).reshape(height, width), "P")
    sheet.putpalette(palette.ravel().tolist(), "RGBA")
    return _saved(sheet, "PNG", compress_level=9)


def _near_each_other(colours: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return a group for each colour ``(K, 4)``: again and again the group that is widest in a channel is halved."""
    groups = np.zeros(len(colours), np.intp)
    members = [np.arange(len(colours))]
    widths = np.zeros((_COLOURS, colours.shape[1]))  # of each group, channel by channel
    widths[0] = np.ptp(colours, axis=0)
    while len(members) < _COLOURS:
        widest, channel = divmod(int(widths.argmax()), widths.shape[1])
        if not widths[widest, channel]:
            break
        values = colours[members[widest], channel]
        upper = values > (values.min() + values.max()) / 2
        members[widest], added = members[widest][~upper], members[widest][upper]
        groups[added] = len(members)
        widths[[widest, len(members)]] = [np.ptp(colours[one], axis=0) for one in (members[widest], added)]
        members.append(added)
    return groups


def _means(colours: NDArray[np.float64], groups: NDArray[np.intp], counts: NDArray[np.intp]) -> tuple[Pixels, float]:
    """Return the groups' mean colours, RGBA, and by how much the colour that is farthest from its mean is shifted."""
    total = np.bincount(groups, counts)
    means = np.stack([np.bincount(groups, counts * channel) / total for channel in colours.T], axis=1)
    shift = float(np.abs(colours - means[groups]).max())
    means[:, :3] /= np.maximum(means[:, 3:], 1) / 255
    return np.clip(np.rint(means), 0, 255).astype(np.uint8), shift


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
