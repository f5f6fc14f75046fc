"""Files that were copied as if they were text: what such a copy leaves behind.

Line ends are changed by FTP in ASCII mode, by version control, by editors; bytes are taken for letters and written in
another encoding by mail, shells and scripts that open a file without ``b``. Some formats are then still decoded without
a word, to a picture of noise.
"""

from __future__ import annotations

import re

LINE_ENDS = "whose line ends were changed in transfer"
SEVEN_BITS = "whose bytes were cut to 7 bits in transfer"
LETTERS = "whose bytes were taken for text in transfer"

_PNG, _JPEG, _JPEG_2000 = "a PNG image", "a JPEG image", "a JPEG 2000 image"
# after these first bytes, CR LF, the mark and LF should come: they're there to tell just this
_SIGNED = ((b"\x89PNG", b"\x1a", _PNG), (b"\0\0\0\x0cjP  ", b"\x87", _JPEG_2000))
_CHANGES = (
    (b"\n", b"\n", "CR LF became LF"),
    (b"\r\r\n", b"\r\n", "LF became CR LF"),
    (b"\r\n", b"\r\n", "LF became CR LF"),
    (b"\n\n", b"\n", "CR became LF"),
    (b"\r\r", b"\r", "LF became CR"),
    (b"\r", b"\r", "CR LF became CR"),
)
_OF_SEVEN_BITS = ((b"\tPNG", _PNG), (b"\x7fX\x7f", _JPEG))
# in the tables of nearly every JPEG the numbers 8, 9, 10, 11 stand in a row, and 10 is LF
_JPEG_ROW = b"\x08\x09\r\n\x0b"
_KINDS = (
    (re.compile(rb".{0,8}PNG\r{0,2}\n{0,2}\x1a", re.DOTALL), _PNG),
    (re.compile(rb"\xff\xd8\xff|.{0,24}(JFIF|Exif)\0", re.DOTALL), _JPEG),
    (re.compile(rb"GIF8[79]a"), "a GIF image"),
    (re.compile(rb"RIFF.{0,16}WEBP", re.DOTALL), "a WebP image"),
    (re.compile(rb".{4,12}ftyp(avif|avis)", re.DOTALL), "an AVIF image"),
    (re.compile(rb".{4,12}jP  |\xff\x4f\xff\x51", re.DOTALL), _JPEG_2000),
    (re.compile(rb"II\*\0|MM\0\*"), "a TIFF image"),
    (re.compile(rb"BM.{12,40}[\x0c\x28\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), "a BMP image"),
    (re.compile(rb"P[4-7]\s"), "a PNM image"),
    (re.compile(rb".{128}DICM", re.DOTALL), "a DICOM file"),
    (re.compile(rb"8BPS|DDS |icns|\x01\xda|\0\0\x01\0|\r\n[\0-\x05]\x01"), "an image"),
)
# whose bytes are as good as random: each value comes about as often as any other
_PACKED = (_PNG, _JPEG, _JPEG_2000, "a GIF image", "a WebP image", "an AVIF image")
_HEAD = 256
# so many different neighbours make it no pattern in the pixels
_ENOUGH = 8
# of the letters of what was an image, a twentieth at least is beyond ASCII
_TEXT_SHARE = 20
# pairs that should be there so many times and aren't there once were changed
_EXPECTED = 16
_PAIR = re.compile(rb"(?s)(.)\r\n(.)")
_LETTER = re.compile("[\x80-\U0010ffff](.)", re.DOTALL)
_BOMS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_TEXT_BYTES = frozenset([*range(32, 127), 9, 10, 12, 13])


def find_transfer_change(data: bytes) -> str | None:
    """Say what a copy as text did to a file.

    Parameters
    ----------
    data
        The whole file.

    Returns
    -------
    str or None
        Such as ``"a PNG image whose line ends were changed in transfer (CR LF became LF)"``; None when nothing proves
        it, which doesn't mean that it wasn't so.
    """
    for start, mark, kind in _SIGNED:
        for before, after, how in _CHANGES:
            if data.startswith(start + before + mark + after):
                return f"{kind} {LINE_ENDS} ({how})"
    for start, kind in _OF_SEVEN_BITS:
        if data.startswith(start):
            return f"{kind} {SEVEN_BITS}"
    kind_found = _kind(data[:_HEAD])
    if kind_found and _has_only_pairs(data):
        return f"{kind_found} {LINE_ENDS} (LF became CR LF)"
    return _of_letters(data)


def perhaps_changed_in_transfer(data: bytes) -> str | None:
    """Say what a copy as text probably did to a file that can't be read; see :func:`find_transfer_change`."""
    kind = _kind(data[:_HEAD])
    if kind not in _PACKED:
        return None
    if len(data) > _HEAD and data.isascii():
        return f"{kind} {SEVEN_BITS}"
    values = set(data)
    if len(values) == 255 and 13 not in values:
        return f"{kind} {LINE_ENDS} (CR is the only byte that isn't in it)"
    if b"\r\n" not in data and data.count(b"\r") * data.count(b"\n") >= _EXPECTED * len(data):
        return f"{kind} {LINE_ENDS} (no CR LF is left)"
    return None


def _has_only_pairs(data: bytes) -> bool:
    """Whether every LF has a CR before it, in many places that are no text."""
    pairs = data.count(b"\r\n")
    if not pairs or data.count(b"\n") != pairs:
        return False
    if data.startswith(b"\xff\xd8\xff") and _JPEG_ROW in data:
        return True
    around = set()
    for found in _PAIR.finditer(data):
        before, after = found[1][0], found[2][0]
        if before not in _TEXT_BYTES or after not in _TEXT_BYTES:
            around.add((before, after))
        if len(around) >= _ENOUGH:
            return True
    return False


def _of_letters(data: bytes) -> str | None:
    """Say whether an image was written anew as text in UTF-8 or UTF-16, or without what is no letter."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            head = data[2 : 2 + 2 * _HEAD].decode(encoding, "replace").encode("latin-1", "replace")
            kind = _kind(head)
            return f"{kind} {LETTERS} (it is UTF-16 now)" if kind else None
    kind = _kind(data[:_HEAD].removeprefix(b"\xef\xbb\xbf"))
    if kind is None:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # of the bytes of an image about half are no ASCII; a text in it may well be UTF-8 of its own
    if (len(data) - len(text)) * _TEXT_SHARE >= len(text) and _has_many_letters(text):
        return f"{kind} {LETTERS} (it is UTF-8 now)"
    # neither begins with a byte below 128
    if kind in (_PNG, _JPEG):
        return f"{kind} {LETTERS} (bytes above 127 are missing)"
    return None


def _has_many_letters(text: str) -> bool:
    """Whether letters beyond ASCII stand before many different ones."""
    following = set()
    for found in _LETTER.finditer(text):
        following.add(found[1])
        if len(following) >= _ENOUGH:
            return True
    return False


def _kind(head: bytes) -> str | None:
    return next((name for pattern, name in _KINDS if pattern.match(head)), None)
