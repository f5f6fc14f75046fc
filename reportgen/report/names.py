"""When two names mean the same class: ``NO_FINDING`` of a folder and ``No Finding`` of a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_DASHES = re.compile("[‐‑‒–−]")
_WORDS = re.compile(r"[^\s_-]+")


def plain_name(name: str) -> str:
    """Return a name without what makes no difference: names that are equal in this form mean the same class.

    Case makes none, nor do spaces, ``_`` and ``-`` between words. A ``-`` at the very start or end is a sign (``-1``,
    ``HER2-``) and stays; between two digits a space stays, for ``1-2`` is not ``12``.
    """
    text = _DASHES.sub("-", unicodedata.normalize("NFC", name.casefold())).strip().strip("_").strip()
    words: list[str] = _WORDS.findall(text)
    if not words:
        return name.strip()
    plain = words[0]
    for word in words[1:]:
        plain += f" {word}" if plain[-1].isdigit() and word[0].isdigit() else word
    return "-" * text.startswith("-") + plain + "-" * text.endswith("-")


def are_the_same(names: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether two rows of names mean the same, one by one."""
    return [plain_name(name) for name in names] == [plain_name(name) for name in others]


def are_different(names: Sequence[str]) -> bool:
    """Return whether no two of several names mean the same."""
    return len({plain_name(name) for name in names}) == len(names)


def find_name(name: str, names: Sequence[str]) -> int | None:
    """Return the place of the one of several names that means the same as a name; None where none does."""
    plain = plain_name(name)
    return next((place for place, other in enumerate(names) if plain_name(other) == plain), None)
