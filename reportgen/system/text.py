"""Text from anywhere, made such that what is there can be seen.

File names, labels, layer names and DICOM tags can hold characters that have no picture but an effect: a terminal obeys
escape sequences, a reversed direction makes ``fdp.exe`` read as ``exe.pdf``, half a surrogate pair can't be written as
UTF-8. All outputs pass texts through here.
"""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# C0 and C1 controls except tab and newline; embeddings, overrides and isolates of direction; line and paragraph
# separators, which JavaScript takes for line ends; interlinear annotations, tags and non-characters; lone surrogates.
# Marks of direction (U+200E, U+200F, U+061C) and joiners stay: Arabic, Hebrew, Persian and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return a text with U+FFFD in place of each character that would act instead of being seen.

    Tabs and newlines stay; a carriage return before a newline goes.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(REPLACEMENT, text.replace("\r\n", "\n"))


def in_megabytes(count: int) -> str:
    """Return a number of bytes in three digits, in megabytes of a million bytes each; a small one as it is."""
    return f"{count} bytes" if count < 10_000 else f"{float(f'{count / 1e6:.3g}'):,.15g} MB"
