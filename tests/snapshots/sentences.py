"""The sentences of a page, as a reader meets them: folded parts included, tables, captions and quoted code not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

LEFT_OUT = frozenset(("script", "style", "template", "svg", "table", "figcaption", "pre", "head", "nav"))
PARTS = frozenset((
    "p", "li", "dt", "dd", "h1", "h2", "h3", "h4", "summary", "div", "section", "legend", "details", "article",
    "figure", "label", "ul", "ol",
))  # fmt: skip
NUMBER = re.compile(r"[-+−]?\d[\d.,]*")
FEWEST_WORDS = 4


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.left_out = 0
        self.parts = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.left_out += tag in LEFT_OUT
        if tag in PARTS:
            self.parts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.left_out -= tag in LEFT_OUT
        if tag in PARTS:
            self.parts.append("")

    def handle_data(self, data: str) -> None:
        if not self.left_out:
            self.parts[-1] += data


def sentences_of(page: str, titles: Sequence[str] = ()) -> list[str]:
    """Return the sentences of a page, without the title of the case that one begins with."""
    reader = _Words()
    reader.feed(page)
    found = []
    title = re.compile(f"(?:{'|'.join(map(re.escape, titles))}): ") if titles else re.compile("^$")
    for part in (" ".join(one.split()) for one in reader.parts):
        at = title.match(part)
        split = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", part[at.end() :] if at else part)
        found += [one for one in split if one.endswith((".", "?", "!")) and len(one.split()) >= FEWEST_WORDS]
    return found


def shape_of(sentence: str, names: Sequence[str] = ()) -> str:
    """Return a sentence without its numbers and the names of layers."""
    for name in sorted(names, key=len, reverse=True):
        sentence = sentence.replace(name, "LAYER")
    return NUMBER.sub("#", sentence)
