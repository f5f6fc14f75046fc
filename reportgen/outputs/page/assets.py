"""Style sheets and scripts as they stand inside a page: one text each, which the page's policy names by its digest."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from dataclasses import dataclass

from reportgen.outputs.page.environment import asset
from reportgen.outputs.page.markdown import SafeHtml
from reportgen.outputs.page.theme import Theme

# texts stay as they are; spaces beside signs go where the sign needs none, as between the two of "a + -b"
_TEXT = r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"""
_SPACE = r" *([=<>!&|?:;,(){}\[\]*%]) *|(?<![-+/]) ?([-+/]) ?(?![-+/])"
_TEXT_OR_SPACE = re.compile(f"{_TEXT}|{_SPACE}")
_WORDS = re.compile(_TEXT + r"|(?<![\w.])const\b|(?<![\w)])\((\w+)\)(?==>)|;\n?(?=})|\n(?=[})\].?:&|])|(?<=[;{,(\[])\n")
# a colon begins a selector as well, and a sum needs its spaces
_STYLE = re.compile(rf"""{_TEXT}|/\*.*?\*/|\s*(?:;\s*)?(\}})\s*|\s*([{{;,>])\s*|(?<=[\w)])(:) +|(\s)\s*""", re.DOTALL)


@dataclass(frozen=True)
class Asset:
    """A style sheet or script that stands inside the page, and what the policy calls it."""

    text: SafeHtml

    @property
    def source(self) -> str:
        """The digest, as a Content-Security-Policy source."""
        digest = hashlib.sha256(self.text.text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


def read_assets(*names: str, theme: Theme | None = None, further: str = "") -> Asset:
    """Return style sheets or scripts, one after another, as they stand in a page: without comments and spaces.

    Parameters
    ----------
    names
        Of the files.
    theme
        Whose files come before the program's own.
    further
        Style that stands after them.
    """
    read = theme.asset if theme else asset
    texts = [(_bare if name.endswith(".js") else _bare_style)(read(name)) for name in names]
    return Asset(SafeHtml("".join(f"{text}\n" for text in texts if text) + further))


@functools.lru_cache(maxsize=64)
def _bare(script: str) -> str:
    """Leave out what only a reader of the program needs: comments, indentation, lines, spaces beside signs."""
    lines = (line.strip() for line in script.splitlines())
    bare = "\n".join(line for line in lines if line and not line.startswith("//"))
    bare = _TEXT_OR_SPACE.sub(lambda found: found[1] or found[2] or found[3], bare)
    # nothing that a running program assigns to is constant; one argument needs no bracket, a block's end no semicolon
    return _WORDS.sub(lambda found: found[1] or found[2] or ("let" if found[0] == "const" else ""), bare)


@functools.lru_cache(maxsize=64)
def _bare_style(style: str) -> str:
    """Leave out comments, lines, and spaces beside signs."""
    return _STYLE.sub(lambda found: next(filter(None, found.groups()), ""), style).strip()
