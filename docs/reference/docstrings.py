"""NumPy docstrings as data, and their text as Markdown."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_ROLE = re.compile(r":(?:func|class|attr|meth|mod|data):`~?(?:[\w.]+\.)?(\w+)`")
_DOCUMENT = re.compile(r"``docs/([\w-]+\.md)``")
_CODE = re.compile(r"``([^`]+)``")


@dataclass(frozen=True)
class Docstring:
    """A docstring in parts.

    Attributes
    ----------
    summary
        Its first sentence or sentences, on one line.
    text
        What follows, a paragraph each.
    sections
        By title (``Parameters``, ``Attributes``, ``Returns``, ``Raises``): the text under each name, in order. Names
        that share a text each have it.
    """

    summary: str
    text: tuple[str, ...] = ()
    sections: dict[str, dict[str, str]] = field(default_factory=dict)


def parse(documented: object) -> Docstring:
    """Return the docstring of a class or function in parts.

    Raises
    ------
    ValueError
        When it has none.
    """
    doc = documented.__doc__
    if not doc:
        raise ValueError(f"{documented} has no docstring")
    titled: list[tuple[str, list[str]]] = [("", [])]
    for line in inspect.cleandoc(doc).splitlines():
        if line and not line.strip("-") and titled[-1][1]:
            titled.append((titled[-1][1].pop(), []))
        else:
            titled[-1][1].append(line)
    summary, *text = _paragraphs(titled[0][1])
    return Docstring(summary, tuple(text), {title: _entries(lines) for title, lines in titled[1:]})


def as_markdown(text: str) -> str:
    """Return a docstring's text as Markdown: names as code, documents as links."""
    text = _DOCUMENT.sub(r"[\1](\1)", text)
    return _CODE.sub(r"`\1`", _ROLE.sub(r"`\1`", text))


def _entries(lines: list[str]) -> dict[str, str]:
    """Return what stands under each name; names stand at the margin, their texts are indented."""
    grouped: list[tuple[str, list[str]]] = []
    for line in lines:
        if line and not line.startswith(" "):
            grouped.append((line, []))
        elif grouped:
            grouped[-1][1].append(line.strip())
    return {name.strip(): " ".join(_paragraphs(text)) for names, text in grouped for name in names.split(",")}


def _paragraphs(lines: list[str]) -> list[str]:
    return [" ".join(part.split()) for part in "\n".join(lines).strip().split("\n\n")]
