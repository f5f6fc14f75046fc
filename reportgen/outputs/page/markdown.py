"""The user's Markdown as HTML that can do no harm.

Two walls: the Markdown reader passes no raw HTML, and a sanitiser (nh3, from the ammonia project) lets through a short
list of tags. The result is a :class:`SafeHtml`, the only text that templates take unescaped.
"""

from __future__ import annotations

from dataclasses import dataclass

import nh3
from markdown_it import MarkdownIt

from reportgen.system.text import visible

TAGS = frozenset({
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td",
})  # fmt: skip
SCHEMES = frozenset({"https", "http", "mailto"})
_SHIFT = 3


@dataclass(frozen=True)
class SafeHtml:
    """HTML that may stand in a page as it is: sanitised, or written by this program."""

    text: str

    def __html__(self) -> str:
        """Return the text; Jinja2 takes it as already escaped."""
        return self.text


def render_markdown(markdown: str) -> SafeHtml:
    """Return Markdown as sanitised HTML: no raw HTML, no pictures; headings start at the fourth level.

    Links lead to the web, to a mail address, or to a place in the page; other files are not linked, since the page
    stands alone.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    tokens = reader.parse(visible(markdown))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + _SHIFT)}"
    html = reader.renderer.render(tokens, reader.options, {})
    return clean_html(html)


def clean_html(html: str) -> SafeHtml:
    """Return HTML with nothing left but what Markdown could say."""
    clean = nh3.clean(
        visible(html),
        tags=set(TAGS),
        attributes={"a": {"href", "title"}},
        attribute_filter=_kept,
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer",
    )
    return SafeHtml(clean)


def _kept(tag: str, name: str, value: str) -> str | None:
    """Keep links with an allowed scheme (others never come here) and fragments; ``//host`` and other files go."""
    if (tag, name) != ("a", "href"):
        return value
    scheme = value.partition(":")[0].strip().lower()
    return value if value.startswith("#") or scheme in SCHEMES else None
